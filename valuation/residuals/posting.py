"""Posting: the difference between what an agreement's readings cost and what was posted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, Sum

from licensing.models import Agreement
from licensing.words import EACH_EVENT, Treatment
from talent.beneficiaries import shares_on, splits_of
from talent.periods import Days, months_later, period_containing
from valuation.ledger import journal
from valuation.ledger.closed_periods import closed_until
from valuation.ledger.journal import Side
from valuation.models import NightShard, RatedAgreement, Reading, ResidualLine
from valuation.residuals import totals
from valuation.residuals.readings import (
    NOTHING,
    Key,
    PricedMonth,
    PricedReading,
    SetAside,
    clear,
    key_of,
    lines_in_plain_values,
    price_period_to_date,
    unpriced_use,
)
from valuation.residuals.segments import (
    can_owe_without_use,
    periods_that_open_or_end,
    rating_period,
)
from valuation.residuals.split import MonthOfReading, parts_by_month
from valuation.residuals.totals import Row
from valuation.words import AccountKind, EntryKind, ShardStatus

ZERO = Decimal(0)
LONGEST_ERROR = 500
DERIVED = [
    "period_ends_on",
    "quantity",
    "events",
    "gross",
    "months",
    "summary",
    "explanation",
    "first_index",
    "last_index",
]

# What a line is posted for: the month, or part of one, of the use, and the beneficiary's id.
Seat = tuple[date, int]


@dataclass(frozen=True, slots=True)
class PostedSoFar:
    """What was posted so far for a reading, a month and a beneficiary, and the last line's id."""

    amount: Decimal = ZERO
    quantity: Decimal = ZERO
    last_line_id: int | None = None


@dataclass(frozen=True, slots=True)
class LeafCounts:
    """How many of a night's leaves were rated, are held, and are owed nothing for.

    Of the last some are free by a ruling; the others have no price.
    """

    rated: int
    held: int
    zero: int
    unpriced: int


@transaction.atomic
def rate_and_post(*, shard_id: int, now: datetime) -> NightShard:
    """Rate an agreement's unrated usage to date and post the difference, once per shard.

    Every rating period with new leaves, or that opened or ended and costs something without use, is
    priced from its cumulative totals; every period at all, where terms or shares have changed.
    Use that cannot be rated is set aside, and tried again by the next night. Raises what shares
    and the ledger raise; then nothing of the shard is stored.
    """
    # Locked, so that two workers cannot post the same difference.
    shard = NightShard.objects.select_for_update().get(pk=shard_id)
    if shard.status not in totals.RATED:
        agreement = Agreement.objects.select_related("agency", "twin__performer").get(
            pk=shard.agreement_id
        )
        AgreementNight(agreement, shard, now).post()
    return shard


class AgreementNight:
    """Rates one agreement in one night and posts the differences."""

    def __init__(self, agreement: Agreement, shard: NightShard, now: datetime) -> None:
        self.agreement, self.shard, self.run, self.now = agreement, shard, shard.run, now
        self.cards = list(
            agreement.rate_cards.agreed()
            .order_by("effective_from")
            .prefetch_related("lines__brackets", "multipliers", "escalators__index__figures")
        )
        self.last = totals.last_rated(agreement.pk)
        self.last_run_id, self.last_as_of = self.last.run_id, self.last.as_of
        self.splits = splits_of(agreement.twin)
        self.set_aside: list[SetAside] = []
        self._first_open_days: dict[int, date] = {}
        self.rated = RatedAgreement.objects.filter(agreement=agreement).first()

    def post(self) -> None:
        """Reprice the periods that may have changed, post the differences, and close the shard."""
        rows = totals.unrated(self.run, self.agreement.pk, self.last_run_id)
        happened = [*(row for row in rows if self._has_happened(row)), *self._come_due()]
        used = {rating_period(self.agreement, row["month_on"]) for row in happened}
        due = used.union(
            self._periods_owing_without_use(),
            self._periods_of_changed_terms(),
            self._periods_set_aside(),
            self._periods_taken_back(),
        )
        changed = [reading for period in sorted(due) for reading in self._reprice(period)]
        lines = list(self._residual_lines(changed))
        ResidualLine.objects.bulk_create(lines)
        self._accrue(lines)
        self._close(lines, self._leaf_counts(rows))

    def _has_happened(self, row: Row) -> bool:
        return totals.counts_by(row, self.run.as_of)

    def _come_due(self) -> list[Row]:
        """Return the totals of use that had not happened by the last night and now has."""
        if self.last_as_of is None:
            return []
        days = Days(self.last_as_of, self.run.as_of)
        return totals.come_due(self.agreement.pk, self.last_run_id, days)

    def _periods_owing_without_use(self) -> Iterator[Days]:
        """Yield the periods that opened or ended, if a rate line costs something without use."""
        if self._can_owe_without_use():
            yield from periods_that_open_or_end(self.agreement, self.last_as_of, self.run.as_of)

    def _periods_set_aside(self) -> Iterator[Days]:
        """Yield the periods with use that the last night could not rate."""
        last = NightShard.objects.filter(run=self.last_run_id, agreement=self.agreement.pk)
        for set_aside in last.values_list("set_aside", flat=True):
            for use in set_aside:
                yield rating_period(self.agreement, date.fromisoformat(use["period_on"]))

    def _can_owe_without_use(self) -> bool:
        return any(can_owe_without_use(line) for card in self.cards for line in card.lines.all())

    def _periods_of_changed_terms(self) -> set[Days]:
        """Return all periods used or charged so far, if terms or shares are not what they were."""
        if self.rated is None or self.rated.terms == self.shard.terms:
            return set()
        charged = Reading.objects.filter(agreement=self.agreement)
        days = totals.months_of(self.run, self.agreement.pk).union(
            charged.values_list("period_on", flat=True)
        )
        periods = {rating_period(self.agreement, day) for day in days}
        if self._can_owe_without_use():
            periods.update(periods_that_open_or_end(self.agreement, None, self.run.as_of))
        return periods

    def _periods_taken_back(self) -> set[Days]:
        """Return the periods in which nights posted that were taken back since."""
        if self.last.standing_run_id == self.last.run_id:
            return set()
        lines = ResidualLine.objects.filter(
            agreement=self.agreement,
            run__taken_back_at__isnull=False,
            run__gt=self.last.standing_run_id,
        )
        days = lines.values_list("reading__period_on", flat=True).distinct()
        return {rating_period(self.agreement, day) for day in days}

    # Readings

    def _reprice(self, period: Days) -> list[PricedReading]:
        """Price a period again from all its totals; store and return the readings that changed."""
        cuts = self._cuts(period)
        rows = totals.between(
            self.run,
            self.agreement,
            period,
            cuts=cuts,
            rounds_each_event=self._rounds_each_event(),
        )
        before = self._stored_readings(period)
        figures = {key: _figures(reading) for key, reading in before.items()}
        prices = price_period_to_date(
            self.agreement,
            self.cards,
            period,
            rows,
            _parts(period, cuts),
            self.run.as_of,
        )
        self.set_aside += prices.set_aside
        now = prices.readings
        for priced in now.values():
            priced.reading.months = [self._month_as_json(month) for month in priced.months]
        for key in before.keys() - now.keys():
            # What cannot be priced tonight keeps what was posted for it.
            if key[0] not in prices.unpriced_lines:
                now[key] = clear(before[key])
        changed = [
            priced for key, priced in now.items() if figures.get(key) != _figures(priced.reading)
        ]
        self._store([priced.reading for priced in changed])
        return changed

    def _cuts(self, period: Days) -> list[date]:
        """Return the days within the period's months on which a share changes."""
        days = [split.starts_on for split in self.splits]
        return [day for day in days if period.starts_on < day < period.ends_on and day.day != 1]

    def _rounds_each_event(self) -> bool:
        lines = (line for card in self.cards for line in card.lines.all())
        return any(line.round_quantity in EACH_EVENT for line in lines)

    def _stored_readings(self, period: Days) -> dict[Key, Reading]:
        readings = Reading.objects.filter(
            agreement=self.agreement,
            period_on__gte=period.starts_on,
            period_on__lt=period.ends_on,
        )
        return {key_of(reading): reading for reading in readings}

    def _month_as_json(self, month: PricedMonth) -> dict[str, object]:
        shares = shares_on(self.splits, month.starts_on)
        return {
            "starts_on": month.starts_on.isoformat(),
            "gross": str(month.price.gross),
            "shares": [
                [share.beneficiary_id, str(share.weight), share.performer_id] for share in shares
            ],
        }

    def _store(self, readings: Sequence[Reading]) -> None:
        Reading.objects.bulk_create(
            readings,
            update_conflicts=True,
            unique_fields=["agreement", "rate_line", "factor", "period_on"],
            update_fields=DERIVED,
        )

    # Residual lines

    def _residual_lines(self, changed: Sequence[PricedReading]) -> Iterator[ResidualLine]:
        """Yield unsaved lines: each part of the gross to date, less what was posted before."""
        posted = _posted_so_far([priced.reading for priced in changed])
        for priced in changed:
            parts = self._parts_of(priced)
            before = posted.get(priced.reading.pk, {})
            for seat in sorted(parts.keys() | before.keys()):
                part = parts.get(seat, ZERO)
                so_far = before.get(seat, PostedSoFar())
                if part != so_far.amount:
                    line = self._residual_line(priced, seat, part, so_far)
                    if line.period_on > self._statement_period(line.month_on).starts_on:
                        line.adjusts_id = _line_to_adjust(before, seat)
                    yield line

    def _parts_of(self, priced: PricedReading) -> Mapping[Seat, Decimal]:
        months = [
            MonthOfReading(month.starts_on, month.price.gross, self._weights_on(month.starts_on))
            for month in priced.months
        ]
        return parts_by_month(months, self.agreement.currency)

    def _weights_on(self, day: date) -> tuple[tuple[int, Decimal], ...]:
        shares = shares_on(self.splits, day)
        return tuple((share.beneficiary_id, share.weight) for share in shares)

    def _residual_line(
        self, priced: PricedReading, seat: Seat, part: Decimal, before: PostedSoFar
    ) -> ResidualLine:
        month_on, beneficiary_id = seat
        reading = priced.reading
        through, until = _prices_around(priced, month_on)
        weights = dict(self._weights_on(month_on))
        # Who has left the split gives back the quantity with the amount.
        quantity = through.quantity - until.quantity if beneficiary_id in weights else ZERO
        return ResidualLine(
            run=self.run,
            reading=reading,
            agency=self.agreement.agency,
            agreement=self.agreement,
            twin=self.agreement.twin,
            beneficiary_id=beneficiary_id,
            month_on=month_on,
            period_on=self._open_period(beneficiary_id, month_on).starts_on,
            quantity=quantity - before.quantity,
            amount=part - before.amount,
            currency=reading.currency,
            explanation={
                "lines": lines_in_plain_values(through.price),
                "gross": str(through.price.gross),
                "gross_before": str(until.price.gross),
                "weight": str(weights.get(beneficiary_id, ZERO)),
                "weights": str(sum(weights.values())),
                "part": str(part),
                "posted_before": str(before.amount),
                **reading.summary,
            },
        )

    def _open_period(self, beneficiary_id: int, day: date) -> Days:
        """Return the first open statement period of a beneficiary from a day on."""
        if beneficiary_id not in self._first_open_days:
            self._first_open_days[beneficiary_id] = self._first_open_day(beneficiary_id)
        return self._statement_period(max(day, self._first_open_days[beneficiary_id]))

    def _statement_period(self, day: date) -> Days:
        return period_containing(day, self.agreement.agency.statement_period)

    def _first_open_day(self, beneficiary_id: int) -> date:
        """Return the first day that no issued statement of a beneficiary covers."""
        days = closed_until(
            agency_id=self.agreement.agency_id,
            currency=self.agreement.currency,
            beneficiary_ids=[beneficiary_id],
        )
        return days.get(beneficiary_id, date.min)

    # The ledger and the shard

    def _accrue(self, lines: Sequence[ResidualLine]) -> None:
        """Debit what the licensee owes and credit what the beneficiaries earned."""
        owed: dict[int, Decimal] = {}
        for line in lines:
            owed[line.reading_id] = owed.get(line.reading_id, ZERO) + line.amount
        receivable = [
            Side(
                AccountKind.RECEIVABLE,
                amount,
                licensee_id=self.agreement.licensee_id,
                reading_id=reading_id,
            )
            for reading_id, amount in owed.items()
        ]
        accrued = [
            Side(
                AccountKind.ACCRUED,
                -line.amount,
                beneficiary_id=line.beneficiary_id,
                reading_id=line.reading_id,
            )
            for line in lines
        ]
        journal.post(
            agency_id=self.agreement.agency_id,
            kind=EntryKind.ACCRUAL,
            currency=self.agreement.currency,
            sides=[*receivable, *accrued],
            effective_on=self.run.as_of,
            recorded_at=self.now,
            description=f"Residuals of {self.agreement.reference} as of {self.run.as_of}",
            run_id=self.run.pk,
            agreement_id=self.agreement.pk,
        )

    def _leaf_counts(self, rows: Sequence[Row]) -> LeafCounts:
        """Count the new leaves that were rated, are held, or are owed nothing for."""
        held = zero = unpriced = 0
        for period in {rating_period(self.agreement, row["month_on"]) for row in rows}:
            inside = [row for row in rows if period.starts_on <= row["month_on"] < period.ends_on]
            outcome = unpriced_use(self.agreement, self.cards, period, inside, self.run.as_of)
            held += sum(use.cell.leaves for use in outcome.held)
            zero += sum(use.cell.leaves for use in outcome.zero)
            unpriced += sum(
                use.cell.leaves for use in outcome.zero if use.cell.treatment != Treatment.ZERO
            )
            # A use may be set aside by several lines.
            aside = {id(use.cell): use.cell for uses in outcome.set_aside.values() for use in uses}
            held += sum(cell.leaves for cell in aside.values())
        rated = sum(row["leaves"] for row in rows) - held - zero
        return LeafCounts(rated, held, zero, unpriced)

    def _close(self, lines: Sequence[ResidualLine], counts: LeafCounts) -> None:
        shard = self.shard
        shard.events_rated, shard.events_held = counts.rated, counts.held
        shard.events_zero, shard.events_unpriced = counts.zero, counts.unpriced
        shard.posted = sum((line.amount for line in lines), ZERO)
        shard.set_aside = [
            {**asdict(use), "period_on": use.period_on.isoformat()} for use in self.set_aside
        ]
        shard.status = (ShardStatus.PARTLY if self.set_aside else ShardStatus.DONE).value
        reasons = dict.fromkeys(f"{use.rate_line}: {use.reason}" for use in self.set_aside)
        shard.error = " ".join(reasons)[:LONGEST_ERROR]
        shard.save()
        RatedAgreement.objects.update_or_create(
            agreement=self.agreement, defaults={"run": self.run, "terms": shard.terms}
        )


def _figures(reading: Reading) -> tuple[object, ...]:
    """Return what makes a reading post something, or tell something else, when it changes."""
    return (
        reading.quantity,
        reading.events,
        reading.gross,
        reading.months,
        reading.period_ends_on,
    )


def _parts(period: Days, cuts: Iterable[date]) -> list[date]:
    """Return the first days of a period's months, and of the parts that cuts make of them."""
    months, month_on = [], period.starts_on
    while month_on < period.ends_on:
        months.append(month_on)
        month_on = months_later(month_on, 1)
    return sorted({*months, *cuts})


def _prices_around(priced: PricedReading, month_on: date) -> tuple[PricedMonth, PricedMonth]:
    """Return what a reading came to through a month, and until before it."""
    nothing = PricedMonth(month_on, ZERO, NOTHING)
    through = until = nothing
    for month in priced.months:
        if month.starts_on < month_on:
            until = month
        if month.starts_on <= month_on:
            through = month
    return through, until


def _line_to_adjust(posted: Mapping[Seat, PostedSoFar], seat: Seat) -> int | None:
    """Return the last line of a month and beneficiary, or else of the beneficiary's reading."""
    if seat in posted:
        return posted[seat].last_line_id
    _, beneficiary_id = seat
    return max(
        (so_far.last_line_id or 0 for (_, pk), so_far in posted.items() if pk == beneficiary_id),
        default=None,
    )


def _posted_so_far(readings: Sequence[Reading]) -> dict[int, dict[Seat, PostedSoFar]]:
    """Return what was posted, by reading and then by month and beneficiary."""
    rows = ResidualLine.objects.filter(reading__in=[reading.pk for reading in readings])
    sums = rows.values_list("reading", "month_on", "beneficiary").annotate(
        Sum("amount"), Sum("quantity"), Max("pk")
    )
    posted: dict[int, dict[Seat, PostedSoFar]] = {}
    for reading, month_on, beneficiary, amount, quantity, last in sums:
        posted.setdefault(reading, {})[month_on, beneficiary] = PostedSoFar(amount, quantity, last)
    return posted
