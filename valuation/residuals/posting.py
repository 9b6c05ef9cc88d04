"""Posting: the difference between what an agreement's readings cost and what was posted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from django.db import transaction
from django.db.models import Max, Sum

from licensing.models import Agreement
from licensing.money import allocate
from talent.beneficiaries import shares_of
from talent.periods import Days, period_containing
from valuation.ledger import journal
from valuation.ledger.closed_periods import closed_until
from valuation.models import NightShard, Reading, ResidualLine
from valuation.residuals import totals
from valuation.residuals.readings import emptied, key_of, rated, read
from valuation.residuals.segments import (
    Segment,
    costs_unused,
    opened_or_ended,
    rating_period,
    segments,
)
from valuation.residuals.totals import Row
from valuation.words import AccountKind, EntryKind, ShardStatus

ZERO = Decimal(0)
DERIVED = ["quantity", "events", "gross", "summary", "explanation", "first_index", "last_index"]


@dataclass(frozen=True, slots=True)
class Moved:
    """A reading as it is now, how far its quantity moved, and the day its news is of."""

    reading: Reading
    quantity: Decimal
    counts_on: date


@dataclass(frozen=True, slots=True)
class Before:
    """What was posted for a reading to a beneficiary so far."""

    amount: Decimal = ZERO
    last_line_id: int | None = None


@transaction.atomic
def rate_and_post(*, shard_id: int, now: datetime) -> NightShard:
    """Rate an agreement's unrated usage to date and post the difference; done once.

    Every period with new leaves, and every one that opened or ended, is priced from its
    cumulative totals. What its parts refuse goes up, and nothing of the shard is kept.
    """
    # Locked, so that two workers cannot post the same difference.
    shard = NightShard.objects.select_for_update().get(pk=shard_id)
    if shard.status != ShardStatus.DONE:
        agreement = Agreement.objects.select_related("agency", "twin__performer").get(
            pk=shard.agreement_id
        )
        AgreementNight(agreement, shard, now).post()
    return shard


class AgreementNight:
    """One agreement's part of one night."""

    def __init__(self, agreement: Agreement, shard: NightShard, now: datetime) -> None:
        self.agreement, self.shard, self.run, self.now = agreement, shard, shard.run, now
        self.cards = list(
            agreement.rate_cards.order_by("effective_from").prefetch_related(
                "lines__brackets", "multipliers"
            )
        )
        self.shares = shares_of(agreement.twin)
        self.last_run_id, self.last_as_of = totals.last_rated(agreement.pk)

    def post(self) -> None:
        rows = totals.unrated(self.run, self.agreement.pk, self.last_run_id)
        used = {rating_period(self.agreement, row["month_on"]) for row in rows}
        due = used.union(self._owed_unused())
        moved = [one for segment in segments(self.cards, due) for one in self._moved(segment)]
        lines = list(self._differences(moved))
        ResidualLine.objects.bulk_create(lines)
        self._accrue(lines)
        self._finish(lines, self._dispositions(rows, used))

    def _owed_unused(self) -> Iterator[Days]:
        """Yield the periods that opened or ended, where some rate costs something unused."""
        if any(costs_unused(line) for card in self.cards for line in card.lines.all()):
            yield from opened_or_ended(self.agreement, self.last_as_of, self.run.as_of)

    def _moved(self, segment: Segment) -> list[Moved]:
        """Read a segment anew and keep the readings that changed."""
        rows = totals.between(self.run, self.agreement.pk, segment.days)
        stored = Reading.objects.filter(agreement=self.agreement, period_on=segment.days.starts_on)
        before = {key_of(reading): reading for reading in stored}
        stood = {key: (one.quantity, one.gross) for key, one in before.items()}
        after = read(self.agreement, segment, rows, self.run.as_of)
        for key in before.keys() - after.keys():
            after[key] = emptied(before[key])
        changed = {
            key: one for key, one in after.items() if stood.get(key) != (one.quantity, one.gross)
        }
        Reading.objects.bulk_create(
            changed.values(),
            update_conflicts=True,
            unique_fields=["agreement", "rate_line", "factor", "period_on"],
            update_fields=DERIVED,
        )
        news = [row["month_on"] for row in rows if row["run_id"] > self.last_run_id]
        counts_on = max(news, default=segment.days.starts_on)
        return [
            Moved(one, one.quantity - stood.get(key, (ZERO, ZERO))[0], counts_on)
            for key, one in changed.items()
        ]

    def _differences(self, moved: Sequence[Moved]) -> Iterator[ResidualLine]:
        """Post each share of a gross to date less what was posted for it before."""
        posted = _posted([one.reading for one in moved])
        weights = [share.weight for share in self.shares]
        for one in moved:
            parts = allocate(one.reading.gross, weights, one.reading.currency)
            for share, part in zip(self.shares, parts, strict=True):
                before = posted.get((one.reading.pk, share.beneficiary_id), Before())
                yield self._line(one, share.beneficiary_id, share.weight, part, before)

    def _line(
        self, moved: Moved, beneficiary_id: int, weight: Decimal, part: Decimal, before: Before
    ) -> ResidualLine:
        reading = moved.reading
        period, late = self._open_period(beneficiary_id, moved.counts_on)
        return ResidualLine(
            run=self.run,
            reading=reading,
            agency=self.agreement.agency,
            agreement=self.agreement,
            twin=self.agreement.twin,
            beneficiary_id=beneficiary_id,
            period_on=period.starts_on,
            quantity=moved.quantity,
            amount=part - before.amount,
            currency=reading.currency,
            explanation={
                "lines": reading.explanation,
                "gross": str(reading.gross),
                "weight": str(weight),
                "weights": str(sum(share.weight for share in self.shares)),
                "part": str(part),
                "posted_before": str(before.amount),
                **reading.summary,
            },
            adjusts_id=before.last_line_id if late else None,
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

    def _accrue(self, lines: Sequence[ResidualLine]) -> None:
        """Debit what the licensee owes and credit what the beneficiaries earned."""
        owed: dict[int, Decimal] = {}
        for line in lines:
            owed[line.reading_id] = owed.get(line.reading_id, ZERO) + line.amount
        receivable = [
            journal.Side(
                AccountKind.RECEIVABLE,
                amount,
                licensee_id=self.agreement.licensee_id,
                reading_id=reading_id,
            )
            for reading_id, amount in owed.items()
        ]
        accrued = [
            journal.Side(
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

    def _dispositions(self, rows: Sequence[Row], used: set[Days]) -> tuple[int, int, int]:
        """Count the new leaves that were rated, are held, or cost nothing."""
        held, zero = 0, sum(row["leaves"] for row in rows)
        priced = 0
        for segment in segments(self.cards, used):
            days = segment.days
            inside = [row for row in rows if days.starts_on <= row["month_on"] < days.ends_on]
            found = rated(segment.card, map(totals.cell_of, inside))
            unpriced = sum(one.cell.leaves for one in (*found.held, *found.zero))
            held += sum(one.cell.leaves for one in found.held)
            priced += sum(row["leaves"] for row in inside) - unpriced
        return priced, held, zero - held - priced

    def _finish(self, lines: Sequence[ResidualLine], counts: tuple[int, int, int]) -> None:
        shard = self.shard
        shard.events_rated, shard.events_held, shard.events_zero = counts
        shard.posted = sum((line.amount for line in lines), ZERO)
        shard.status, shard.error = ShardStatus.DONE.value, ""
        shard.save()


def _posted(readings: Sequence[Reading]) -> Mapping[tuple[int, int], Before]:
    rows = ResidualLine.objects.filter(reading__in=[reading.pk for reading in readings])
    sums = rows.values_list("reading", "beneficiary").annotate(Sum("amount"), Max("pk"))
    return {(reading, payee): Before(amount, last) for reading, payee, amount, last in sums}
