"""Rated use: which lines of an agreement's rate cards rate the use of some days."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain

from licensing.models import Agreement, RateCard, RateLine
from licensing.words import EACH_EVENT, RoundQuantity, Treatment
from talent.database.json_rows import parts_of
from talent.periods import Days
from valuation.residuals.rating import (
    KindOfUse,
    LineConditions,
    MeteredUse,
    PriceFactor,
    RateBook,
    RatedUse,
    UnratedUse,
    UsageCell,
)
from valuation.residuals.segments import Segment, can_owe_without_use, rating_period, segments
from valuation.residuals.totals import MonthCell

NO_CARD = "No rate card counts on the day of the use."


class AgreementTerms:
    """An agreement with its rate cards that count, from the first to the last."""

    def __init__(self, agreement: Agreement, cards: Iterable[RateCard]) -> None:
        self.agreement = agreement
        self.cards = sorted(cards, key=lambda card: card.effective_from)
        self._lines = {card.pk: tuple(parts_of(card, "lines")) for card in self.cards}
        self._books = {card.pk: _book_of(card, self._lines[card.pk]) for card in self.cards}
        self._periods: dict[date, Days] = {}

    def lines(self) -> Iterator[RateLine]:
        """Return the lines of all cards."""
        return chain.from_iterable(self._lines.values())

    def lines_of(self, card: RateCard) -> Sequence[RateLine]:
        """Return the lines of one of the cards."""
        return self._lines[card.pk]

    @cached_property
    def rounds_each_event(self) -> bool:
        """Whether a line rounds the quantity of each event."""
        return any(line.round_quantity in EACH_EVENT for line in self.lines())

    @cached_property
    def can_owe_without_use(self) -> bool:
        """Whether a line can cost something without use."""
        return any(map(can_owe_without_use, self.lines()))

    @cached_property
    def conditions(self) -> Hashable:
        """What is equal for agreements whose cards rate each kind of use in the same way."""
        return tuple(book.conditions for book in self._books.values())

    def period_of(self, day: date) -> Days:
        """Return the rating period that a day lies in."""
        if day not in self._periods:
            self._periods[day] = rating_period(self.agreement, day)
        return self._periods[day]

    def rate(self, days: Days, cells: Sequence[MonthCell]) -> "RatedDays":
        """Rate the use of a rating period, or of other days, by the cards that count on them."""
        rated, left = [], _by_month(cells)
        for segment in segments(self.agreement, self.cards, days):
            months = [month_on for month_on in left if segment.holds(month_on)]
            inside = [cell for month_on in months for cell in left.pop(month_on)]
            rated.append(RatedSegment(segment, inside, self.rate_months(segment.card, inside)))
        return RatedDays(
            tuple(rated), tuple(cell for of_month in left.values() for cell in of_month)
        )

    def way_of(self, kind: KindOfUse) -> Hashable:
        """Return what is the same for kinds of use that each of the cards rates alike."""
        return tuple(book.way_of(kind) for book in self._books.values())

    def rate_months(self, card: RateCard, cells: Iterable[MonthCell]) -> dict[date, RatedUse]:
        """Rate use month by month by one card."""
        book = self._books[card.pk]
        return {
            month_on: book.rate(cell.cell for cell in of_month)
            for month_on, of_month in _by_month(cells).items()
        }


@dataclass(frozen=True, slots=True)
class LineUse:
    """The use that one line meters at one factor in one month."""

    month_on: date
    use: MeteredUse


@dataclass(frozen=True, slots=True)
class RatedSegment:
    """The use of the days under one rate card, and what its lines make of it, by month."""

    segment: Segment
    cells: Sequence[MonthCell]
    months: Mapping[date, RatedUse]

    def uses_of(self, line: RateLine) -> tuple[list[LineUse], list[UnratedUse]]:
        """Return what a line meters of each month's use, and what it cannot rate."""
        return uses_of_line(self.months, line)


@dataclass(frozen=True, slots=True)
class LeafCounts:
    """How many leaves were rated, are held, and are owed nothing for.

    Of the last some are free by a ruling; the others have no price.
    """

    rated: int = 0
    held: int = 0
    zero: int = 0
    unpriced: int = 0

    def __add__(self, other: "LeafCounts") -> "LeafCounts":
        return LeafCounts(
            self.rated + other.rated,
            self.held + other.held,
            self.zero + other.zero,
            self.unpriced + other.unpriced,
        )


@dataclass(frozen=True, slots=True)
class RatedDays:
    """The use of some days, rated by the cards in force; `without_card` came before the first."""

    segments: tuple[RatedSegment, ...]
    without_card: tuple[MonthCell, ...]

    def cells(self) -> Iterator[MonthCell]:
        """Yield all of the use."""
        for part in self.segments:
            yield from part.cells
        yield from self.without_card

    def held(self) -> Iterator[UnratedUse]:
        """Yield what is held, with reasons. Use before the first card has no price yet."""
        for outcome in self._outcomes():
            yield from outcome.held
        for cell in self.without_card:
            yield UnratedUse(cell.cell, NO_CARD)

    def zero(self) -> Iterator[UnratedUse]:
        """Yield what nothing is owed for, with reasons: free by a ruling, or without a price."""
        for outcome in self._outcomes():
            yield from outcome.zero

    def leaf_counts(self, *, from_index: int) -> LeafCounts:
        """Count the leaves from an index of the log on by what became of them."""
        held = sum(_leaves(use.cell, from_index) for use in self.held())
        zero = unpriced = 0
        for use in self.zero():
            leaves = _leaves(use.cell, from_index)
            zero += leaves
            unpriced += leaves if use.cell.treatment != Treatment.ZERO else 0
        for outcome in self._outcomes():
            # A use may be set aside by several lines.
            aside = {id(use.cell): use.cell for uses in outcome.set_aside.values() for use in uses}
            held += sum(_leaves(cell, from_index) for cell in aside.values())
        whole = sum(_leaves(cell.cell, from_index) for cell in self.cells())
        return LeafCounts(whole - held - zero, held, zero, unpriced)

    def _outcomes(self) -> Iterator[RatedUse]:
        for part in self.segments:
            yield from part.months.values()


def _leaves(cell: UsageCell, from_index: int) -> int:
    return cell.leaves if cell.first_index >= from_index else 0


def uses_of_line(
    months: Mapping[date, RatedUse], line: RateLine
) -> tuple[list[LineUse], list[UnratedUse]]:
    """Return what a line meters of each month's use, and what it cannot rate."""
    uses: list[LineUse] = []
    unrated: list[UnratedUse] = []
    for month_on, outcome in months.items():
        uses += [LineUse(month_on, use) for use in outcome.metered if use.line_key == line.pk]
        unrated += outcome.set_aside.get(line.pk, ())
    return uses, unrated


def _by_month(cells: Iterable[MonthCell]) -> dict[date, list[MonthCell]]:
    by_month: dict[date, list[MonthCell]] = defaultdict(list)
    for cell in cells:
        by_month[cell.month_on].append(cell)
    return by_month


def _book_of(card: RateCard, lines: Iterable[RateLine]) -> RateBook:
    """Return a stored card as the lines and factors that `rating` works on."""
    return RateBook(
        [_conditions_of(line) for line in lines],
        [
            PriceFactor(row.dimension, row.value, row.factor)
            for row in parts_of(card, "multipliers")
        ],
    )


def _conditions_of(line: RateLine) -> LineConditions:
    return LineConditions(
        key=line.pk,
        meter=line.meter,
        rights=_codes(line.rights),
        uses=_codes(line.uses),
        territories=_codes(line.territories),
        languages=_codes(line.languages),
        channels=_codes(line.channels),
        prompt_classes=_codes(line.prompt_classes),
        production_id=line.production_id,
        unlicensed=line.unlicensed,
        charge_group=line.charge_group,
        rounding=RoundQuantity(line.round_quantity),
        step=line.round_to,
    )


def _codes(codes: list[str] | None) -> tuple[str, ...] | None:
    return None if codes is None else tuple(codes)
