"""Posting: the difference between what an agreement's readings cost and what was posted.

What an agreement was is loaded before, and what it comes to is stored after, for many at once
(`valuation/residuals/chunks.py`). In between lies one agreement's night, which writes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from talent.beneficiaries import Share, Split, shares_on, splits_of
from talent.periods import Days, months_later, period_containing
from valuation.ledger.journal import Draft, Side
from valuation.models import NightRun, NightShard, Reading
from valuation.residuals import totals
from valuation.residuals.rated_use import AgreementTerms, LeafCounts, RatedDays
from valuation.residuals.readings import (
    NOTHING,
    CannotAdd,
    Key,
    PeriodPrices,
    PricedMonth,
    PricedReading,
    SetAside,
    add_to_readings,
    clear,
    lines_in_plain_values,
    price_to_date,
)
from valuation.residuals.segments import periods_that_open_or_end
from valuation.residuals.split import MonthOfReading, parts_by_month
from valuation.residuals.totals import LastRated, MonthCell
from valuation.words import AccountKind, EntryKind, ShardStatus

ZERO = Decimal(0)
LONGEST_ERROR = 500

# What a line is posted for: the month, or part of one, of the use, and the beneficiary's id.
Seat = tuple[date, int]


@dataclass(frozen=True, slots=True)
class PostedSoFar:
    """What was posted so far for a reading, a month and a beneficiary, and the last line's id."""

    amount: Decimal = ZERO
    quantity: Decimal = ZERO
    last_line_id: int | None = None


class NewLine(NamedTuple):
    """A residual line to be stored, by its columns: of models there would be too many."""

    run_id: int
    reading_id: int
    agency_id: int
    agreement_id: int
    twin_id: int
    beneficiary_id: int
    adjusts_id: int | None
    month_on: date
    period_on: date
    quantity: Decimal
    amount: Decimal
    currency: str
    explanation: object


# By reading's id.
Posted = Mapping[int, Mapping[Seat, PostedSoFar]]


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """What a night knows of an agreement before it rates it.

    `new` is its use that was read since it was rated last, `come_due` what was read too early then
    and has happened since. `periods_to_reprice` are those of which more may have changed than use.
    `splits` is None where nobody can be paid, and `first_open_days` are those after the last issued
    statement, by beneficiary.
    """

    shard: NightShard
    terms: AgreementTerms
    last: LastRated
    new: Sequence[MonthCell] = ()
    come_due: Sequence[MonthCell] = ()
    periods_to_reprice: frozenset[Days] = frozenset()
    splits: tuple[Split, ...] | None = None
    first_open_days: Mapping[int, date] = field(default_factory=dict)


class AgreementNight:
    """Rates one agreement in one night, and drafts what it posts."""

    def __init__(self, run: NightRun, facts: AgreementFacts) -> None:
        self.run, self.facts = run, facts
        self.terms, self.agreement = facts.terms, facts.terms.agreement
        self.set_aside: list[SetAside] = []
        self.changed: list[PricedReading] = []
        self.lines: list[NewLine] = []
        self.counts = LeafCounts()
        self._shares: dict[date, tuple[Share, ...]] = {}
        self._new = self._rate_by_period(facts.new)
        self._happened = {
            self.terms.period_of(month_on)
            for month_on in {
                cell.month_on for cell in (*facts.new, *facts.come_due) if cell.has_happened
            }
        }

    def _rate_by_period(self, cells: Iterable[MonthCell]) -> dict[Days, RatedDays]:
        by_period: dict[Days, list[MonthCell]] = {}
        for cell in cells:
            by_period.setdefault(self.terms.period_of(cell.month_on), []).append(cell)
        return {period: self.terms.rate(period, inside) for period, inside in by_period.items()}

    # Which periods

    def periods_due(self) -> set[Days]:
        """Return periods that may have changed: used, opened or ended at a cost, or repriced."""
        return {*self._happened, *self.facts.periods_to_reprice, *self._owing_without_use()}

    def periods_from_nothing(self) -> set[Days]:
        """Return the periods due that are priced from all of their use, not by adding to them."""
        return {period for period in self.periods_due() if self._needs_all_use(period)}

    def _owing_without_use(self) -> Iterator[Days]:
        if self.terms.can_owe_without_use:
            yield from periods_that_open_or_end(
                self.agreement, self.facts.last.as_of, self.run.as_of
            )

    def _needs_all_use(self, period: Days) -> bool:
        last = self.facts.last
        was_rated_otherwise = last.run_id and last.terms != self.facts.shard.terms
        return bool(
            was_rated_otherwise
            or period in self.facts.periods_to_reprice
            or self._cuts(period)
            or (self.terms.rounds_each_event and self._hides_events(period))
        )

    def _hides_events(self, period: Days) -> bool:
        new = self._new.get(period)
        return new is not None and any(cell.hides_its_events for cell in new.cells())

    # Readings

    def price(self, stored: Mapping[date, Mapping[Key, Reading]], all_use: "UseOfPeriods") -> None:
        """Price each period due; keep the readings that changed, and count the new leaves.

        Readings are stored by the first day of their period.
        """
        for period in sorted(self.periods_due()):
            self.changed += self._reprice(period, stored.get(period.starts_on, {}), all_use)
        for rated in self._new.values():
            # Leaves of a night that failed were counted then.
            self.counts += rated.leaf_counts(from_index=self.run.from_index)

    def _reprice(
        self, period: Days, before: Mapping[Key, Reading], all_use: "UseOfPeriods"
    ) -> list[PricedReading]:
        figures = {key: _figures(reading) for key, reading in before.items()}
        prices = self._prices(period, before, all_use)
        self.set_aside += prices.set_aside
        now = prices.readings
        for priced in now.values():
            priced.reading.months = [self._month_as_json(month) for month in priced.months]
        for key in before.keys() - now.keys():
            # What cannot be priced tonight keeps what was posted for it.
            if key[0] not in prices.unpriced_lines:
                now[key] = clear(before[key])
        changed = {
            key: priced
            for key, priced in now.items()
            if figures.get(key) != _figures(priced.reading)
        }
        for key, priced in changed.items():
            if key in before:
                priced.reading.pk = before[key].pk
        return list(changed.values())

    def _prices(
        self, period: Days, before: Mapping[Key, Reading], all_use: "UseOfPeriods"
    ) -> PeriodPrices:
        cuts = self._cuts(period)
        parts = _parts(period, cuts)
        if not self._needs_all_use(period):
            try:
                return add_to_readings(
                    self.terms,
                    before,
                    self._new_use(period),
                    parts,
                    self.run.as_of,
                    is_first=not self.facts.last.run_id,
                )
            except CannotAdd:
                pass
        cells = totals.with_parts_told_apart(
            self.run,
            self.agreement,
            all_use.of(self.agreement.pk, period),
            cuts=cuts,
            rounds_each_event=self.terms.rounds_each_event,
        )
        return price_to_date(self.terms, self.terms.rate(period, cells), parts, self.run.as_of)

    def _new_use(self, period: Days) -> RatedDays:
        """Return what is new in a period, rated: what was read since, and what has come due."""
        new = self._new.get(period)
        due = [c for c in self.facts.come_due if self.terms.period_of(c.month_on) == period]
        if new is None or due:
            return self.terms.rate(period, [*(new.cells() if new else ()), *due])
        return new

    def _cuts(self, period: Days) -> list[date]:
        """Return the days within the period's months on which a share changes."""
        days = [split.starts_on for split in self._splits()]
        return [day for day in days if period.starts_on < day < period.ends_on and day.day != 1]

    def _splits(self) -> tuple[Split, ...]:
        # Without any, this says why.
        return self.facts.splits or splits_of(self.agreement.twin)

    def _shares_on(self, day: date) -> tuple[Share, ...]:
        if day not in self._shares:
            self._shares[day] = shares_on(self._splits(), day)
        return self._shares[day]

    def _month_as_json(self, month: PricedMonth) -> dict[str, object]:
        shares = self._shares_on(month.starts_on)
        told: dict[str, object] = {
            "starts_on": month.starts_on.isoformat(),
            "gross": str(month.price.gross),
            "shares": [
                [share.beneficiary_id, str(share.weight), share.performer_id] for share in shares
            ],
        }
        if month.used is not None:
            told |= {"used": f"{month.used.normalize():f}", "events": month.events}
        return told

    # Residual lines

    def draft_lines(self, posted: Posted) -> None:
        """Draft the lines: each part of the gross to date, less what was posted before."""
        for priced in self.changed:
            parts = self._parts_of(priced)
            before = posted.get(priced.reading.pk, {})
            for seat in sorted(parts.keys() | before.keys()):
                part = parts.get(seat, ZERO)
                so_far = before.get(seat, PostedSoFar())
                if part != so_far.amount:
                    line = self._residual_line(priced, seat, part, so_far)
                    if line.period_on > self._statement_period(line.month_on).starts_on:
                        line = line._replace(adjusts_id=_line_to_adjust(before, seat))
                    self.lines.append(line)

    def _parts_of(self, priced: PricedReading) -> Mapping[Seat, Decimal]:
        months = [
            MonthOfReading(month.starts_on, month.price.gross, self._weights_on(month.starts_on))
            for month in priced.months
        ]
        return parts_by_month(months, self.agreement.currency)

    def _weights_on(self, day: date) -> tuple[tuple[int, Decimal], ...]:
        shares = self._shares_on(day)
        return tuple((share.beneficiary_id, share.weight) for share in shares)

    def _residual_line(
        self, priced: PricedReading, seat: Seat, part: Decimal, before: PostedSoFar
    ) -> NewLine:
        month_on, beneficiary_id = seat
        reading = priced.reading
        through, until = _prices_around(priced, month_on)
        weights = dict(self._weights_on(month_on))
        # Who has left the split gives back the quantity with the amount.
        quantity = through.quantity - until.quantity if beneficiary_id in weights else ZERO
        return NewLine(
            run_id=self.run.pk,
            reading_id=reading.pk,
            agency_id=self.agreement.agency_id,
            agreement_id=self.agreement.pk,
            twin_id=self.agreement.twin_id,
            beneficiary_id=beneficiary_id,
            adjusts_id=None,
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
        first = self.facts.first_open_days.get(beneficiary_id, date.min)
        return self._statement_period(max(day, first))

    def _statement_period(self, day: date) -> Days:
        return period_containing(day, self.agreement.agency.statement_period)

    # The ledger and the shard

    def draft_entry(self) -> Draft:
        """Draft the entry: debit what the licensee owes, credit what the beneficiaries earned.

        By reading, and by beneficiary; the residual lines tell of which months it is.
        """
        owed: dict[int, Decimal] = defaultdict(Decimal)
        earned: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
        for line in self.lines:
            owed[line.reading_id] += line.amount
            earned[line.beneficiary_id, line.reading_id] += line.amount
        receivable = (
            Side(
                AccountKind.RECEIVABLE,
                amount,
                licensee_id=self.agreement.licensee_id,
                reading_id=reading_id,
            )
            for reading_id, amount in owed.items()
        )
        accrued = (
            Side(
                AccountKind.ACCRUED,
                -amount,
                beneficiary_id=beneficiary_id,
                reading_id=reading_id,
            )
            for (beneficiary_id, reading_id), amount in earned.items()
        )
        return Draft(
            agency_id=self.agreement.agency_id,
            kind=EntryKind.ACCRUAL,
            currency=self.agreement.currency,
            sides=(*receivable, *accrued),
            effective_on=self.run.as_of,
            description=f"Residuals of {self.agreement.reference} as of {self.run.as_of}",
            run_id=self.run.pk,
            agreement_id=self.agreement.pk,
        )

    def closed_shard(self) -> NightShard:
        """Return the shard, unsaved, with what became of the leaves and of what was set aside."""
        shard, counts = self.facts.shard, self.counts
        shard.events_rated, shard.events_held = counts.rated, counts.held
        shard.events_zero, shard.events_unpriced = counts.zero, counts.unpriced
        shard.posted = sum((line.amount for line in self.lines), ZERO)
        shard.set_aside = [
            {**asdict(use), "period_on": use.period_on.isoformat()} for use in self.set_aside
        ]
        shard.status = (ShardStatus.PARTLY if self.set_aside else ShardStatus.DONE).value
        reasons = dict.fromkeys(f"{use.rate_line}: {use.reason}" for use in self.set_aside)
        shard.error = " ".join(reasons)[:LONGEST_ERROR]
        return shard


class UseOfPeriods:
    """All use of periods that are priced from nothing: loaded for many at once, or when asked."""

    def __init__(self, run: NightRun, wanted: Iterable[tuple[int, Days]]) -> None:
        self._run = run
        self._cells = totals.cells_of_periods(run, wanted)

    def of(self, agreement_id: int, period: Days) -> Sequence[MonthCell]:
        """Return the use of an agreement's period up to the run."""
        key = agreement_id, period.starts_on
        if key not in self._cells:
            self._cells |= totals.cells_of_periods(self._run, [(agreement_id, period)])
        return self._cells[key]


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
