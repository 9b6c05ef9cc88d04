"""Rating: which rate lines meter which usage, at which factor, and what is held or unpriced."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, localcontext
from functools import cached_property, lru_cache
from math import prod
from typing import NamedTuple, Self

from licensing.agreements.rates.rate_lines import EqualRateLines
from licensing.money import EXACT
from licensing.pricing import event_quantity
from licensing.words import EACH_EVENT, Factor, Meter, RoundQuantity, Standing, Treatment
from talent.consent.scope import covers

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


class KindOfUse(NamedTuple):
    """What decides how use is rated, whoever's it is and however much: all that lines look at."""

    right: str
    use: str
    territory: str
    language: str
    channel: str
    prompt_class: str
    real_time: bool
    standing: str
    treatment: str
    production_id: int | None
    meters: tuple[str, ...]


class UseInWords(NamedTuple):
    """What readings say of the use that they cover: each value once, in order."""

    rights: tuple[str, ...]
    uses: tuple[str, ...]
    territories: tuple[str, ...]
    languages: tuple[str, ...]
    production_ids: tuple[int, ...]

    @classmethod
    def of(cls, kinds: "Iterable[KindOfUse | UsageCell]") -> Self:
        """Gather it from kinds of use."""
        kinds = list(kinds)
        return cls(
            rights=tuple(sorted({kind.right for kind in kinds})),
            uses=tuple(sorted({kind.use for kind in kinds})),
            territories=tuple(sorted({kind.territory for kind in kinds})),
            languages=tuple(sorted({kind.language for kind in kinds})),
            production_ids=tuple(
                sorted({kind.production_id for kind in kinds if kind.production_id is not None})
            ),
        )


class Alike:
    """Kinds of use that are rated alike: one object for all agreements that have just these."""

    def __init__(self, kinds: Iterable[KindOfUse]) -> None:
        self.kinds = tuple(kinds)

    @cached_property
    def in_words(self) -> UseInWords:
        """What readings say of them."""
        return UseInWords.of(self.kinds)


# Not frozen, but never changed: there are many, and freezing triples what it takes to make one.
@dataclass(slots=True)
class UsageCell:
    """Use of one agreement that is equal in everything a rate can depend on, added up.

    Or use of several kinds that the agreement's lines rate alike: these are `alike`, and what the
    cell says of its kind is of one of them.

    `quantities` is by meter, with only the meters that the events carry. `events` is their number;
    `uniform` means that all carry the same quantities. Use taken back by an amendment has negative
    quantities and events. `treatment` is the ruling on use outside the consent, `leaves` the
    number of leaves of the log that the cell stands for, each counted once. `whole` is what one
    event says in all where the cell has the parts of events that crossed a cap, on one side of it.
    `counts_from` is the day from which use counts that had not happened by the night's. The leaves
    lie from `first_index` to `last_index` of the log.
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
    whole: Mapping[str, Decimal] | None = None
    counts_from: date | None = None
    first_index: int = 0
    last_index: int = 0
    alike: Alike | None = None

    @property
    def kind(self) -> KindOfUse:
        """The kind of use that it is, or one of those that it is of."""
        return KindOfUse(
            self.right, self.use, self.territory, self.language, self.channel, self.prompt_class,
            self.real_time, self.standing, self.treatment, self.production_id,
            tuple(self.quantities),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LineConditions:
    """A rate line's conditions; None is any. Lines of one charge group are alternatives.

    A territory or language includes its subdivisions: a line for `fr` rates `fr-CA`.
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
class PriceFactor:
    """A factor on the price of use with a value of a dimension: a territory, a language, or yes.

    A factor for exclusivity applies to all use, since the whole licence is exclusive. Of several
    factors of one dimension the most specific applies: `fr-CA` before `fr`.
    """

    dimension: str
    value: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class MeteredUse:
    """The use that one rate line meters at one factor in a period, added up.

    `factors` are the ways by which its uses came to the factor, each as dimension, value and factor
    of those multiplied.
    """

    line_key: Hashable
    factor: Decimal
    quantity: Decimal
    events: int
    rights: tuple[str, ...]
    uses: tuple[str, ...]
    territories: tuple[str, ...]
    languages: tuple[str, ...]
    production_ids: tuple[int, ...]
    factors: tuple[tuple[tuple[str, str, str], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class UnratedUse:
    """Use that no line rates, and why."""

    cell: UsageCell
    reason: str


class RatedUse(NamedTuple):
    """All use, as metered, held, or worth zero; the last two with a reason. None is left out.

    What lines cannot rate is `set_aside` with them: such a line meters nothing, since the rest
    alone would take back what was posted for it.
    """

    metered: tuple[MeteredUse, ...]
    held: tuple[UnratedUse, ...]
    zero: tuple[UnratedUse, ...]
    set_aside: Mapping[Hashable, Sequence[UnratedUse]] = {}


NOT_APART = "The line rounds each event, and these were added up before it did."


@dataclass(slots=True)
class _Sum:
    """The cells that one line meters at one factor, and the sum of their quantities."""

    cells: list[UsageCell] = field(default_factory=list)
    quantity: Decimal = Decimal(0)
    factors: set[tuple[PriceFactor, ...]] = field(default_factory=set)

    def add(
        self, cells: Sequence[UsageCell], line: LineConditions, factors: tuple[PriceFactor, ...]
    ) -> None:
        self.cells += cells
        self.quantity += sum(_quantity_of(cell, line) for cell in cells)
        self.factors.add(factors)


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """Which lines of a book rate a kind of use, by their places in it, and at which factors.

    Of `rivals` nobody can tell which one should, and `why` says so.
    """

    places: tuple[int, ...]
    factors: tuple[PriceFactor, ...]
    product: Decimal
    rivals: tuple[int, ...] = ()
    why: str = ""


class RateBook:
    """An agreement's lines and factors of one rate version, and what they make of use.

    What rates a kind of use is looked up once, also for other agreements with equal conditions.
    """

    def __init__(self, lines: Sequence[LineConditions], factors: Sequence[PriceFactor] = ()):
        self._lines = tuple(lines)
        self._numbered = tuple(replace(line, key=place) for place, line in enumerate(lines))
        self._factors = tuple(factors)
        self._matches = _matches_of(self._numbered, self._factors)

    @property
    def conditions(self) -> Hashable:
        """What is equal for books that rate each kind of use in the same way."""
        return self._matches

    def way_of(self, kind: KindOfUse) -> Hashable:
        """Return what is the same for kinds of use that it rates alike, or holds alike."""
        return self._matches.of(kind), kind.standing, kind.treatment

    def rate(self, cells: Iterable[UsageCell]) -> RatedUse:
        """Rate use, as `rate_cells` does."""
        sums: dict[tuple[Hashable, Decimal], _Sum] = defaultdict(_Sum)
        held, zero = [], []
        set_aside: dict[Hashable, list[UnratedUse]] = defaultdict(list)
        alike: dict[_Match, list[UsageCell]] = defaultdict(list)
        for cell in cells:
            if cell.counts_from:
                held.append(
                    UnratedUse(cell, f"It had not happened: it counts from {cell.counts_from}.")
                )
            else:
                alike[self._matches.of(cell.kind)].append(cell)
        for match, matched in alike.items():
            if match.places or match.rivals:
                self._meter(match, matched, sums, set_aside)
                continue
            for cell in matched:
                if _is_held_unless_rated(cell):
                    held.append(UnratedUse(cell, _why_held(cell)))
                else:
                    zero.append(UnratedUse(cell, _why_zero(cell, self._lines)))
        metered = (
            _metered_use(key, factor, total)
            for (key, factor), total in sums.items()
            if key not in set_aside
        )
        left = tuple(use for use in metered if use.quantity or use.events)
        return RatedUse(left, tuple(held), tuple(zero), set_aside)

    def _meter(
        self,
        match: _Match,
        cells: Sequence[UsageCell],
        sums: Mapping[tuple[Hashable, Decimal], _Sum],
        set_aside: Mapping[Hashable, list[UnratedUse]],
    ) -> None:
        """Add cells of one match to the sums of its lines, or to what these set aside."""
        for line in (self._lines[place] for place in match.rivals):
            set_aside[line.key].extend(UnratedUse(cell, match.why) for cell in cells)
        for line in (self._lines[place] for place in match.places):
            hidden = [cell for cell in cells if _is_hidden_from(line, cell)]
            if hidden:
                set_aside[line.key].extend(UnratedUse(cell, NOT_APART) for cell in hidden)
            else:
                sums[line.key, match.product].add(cells, line, match.factors)


class _Matches:
    """What was looked up so far by some conditions and factors; lines have their places as keys."""

    def __init__(self, lines: tuple[LineConditions, ...], factors: tuple[PriceFactor, ...]):
        self._lines, self._factors = lines, factors
        self._by_kind: dict[KindOfUse, _Match] = {}
        # One object for all kinds that the same lines rate at the same factors.
        self._alike: dict[tuple[object, ...], _Match] = {}

    def of(self, kind: KindOfUse) -> _Match:
        """Return which lines rate use of this kind."""
        match = self._by_kind.get(kind)
        if match is None:
            found = self._find(kind)
            same = found.places, found.factors, found.rivals
            match = self._by_kind[kind] = self._alike.setdefault(same, found)
        return match

    def _find(self, kind: KindOfUse) -> _Match:
        apply = factors_of(kind, self._factors)
        product = product_of(apply)
        try:
            return _Match(_places(lines_for(kind, self._lines)), apply, product)
        except EqualRateLines:
            rivals = [line for line in self._lines if line.charge_group and fits(line, kind)]
            groups = ", ".join(sorted({f"“{line.charge_group}”" for line in rivals}))
            rest = [line for line in self._lines if line not in rivals]
            return _Match(
                _places(lines_for(kind, rest)),
                apply,
                product,
                _places(rivals),
                f"Several rate lines of the charge group {groups} rate the same use; make one of"
                " them more specific.",
            )


def _places(lines: Iterable[LineConditions]) -> tuple[int, ...]:
    return tuple(line.key for line in lines if isinstance(line.key, int))


# Agreements made from one template have equal conditions.
_matches_of = lru_cache(maxsize=4_096)(_Matches)


def rate_cells(
    cells: Iterable[UsageCell], lines: Sequence[LineConditions], factors: Sequence[PriceFactor] = ()
) -> RatedUse:
    """Rate a period's use by an agreement's lines of one rate version.

    Each distinct factor of a line gives a MeteredUse of its own. Use outside the consent is rated
    by unlicensed lines only; where none fits, it is held, unless a ruling decided otherwise. Use
    that was taken back completely is not metered.
    """
    return RateBook(lines, factors).rate(cells)


def lines_for(kind: KindOfUse, lines: Iterable[LineConditions]) -> list[LineConditions]:
    """Return the lines that rate a kind of use; of each charge group, only the most specific.

    Raises EqualRateLines.
    """
    chosen, groups = [], defaultdict(list)
    for line in lines:
        if not fits(line, kind):
            continue
        if line.charge_group:
            groups[line.charge_group].append(line)
        else:
            chosen.append(line)
    return chosen + [_most_specific(alternatives) for alternatives in groups.values()]


def fits(line: LineConditions, kind: KindOfUse) -> bool:
    """Tell whether a line's meter, standing and conditions fit a kind of use."""
    return (
        line.meter in kind.meters
        and kind.treatment not in UNPRICED
        and line.unlicensed == _is_unlicensed(kind)
        and line.production_id in (None, kind.production_id)
        and all(
            _meets(name, getattr(line, name), getattr(kind, value))
            for name, value in CONDITIONS.items()
        )
    )


def _is_unlicensed(use: KindOfUse | UsageCell) -> bool:
    """Tell whether unlicensed lines rate a use: outside the consent, unless a ruling licensed it.

    Payment never implies permission: a ruling changes what is charged, not how the use stands.
    """
    return use.standing != Standing.CLEARED and use.treatment != Treatment.LICENSED


def _is_held_unless_rated(cell: UsageCell) -> bool:
    return _is_unlicensed(cell) and cell.treatment != Treatment.ZERO


def factors_of(kind: KindOfUse, factors: Iterable[PriceFactor]) -> tuple[PriceFactor, ...]:
    """Return the factors that apply to a kind of use, the closest of each dimension."""
    closest: dict[str, PriceFactor] = {}
    for factor in sorted(factors, key=lambda factor: len(factor.value)):
        if _applies(factor, kind):
            closest[factor.dimension] = factor
    return tuple(closest[dimension] for dimension in sorted(closest))


def product_of(factors: Iterable[PriceFactor]) -> Decimal:
    """Return what factors come to together."""
    return prod((factor.factor for factor in factors), start=ONE)


def _meets(name: str, condition: tuple[str, ...] | None, value: str) -> bool:
    if condition is None or value in condition:
        return True
    return name in WITHIN_ANOTHER and covers(frozenset(condition), value)


def _most_specific(alternatives: Sequence[LineConditions]) -> LineConditions:
    best, *others = sorted(alternatives, key=lambda line: -line.specificity)
    if others and others[0].specificity == best.specificity:
        raise EqualRateLines(
            f"Rate lines {best.key} and {others[0].key} of the charge group "
            f"“{best.charge_group}” both rate the same use; make one more specific."
        )
    return best


def _applies(factor: PriceFactor, kind: KindOfUse) -> bool:
    within = frozenset([factor.value])
    match factor.dimension:
        case Factor.TERRITORY:
            return covers(within, kind.territory)
        case Factor.LANGUAGE:
            return covers(within, kind.language)
        case Factor.REAL_TIME:
            return kind.real_time == (factor.value == YES)
        case Factor.EXCLUSIVITY:
            return factor.value == YES
    raise ValueError(f"No use has a “{factor.dimension}”.")


def _is_hidden_from(line: LineConditions, cell: UsageCell) -> bool:
    """Tell whether a line rounds each event, but only the sum of several is known."""
    if line.rounding not in EACH_EVENT or not cell.quantities[line.meter]:
        return False
    return not cell.uniform and abs(cell.events) != 1


def _quantity_of(cell: UsageCell, line: LineConditions) -> Decimal:
    quantity = cell.quantities[line.meter]
    if line.rounding not in EACH_EVENT or not quantity:
        return quantity
    with localcontext(EXACT):
        return cell.events * _charged_of_event(cell, line, quantity / cell.events)


def _charged_of_event(cell: UsageCell, line: LineConditions, quantity: Decimal) -> Decimal:
    """Return what a line charges of one event, or of the part of it on one side of a cap.

    The event is rounded once: the part within the cap keeps what it has, the rest is past it.
    """
    if cell.whole is None:
        return event_quantity(quantity, line.rounding, line.step)
    in_all = event_quantity(cell.whole[line.meter], line.rounding, line.step)
    if cell.standing != Standing.OVER_CAP:
        return min(quantity, in_all)
    return in_all - min(cell.whole[line.meter] - quantity, in_all)


def _why_held(cell: UsageCell) -> str:
    if cell.treatment == Treatment.HELD:
        return "A ruling holds it."
    standing = dict(Standing.choices())[cell.standing]
    return f"{standing}, and the agreement has no rate for unlicensed use."


def _why_zero(cell: UsageCell, lines: Sequence[LineConditions]) -> str:
    if cell.treatment == Treatment.ZERO:
        return "A ruling says that nothing is owed."
    licensed = [line for line in lines if not line.unlicensed]
    if not any(line.meter in cell.quantities for line in licensed):
        labels = dict(Meter.choices())
        meters = ", ".join(labels[meter].lower() for meter in sorted(cell.quantities))
        return f"No rate line meters {meters or 'a use without quantities'}."
    return "No rate line that meters this use has conditions that it meets."


def _metered_use(key: Hashable, factor: Decimal, total: _Sum) -> MeteredUse:
    return MeteredUse(
        line_key=key,
        factor=factor,
        quantity=total.quantity,
        events=sum(cell.events for cell in total.cells),
        **_in_words(total.cells)._asdict(),
        factors=tuple(sorted(tuple(_told(one) for one in way) for way in total.factors if way)),
    )


def _in_words(cells: Sequence[UsageCell]) -> UseInWords:
    if len(cells) == 1 and cells[0].alike:
        return cells[0].alike.in_words
    return UseInWords.of(
        kind for cell in cells for kind in (cell.alike.kinds if cell.alike else (cell,))
    )


def _told(factor: PriceFactor) -> tuple[str, str, str]:
    return factor.dimension, factor.value, f"{factor.factor.normalize():f}"
