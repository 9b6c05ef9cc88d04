"""Releases: received money goes from accrued to payable, less what is taken off."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from licensing.models import Agreement
from licensing.money import rounded
from talent.models import Beneficiary, Performer
from valuation.cash.deductions import Rates, rates_on
from valuation.cash.waterfall import (
    Payee,
    Received,
    amounts_by_step,
    differences,
    waterfall,
)
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Posting, Reading, ReleasedPart, Remittance, RemittanceMatch
from valuation.residuals.split import MonthOfReading, parts_of_received
from valuation.words import AccountKind, EntryKind, ReleaseStep

ZERO = Decimal(0)

# The ledger account that each step of the waterfall credits.
ACCOUNTS = {
    ReleaseStep.COMMISSION: AccountKind.COMMISSION,
    ReleaseStep.MINOR_TRUST: AccountKind.MINOR_TRUST,
    ReleaseStep.WITHHOLDING: AccountKind.WITHHOLDING,
    ReleaseStep.PAYABLE: AccountKind.PAYABLE,
}
MOVES = [EntryKind.RELEASE.value, EntryKind.GIVE_BACK.value, EntryKind.REVERSAL.value]

# Amounts credited, or to be credited, by beneficiary and account; a credit is above zero here.
Credits = dict[tuple[int, AccountKind], Decimal]


class PartKey(NamedTuple):
    """Whose part of which match."""

    match_id: int
    beneficiary_id: int


class Version(NamedTuple):
    """A beneficiary and the rates that count for some of their money."""

    beneficiary_id: int
    commission: Decimal
    scale_carries_commission: bool
    minor_trust: Decimal
    withholding: Decimal


def release(
    agreement: Agreement,
    remittance: Remittance,
    matches: Sequence[RemittanceMatch],
    *,
    kind: EntryKind,
    on: date,
    now: datetime,
) -> None:
    """Post what new matches release, or take back: from accrued to payable and the deductions.

    Each part of a match is stored with the rates that count for it. Figures are cumulative over
    the agreement and per version of the rates, and only the difference from earlier releases is
    posted: order and size of payments make no difference, and no later rate re-rates what another
    released.
    """
    parts = list(_new_parts(agreement, now))
    ReleasedPart.objects.bulk_create(parts)
    due = differences(_targets(agreement), _credits_so_far(agreement))
    what = "Given back" if kind is EntryKind.GIVE_BACK else remittance.reference
    journal.post(
        agency_id=agreement.agency_id,
        kind=kind,
        currency=agreement.currency,
        sides=[*_sides_of_matches(remittance, matches), *_sides_of_credits(due)],
        effective_on=on,
        recorded_at=now,
        description=f"{what} for {agreement.reference}",
        remittance_id=remittance.pk,
        agreement_id=agreement.pk,
    )


# Parts


def _new_parts(agreement: Agreement, now: datetime) -> Iterator[ReleasedPart]:
    """Yield unsaved parts: what each beneficiary should have of each match, less what is stored."""
    matches = _matches_of(agreement)
    parts = _parts_of_matches(matches.values())
    stored = _stored_parts(agreement)
    beneficiaries = Beneficiary.objects.in_bulk({key.beneficiary_id for key in parts})
    performers = _performers_of(matches.values())
    for key in dict.fromkeys([*parts, *stored]):
        before = stored.get(key, [])
        missing = parts.get(key, ZERO) - sum((part.amount for part in before), ZERO)
        if missing:
            match = matches[key.match_id]
            rates = _rates_fixed_before(match, key.beneficiary_id, stored) or rates_on(
                match.remittance.received_on,
                agreement=agreement,
                beneficiary=beneficiaries[key.beneficiary_id],
                performer=performers.get(key.beneficiary_id),
            )
            yield _part(agreement, match, key.beneficiary_id, missing, rates, now)


def _matches_of(agreement: Agreement) -> dict[int, RemittanceMatch]:
    matches = (
        RemittanceMatch.objects.filter(reading__agreement=agreement)
        .select_related("reading__rate_line", "remittance")
        .order_by("pk")
    )
    return {match.pk: match for match in matches}


def _parts_of_matches(matches: Iterable[RemittanceMatch]) -> dict[PartKey, Decimal]:
    """Return each beneficiary's part of each match: what it adds to their part of the receipts."""
    received: dict[int, Decimal] = defaultdict(Decimal)
    given: dict[int, Mapping[int, Decimal]] = defaultdict(dict)
    parts: dict[PartKey, Decimal] = {}
    for match in matches:
        reading = match.reading
        received[reading.pk] += match.amount
        so_far = parts_of_received(
            _months_of(reading), rounded(received[reading.pk], reading.currency), reading.currency
        )
        before = given[reading.pk]
        for beneficiary_id in {*so_far, *before}:
            key = PartKey(match.pk, beneficiary_id)
            parts[key] = so_far.get(beneficiary_id, ZERO) - before.get(beneficiary_id, ZERO)
        given[reading.pk] = so_far
    return parts


def _months_of(reading: Reading) -> list[MonthOfReading]:
    """Return a reading's months as they are stored; a cleared one has none."""
    return [
        MonthOfReading(
            date.fromisoformat(month["starts_on"]),
            Decimal(month["gross"]),
            tuple((beneficiary, Decimal(weight)) for beneficiary, weight, _ in month["shares"]),
        )
        for month in reading.months
    ]


def _performers_of(matches: Iterable[RemittanceMatch]) -> dict[int, Performer]:
    """Return the performer through whom each beneficiary has their part."""
    ids = {
        beneficiary: performer
        for match in matches
        for month in match.reading.months
        for beneficiary, _, performer in month["shares"]
        if performer is not None
    }
    performers = Performer.objects.in_bulk(ids.values())
    return {beneficiary: performers[performer] for beneficiary, performer in ids.items()}


def _stored_parts(agreement: Agreement) -> dict[PartKey, list[ReleasedPart]]:
    stored: dict[PartKey, list[ReleasedPart]] = defaultdict(list)
    for part in ReleasedPart.objects.filter(agreement=agreement).order_by("pk"):
        stored[PartKey(part.match_id, part.beneficiary_id)].append(part)
    return stored


def _rates_fixed_before(
    match: RemittanceMatch, beneficiary_id: int, stored: Mapping[PartKey, Sequence[ReleasedPart]]
) -> Rates | None:
    """Return the rates of an earlier part of the match, or of the match that it takes back."""
    for match_id in (match.pk, match.takes_back_id):
        if match_id and (parts := stored.get(PartKey(match_id, beneficiary_id))):
            first = parts[0]
            return Rates(
                commission=first.commission,
                scale_carries_commission=first.scale_carries_commission,
                minor_trust=first.minor_trust,
                withholding=first.withholding,
                sources=tuple(first.sources.items()),
            )
    return None


def _part(
    agreement: Agreement,
    match: RemittanceMatch,
    beneficiary_id: int,
    amount: Decimal,
    rates: Rates,
    now: datetime,
) -> ReleasedPart:
    return ReleasedPart(
        match=match,
        agreement=agreement,
        beneficiary_id=beneficiary_id,
        amount=amount,
        scale=amount * match.reading.rate_line.scale_portion,
        currency=agreement.currency,
        commission=rates.commission,
        scale_carries_commission=rates.scale_carries_commission,
        minor_trust=rates.minor_trust,
        withholding=rates.withholding,
        sources=dict(rates.sources),
        released_at=now,
    )


# Credits


def _targets(agreement: Agreement) -> Credits:
    """Return the cumulative credits that the beneficiaries' accounts should have by now."""
    targets: Credits = defaultdict(Decimal)
    for version, received in _received_by_version(agreement).items():
        payee = Payee(
            key=version.beneficiary_id,
            commission=version.commission,
            scale_carries_commission=version.scale_carries_commission,
            minor_trust=version.minor_trust,
            withholding=version.withholding,
        )
        steps = waterfall(received, [payee], agreement.currency)
        for (_, step), amount in amounts_by_step(steps).items():
            if step in ACCOUNTS:
                targets[version.beneficiary_id, ACCOUNTS[step]] += amount
    return targets


def _received_by_version(agreement: Agreement) -> dict[Version, Received]:
    sums = (
        ReleasedPart.objects.filter(agreement=agreement)
        .values_list(
            "beneficiary", "commission", "scale_carries_commission", "minor_trust", "withholding"
        )
        .annotate(Sum("amount"), Sum("scale"))
        .order_by("beneficiary")
    )
    return {
        Version(*version): Received(rounded(amount, agreement.currency), scale)
        for *version, amount, scale in sums
    }


def _credits_so_far(agreement: Agreement) -> Credits:
    """Return what releases of the agreement have credited, also to who has no share any more."""
    postings = Posting.objects.filter(
        entry__agreement=agreement,
        entry__kind__in=MOVES,
        account__kind__in=[kind.value for kind in ACCOUNTS.values()],
    )
    sums = postings.values_list("account__beneficiary", "account__kind").annotate(Sum("amount"))
    return {(beneficiary, AccountKind(kind)): -amount for beneficiary, kind, amount in sums}


def _sides_of_matches(remittance: Remittance, matches: Sequence[RemittanceMatch]) -> Iterator[Side]:
    """Yield postings that reduce the licensee's credit and debt by what was matched."""
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
