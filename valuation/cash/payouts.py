"""Payout runs: drawn up by one person, approved by another, filed, and booked by the bank.

What is approved leaves what is payable at once and is in transit, so that no money is drawn twice.
It is paid when the bank's statement says so, and payable again when the bank sends it back.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from licensing.money import rounded
from talent import envelope, four_eyes, locales, outbox
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import local_day
from valuation.bank_files import nacha, pain001
from valuation.bank_files.payments import LONGEST_TEXT, NotPayable, Payment, PaymentBatch
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import (
    BankDetails,
    BankLine,
    BankLineStep,
    JournalEntry,
    PayoutPayment,
    PayoutRun,
    PayoutStep,
)
from valuation.words import (
    AccountKind,
    BankLineStepKind,
    EntryKind,
    PaymentScheme,
    PayoutHold,
    PayoutRunState,
    PayoutStepKind,
)

from . import bank_details, payable
from .payable import Due, Item

DRAWS = "valuation.draw_payoutrun"
APPROVES = "valuation.approve_payoutrun"
CONFIRMS = "valuation.confirm_payoutrun"
PURPOSE = "payout-file"
ZERO = Decimal(0)
FURTHEST = timedelta(days=60)


class NotThatDay(Refused):
    """A day on which no bank would pay: past, or far off."""

    code = "not_that_day"


class NoAccountOfItsOwn(Refused):
    """The agency has no approved client account in the currency."""

    code = "no_account_of_its_own"


class NobodyToPay(Refused):
    """Nothing is payable to anybody, or all of it is held."""

    code = "nobody_to_pay"


class NotItsTurn(Refused):
    """A step that is not the run's next one."""

    code = "not_its_turn"


class ChangedSince(Refused):
    """What was drawn up holds no more: an account changed, money fell, somebody is held."""

    code = "changed_since"


class NotPayableAmount(Refused):
    """An amount that is not above zero, too fine, or more than is payable."""

    code = "not_payable_amount"


class NoReason(Refused):
    """Whoever holds or lessens a payment says why."""

    code = "no_reason"


class NotOfAPayout(Refused):
    """A line of the bank that no payment in transit, or booked, explains."""

    code = "not_of_a_payout"


class FileChanged(Refused):
    """The stored file is not the one that was approved."""

    code = "file_changed"


# Drawing up


@transaction.atomic
def draw_up(
    *,
    agency: Agency,
    currency: str,
    pay_on: date,
    minimum: Decimal = ZERO,
    scheme: PaymentScheme,
    by: User,
    at: datetime,
) -> PayoutRun:
    """Write down whom an agency would pay on a day, and who has to wait and why. No money moves.

    Raises NotThatDay, NoAccountOfItsOwn, NobodyToPay, four_eyes.NobodyToApprove.
    """
    # Locked, so that two runs do not plan the same money.
    agency = Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
    _check_day(agency, pay_on, at)
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=agency.pk)
    own = bank_details.in_force(agency_id=agency.pk, currency=currency).get(None)
    if own is None:
        raise NoAccountOfItsOwn(
            _("%(agency)s has no approved client account in %(currency)s: add it, bank details.")
            % {"agency": agency, "currency": currency}
        )
    run = PayoutRun(
        agency=agency,
        currency=currency,
        pay_on=pay_on,
        minimum=minimum,
        scheme=scheme.value,
        account=own,
        reference=f"PAY{pay_on:%y%m%d}{secrets.token_hex(3).upper()}",
        drawn_up_at=at,
        drawn_up_by=by,
    )
    dues = payable.due_payees(
        agency=agency, currency=currency, pay_on=pay_on, minimum=minimum, scheme=scheme, at=at
    )
    if not any(not due.holds for due in dues):
        raise NobodyToPay(_nobody(dues))
    run.save()
    _add_payments(run, dues)
    return run


def _check_day(agency: Agency, pay_on: date, at: datetime) -> None:
    today = local_day(at, agency.time_zone)
    if not today <= pay_on <= today + FURTHEST:
        raise NotThatDay(
            _("A bank pays on a day from %(first)s to %(last)s.")
            % {"first": today, "last": today + FURTHEST}
        )


def _nobody(dues: Sequence[Due]) -> str:
    if not dues:
        return _("Nothing is payable to anybody in this currency that no other run plans.")
    reasons = sorted({str(hold.label) for due in dues for hold in due.holds})
    return _("All %(count)d payees are held: %(reasons)s.") % {
        "count": len(dues),
        "reasons": "; ".join(reasons),
    }


def _add_payments(run: PayoutRun, dues: Sequence[Due]) -> None:
    payments = []
    for due in dues:
        payment = PayoutPayment(
            run=run,
            beneficiary_id=due.beneficiary_id,
            currency=run.currency,
            payable=due.payable,
            amount=due.amount,
            pay_by=due.pay_by.day if due.pay_by else None,
            rule=due.pay_by.rule if due.pay_by else "",
            details=due.details,
            holds=[hold.value for hold in due.holds],
            items=[item.to_json() for item in due.items],
            end_to_end=f"P{secrets.token_hex(6).upper()}",
        )
        if not payment.holds and (fault := _fault(run, payment)):
            payment.holds, payment.note = [PayoutHold.OTHER_FILE.value], fault[:300]
        payments.append(payment)
    PayoutPayment.objects.bulk_create(payments)
    statements = payable.unpaid_statements(
        agency_id=run.agency_id,
        currency=run.currency,
        beneficiary_ids=[due.beneficiary_id for due in dues],
    )
    links = PayoutPayment.statements.through
    links.objects.bulk_create(
        links(payoutpayment_id=payment.pk, statement_id=statement.pk)
        for payment in payments
        for statement in statements.get(payment.beneficiary_id, ())
    )


def _fault(run: PayoutRun, payment: PayoutPayment) -> str:
    """Return what is wrong with one payment in the run's file; empty: nothing."""
    try:
        _written(run, [payment])
    except NotPayable as refusal:
        return str(refusal)
    return ""


@transaction.atomic
def change(
    *, payment_id: int, amount: Decimal, reason: str, by: User, at: datetime
) -> PayoutPayment:
    """Have a planned payment be of another amount, or hold it with zero; the rest stays payable.

    Raises NotItsTurn, NotPayableAmount, NoReason.
    """
    payment = PayoutPayment.objects.select_related("run").get(pk=payment_id)
    run = _locked(payment.run_id, PayoutRunState.DRAWN_UP)
    payment = PayoutPayment.objects.select_for_update().get(pk=payment_id)
    if not reason.strip():
        raise NoReason(_("Say why: whoever approves the run reads it."))
    if set(payment.holds) - {PayoutHold.BY_HAND.value}:
        raise NotItsTurn(_("%s is held by what is not decided here.") % payment)
    whole = [Item.from_json(one) for one in payment.items]
    most = _most(payment)
    if not ZERO <= amount <= most or amount != rounded(amount, run.currency):
        raise NotPayableAmount(
            _("From zero to %s may be paid.") % locales.money(most, run.currency, "en")
        )
    payment.note = reason.strip()[:300]
    if amount:
        free = _free_items(payment)
        payment.items = [one.to_json() for one in payable.cut(free, amount)]
        payment.amount, payment.holds = amount, []
    else:
        payment.holds = [PayoutHold.BY_HAND.value]
    payment.save(update_fields=["note", "items", "amount", "holds"])
    told = f"{sum((one.amount for one in whole), ZERO)} → {amount}: {reason.strip()}"
    _step(run, PayoutStepKind.CHANGED, by, at, payment=payment, note=told[:300])
    return payment


def _free_items(payment: PayoutPayment) -> tuple[Item, ...]:
    """Return what could be paid to a payee by this payment, as if its run planned nothing."""
    run = payment.run
    dues = payable.due_payees(
        agency=run.agency,
        currency=run.currency,
        pay_on=run.pay_on,
        minimum=ZERO,
        scheme=PaymentScheme(run.scheme),
        at=run.drawn_up_at,
        but=run.pk,
    )
    return next((due.items for due in dues if due.beneficiary_id == payment.beneficiary_id), ())


def _most(payment: PayoutPayment) -> Decimal:
    free = sum((item.amount for item in _free_items(payment)), ZERO)
    payable_then: Decimal = payment.payable
    return min(free, payable_then)


# Deciding


def digest_of(run: PayoutRun) -> str:
    """Return the digest of what a run says: payees, amounts, accounts, holds and the day."""
    rows = run.payments.order_by("pk").values_list(
        "beneficiary", "amount", "details", "holds", "items", "end_to_end"
    )
    told = [run.reference, str(run.pay_on), run.currency, run.scheme, run.account_id]
    said = json.dumps([told, [[*map(str, row)] for row in rows]])
    return hashlib.sha256(said.encode()).hexdigest()


@transaction.atomic
def approve(*, run_id: int, seen: str, by: User, at: datetime, note: str = "") -> PayoutRun:
    """Make the file of a run, and post what it pays from payable to in transit.

    `seen` is the digest of what the approver saw. Raises NotItsTurn, ChangedSince, NotThatDay,
    NotPayable, four_eyes.FourEyes; then nothing is posted.
    """
    run = _locked(run_id, PayoutRunState.DRAWN_UP)
    changed = run.steps.filter(kind=PayoutStepKind.CHANGED.value)
    before = [run.drawn_up_by_id, *changed.values_list("by", flat=True)]
    four_eyes.refuse_same_person(by=by, before=before)
    if seen != digest_of(run):
        raise ChangedSince(_("It has changed since you looked. Look again."))
    _check_day(run.agency, run.pay_on, at)
    payments = list(run.payments.filter(holds=[]).select_related("beneficiary", "details__agency"))
    if not payments:
        raise NobodyToPay(_("Everybody in this run is held."))
    _check_still_so(run, payments, at)
    content = _written(run, payments, at)
    for payment in payments:
        payment.entry = _post(
            run,
            payment,
            EntryKind.PAYOUT,
            {AccountKind.PAYABLE: payment.amount, AccountKind.IN_TRANSIT: -payment.amount},
            local_day(at, run.agency.time_zone),
            by,
            at,
        )
        payment.save(update_fields=["entry"])
    run.digest = seen
    run.file = envelope.seal(content, key=_key(), about=run.reference)
    run.file_sha256 = hashlib.sha256(content).hexdigest()
    run.save(update_fields=["digest", "file", "file_sha256"])
    _step(run, PayoutStepKind.APPROVED, by, at, note=note)
    return run


def _check_still_so(run: PayoutRun, payments: Sequence[PayoutPayment], at: datetime) -> None:
    """Raise ChangedSince, naming whose account or money is another than was drawn up."""
    in_force = bank_details.in_force(agency_id=run.agency_id, currency=run.currency)
    if in_force.get(None) != run.account:
        raise ChangedSince(_("Your own client account changed since. Cancel, and draw up anew."))
    dues = {
        due.beneficiary_id: due
        for due in payable.due_payees(
            agency=run.agency,
            currency=run.currency,
            pay_on=run.pay_on,
            minimum=ZERO,
            scheme=PaymentScheme(run.scheme),
            at=at,
            but=run.pk,
        )
    }
    for payment in payments:
        due = dues.get(payment.beneficiary_id)
        if because := _why_not_so(payment, due):
            raise ChangedSince(
                _("%(who)s: %(why)s. Hold the payment, or cancel and draw up anew.")
                % {"who": payment.beneficiary, "why": because}
            )


def _why_not_so(payment: PayoutPayment, due: Due | None) -> str:
    if due is None:
        return _("nothing is payable any more")
    if due.holds:
        return "; ".join(str(hold.label) for hold in due.holds)
    if due.details != payment.details:
        return _("the bank details changed since")
    free = {item.source: item.amount for item in due.items}
    for item in map(Item.from_json, payment.items):
        if free.get(item.source, ZERO) < item.amount:
            return _("less is payable than when it was drawn up")
    return ""


@transaction.atomic
def cancel(*, run_id: int, by: User, at: datetime, reason: str) -> None:
    """Cancel a run whose file nobody fetched: what it pays is payable again.

    Raises NoReason, NotItsTurn.
    """
    if not reason.strip():
        raise NoReason(_("Say why: others read it."))
    run = _locked(run_id, PayoutRunState.DRAWN_UP, PayoutRunState.APPROVED)
    for entry in JournalEntry.objects.filter(payout_payment__in=run.payments.live()):
        journal.reverse(
            entry_id=entry.pk,
            effective_on=local_day(at, run.agency.time_zone),
            recorded_at=at,
            by=by,
            reason=f"{run.reference} was cancelled: {reason.strip()}",
        )
    _step(run, PayoutStepKind.CANCELLED, by, at, note=reason.strip())


# The file


@transaction.atomic
def fetch(*, run_id: int, by: User, at: datetime) -> bytes:
    """Return the file for the bank, always the same bytes, and note who fetched it when.

    Raises NotItsTurn, FileChanged.
    """
    states = (PayoutRunState.APPROVED, PayoutRunState.SENT, PayoutRunState.SETTLED)
    run = _locked(run_id, *states)
    try:
        content = envelope.open_envelope(bytes(run.file or b""), key=_key(), about=run.reference)
    except envelope.EnvelopeBroken:
        content = b""
    if hashlib.sha256(content).hexdigest() != run.file_sha256:
        raise FileChanged(
            _("The file that was approved cannot be opened. Cancel the run, and draw it up anew.")
        )
    _step(run, PayoutStepKind.DOWNLOADED, by, at)
    return content


def changed_since(run: PayoutRun) -> list[PayoutPayment]:
    """Return the payments in transit whose payee has other bank details by now than the file."""
    now = bank_details.in_force(agency_id=run.agency_id, currency=run.currency)
    rows = run.payments.in_transit().select_related("beneficiary")
    return [row for row in rows if now.get(row.beneficiary_id) != row.details]


def file_name(run: PayoutRun) -> str:
    return f"{run.reference}.{'ach' if run.scheme == PaymentScheme.NACHA else 'xml'}"


def _written(
    run: PayoutRun, payments: Sequence[PayoutPayment], at: datetime | None = None
) -> bytes:
    """Return the file that pays these. Raises NotPayable."""
    batch = PaymentBatch(
        reference=run.reference,
        made_at=at or run.drawn_up_at,
        execute_on=run.pay_on,
        currency=run.currency,
        debtor=bank_details.account_of(run.account),
        payments=tuple(
            Payment(
                end_to_end=payment.end_to_end,
                to=bank_details.account_of(_details_of(payment)),
                amount=rounded(payment.amount, run.currency),
                text=f"{run.agency.name} {payment.end_to_end}"[:LONGEST_TEXT],
            )
            for payment in payments
        ),
    )
    if run.scheme == PaymentScheme.NACHA:
        return nacha.write(batch, company_id=bank_details.company_id_of(run.account))
    return pain001.write(batch)


def _details_of(payment: PayoutPayment) -> BankDetails:
    if payment.details is None:
        raise NotPayable(_("%s has no bank details.") % payment.beneficiary)
    return payment.details


# What the bank says


def explained(lines: Sequence[BankLine]) -> dict[int, list[PayoutPayment]]:
    """Return by line which payments it is, in two queries: those in transit, or one sent back.

    A debit names one payment, or the run and comes to all that is left of it. A credit names one
    that was booked. Amounts are equal to the cent.
    """
    words = {line.pk: _words(line) for line in lines}
    named = set[str]().union(*words.values())
    payments = PayoutPayment.objects.select_related("run__agency", "beneficiary", "details")
    leaving = payments.in_transit().filter(Q(end_to_end__in=named) | Q(run__reference__in=named))
    booked = payments.live().filter(
        end_to_end__in=named, steps__kind=PayoutStepKind.CONFIRMED.value
    )
    by_direction = {False: list(leaving), True: list(booked)}
    found = {}
    for line in lines:
        rows = [
            one
            for one in by_direction[line.amount > 0]
            if (one.run.agency_id, one.currency) == (line.agency_id, line.currency)
        ]
        alone = [one for one in rows if one.end_to_end in words[line.pk]]
        together = [one for one in rows if one.run.reference in words[line.pk]]
        named_by_it = alone or (together if line.amount < 0 else [])
        if sum((one.amount for one in named_by_it), ZERO) == abs(line.amount):
            found[line.pk] = named_by_it
    return found


def booked_by(line: BankLine) -> list[PayoutPayment]:
    """Return the payments in transit that a debit of the bank is."""
    return explained([line]).get(line.pk, []) if line.amount < 0 else []


def sent_back_by(line: BankLine) -> PayoutPayment | None:
    """Return the booked payment that a credit of the bank brings back."""
    found = explained([line]).get(line.pk, []) if line.amount > 0 else []
    return found[0] if found else None


def _words(line: BankLine) -> set[str]:
    told = f"{line.end_to_end} {line.text} {line.bank_reference}"
    return {word.strip(".,;:/") for word in told.split()}


@transaction.atomic
def confirm(*, line: BankLine, by: User, at: datetime) -> list[PayoutPayment]:
    """Post what the bank has paid out: from in transit off the trust account. Raises NotOfAPayout.

    Each payee gets a remittance advice by mail.
    """
    locked = _locked_line(line)
    # Locked, so that no reversal by hand comes between.
    entries = JournalEntry.objects.filter(payout_payment__in=booked_by(locked)).order_by("pk")
    list(entries.select_for_update().values_list("pk"))
    payments = booked_by(locked)
    if not payments or not locked.is_open:
        raise NotOfAPayout(_("No payment in transit has this reference and amount."))
    for payment in payments:
        entry = _post(
            payment.run,
            payment,
            EntryKind.PAYOUT_BOOKED,
            {AccountKind.IN_TRANSIT: payment.amount, AccountKind.TRUST_CASH: -payment.amount},
            locked.booked_on,
            by,
            at,
        )
        _step(payment.run, PayoutStepKind.CONFIRMED, by, at, payment=payment, line=locked,
              entry=entry)  # fmt: skip
        _advise(payment, locked.booked_on, at)
    _close(locked, BankLineStepKind.PAID_OUT, by, at)
    return payments


@transaction.atomic
def give_back(*, line: BankLine, by: User, at: datetime) -> PayoutPayment:
    """Make payable again what the bank sent back. Raises NotOfAPayout."""
    locked = _locked_line(line)
    payment = sent_back_by(locked)
    if payment is None or not locked.is_open or payment.entry_id is None:
        raise NotOfAPayout(_("No booked payment has this reference and amount."))
    journal.reverse(
        entry_id=payment.entry_id,
        effective_on=locked.booked_on,
        recorded_at=at,
        by=by,
        reason=f"{payment.end_to_end} came back",
    )
    entry = _post(
        payment.run,
        payment,
        EntryKind.PAYOUT_RETURNED,
        {AccountKind.TRUST_CASH: payment.amount, AccountKind.IN_TRANSIT: -payment.amount},
        locked.booked_on,
        by,
        at,
    )
    _step(payment.run, PayoutStepKind.RETURNED, by, at, payment=payment, line=locked, entry=entry)
    _close(locked, BankLineStepKind.SENT_BACK, by, at)
    return payment


def _advise(payment: PayoutPayment, on: date, at: datetime) -> None:
    reader = bank_details.reader_of(payment.beneficiary)
    if reader is None or payment.details is None:
        return
    amount = locales.money(payment.amount, payment.currency, "en")
    outbox.post(
        recipient=reader.email,
        subject=_("%(agency)s paid you %(amount)s")
        % {"agency": payment.run.agency, "amount": amount},
        body=_(
            "%(amount)s left the account of %(agency)s on %(day)s, for %(account)s.\n"
            "Reference: %(reference)s\n\n"
            "What it is for stands on your statements in the portal.\n"
        )
        % {
            "amount": amount,
            "agency": payment.run.agency,
            "day": on,
            "account": payment.details.masked,
            "reference": payment.end_to_end,
        },
        at=at,
    )


def _post(
    run: PayoutRun,
    payment: PayoutPayment,
    kind: EntryKind,
    amounts: dict[AccountKind, Decimal],
    on: date,
    by: User,
    at: datetime,
) -> JournalEntry:
    held_by_nobody = {AccountKind.TRUST_CASH}
    entry = journal.post(
        agency_id=run.agency_id,
        kind=kind,
        currency=run.currency,
        sides=[
            Side(
                account,
                amount,
                beneficiary_id=None if account in held_by_nobody else payment.beneficiary_id,
            )
            for account, amount in amounts.items()
        ],
        effective_on=on,
        recorded_at=at,
        description=f"{kind.label}: {payment.end_to_end} of {run.reference}",
        by=by,
    )
    if entry is None:
        raise NotPayableAmount(_("%s pays nothing.") % payment)
    return entry


def _locked(run_id: int, *states: PayoutRunState) -> PayoutRun:
    """Lock a run and its agency's money; raise NotItsTurn unless it is in one of the states."""
    agency_id = PayoutRun.objects.values_list("agency", flat=True).get(pk=run_id)
    # Locked, so that two people do not decide at once, nor two runs spend the same balance.
    Agency.objects.select_for_update(no_key=True).get(pk=agency_id)
    run: PayoutRun = (
        PayoutRun.objects.with_state()
        .select_related("agency", "account__agency", "account__decision")
        .get(pk=run_id)
    )
    if run.state not in states:
        raise NotItsTurn(f"{run}: {run.state.label.lower()}.")
    return run


def _locked_line(line: BankLine) -> BankLine:
    # The agency first, as everywhere: two lines of one run are confirmed one after the other.
    Agency.objects.select_for_update(no_key=True).get(pk=line.agency_id)
    BankLine.objects.select_for_update(no_key=True).get(pk=line.pk)
    locked: BankLine = BankLine.objects.with_state().get(pk=line.pk)
    return locked


def _close(line: BankLine, kind: BankLineStepKind, by: User, at: datetime) -> None:
    BankLineStep.objects.create(line=line, kind=kind.value, at=at, by=by)


def _step(
    run: PayoutRun,
    kind: PayoutStepKind,
    by: User,
    at: datetime,
    *,
    payment: PayoutPayment | None = None,
    line: BankLine | None = None,
    entry: JournalEntry | None = None,
    note: str = "",
) -> None:
    PayoutStep.objects.create(
        run=run, payment=payment, kind=kind.value, at=at, by=by, line=line, entry=entry,
        note=note.strip()[:300],
    )  # fmt: skip


def _key() -> bytes:
    return envelope.key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)
