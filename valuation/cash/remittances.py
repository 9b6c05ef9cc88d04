"""Remittances: cash from licensees, matched to what they owe, released to who earned it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from licensing.agreements.rulesets import rule_of
from licensing.models import Agreement, RuleSet
from licensing.money import allocate, rounded
from talent.beneficiaries import Share, shares_of
from talent.errors import Refused
from talent.models import Agency, Performer, Representation, TaxCertificate, User
from talent.words import Guild, Life
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Posting, Reading, Remittance, RemittanceMatch
from valuation.words import AccountKind, EntryKind, ReleaseStep

from .waterfall import Payee, Received, targets_of, waterfall

ZERO = Decimal(0)

# Where a step of the waterfall stands in the ledger.
ACCOUNTS = {
    ReleaseStep.COMMISSION: AccountKind.COMMISSION,
    ReleaseStep.MINOR_TRUST: AccountKind.MINOR_TRUST,
    ReleaseStep.WITHHOLDING: AccountKind.WITHHOLDING,
    ReleaseStep.PAYABLE: AccountKind.PAYABLE,
}


class AlreadyRecorded(Refused):
    code = "already_recorded"


class NotThatMuchPayable(Refused):
    code = "not_that_much_payable"


class NotPayableCash(Refused):
    code = "not_payable_cash"


@transaction.atomic
def record(
    *,
    agency_id: int,
    licensee_id: int,
    amount: Decimal,
    currency: str,
    received_on: date,
    reference: str,
    by: User | None,
    now: datetime,
) -> Remittance:
    """Record money received into trust. It stays unmatched until the night finds its debts.

    The bank's or licensee's reference may come once per licensee; the same again gives the
    first remittance. Raises AlreadyRecorded if it comes with another amount, and
    NotPayableCash if the amount is not above zero at the currency's precision.
    """
    if amount <= 0 or amount != rounded(amount, currency):
        raise NotPayableCash(f"{amount} {currency} cannot have been received; check the amount.")
    terms = {"amount": amount, "currency": currency, "received_on": received_on}
    remittance, new = Remittance.objects.get_or_create(
        agency_id=agency_id,
        licensee_id=licensee_id,
        reference=reference,
        defaults={**terms, "recorded_at": now, "recorded_by": by},
    )
    if not new:
        return _same(remittance, terms)
    journal.post(
        agency_id=agency_id,
        kind=EntryKind.RECEIPT,
        currency=currency,
        sides=[
            Side(AccountKind.TRUST_CASH, amount),
            Side(AccountKind.UNMATCHED, -amount, licensee_id=licensee_id),
        ],
        effective_on=received_on,
        recorded_at=now,
        description=f"Received: {reference}",
        by=by,
        remittance_id=remittance.pk,
    )
    return remittance


def match_unmatched(*, agency_id: int, now: datetime) -> list[RemittanceMatch]:
    """Match an agency's unmatched cash to what its licensees owe, oldest period first.

    What is matched is released to the beneficiaries at once. One transaction per remittance.
    """
    cash = Remittance.objects.filter(agency=agency_id).order_by("received_on", "pk")
    return [match for one in cash.with_unmatched() for match in _match(one.pk, now)]


@transaction.atomic
def pay_out(
    *,
    agency_id: int,
    beneficiary_id: int,
    amount: Decimal,
    currency: str,
    paid_on: date,
    by: User,
    now: datetime,
) -> None:
    """Record money paid to a beneficiary. Raises NotThatMuchPayable."""
    # Locked, so that two payouts cannot both spend the same balance.
    Agency.objects.select_for_update().get(pk=agency_id)
    payable = -journal.balance(
        agency_id=agency_id,
        kind=AccountKind.PAYABLE,
        currency=currency,
        beneficiary_id=beneficiary_id,
    )
    if not ZERO < amount <= payable:
        raise NotThatMuchPayable(f"{payable} {currency} is payable; {amount} cannot be paid out.")
    journal.post(
        agency_id=agency_id,
        kind=EntryKind.PAYOUT,
        currency=currency,
        sides=[
            Side(AccountKind.PAYABLE, amount, beneficiary_id=beneficiary_id),
            Side(AccountKind.TRUST_CASH, -amount),
        ],
        effective_on=paid_on,
        recorded_at=now,
        description=f"Paid out on {paid_on}",
        by=by,
    )


def _same(remittance: Remittance, terms: dict[str, object]) -> Remittance:
    if any(getattr(remittance, name) != value for name, value in terms.items()):
        raise AlreadyRecorded(
            f"{remittance.reference} was recorded as {remittance.amount} {remittance.currency}, "
            f"received on {remittance.received_on}."
        )
    return remittance


# Matching


@transaction.atomic
def _match(remittance_id: int, now: datetime) -> list[RemittanceMatch]:
    remittance = Remittance.objects.select_for_update().get(pk=remittance_id)
    left = remittance.amount - _sum(RemittanceMatch.objects.filter(remittance=remittance))
    matches = []
    for reading, owed in _owed(remittance):
        if not left:
            break
        amount = min(left, owed)
        matches.append(
            RemittanceMatch(remittance=remittance, reading=reading, amount=amount, matched_at=now)
        )
        left -= amount
    RemittanceMatch.objects.bulk_create(matches)
    by_agreement = defaultdict(list)
    for match in matches:
        by_agreement[match.reading.agreement].append(match)
    for agreement, paid in by_agreement.items():
        _release(remittance, agreement, paid, now)
    return matches


def _owed(remittance: Remittance) -> Iterable[tuple[Reading, Decimal]]:
    """Yield the licensee's readings that are not paid in full, oldest period first."""
    readings = (
        Reading.objects.filter(
            agreement__agency=remittance.agency_id,
            agreement__licensee=remittance.licensee_id,
            currency=remittance.currency,
            gross__gt=0,
        )
        .select_related("agreement__twin__performer", "rate_line")
        .with_received()
        .order_by("period_on", "pk")
    )
    for reading in readings:
        if (owed := reading.gross - reading.received) > 0:
            yield reading, owed


# Releasing


@dataclass(frozen=True, slots=True)
class Earned:
    """What a beneficiary's part of an agreement's received money is, and its scale portion."""

    amount: Decimal = ZERO
    scale: Decimal = ZERO


def _release(
    remittance: Remittance,
    agreement: Agreement,
    matches: Sequence[RemittanceMatch],
    now: datetime,
) -> None:
    """Turn accrued money that was received into payable money, less what is taken off.

    Every figure is cumulative over the agreement; the difference from what was released
    before is posted.
    """
    shares = shares_of(agreement.twin)
    earned = _earned(agreement, shares)
    sides = [
        Side(AccountKind.UNMATCHED, match.amount, licensee_id=remittance.licensee_id)
        for match in matches
    ]
    sides += [
        Side(
            AccountKind.RECEIVABLE,
            -match.amount,
            licensee_id=remittance.licensee_id,
            reading_id=match.reading_id,
        )
        for match in matches
    ]
    released = _released(agreement)
    for share in shares:
        part = earned[share.beneficiary_id]
        payee = _payee(agreement, share, remittance.received_on)
        steps = waterfall(Received(part.amount, part.scale), [payee], remittance.currency)
        targets = {step: amount for (_, step), amount in targets_of(steps).items()}
        sides += _release_sides(share.beneficiary_id, targets, released)
    journal.post(
        agency_id=agreement.agency_id,
        kind=EntryKind.RELEASE,
        currency=remittance.currency,
        sides=sides,
        effective_on=remittance.received_on,
        recorded_at=now,
        description=f"{remittance.reference} for {agreement.reference}",
        remittance_id=remittance.pk,
        agreement_id=agreement.pk,
    )


def _release_sides(
    beneficiary_id: int,
    targets: dict[ReleaseStep, Decimal],
    released: dict[tuple[int, str], Decimal],
) -> list[Side]:
    """Debit accrued by what the beneficiary's steps are credited with."""
    credited = [
        Side(
            account,
            -targets.get(step, ZERO) - released.get((beneficiary_id, account.value), ZERO),
            beneficiary_id=beneficiary_id,
        )
        for step, account in ACCOUNTS.items()
    ]
    total = -sum((side.amount for side in credited), ZERO)
    return [Side(AccountKind.ACCRUED, total, beneficiary_id=beneficiary_id), *credited]


def _earned(agreement: Agreement, shares: Sequence[Share]) -> dict[int, Earned]:
    """Split the money received for each reading as the reading itself is split."""
    weights = [share.weight for share in shares]
    earned: dict[int, Earned] = defaultdict(Earned)
    readings = Reading.objects.filter(agreement=agreement).select_related("rate_line")
    for reading in readings.with_received():
        if not reading.received:
            continue
        parts = allocate(reading.received, weights, reading.currency)
        for share, part in zip(shares, parts, strict=True):
            before = earned[share.beneficiary_id]
            earned[share.beneficiary_id] = Earned(
                before.amount + part, before.scale + part * reading.rate_line.scale_portion
            )
    return earned


def _released(agreement: Agreement) -> dict[tuple[int, str], Decimal]:
    rows = Posting.objects.filter(
        entry__agreement=agreement,
        entry__kind__in=[EntryKind.RELEASE.value, EntryKind.REVERSAL.value],
        account__kind__in=[kind.value for kind in ACCOUNTS.values()],
    )
    sums = rows.values_list("account__beneficiary", "account__kind").annotate(Sum("amount"))
    return {(beneficiary, kind): amount for beneficiary, kind, amount in sums}


# What is taken off


def _payee(agreement: Agreement, share: Share, day: date) -> Payee:
    performer = Performer.objects.filter(pk=share.performer_id).first()
    covered = agreement.guild == Guild.SAG_AFTRA
    return Payee(
        key=share.beneficiary_id,
        commission=_commission(agreement, performer),
        commission_cap=_percent("agents.commission_cap", day) if covered else None,
        scale_carries_commission=not covered,
        minor_trust=_minor_trust(performer, day),
        withholding=_withholding(share.beneficiary_id, day),
    )


def _commission(agreement: Agreement, performer: Performer | None) -> Decimal:
    """The commission of the representation under which the agreement was signed."""
    if performer is None or agreement.signed_at is None:
        return ZERO
    term = (
        Representation.objects.on(agreement.signed_at.date())
        .filter(agency=agreement.agency_id, performer=performer)
        .first()
    )
    return term.commission_percent if term else ZERO


def _minor_trust(performer: Performer | None, day: date) -> Decimal:
    """A minor's blocked part, where a rule that may be relied on asks for it."""
    if performer is None or performer.life != Life.MINOR:
        return ZERO
    return _percent("minors.trust_share", day, jurisdiction=performer.domicile) or ZERO


def _withholding(beneficiary_id: int, day: date) -> Decimal:
    certificates = TaxCertificate.objects.filter(beneficiary=beneficiary_id, signed_on__lte=day)
    newest = certificates.order_by("-signed_on", "-pk").first()
    return newest.withholding_percent if newest else ZERO


def _percent(code: str, day: date, **conditions: str) -> Decimal | None:
    """Return a rule's percentage on a day, unless the desk is not sure enough of it."""
    row = RuleSet.objects.on(day).filter(code=code, **conditions).first()
    if row is None or not rule_of(row).may_be_relied_on:
        return None
    return Decimal(row.values["percent"])


def _sum(matches) -> Decimal:
    return matches.aggregate(sum=Sum("amount"))["sum"] or ZERO
