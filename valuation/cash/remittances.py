"""Remittances: cash from licensees, matched to what they owe, released to those who earned it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
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

from .waterfall import Payee, Received, amounts_by_step, differences, waterfall

ZERO = Decimal(0)
EARLIEST_RECEIPT = date(1990, 1, 1)

# The ledger account that each step of the waterfall credits.
ACCOUNTS = {
    ReleaseStep.COMMISSION: AccountKind.COMMISSION,
    ReleaseStep.MINOR_TRUST: AccountKind.MINOR_TRUST,
    ReleaseStep.WITHHOLDING: AccountKind.WITHHOLDING,
    ReleaseStep.PAYABLE: AccountKind.PAYABLE,
}


class AlreadyRecorded(Refused):
    """A licensee's reference was recorded before, with another amount, currency or day."""

    code = "already_recorded"


class NotThatMuchPayable(Refused):
    """More is to be paid out than the beneficiary's payable balance."""

    code = "not_that_much_payable"


class NotPayableCash(Refused):
    """An amount that nobody can have transferred: not above zero, or finer than the currency."""

    code = "not_payable_cash"


class NotThatDay(Refused):
    """A day on which nobody can have received money: to come, or long before the desk's time."""

    code = "not_that_day"


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
    """Record money received into trust. It stays unmatched until a night matches it to debts.

    `reference` is the bank's or licensee's, and unique per licensee. Recording the same remittance
    again returns the first. Raises AlreadyRecorded if amount, currency or day differ,
    NotPayableCash if the amount is not above zero or finer than the currency, and NotThatDay.
    """
    if not EARLIEST_RECEIPT <= received_on <= now.date() + timedelta(days=1):
        raise NotThatDay(f"No money can have been received on {received_on}; check the day.")
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
        _check_same(remittance, terms)
        return remittance
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

    Matched money is released to the beneficiaries at once. Each remittance has a transaction of
    its own. Returns the new matches.
    """
    unmatched = Remittance.objects.filter(agency=agency_id).with_unmatched()
    return [
        match
        for remittance in unmatched.order_by("received_on", "pk")
        for match in _match(remittance.pk, now)
    ]


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
    """Record money paid to a beneficiary.

    Raises NotThatMuchPayable if the amount is not above zero or exceeds the payable balance.
    """
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


def _check_same(remittance: Remittance, terms: Mapping[str, object]) -> None:
    if any(getattr(remittance, name) != value for name, value in terms.items()):
        raise AlreadyRecorded(
            f"{remittance.reference} was recorded as {remittance.amount} {remittance.currency}, "
            f"received on {remittance.received_on}."
        )


# Matching


@transaction.atomic
def _match(remittance_id: int, now: datetime) -> list[RemittanceMatch]:
    """Match the unmatched rest of one remittance, and release what was matched."""
    # Locked, so that the same money is not matched by two nights or a night and a person.
    remittance = Remittance.objects.select_for_update().get(pk=remittance_id)
    matched = RemittanceMatch.objects.filter(remittance=remittance).aggregate(sum=Sum("amount"))
    left = remittance.amount - (matched["sum"] or ZERO)
    matches = []
    for reading, owed in _debts(remittance):
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


def _debts(remittance: Remittance) -> Iterator[tuple[Reading, Decimal]]:
    """Yield the licensee's unpaid readings, each with the amount owed, oldest period first."""
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

# Amounts credited, or to be credited, by beneficiary and account; a credit is above zero here.
Credits = dict[tuple[int, AccountKind], Decimal]


def _release(
    remittance: Remittance,
    agreement: Agreement,
    matches: Sequence[RemittanceMatch],
    now: datetime,
) -> None:
    """Post the release of matched money: from accrued to payable and to the deductions.

    Every figure is cumulative over the agreement, and only the difference from earlier releases is
    posted, so the order and size of payments make no difference in the end.
    """
    shares = shares_of(agreement.twin)
    targets = _targets(agreement, shares, remittance)
    due = differences(targets, _credits_so_far(agreement, shares))
    journal.post(
        agency_id=agreement.agency_id,
        kind=EntryKind.RELEASE,
        currency=remittance.currency,
        sides=[*_sides_of_matches(remittance, matches), *_sides_of_credits(due)],
        effective_on=remittance.received_on,
        recorded_at=now,
        description=f"{remittance.reference} for {agreement.reference}",
        remittance_id=remittance.pk,
        agreement_id=agreement.pk,
    )


def _targets(agreement: Agreement, shares: Sequence[Share], remittance: Remittance) -> Credits:
    """Return the cumulative credits that the beneficiaries' accounts should have by now."""
    received = _received_by_beneficiary(agreement, shares)
    targets: Credits = {}
    for share in shares:
        payee = _payee(agreement, share, remittance.received_on)
        steps = waterfall(received[share.beneficiary_id], [payee], remittance.currency)
        for (_, step), amount in amounts_by_step(steps).items():
            if step in ACCOUNTS:
                targets[share.beneficiary_id, ACCOUNTS[step]] = amount
    return targets


def _received_by_beneficiary(
    agreement: Agreement, shares: Sequence[Share]
) -> Mapping[int, Received]:
    """Return the money received for the agreement so far, split as its readings are."""
    weights = [share.weight for share in shares]
    received: dict[int, Received] = defaultdict(lambda: Received(ZERO))
    readings = Reading.objects.filter(agreement=agreement).select_related("rate_line")
    for reading in readings.with_received():
        if not reading.received:
            continue
        parts = allocate(reading.received, weights, reading.currency)
        for share, part in zip(shares, parts, strict=True):
            so_far = received[share.beneficiary_id]
            received[share.beneficiary_id] = Received(
                so_far.amount + part, so_far.scale + part * reading.rate_line.scale_portion
            )
    return received


def _credits_so_far(agreement: Agreement, shares: Sequence[Share]) -> Credits:
    """Return what releases of the agreement have credited to its current beneficiaries."""
    postings = Posting.objects.filter(
        entry__agreement=agreement,
        entry__kind__in=[EntryKind.RELEASE.value, EntryKind.REVERSAL.value],
        account__kind__in=[kind.value for kind in ACCOUNTS.values()],
        account__beneficiary__in=[share.beneficiary_id for share in shares],
    )
    sums = postings.values_list("account__beneficiary", "account__kind").annotate(Sum("amount"))
    return {(beneficiary, AccountKind(kind)): -amount for beneficiary, kind, amount in sums}


def _sides_of_matches(remittance: Remittance, matches: Sequence[RemittanceMatch]) -> Iterator[Side]:
    """Yield postings that reduce unmatched cash and the licensee's debt by what was matched."""
    licensee_id = remittance.licensee_id
    for match in matches:
        yield Side(AccountKind.UNMATCHED, match.amount, licensee_id=licensee_id)
        yield Side(
            AccountKind.RECEIVABLE,
            -match.amount,
            licensee_id=licensee_id,
            reading_id=match.reading_id,
        )


def _sides_of_credits(due: Credits) -> Iterator[Side]:
    """Yield postings that credit what is due, and debit accrued money by as much."""
    accrued: dict[int, Decimal] = defaultdict(Decimal)
    for (beneficiary_id, _), amount in due.items():
        accrued[beneficiary_id] += amount
    for beneficiary_id, amount in accrued.items():
        yield Side(AccountKind.ACCRUED, amount, beneficiary_id=beneficiary_id)
    for (beneficiary_id, kind), amount in due.items():
        yield Side(kind, -amount, beneficiary_id=beneficiary_id)


# Deductions


def _payee(agreement: Agreement, share: Share, day: date) -> Payee:
    performer = None
    if share.performer_id is not None:
        performer = Performer.objects.filter(pk=share.performer_id).first()
    covered = agreement.guild == Guild.SAG_AFTRA
    return Payee(
        key=share.beneficiary_id,
        commission=_commission(agreement, performer),
        commission_cap=_percent_of_rule("agents.commission_cap", day) if covered else None,
        scale_carries_commission=not covered,
        minor_trust=_minor_trust(performer, day),
        withholding=_withholding(share.beneficiary_id, day),
    )


def _commission(agreement: Agreement, performer: Performer | None) -> Decimal:
    """Return the commission, in percent, of the representation in force at signing; else zero."""
    if performer is None or agreement.signed_at is None:
        return ZERO
    term = (
        Representation.objects.on(agreement.signed_at.date())
        .filter(agency=agreement.agency_id, performer=performer)
        .first()
    )
    return term.commission_percent if term else ZERO


def _minor_trust(performer: Performer | None, day: date) -> Decimal:
    """Return the percentage of a minor's money to block, if a reliable rule requires it."""
    if performer is None or performer.life != Life.MINOR:
        return ZERO
    return _percent_of_rule("minors.trust_share", day, jurisdiction=performer.domicile) or ZERO


def _withholding(beneficiary_id: int, day: date) -> Decimal:
    """Return the withholding, in percent, of the newest certificate signed up to a day."""
    certificates = TaxCertificate.objects.filter(beneficiary=beneficiary_id, signed_on__lte=day)
    newest = certificates.order_by("-signed_on", "-pk").first()
    return newest.withholding_percent if newest else ZERO


def _percent_of_rule(code: str, day: date, **conditions: str) -> Decimal | None:
    """Return a rule's percentage on a day; None without a rule that may be relied on."""
    row = RuleSet.objects.on(day).filter(code=code, **conditions).first()
    if row is None or not rule_of(row).may_be_relied_on:
        return None
    return Decimal(row.values["percent"])
