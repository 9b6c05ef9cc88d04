"""From an amount to the uses it was posted for, and from a use to the amounts it is in.

Both ways go by the code that rates: a use is a line's if the line's rate meters it at its factor.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max

from licensing.models import Agreement, EventArchive, RateCard, UsageEvent
from licensing.usage.totals import of_leaves
from talent.periods import Days, local_day, months_later, starts_at
from valuation.models import NightRun, Reading, ResidualLine
from valuation.residuals.rated_use import AgreementTerms
from valuation.residuals.readings import FACTOR_PLACES
from valuation.residuals.totals import cell_of

ZERO = Decimal(0)
AT_ONCE = 200
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class UseOfLine:
    """What one leaf moved of a line's quantity; below zero is what it took back."""

    event: UsageEvent
    leaf: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class UsesOfLine:
    """Some of the uses that a line was posted for, and what all of them come to.

    `before` are the amounts posted for the same month and beneficiary before this line, from
    whose leaves on its own begin. `goes_on_after` is the last leaf here, if there are more.
    `archives` hold uses of the same twin among its leaves, which are in no table any more.
    """

    uses: tuple[UseOfLine, ...]
    in_all: Decimal
    before: ResidualLine | None
    goes_on_after: int | None
    archives: tuple[EventArchive, ...] = ()

    def adds_up_to(self, line: ResidualLine) -> bool:
        quantity: Decimal = line.quantity
        return self.in_all == quantity


def of_line(line: ResidualLine, *, after: int = -1, at_most: int = AT_ONCE) -> UsesOfLine:
    """Return the uses whose leaves a residual line brought into its reading's month.

    None of a line that is owed beside use.
    """
    if line.reading.rate_line is None:
        return UsesOfLine((), ZERO, None, None)
    before = (
        ResidualLine.objects.filter(
            reading=line.reading_id,
            month_on=line.month_on,
            beneficiary=line.beneficiary_id,
            pk__lt=line.pk,
        )
        .select_related("run")
        .order_by("-pk")
        .first()
    )
    span = _span(line, before)
    meter = _Meter(line.agreement, [line.reading.rate_line.card])
    rows, more = of_leaves.leaves_of_days(**span, after=after, at_most=at_most)
    mine = [(row, quantity) for row in rows if (quantity := _of(line, meter, row)) is not None]
    named = UsageEvent.objects.defer("entry").select_related("twin")
    events = named.in_bulk({row["event_id"] for row, _ in mine})
    uses = tuple(
        UseOfLine(events[row["event_id"]], row["first_index"], quantity)
        for row, quantity in mine
        if row["event_id"] in events
    )
    whole = of_leaves.totals_of_days(**span)
    in_all = sum((_of(line, meter, row) or ZERO for row in whole), ZERO)
    archives = () if in_all == line.quantity else _archives_with(line, span)
    return UsesOfLine(uses, in_all, before, more, archives)


def _archives_with(line: ResidualLine, span: dict[str, Any]) -> tuple[EventArchive, ...]:
    archives = EventArchive.objects.in_place_of_tables().filter(
        first_index__lt=span["to_index"],
        last_index__gte=span["from_index"],
        units__twin=line.agreement.twin_id,
        units__year__gte=span["since"].astimezone(UTC).year,
        units__year__lte=span["until"].astimezone(UTC).year,
    )
    return tuple(archives.distinct().order_by("first_id"))


def _span(line: ResidualLine, before: ResidualLine | None) -> dict[str, Any]:
    agreement, days = line.agreement, _days_of(line)
    return {
        "agreement_id": agreement.pk,
        "since": starts_at(days.starts_on, agreement.time_zone),
        "until": starts_at(days.ends_on, agreement.time_zone),
        "from_index": before.run.to_index if before else 0,
        "to_index": line.run.to_index,
    }


def _days_of(line: ResidualLine) -> Days:
    """Return the days of a line's month, or of the part of it that a changed share cuts off."""
    ends_on = months_later(line.month_on.replace(day=1), 1)
    starts = (date.fromisoformat(month["starts_on"]) for month in line.reading.months)
    later = [day for day in starts if line.month_on < day < ends_on]
    return Days(line.month_on, min([*later, ends_on]))


def _of(line: ResidualLine, meter: "_Meter", row: dict[str, Any]) -> Decimal | None:
    """Return how much of a row the line's rate meters at its factor; None: it does not."""
    reading = line.reading
    for key, factor, quantity in meter.metered(row, line.run.as_of):
        if key == reading.rate_line_id and factor == reading.factor:
            return quantity
    return None


class _Meter:
    """Tells which rate lines of some cards meter a row, with terms that are read once."""

    def __init__(self, agreement: Agreement, cards: Iterable[RateCard]) -> None:
        self.terms = AgreementTerms(agreement, cards)

    def metered(self, row: dict[str, Any], as_of: date) -> Iterator[tuple[int, Decimal, Decimal]]:
        """Yield rate line's id, factor and quantity of each line that meters a row."""
        cell = cell_of(row, as_of)
        for card in self.terms.cards:
            for rated in self.terms.rate_months(card, [cell]).values():
                for use in rated.metered:
                    yield int(str(use.line_key)), use.factor.quantize(FACTOR_PLACES), use.quantity


# From a use


@dataclass(frozen=True, slots=True)
class LineOfUse:
    """A residual line of a reading that meters a use, and how much of the use the reading has.

    `brought` tells whether the use came with this line; later ones only moved what it costs.
    """

    line: ResidualLine
    quantity: Decimal
    brought: bool


def of_event(event: UsageEvent) -> list[LineOfUse]:
    """Return the residual lines that were posted for readings which meter a use."""
    run = NightRun.objects.order_by("-pk").first()
    if event.agreement_id is None or run is None:
        return []
    rows = _rows_of(event, event.agreement_id, run)
    cards = event.agreement.rate_cards.agreed().prefetch_related("lines", "multipliers")
    meter = _Meter(event.agreement, cards)
    quantities: dict[tuple[int, Decimal], Decimal] = {}
    for row in rows:
        for key, factor, quantity in meter.metered(row, run.as_of):
            quantities[key, factor] = quantities.get((key, factor), ZERO) + quantity
    day = local_day(event.occurred_at, event.agreement.time_zone)
    readings = {
        reading.pk: quantities[seat]
        for reading in _readings_on(event.agreement_id, day)
        if (seat := (reading.rate_line_id or 0, reading.factor)) in quantities
    }
    first_leaf = min((row["first_index"] for row in rows), default=0)
    return list(_lines(readings, day, first_leaf))


def _rows_of(event: UsageEvent, agreement_id: int, run: NightRun) -> list[dict[str, Any]]:
    rows, _more = of_leaves.leaves_of_days(
        agreement_id=agreement_id,
        since=event.occurred_at,
        until=event.occurred_at + MOMENT,
        from_index=0,
        to_index=run.to_index,
        after=-1,
        at_most=AT_ONCE * AT_ONCE,
    )
    return [row for row in rows if row["event_id"] == event.pk]


def _readings_on(agreement_id: int, day: date) -> Sequence[Reading]:
    return list(
        Reading.objects.filter(agreement=agreement_id, period_on__lte=day, period_ends_on__gt=day)
    )


def _lines(readings: dict[int, Decimal], day: date, first_leaf: int) -> Iterator[LineOfUse]:
    lines = ResidualLine.objects.filter(reading__in=readings, run__to_index__gt=first_leaf)
    parts = dict(lines.filter(month_on__lte=day).values_list("reading").annotate(Max("month_on")))
    related = ("run", "beneficiary", "reading__rate_line", "twin", "agreement")
    seen: set[tuple[int, int]] = set()
    for line in lines.select_related(*related).order_by("pk"):
        if parts.get(line.reading_id) == line.month_on:
            seat = (line.reading_id, line.beneficiary_id)
            yield LineOfUse(line, readings[line.reading_id], seat not in seen)
            seen.add(seat)
