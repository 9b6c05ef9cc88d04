"""Releases: received money goes from accrued to payable, less what is taken off."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Sum

from licensing.models import Agreement
from licensing.money import rounded
from talent.models import Beneficiary, Performer
from talent.periods import local_day
from valuation.cash.beside_use import plan_money
from valuation.cash.beside_use.advances import paid_ahead, recoups_together
from valuation.cash.beside_use.charges import months_of
from valuation.cash.disputed import holding
from valuation.cash.released import directions
from valuation.cash.released.deductions import Rates, rates_on
from valuation.cash.waterfall import (
    Advanced,
    Net,
    Payee,
    Received,
    amounts_by_step,
    differences,
    keep_back,
    waterfall,
)
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import (
    Posting,
    Reading,
    Recoupment,
    ReleasedPart,
    Remittance,
    RemittanceMatch,
)
from valuation.residuals.split import parts_of_received
from valuation.words import AccountKind, EntryKind, ReadingKind, ReceiptMeans, ReleaseStep

ZERO = Decimal(0)

# The ledger account that each step of the waterfall credits.
ACCOUNTS = {
    ReleaseStep.COMMISSION: AccountKind.COMMISSION,
    ReleaseStep.MINOR_TRUST: AccountKind.MINOR_TRUST,
    ReleaseStep.WITHHOLDING: AccountKind.WITHHOLDING,
    ReleaseStep.RECOUPED: AccountKind.ADVANCES,
    ReleaseStep.RESERVE: AccountKind.RESERVE,
    ReleaseStep.PAYABLE: AccountKind.PAYABLE,
}
MOVES = [
    EntryKind.RELEASE.value,
    EntryKind.GIVE_BACK.value,
    EntryKind.RESERVE.value,
    EntryKind.REVERSAL.value,
]

# Amounts credited, or to be credited, by agreement, beneficiary and account; a credit is above zero
# here.
Credits = dict[tuple[int, int, AccountKind], Decimal]


class PartKey(NamedTuple):
    """Whose part of which match."""

    match_id: int
    beneficiary_id: int


class Version(NamedTuple):
    """A beneficiary and the rates that count for some of their money from an agreement.

    `since` is the day of the agency's last advance before the money was received: the money pays
    back what was advanced by then.
    """

    since: date
    reserved_until: date
    agreement_id: int
    beneficiary_id: int
    commission: Decimal
    scale_carries_commission: bool
    minor_trust: Decimal
    withholding: Decimal
    reserve: Decimal


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
    ReleasedPart.objects.bulk_create(_new_parts(agreement, now))
    together = recoups_together(agreement)
    due = _due(together, max(on, local_day(now, agreement.agency.time_zone)))
    what = "Given back" if kind is EntryKind.GIVE_BACK else remittance.reference
    for other in together:
        own_matches = _sides_of_matches(remittance, matches) if other == agreement else ()
        journal.post(
            agency_id=other.agency_id,
            kind=kind,
            currency=other.currency,
            sides=[*own_matches, *_sides_of_credits(due.get(other.pk, {}))],
            effective_on=on,
            recorded_at=now,
            description=f"{what} for {other.reference}",
            remittance_id=remittance.pk,
            agreement_id=other.pk,
        )
    _bear_what_is_no_money(agreement, remittance, on=on, now=now)
    _pass_on_tax(agreement, remittance, on=on, now=now)
    holding.follow([other.pk for other in together], now=now)
    if any(match.reading.kind == ReadingKind.CONTRIBUTION for match in matches):
        plan_money.follow([agreement.pk], agency_id=agreement.agency_id, now=now)
    if due or matches:
        directions.follow(agency_id=agreement.agency_id, now=now)


class NoMoney(NamedTuple):
    """How payees bear what settled a debt without money: from which account, to which."""

    means: ReceiptMeans
    entry: EntryKind
    takes: AccountKind
    gives: AccountKind


# Tax withheld abroad is paid on the payees' behalf: it is released like money, commission and all,
# and taken off what is payable. What is written off was earned and never comes.
NO_MONEY = (
    NoMoney(
        ReceiptMeans.SOURCE_TAX, EntryKind.SOURCE_TAX, AccountKind.PAYABLE, AccountKind.SOURCE_TAX
    ),
    NoMoney(
        ReceiptMeans.WRITTEN_OFF, EntryKind.WRITE_OFF, AccountKind.ACCRUED, AccountKind.WRITTEN_OFF
    ),
)


def _bear_what_is_no_money(
    agreement: Agreement, remittance: Remittance, *, on: date, now: datetime
) -> None:
    """Post what payees bear of an agreement by now, less what was posted of it before."""
    means = [one.means.value for one in NO_MONEY]
    parts = ReleasedPart.objects.filter(agreement=agreement, match__remittance__means__in=means)
    sums = parts.order_by().values_list("match__remittance__means", "beneficiary")
    borne = {(way, payee): amount for way, payee, amount in sums.annotate(Sum("amount"))}
    if not borne:
        return
    for one in NO_MONEY:
        targets = {payee: amount for (way, payee), amount in borne.items() if way == one.means}
        due = differences(targets, _borne_so_far(agreement, one))
        journal.post(
            agency_id=agreement.agency_id,
            kind=one.entry,
            currency=agreement.currency,
            sides=[
                side
                for payee, amount in due.items()
                for side in (
                    Side(one.takes, amount, beneficiary_id=payee),
                    Side(one.gives, -amount, beneficiary_id=payee),
                )
            ],
            effective_on=on,
            recorded_at=now,
            description=f"{remittance.reference} for {agreement.reference}",
            remittance_id=remittance.pk,
            agreement_id=agreement.pk,
        )


def _borne_so_far(agreement: Agreement, way: NoMoney) -> dict[int, Decimal]:
    postings = Posting.objects.filter(
        entry__agreement=agreement, entry__kind=way.entry.value, account__kind=way.gives.value
    ).order_by()
    sums = postings.values_list("account__beneficiary").annotate(Sum("amount"))
    return {payee: -amount for payee, amount in sums}


def _pass_on_tax(agreement: Agreement, remittance: Remittance, *, on: date, now: datetime) -> None:
    """Make payable what came in of payees' own tax, whole: no commission, nothing else is taken."""
    of_tax = Posting.objects.filter(
        reading__agreement=agreement,
        reading__kind=ReadingKind.PASSED_TAX.value,
        account__kind=AccountKind.PASSED_TAX.value,
    ).order_by()
    claimed = of_tax.filter(entry__kind=EntryKind.CLAIMED_TAX.value)
    payees = dict(claimed.values_list("reading", "account__beneficiary"))
    if not payees:
        return
    matches = RemittanceMatch.objects.filter(reading__in=payees).exclude(
        remittance__means=ReceiptMeans.WRITTEN_OFF.value
    )
    received = dict(matches.order_by().values_list("reading").annotate(Sum("amount")))
    passed_on = of_tax.filter(entry__kind=EntryKind.PASSED_TAX.value)
    so_far = dict(passed_on.values_list("reading").annotate(Sum("amount")))
    journal.post(
        agency_id=agreement.agency_id,
        kind=EntryKind.PASSED_TAX,
        currency=agreement.currency,
        sides=[
            side
            for reading, amount in differences(received, so_far).items()
            for side in (
                Side(
                    AccountKind.PASSED_TAX,
                    amount,
                    beneficiary_id=payees[reading],
                    reading_id=reading,
                ),
                Side(AccountKind.PAYABLE, -amount, beneficiary_id=payees[reading]),
            )
        ],
        effective_on=on,
        recorded_at=now,
        description=f"{remittance.reference} for {agreement.reference}, tax",
        remittance_id=remittance.pk,
        agreement_id=agreement.pk,
    )


@transaction.atomic
def release_reserves(*, agency_id: int, on: date, now: datetime) -> None:
    """Make payable what was held in reserve until a day that has come."""
    postings = Posting.objects.filter(
        account__agency=agency_id, account__kind=AccountKind.RESERVE.value
    ).order_by()
    held = postings.values("entry__agreement").annotate(sum=Sum("amount")).exclude(sum=0)
    ended = ReleasedPart.objects.filter(
        agreement__in=held.values("entry__agreement"), reserved_until__lte=on
    )
    agreements = Agreement.objects.filter(pk__in=ended.values("agreement"))
    for agreement in agreements.select_related("agency").order_by("pk"):
        due = _due(recoups_together(agreement), on)
        journal.post(
            agency_id=agency_id,
            kind=EntryKind.RESERVE,
            currency=agreement.currency,
            sides=_sides_of_credits(due.get(agreement.pk, {})),
            effective_on=on,
            recorded_at=now,
            description=f"Released from the reserve of {agreement.reference}",
            agreement_id=agreement.pk,
        )
        holding.follow([agreement.pk], now=now)


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
                scale_portion=_scale_portion(match.reading),
            )
            yield _part(agreement, match, key.beneficiary_id, missing, rates, now)


def _matches_of(agreement: Agreement) -> dict[int, RemittanceMatch]:
    matches = (
        RemittanceMatch.objects.filter(reading__agreement=agreement)
        .select_related("reading__rate_line", "remittance")
        .order_by("pk")
    )
    return {match.pk: match for match in matches}


def _recouped(readings: Iterable[int]) -> dict[int, Decimal]:
    """Return how much of readings advances pay, by id."""
    rows = Recoupment.objects.filter(reading__in=readings).order_by()
    return dict(rows.values_list("reading").annotate(Sum("amount")))


def _parts_of_matches(matches: Iterable[RemittanceMatch]) -> dict[PartKey, Decimal]:
    """Return each beneficiary's part of each match: what it adds to their part of the receipts."""
    matches = list(matches)
    recouped = _recouped({match.reading_id for match in matches})
    received: dict[int, Decimal] = defaultdict(Decimal)
    given: dict[int, Mapping[int, Decimal]] = defaultdict(dict)
    parts: dict[PartKey, Decimal] = {}
    for match in matches:
        reading = match.reading
        received[reading.pk] += match.amount
        so_far = _parts_of(reading, recouped.get(reading.pk, ZERO), received[reading.pk])
        before = given[reading.pk]
        for beneficiary_id in {*so_far, *before}:
            key = PartKey(match.pk, beneficiary_id)
            parts[key] = so_far.get(beneficiary_id, ZERO) - before.get(beneficiary_id, ZERO)
        given[reading.pk] = so_far
    return parts


def _parts_of(reading: Reading, recouped: Decimal, received: Decimal) -> Mapping[int, Decimal]:
    """Divide what was received for a reading; what advances pay of it has paid its oldest use."""
    months = months_of(reading)
    paid = rounded(recouped, reading.currency)
    with_money = parts_of_received(
        months, paid + rounded(received, reading.currency), reading.currency
    )
    return differences(with_money, parts_of_received(months, paid, reading.currency))


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
                reserve=first.reserve,
                reserved_until=first.reserved_until,
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
        scale=amount * _scale_portion(match.reading),
        currency=agreement.currency,
        commission=rates.commission,
        scale_carries_commission=rates.scale_carries_commission,
        minor_trust=rates.minor_trust,
        withholding=rates.withholding,
        reserve=rates.reserve,
        reserved_until=rates.reserved_until,
        sources=dict(rates.sources),
        released_at=now,
    )


def _scale_portion(reading: Reading) -> Decimal:
    return reading.rate_line.scale_portion if reading.rate_line else ZERO


# Credits


def _due(
    agreements: Sequence[Agreement], held_on: date
) -> dict[int, dict[tuple[int, AccountKind], Decimal]]:
    """Return by agreement what is still to be credited, as the reserve stands on a day."""
    due = differences(_targets(agreements, held_on), _credits_so_far(agreements))
    by_agreement: dict[int, dict[tuple[int, AccountKind], Decimal]] = defaultdict(dict)
    for (agreement_id, beneficiary_id, kind), amount in due.items():
        by_agreement[agreement_id][beneficiary_id, kind] = amount
    return by_agreement


def _targets(agreements: Sequence[Agreement], held_on: date) -> Credits:
    """Return the cumulative credits that the beneficiaries' accounts should have by now."""
    by_id = {agreement.pk: agreement for agreement in agreements}
    advances = paid_ahead(agreements)
    targets: Credits = defaultdict(Decimal)
    nets: dict[int, list[Net]] = defaultdict(list)
    for version, received in sorted(_received_by_version(agreements, advances).items()):
        agreement = by_id[version.agreement_id]
        amounts = _amounts_of(version, received, agreement.currency)
        net = amounts.pop(ReleaseStep.PAYABLE)
        nets[version.beneficiary_id].append(_net(version, net, agreement, held_on))
        for step, amount in amounts.items():
            if step in ACCOUNTS:
                targets[version.agreement_id, version.beneficiary_id, ACCOUNTS[step]] += amount
    for beneficiary_id, own in nets.items():
        steps = keep_back(own, advances.get(beneficiary_id, ()), agreements[0].currency)
        for kept in steps:
            if isinstance(kept.payee, Version):
                seat = kept.payee.agreement_id, beneficiary_id, ACCOUNTS[kept.step]
                targets[seat] += kept.amount
    return targets


def _amounts_of(version: Version, received: Received, currency: str) -> dict[ReleaseStep, Decimal]:
    payee = Payee(
        key=version,
        commission=version.commission,
        scale_carries_commission=version.scale_carries_commission,
        minor_trust=version.minor_trust,
        withholding=version.withholding,
    )
    steps = waterfall(received, [payee], currency)
    return {step: amount for (_, step), amount in amounts_by_step(steps).items()}


def _net(version: Version, amount: Decimal, agreement: Agreement, held_on: date) -> Net:
    return Net(
        key=version,
        until=version.since + timedelta(days=1),
        amount=amount,
        reserve=version.reserve if held_on < version.reserved_until else ZERO,
        cap_group=agreement.pk,
        most_held=agreement.reserve_cap,
    )


def _received_by_version(
    agreements: Sequence[Agreement], advances: Mapping[int, Sequence[Advanced]]
) -> dict[Version, Received]:
    """Add up what was released by version; days of receipt count where the agency has advanced.

    What was written off at the payees' cost is never released.
    """
    days = ["match__remittance__received_on"] if advances else []
    rates = ["commission", "scale_carries_commission", "minor_trust", "withholding", "reserve"]
    sums = (
        ReleasedPart.objects.filter(agreement__in=agreements)
        .exclude(match__remittance__means=ReceiptMeans.WRITTEN_OFF.value)
        .order_by()
        .values_list("reserved_until", "agreement", "beneficiary", *rates, *days)
        .annotate(Sum("amount"), Sum("scale"))
    )
    amounts: dict[Version, Decimal] = defaultdict(Decimal)
    scales: dict[Version, Decimal] = defaultdict(Decimal)
    for until, agreement_id, beneficiary_id, *told in sums:
        *of_rates, amount, scale = told
        received_on = of_rates.pop() if days else date.min
        before = (a.due_on for a in advances.get(beneficiary_id, ()) if a.due_on <= received_on)
        since = max(before, default=date.min)
        version = Version(since, until or date.min, agreement_id, beneficiary_id, *of_rates)
        amounts[version] += amount
        scales[version] += scale
    return {
        version: Received(rounded(amount, agreements[0].currency), scales[version])
        for version, amount in amounts.items()
    }


def _credits_so_far(agreements: Sequence[Agreement]) -> Credits:
    """Return what releases of agreements have credited, also to who has no share any more."""
    postings = Posting.objects.filter(
        entry__agreement__in=agreements,
        entry__kind__in=MOVES,
        account__kind__in=[kind.value for kind in ACCOUNTS.values()],
    ).exclude(entry__reverses__kind=EntryKind.OPENING.value)
    sums = postings.values_list("entry__agreement", "account__beneficiary", "account__kind")
    return {
        (agreement, beneficiary, AccountKind(kind)): -amount
        for agreement, beneficiary, kind, amount in sums.annotate(Sum("amount"))
    }


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


def _sides_of_credits(due: Mapping[tuple[int, AccountKind], Decimal]) -> Iterator[Side]:
    """Yield postings that credit what is due, and debit accrued money by as much."""
    accrued: dict[int, Decimal] = defaultdict(Decimal)
    for (beneficiary_id, _), amount in due.items():
        accrued[beneficiary_id] += amount
    for beneficiary_id, amount in accrued.items():
        yield Side(AccountKind.ACCRUED, amount, beneficiary_id=beneficiary_id)
    for (beneficiary_id, kind), amount in due.items():
        yield Side(kind, -amount, beneficiary_id=beneficiary_id)
