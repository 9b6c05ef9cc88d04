"""Posting: the difference between what an agreement's readings cost and what was posted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from django.db import transaction
from django.db.models import Max, Sum

from licensing.models import Agreement
from licensing.money import allocate
from licensing.words import Treatment
from talent.beneficiaries import Share, shares_of
from talent.periods import Days, period_containing
from valuation.ledger import journal
from valuation.ledger.closed_periods import closed_until
from valuation.ledger.journal import Side
from valuation.models import NightRun, NightShard, Reading, ResidualLine
from valuation.residuals import totals
from valuation.residuals.readings import (
    SegmentPrices,
    SetAside,
    clear,
    key_of,
    price_segment,
    rate_by_card,
)
from valuation.residuals.segments import (
    Segment,
    can_owe_without_use,
    periods_that_open_or_end,
    rating_period,
    segments,
)
from valuation.residuals.totals import Row
from valuation.words import AccountKind, EntryKind, ShardStatus

ZERO = Decimal(0)
LONGEST_ERROR = 500
DERIVED = ["quantity", "events", "gross", "summary", "explanation", "first_index", "last_index"]


@dataclass(frozen=True, slots=True)
class ReadingChange:
    """A repriced reading, the change of its quantity, and the day on which the change counts."""

    reading: Reading
    quantity: Decimal
    counts_on: date


@dataclass(frozen=True, slots=True)
class PostedSoFar:
    """The amount posted so far for a reading to a beneficiary, and the id of the last line."""

    amount: Decimal = ZERO
    last_line_id: int | None = None


@dataclass(frozen=True, slots=True)
class LeafCounts:
    """How many of a night's leaves were rated, are held, and are worth nothing.

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
    priced from its cumulative totals. Use that cannot be rated is set aside, and tried again by the
    next night. Raises what shares and the ledger raise; then nothing of the shard is stored.
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
            .prefetch_related("lines__brackets", "multipliers")
        )
        self.shares = shares_of(agreement.twin)
        self.last = totals.last_rated(agreement.pk)
        self.last_run_id, self.last_as_of = self.last.run_id, self.last.as_of
        self.set_aside: list[SetAside] = []

    def post(self) -> None:
        """Reprice the periods that may have changed, post the differences, and close the shard."""
        rows = totals.unrated(self.run, self.agreement.pk, self.last_run_id)
        happened = [*filter(self._has_happened, rows), *self._come_due()]
        used = {rating_period(self.agreement, row["month_on"]) for row in happened}
        due = used.union(
            self._periods_owing_without_use(),
            self._periods_set_aside(),
            self._periods_of_new_cards(),
            self._periods_taken_back(),
        )
        changes = [
            change for segment in segments(self.cards, due) for change in self._reprice(segment)
        ]
        lines = list(self._residual_lines(changes))
        ResidualLine.objects.bulk_create(lines)
        self._accrue(lines)
        self._close(lines, self._leaf_counts(rows))

    def _has_happened(self, row: Row) -> bool:
        return totals.counts_by(row, self.run.as_of)

    def _come_due(self) -> list[Row]:
        """Return the totals of use that had not happened in the last night and now has."""
        if self.last_as_of is None:
            return []
        days = Days(self.last_as_of, self.run.as_of)
        return totals.come_due(self.agreement.pk, self.last_run_id, days)

    def _periods_owing_without_use(self) -> Iterator[Days]:
        """Yield the periods that opened or ended, if a rate line costs something without use."""
        if any(can_owe_without_use(line) for card in self.cards for line in card.lines.all()):
            yield from periods_that_open_or_end(self.agreement, self.last_as_of, self.run.as_of)

    def _periods_set_aside(self) -> Iterator[Days]:
        """Yield the periods with use that the last night could not rate."""
        last = NightShard.objects.filter(run=self.last_run_id, agreement=self.agreement.pk)
        for set_aside in last.values_list("set_aside", flat=True):
            for use in set_aside:
                yield rating_period(self.agreement, date.fromisoformat(use["period_on"]))

    def _periods_of_new_cards(self) -> Iterator[Days]:
        """Yield the periods since the start of cards that an amendment has brought since then."""
        last = NightRun.objects.filter(pk=self.last_run_id).first()
        new = [
            card.effective_from
            for card in self.cards
            if card.agreed_at and (last is None or card.agreed_at >= last.started_at)
        ]
        if new:
            days = rating_period(self.agreement, min(new))
            term = periods_that_open_or_end(self.agreement, None, self.run.as_of)
            yield from (period for period in term if period.ends_on >= days.ends_on)

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

    def _reprice(self, segment: Segment) -> list[ReadingChange]:
        """Price a segment again from all its totals; store and return the readings that changed."""
        rows = totals.between(self.run, self.agreement.pk, segment.days)
        before = {
            key_of(reading): reading
            for reading in Reading.objects.filter(
                agreement=self.agreement, period_on=segment.days.starts_on
            )
        }
        figures = {key: (reading.quantity, reading.gross) for key, reading in before.items()}
        prices = self._price(segment, rows)
        self.set_aside += prices.set_aside
        now = prices.readings
        for key in before.keys() - now.keys():
            if key[0] not in prices.unpriced_lines:
                now[key] = clear(before[key])
        changed = {
            key: reading
            for key, reading in now.items()
            if figures.get(key) != (reading.quantity, reading.gross)
        }
        self._store(list(changed.values()))
        counts_on = self._day_of_news(rows, segment)
        return [
            ReadingChange(reading, reading.quantity - figures.get(key, (ZERO, ZERO))[0], counts_on)
            for key, reading in changed.items()
        ]

    def _price(self, segment: Segment, rows: Sequence[Row]) -> SegmentPrices:
        """Price a segment. One that has not begun was priced only by nights since taken back."""
        if segment.days.starts_on <= self.run.as_of or any(map(self._has_happened, rows)):
            return price_segment(self.agreement, segment, rows, self.run.as_of)
        return SegmentPrices()

    def _store(self, readings: Sequence[Reading]) -> None:
        Reading.objects.bulk_create(
            readings,
            update_conflicts=True,
            unique_fields=["agreement", "rate_line", "factor", "period_on"],
            update_fields=DERIVED,
        )

    def _day_of_news(self, rows: Sequence[Row], segment: Segment) -> date:
        """Return the latest month with leaves not rated before, or else the segment's first day."""
        months = [row["month_on"] for row in rows if self._is_news(row)]
        return max(months, default=segment.days.starts_on)

    def _is_news(self, row: Row) -> bool:
        """Tell whether a total counts tonight and did not in the last night."""
        if not self._has_happened(row):
            return False
        return row["run_id"] > self.last_run_id or not totals.counts_by(
            row, self.last_as_of or self.run.as_of
        )

    # Residual lines

    def _residual_lines(self, changes: Sequence[ReadingChange]) -> Iterator[ResidualLine]:
        """Yield unsaved lines: each share of the gross to date, less what was posted before."""
        posted = _posted_so_far([change.reading for change in changes])
        weights = [share.weight for share in self.shares]
        for change in changes:
            reading = change.reading
            parts = allocate(reading.gross, weights, reading.currency)
            for share, part in zip(self.shares, parts, strict=True):
                before = posted.get((reading.pk, share.beneficiary_id), PostedSoFar())
                yield self._residual_line(change, share, part, before)

    def _residual_line(
        self, change: ReadingChange, share: Share, part: Decimal, before: PostedSoFar
    ) -> ResidualLine:
        reading = change.reading
        period, is_late = self._open_period(share.beneficiary_id, change.counts_on)
        return ResidualLine(
            run=self.run,
            reading=reading,
            agency=self.agreement.agency,
            agreement=self.agreement,
            twin=self.agreement.twin,
            beneficiary_id=share.beneficiary_id,
            period_on=period.starts_on,
            quantity=change.quantity,
            amount=part - before.amount,
            currency=reading.currency,
            explanation={
                "lines": reading.explanation,
                "gross": str(reading.gross),
                "weight": str(share.weight),
                "weights": str(sum(share.weight for share in self.shares)),
                "part": str(part),
                "posted_before": str(before.amount),
                **reading.summary,
            },
            adjusts_id=before.last_line_id if is_late else None,
        )

    def _open_period(self, beneficiary_id: int, day: date) -> tuple[Days, bool]:
        """Return the first open statement period from a day on, and if the day's own is closed."""
        length = self.agreement.agency.statement_period
        own = period_containing(day, length)
        open_from = self._closed_until.get(beneficiary_id, own.starts_on)
        if open_from <= own.starts_on:
            return own, False
        return period_containing(open_from, length), True

    @cached_property
    def _closed_until(self) -> dict[int, date]:
        return closed_until(
            agency_id=self.agreement.agency_id,
            currency=self.agreement.currency,
            beneficiary_ids=[share.beneficiary_id for share in self.shares],
        )

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
        """Count the new leaves that were rated, are held, or cost nothing.

        Leaves of days without a rate card cost nothing.
        """
        free, rated, held = 0, 0, sum(row["leaves"] for row in rows if not self._has_happened(row))
        happened = [row for row in rows if self._has_happened(row)]
        used = {rating_period(self.agreement, row["month_on"]) for row in happened}
        for segment in segments(self.cards, used):
            days = segment.days
            inside = [row for row in happened if days.starts_on <= row["month_on"] < days.ends_on]
            cells = (totals.cell_of(row, self.run.as_of) for row in inside)
            outcome = rate_by_card(segment.card, cells)
            held_here = sum(use.cell.leaves for use in outcome.held)
            # A use may be set aside by several lines.
            cells_aside = {
                id(use.cell): use.cell for uses in outcome.set_aside.values() for use in uses
            }
            held_here += sum(cell.leaves for cell in cells_aside.values())
            zero_here = sum(use.cell.leaves for use in outcome.zero)
            free += sum(
                use.cell.leaves for use in outcome.zero if use.cell.treatment == Treatment.ZERO
            )
            held += held_here
            rated += sum(row["leaves"] for row in inside) - held_here - zero_here
        zero = sum(row["leaves"] for row in rows) - rated - held
        return LeafCounts(rated, held, zero, unpriced=zero - free)

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


def _posted_so_far(readings: Sequence[Reading]) -> Mapping[tuple[int, int], PostedSoFar]:
    """Return what was posted by (reading, beneficiary)."""
    rows = ResidualLine.objects.filter(reading__in=[reading.pk for reading in readings])
    sums = rows.values_list("reading", "beneficiary").annotate(Sum("amount"), Max("pk"))
    return {(reading, payee): PostedSoFar(amount, last) for reading, payee, amount, last in sums}
