"""Advances: due on their day, and paid back by use, or by what would be payable.

The licensee's advances are paid back as use is earned: what pays an advance back is not owed in
money. Agreements of one agency, licensee and currency that share a group pay back together.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from licensing.models import Advance, Agreement
from licensing.money import allocate
from licensing.words import PaidBackFrom, PricePart
from talent.beneficiaries import shares_on, splits_of
from talent.periods import Days
from valuation.cash.beside_use.charges import NO_USE, Charge, ChargeLine, Term, months_of
from valuation.cash.waterfall import Advanced, Earned, differences, recoup_over_time
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import NightRun, Posting, Reading, Recoupment
from valuation.residuals.split import parts_of_received
from valuation.words import AccountKind, EntryKind, ReadingKind

ZERO = Decimal(0)
DAY = timedelta(days=1)

# An amount by the reading's and the beneficiary's id.
Parts = dict[tuple[int, int], Decimal]


def charges_of(advances: Iterable[Advance], as_of: date) -> Iterator[Charge]:
    """Yield what the licensee owes for each advance that is due by a day."""
    for advance in advances:
        if advance.paid_back_from != PaidBackFrom.NET and advance.due_on <= as_of:
            yield Charge(
                kind=ReadingKind.ADVANCE,
                term=advance,
                period=Days(advance.due_on, advance.due_on + DAY),
                counts_on=advance.due_on,
                lines=(ChargeLine(PricePart.ADVANCE, advance.amount, advance.amount),),
            )


# The agency's advances


def pay_ahead(
    agreement: Agreement, advances: Iterable[Advance], *, run: NightRun, now: datetime
) -> None:
    """Post the agency's own advances that are due: payable at once, from its money in trust.

    Each is split by the shares of its day, once.
    """
    done = Reading.objects.filter(agreement=agreement, kind=ReadingKind.ADVANCE.value)
    paid = set(done.values_list("advance", flat=True))
    for advance in advances:
        if advance.pk not in paid and _is_paid_ahead(advance, run.as_of):
            _pay_ahead(agreement, advance, run, now)


def _is_paid_ahead(advance: Advance, as_of: date) -> bool:
    return advance.paid_back_from == PaidBackFrom.NET and advance.due_on <= as_of


def terms_paid_ahead(advances: Iterable[Advance], as_of: date) -> Iterator[Term]:
    """Yield the agency's advances that are due by a day, as their readings are identified."""
    for advance in advances:
        if _is_paid_ahead(advance, as_of):
            yield ReadingKind.ADVANCE.value, advance.pk, advance.due_on


def _pay_ahead(agreement: Agreement, advance: Advance, run: NightRun, now: datetime) -> None:
    reading = Reading.objects.create(
        agreement=agreement,
        kind=ReadingKind.ADVANCE.value,
        advance=advance,
        factor=Decimal(1),
        period_on=advance.due_on,
        period_ends_on=advance.due_on + DAY,
        quantity=ZERO,
        events=0,
        # The licensee owes nothing for it.
        gross=ZERO,
        currency=agreement.currency,
        summary=dict(NO_USE),
        explanation=[],
        first_index=0,
        last_index=0,
    )
    shares = shares_on(splits_of(agreement.twin), advance.due_on)
    parts = allocate(advance.amount, [share.weight for share in shares], agreement.currency)
    sides = [
        Side(AccountKind.TRUST_CASH, advance.amount),
        Side(AccountKind.AGENCY_MONEY, -advance.amount),
    ]
    for share, part in zip(shares, parts, strict=True):
        who, about = share.beneficiary_id, reading.pk
        sides += [
            Side(AccountKind.ADVANCES, part, beneficiary_id=who, reading_id=about),
            Side(AccountKind.PAYABLE, -part, beneficiary_id=who, reading_id=about),
        ]
    journal.post(
        agency_id=agreement.agency_id,
        kind=EntryKind.ADVANCE,
        currency=agreement.currency,
        sides=sides,
        effective_on=advance.due_on,
        recorded_at=now,
        description=f"{advance.label}, {agreement.reference}: paid ahead by the agency",
        run_id=run.pk,
        agreement_id=agreement.pk,
    )


def paid_ahead(agreements: Iterable[Agreement]) -> dict[int, list[Advanced]]:
    """Return what the agency advanced under some agreements, by beneficiary.

    What it had advanced by an old system's books, and was not paid back there, is due on the day on
    which the desk took over.
    """
    postings = Posting.objects.filter(
        Q(entry__kind__in=[EntryKind.ADVANCE.value, EntryKind.OPENING.value])
        | Q(entry__reverses__kind=EntryKind.OPENING.value),
        entry__agreement__in=agreements,
        account__kind=AccountKind.ADVANCES.value,
    ).order_by()
    days = (
        "reading__advance__due_on", "entry__reverses__happened_on", "entry__reverses__effective_on",
        "entry__happened_on", "entry__effective_on",
    )  # fmt: skip
    sums = postings.values_list("account__beneficiary", Coalesce(*days)).annotate(Sum("amount"))
    paid: dict[int, list[Advanced]] = defaultdict(list)
    for beneficiary_id, due_on, amount in sums:
        if amount:
            paid[beneficiary_id].append(Advanced(due_on, amount))
    return paid


# Paid back by use


def recoups_together(agreement: Agreement) -> list[Agreement]:
    """Return the agreements whose use pays an agreement's advances back, itself among them."""
    if not agreement.recoups_with:
        return [agreement]
    group = Agreement.objects.filter(
        agency=agreement.agency_id,
        currency=agreement.currency,
        recoups_with=agreement.recoups_with,
        signed_at__isnull=False,
    )
    return list(group.select_related("agency", "twin__performer").order_by("pk"))


def recoup_use(agreement: Agreement, *, on: date, now: datetime) -> set[int]:
    """Have use pay back the licensee's advances, and no more than it earns by now.

    Figures are cumulative over the agreements that recoup together and in the order of their
    periods; the difference from what was paid back before is posted. Returns the ids of the
    agreements in which something moved.
    """
    together = [
        other for other in recoups_together(agreement) if other.licensee_id == agreement.licensee_id
    ]
    readings = list(
        Reading.objects.filter(agreement__in=together)
        .exclude(kind=ReadingKind.CONTRIBUTION.value)
        .select_related("rate_line", "advance")
        .with_received()
    )
    advances = [
        Advanced(reading.advance.due_on, reading.gross)
        for reading in readings
        if reading.advance and reading.advance.paid_back_from == PaidBackFrom.GROSS
    ]
    if not advances and not any(reading.recouped for reading in readings):
        return set()
    paying = sorted(filter(_pays_back, readings), key=_order)
    targets = recoup_over_time(
        (Earned(reading.pk, reading.period_ends_on, reading.gross) for reading in paying), advances
    )
    moved = [
        _post_recoupment(
            other,
            [reading for reading in readings if reading.agreement_id == other.pk],
            targets,
            on,
            now,
        )
        for other in together
    ]
    return {other.pk for other, has_moved in zip(together, moved, strict=True) if has_moved}


def _pays_back(reading: Reading) -> bool:
    """Tell whether what a reading earns pays advances back; use outside the consent does not."""
    if reading.kind == ReadingKind.TRUE_UP:
        return True
    return reading.rate_line is not None and not reading.rate_line.unlicensed


def _order(reading: Reading) -> tuple[object, ...]:
    """Order readings by their periods, and by what they rest on, in whatever order they came."""
    rests_on = (reading.rate_line_id or 0, reading.guarantee_id or 0)
    return reading.period_ends_on, reading.agreement_id, *rests_on, reading.factor, reading.pk


def _post_recoupment(
    agreement: Agreement,
    readings: Sequence[Reading],
    targets: Mapping[object, Decimal],
    on: date,
    now: datetime,
) -> bool:
    """Store and post what pays advances back in one agreement's readings; tell if any moved."""
    parts: Parts = {}
    for reading in readings:
        target = targets.get(reading.pk, ZERO)
        reading_parts = parts_of_received(months_of(reading), target, reading.currency)
        parts |= {(reading.pk, payee): part for payee, part in reading_parts.items() if part}
    Recoupment.objects.bulk_create(
        Recoupment(
            reading=reading,
            agreement=agreement,
            amount=targets.get(reading.pk, ZERO) - reading.recouped,
            currency=reading.currency,
            recouped_at=now,
        )
        for reading in readings
        if targets.get(reading.pk, ZERO) != reading.recouped
    )
    due = differences(parts, _parts_posted(agreement))
    # By the last day of the use, so that a statement shows both.
    last_days = {reading.pk: reading.period_ends_on - DAY for reading in readings}
    by_day: dict[date, Parts] = defaultdict(dict)
    for (reading_id, payee), part in due.items():
        by_day[min(on, last_days[reading_id])][reading_id, payee] = part
    for day in sorted(by_day):
        journal.post(
            agency_id=agreement.agency_id,
            kind=EntryKind.RECOUPMENT,
            currency=agreement.currency,
            sides=_sides(agreement, by_day[day]),
            effective_on=day,
            recorded_at=now,
            description=f"Advances of {agreement.reference} paid back by use",
            agreement_id=agreement.pk,
        )
    return bool(due)


def _parts_posted(agreement: Agreement) -> Parts:
    postings = Posting.objects.filter(
        entry__agreement=agreement,
        entry__kind=EntryKind.RECOUPMENT.value,
        account__kind=AccountKind.ACCRUED.value,
    )
    sums = postings.values_list("reading", "account__beneficiary").annotate(Sum("amount"))
    return {(reading, payee): amount for reading, payee, amount in sums}


def _sides(agreement: Agreement, due: Mapping[tuple[int, int], Decimal]) -> Iterator[Side]:
    """Yield postings: the licensee owes so much less, and so much less is left to pay back."""
    by_reading: dict[int, Decimal] = defaultdict(Decimal)
    for (reading_id, beneficiary_id), part in due.items():
        by_reading[reading_id] += part
        yield Side(AccountKind.ACCRUED, part, beneficiary_id=beneficiary_id, reading_id=reading_id)
        yield Side(
            AccountKind.ADVANCES, -part, beneficiary_id=beneficiary_id, reading_id=reading_id
        )
    for reading_id, amount in by_reading.items():
        owes = agreement.licensee_id
        yield Side(AccountKind.RECEIVABLE, -amount, licensee_id=owes, reading_id=reading_id)
        yield Side(AccountKind.ADVANCES, amount, licensee_id=owes, reading_id=reading_id)
