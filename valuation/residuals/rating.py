"""Rating: which rate lines rate which usage, and the readings that follow."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from itertools import combinations
from math import prod
from typing import NamedTuple

from licensing.money import EXACT
from licensing.words import Factor, Meter, RoundQuantity, Standing, Treatment
from talent.consent.matrix import covers
from talent.errors import Refused
from valuation.residuals.pricing import PER_EVENT, event_quantity

ONE = Decimal(1)
YES = "yes"

CONDITIONS = {
    "rights": "right",
    "uses": "use",
    "territories": "territory",
    "languages": "language",
    "channels": "channel",
    "prompt_classes": "prompt_class",
}
UNPRICED = {Treatment.HELD, Treatment.ZERO}
WITHIN_ANOTHER = {"territories", "languages"}


class EqualRateLines(Refused):
    code = "equal_rate_lines"


@dataclass(frozen=True, slots=True)
class Cell:
    """The use of one agreement and period that agrees in everything rates look at.

    `quantities` holds only the meters its events carry; `events` is how many they are, and
    `uniform` says that all carry the same. What an amendment takes back has both below zero.
    `treatment` is what a ruling made of use outside the consent, and `leaves` how many leaves
    of the log the cell tells of, each once.
    """

    right: str
    use: str
    territory: str
    language: str
    channel: str
    prompt_class: str
    quantities: Mapping[str, Decimal]
    real_time: bool = False
    standing: str = Standing.CLEARED
    treatment: str = ""
    production_id: int | None = None
    events: int = 1
    leaves: int = 1
    uniform: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A rate line's conditions; None is any. Lines of one charge group are alternatives.

    A territory or language covers what lies within it: `fr` rates `fr-CA`.
    """

    key: Hashable
    meter: str
    rights: tuple[str, ...] | None = None
    uses: tuple[str, ...] | None = None
    territories: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    prompt_classes: tuple[str, ...] | None = None
    production_id: int | None = None
    unlicensed: bool = False
    charge_group: str = ""
    rounding: RoundQuantity = RoundQuantity.NEVER
    step: Decimal = ONE

    @property
    def specificity(self) -> int:
        """How many conditions the line sets."""
        named = sum(getattr(self, name) is not None for name in CONDITIONS)
        return named + (self.production_id is not None)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A factor on the price of use with a value: a territory, a language, or yes.

    A factor for exclusivity is on the card because the licence is exclusive: it holds for all
    use. Of a dimension's factors the closest counts: that of `fr-CA` before that of `fr`.
    """

    dimension: str
    value: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class ReadingInput:
    """What one rate line meters at one factor in a period, with whose use it was made of."""

    line_key: Hashable
    factor: Decimal
    quantity: Decimal
    events: int
    rights: tuple[str, ...]
    uses: tuple[str, ...]
    territories: tuple[str, ...]
    languages: tuple[str, ...]
    production_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unrated:
    """Use that no line rates, and why."""

    cell: Cell
    reason: str


class Rated(NamedTuple):
    """Every cell's use is in a reading, held, or worth zero for a reason; nothing is lost."""

    readings: tuple[ReadingInput, ...]
    held: tuple[Unrated, ...]
    zero: tuple[Unrated, ...]


@dataclass(slots=True)
class _Reading:
    cells: list[Cell] = field(default_factory=list)
    quantity: Decimal = Decimal(0)


def readings_of(
    cells: Iterable[Cell], lines: Sequence[Line], multipliers: Sequence[Multiplier] = ()
) -> Rated:
    """Rate a period's use by an agreement's lines of one rate version.

    Each distinct factor of a line is a reading of its own. Use outside the consent is rated
    by unlicensed lines only, and held where there is none, until a ruling says otherwise.
    Use that was taken back altogether leaves no reading. Raises EqualRateLines.
    """
    readings: dict[tuple[Hashable, Decimal], _Reading] = defaultdict(_Reading)
    held, zero = [], []
    for cell in cells:
        rating = rating_lines(cell, lines)
        factor = factor_of(cell, multipliers)
        for line in rating:
            reading = readings[line.key, factor]
            reading.cells.append(cell)
            reading.quantity += _counted(cell, line)
        if not rating and _held_unless_rated(cell):
            held.append(Unrated(cell, _why_held(cell)))
        elif not rating:
            zero.append(Unrated(cell, _why_zero(cell, lines)))
    found = [_summed(key, factor, reading) for (key, factor), reading in readings.items()]
    left = tuple(one for one in found if one.quantity or one.events)
    return Rated(left, tuple(held), tuple(zero))


def rating_lines(cell: Cell, lines: Iterable[Line]) -> list[Line]:
    """Return the lines that rate a cell: of each charge group the most specific.

    Raises EqualRateLines.
    """
    chosen, groups = [], defaultdict(list)
    for line in lines:
        if not rates(line, cell):
            continue
        if line.charge_group:
            groups[line.charge_group].append(line)
        else:
            chosen.append(line)
    return chosen + [_most_specific(alternatives) for alternatives in groups.values()]


def rates(line: Line, cell: Cell) -> bool:
    """Tell whether a line's meter, standing and conditions fit a cell of use."""
    return (
        line.meter in cell.quantities
        and cell.treatment not in UNPRICED
        and line.unlicensed == _is_unlicensed(cell)
        and line.production_id in (None, cell.production_id)
        and all(
            _meets(name, getattr(line, name), getattr(cell, value))
            for name, value in CONDITIONS.items()
        )
    )


def _is_unlicensed(cell: Cell) -> bool:
    """Tell whether unlicensed lines rate a cell: outside the consent, unless a ruling licensed it.

    Payment never implies permission: a ruling changes what is charged, not how the use stands.
    """
    return cell.standing != Standing.CLEARED and cell.treatment != Treatment.LICENSED


def _held_unless_rated(cell: Cell) -> bool:
    return _is_unlicensed(cell) and cell.treatment != Treatment.ZERO


def factor_of(cell: Cell, multipliers: Iterable[Multiplier]) -> Decimal:
    """Multiply the factors that a cell's territory, language, real time and licence meet."""
    closest: dict[str, Multiplier] = {}
    for multiplier in sorted(multipliers, key=lambda one: len(one.value)):
        if _applies(multiplier, cell):
            closest[multiplier.dimension] = multiplier
    return prod((multiplier.factor for multiplier in closest.values()), start=ONE)


def equals(lines: Iterable[Line]) -> list[tuple[Line, Line]]:
    """List pairs of alternatives that could rate the same use and are equally specific.

    Signing refuses an agreement that has any.
    """
    grouped = [line for line in lines if line.charge_group]
    return [(one, other) for one, other in combinations(grouped, 2) if _equal(one, other)]


def _equal(one: Line, other: Line) -> bool:
    return (
        (one.charge_group, one.unlicensed, one.specificity)
        == (other.charge_group, other.unlicensed, other.specificity)
        and (
            None in (one.production_id, other.production_id)
            or one.production_id == other.production_id
        )
        and all(_overlap(name, getattr(one, name), getattr(other, name)) for name in CONDITIONS)
    )


def _overlap(name: str, one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> bool:
    if one is None or other is None:
        return () not in (one, other)
    return any(_meets(name, other, value) for value in one) or any(
        _meets(name, one, value) for value in other
    )


def _meets(name: str, condition: tuple[str, ...] | None, value: str) -> bool:
    if condition is None or value in condition:
        return True
    return name in WITHIN_ANOTHER and covers(frozenset(condition), value)


def _most_specific(alternatives: Sequence[Line]) -> Line:
    best, *others = sorted(alternatives, key=lambda line: -line.specificity)
    if others and others[0].specificity == best.specificity:
        raise EqualRateLines(
            f"Rate lines {best.key} and {others[0].key} of the charge group "
            f"“{best.charge_group}” both rate the same use; make one more specific."
        )
    return best


def _applies(multiplier: Multiplier, cell: Cell) -> bool:
    within = frozenset([multiplier.value])
    match multiplier.dimension:
        case Factor.TERRITORY:
            return covers(within, cell.territory)
        case Factor.LANGUAGE:
            return covers(within, cell.language)
        case Factor.REAL_TIME:
            return cell.real_time == (multiplier.value == YES)
        case Factor.EXCLUSIVITY:
            return multiplier.value == YES
    raise ValueError(f"No use has a “{multiplier.dimension}”.")


def _counted(cell: Cell, line: Line) -> Decimal:
    quantity = cell.quantities[line.meter]
    if line.rounding not in PER_EVENT or not quantity:
        return quantity
    if not cell.uniform and cell.events != 1:
        raise ValueError(f"Line {line.key} rounds each event, but a cell tells only their sum.")
    with localcontext(EXACT):
        return cell.events * event_quantity(quantity / cell.events, line.rounding, line.step)


def _why_held(cell: Cell) -> str:
    if cell.treatment == Treatment.HELD:
        return "A ruling holds it."
    standing = dict(Standing.choices())[cell.standing]
    return f"{standing}, and the agreement has no rate for unlicensed use."


def _why_zero(cell: Cell, lines: Sequence[Line]) -> str:
    if cell.treatment == Treatment.ZERO:
        return "A ruling says that nothing is owed."
    licensed = [line for line in lines if not line.unlicensed]
    if not any(line.meter in cell.quantities for line in licensed):
        labels = dict(Meter.choices())
        meters = ", ".join(labels[meter].lower() for meter in sorted(cell.quantities))
        return f"No rate line meters {meters or 'a use without quantities'}."
    return "No rate line that meters this use has conditions that it meets."


def _summed(key: Hashable, factor: Decimal, reading: _Reading) -> ReadingInput:
    cells = reading.cells
    return ReadingInput(
        line_key=key,
        factor=factor,
        quantity=reading.quantity,
        events=sum(cell.events for cell in cells),
        rights=tuple(sorted({cell.right for cell in cells})),
        uses=tuple(sorted({cell.use for cell in cells})),
        territories=tuple(sorted({cell.territory for cell in cells})),
        languages=tuple(sorted({cell.language for cell in cells})),
        production_ids=tuple(
            sorted({cell.production_id for cell in cells if cell.production_id is not None})
        ),
    )
