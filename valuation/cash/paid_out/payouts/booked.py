"""What the bank says of a payout run: payments booked, and payments that came back."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from talent import locales, outbox
from talent.beneficiaries import reader_of
from talent.models import Agency, User
from valuation.cash.disputed import holding
from valuation.ledger import journal
from valuation.models import BankLine, BankLineStep, JournalEntry, PayoutPayment
from valuation.words import AccountKind, BankLineStepKind, EntryKind, PayoutStepKind

from .refusals import NotOfAPayout
from .runs import ZERO, post, step

# A bank keeps a fee of what it sends back; less than half of it came is another matter.
MOST_OF_IT = Decimal("0.5")


def explained(lines: Sequence[BankLine]) -> dict[int, list[PayoutPayment]]:
    """Return by line which payments it is, in two queries: those in transit, or one sent back.

    A debit names one payment, or the run and comes to all that is left of it, to the cent. A credit
    names one that was booked; the bank may have kept a fee of it.
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
        in_all = sum((one.amount for one in named_by_it), ZERO)
        less_a_fee = line.amount > 0 and len(named_by_it) == 1 and fee_of(line, in_all) > 0
        if in_all == abs(line.amount) or less_a_fee:
            found[line.pk] = named_by_it
    return found


def fee_of(line: BankLine, sent: Decimal) -> Decimal:
    """Return what the bank kept of a payment that came back; zero where that is no fee."""
    fee = sent - line.amount
    return fee if 0 < fee <= sent * MOST_OF_IT else ZERO


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
        entry = post(
            payment.run,
            payment,
            EntryKind.PAYOUT_BOOKED,
            {AccountKind.IN_TRANSIT: payment.amount, AccountKind.TRUST_CASH: -payment.amount},
            locked.booked_on,
            by,
            at,
        )
        step(payment.run, PayoutStepKind.CONFIRMED, by, at, payment=payment, line=locked,
              entry=entry)  # fmt: skip
        _advise(payment, locked.booked_on, at)
    _close(locked, BankLineStepKind.PAID_OUT, by, at)
    return payments


@transaction.atomic
def give_back(*, line: BankLine, by: User, at: datetime) -> PayoutPayment:
    """Make payable again what the bank sent back; a fee that it kept the agency bears.

    Raises NotOfAPayout.
    """
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
    entry = post(
        payment.run,
        payment,
        EntryKind.PAYOUT_RETURNED,
        {
            AccountKind.TRUST_CASH: locked.amount,
            AccountKind.AGENCY_MONEY: fee_of(locked, payment.amount),
            AccountKind.IN_TRANSIT: -payment.amount,
        },
        locked.booked_on,
        by,
        at,
    )
    holding.follow_agency(payment.run.agency_id, now=at, by=by)
    step(payment.run, PayoutStepKind.RETURNED, by, at, payment=payment, line=locked, entry=entry)
    _close(locked, BankLineStepKind.SENT_BACK, by, at)
    return payment


def _advise(payment: PayoutPayment, on: date, at: datetime) -> None:
    reader = reader_of(payment.beneficiary)
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


def _locked_line(line: BankLine) -> BankLine:
    # The agency first, as everywhere: two lines of one run are confirmed one after the other.
    Agency.objects.select_for_update(no_key=True).get(pk=line.agency_id)
    BankLine.objects.select_for_update(no_key=True).get(pk=line.pk)
    locked: BankLine = BankLine.objects.with_state().get(pk=line.pk)
    return locked


def _close(line: BankLine, kind: BankLineStepKind, by: User, at: datetime) -> None:
    BankLineStep.objects.create(line=line, kind=kind.value, at=at, by=by)
