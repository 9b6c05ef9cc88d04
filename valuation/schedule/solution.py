"""A plan solved: who plays what, in what order it is shot, what that costs and saves, and why.

A plan's input is frozen as plain values; the same input with the same effort gives the same
solution, on any machine where no seconds limit it.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from licensing.money import smallest_unit
from licensing.words import Outcome
from valuation.schedule.assignment.advice import Advice, Change, Conflict, advice, conflict
from valuation.schedule.assignment.programme import Programme, programme
from valuation.schedule.assignment.solving import Effort, Solution, SolvingProgress, solve
from valuation.schedule.breakdown import Breakdown
from valuation.schedule.options import IN_PERSON, ZERO, Answer, Option, PlanTerms, options
from valuation.schedule.order.search import Progress
from valuation.schedule.shooting import Calendar, Cast, Shooting, all_in_person, shoot
from valuation.words import Bar, PlanCost, PlanStage

# Change this whenever the same input would give another solution.
CODE_VERSION = "2026-11-29.6"

NO_MONEY = frozenset({PlanCost.RISK})
TO_PERFORMERS = frozenset({PlanCost.WORK, PlanCost.HOLD, PlanCost.FEE})
# What a plan may save on the set. What twins cost instead stands in other terms of V.
BESIDE_DAYS = (PlanCost.SECOND_UNIT, PlanCost.CROWD, PlanCost.TRAVEL)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the desk decided about a twin in a scene when the plan was gathered."""

    scene: str
    twin: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class PlanInput:
    """All that a plan is solved from. `order_states` is how far an order is searched."""

    breakdown: Breakdown
    terms: PlanTerms
    asked: tuple[Asked, ...]
    calendar: Calendar
    effort: Effort
    order_states: int = 2_000_000


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """How a part is played, and why: its cost, and what its other options would have cost.

    `others` are choices with their cost and what forbids them. Who plays two parts of a scene in
    person is paid once: `cost` is nothing for the second.
    """

    scene: str
    character: str
    choice: str
    cost: Decimal
    risk: Decimal
    answer: Answer | None
    others: tuple[tuple[str, Decimal, tuple[Bar, ...]], ...]
    locked: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What choices weigh: money by kinds by the minute, shooting days, consent asked, risk.

    `days` is None where no days were found. `total` leaves out the price of risk, which is no
    money. What is paid, by whole days, `paid` counts.
    """

    costs: tuple[tuple[PlanCost, Decimal], ...]
    days: int | None
    asked: int
    risk: Decimal

    @property
    def total(self) -> Decimal:
        return sum((amount for kind, amount in self.costs if kind not in NO_MONEY), ZERO)

    @property
    def to_performers(self) -> Decimal:
        return sum((amount for kind, amount in self.costs if kind in TO_PERFORMERS), ZERO)

    def of(self, kind: PlanCost) -> Decimal:
        return dict(self.costs).get(kind, ZERO)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a plan saves of one kind, at least, as found, and at most: alike where it is proven.

    With `whole_days` it is all that days cost: unit, moves, work and waiting of performers.
    """

    kind: PlanCost
    low: Decimal
    middle: Decimal
    high: Decimal
    whole_days: bool = False

    @property
    def label(self) -> str:
        if self.whole_days:
            return "Shooting days: unit, moves and performers' pay, waiting included"
        if self.kind == PlanCost.WORK:
            return "Performers' pay, waiting included"
        return self.kind.label

    @property
    def proven(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Named:
    """A limit by its kind and name; `cost_without` is the cheapest plan without it (None: none)."""

    key: str
    kind: str
    name: str
    cost_without: Decimal | None


@dataclass(frozen=True, slots=True)
class PlanSolution:
    """A plan solved, or the limits that together make it impossible (`conflict`).

    `cost` is what was minimised, money and the price of risk, before waiting is known; `bound` is
    what that is at least. `not_tried` names limits of which nobody knows whether they would help;
    `stopped` are stages that were ended before they were done. Without `conflict_is_least` not all
    that `conflict` names may be needed for it.
    """

    parts: tuple[PlannedPart, ...] = ()
    cost: Decimal = ZERO
    bound: Decimal = ZERO
    nodes: int = 0
    prices: tuple[Change, ...] = ()
    helpful: tuple[Change, ...] = ()
    shooting: Shooting | None = None
    in_person: Shooting | None = None
    figures: Figures | None = None
    in_person_figures: Figures | None = None
    saved: tuple[Saved, ...] = ()
    conflict: tuple[Named, ...] = ()
    not_tried: tuple[str, ...] = ()
    stopped: tuple[PlanStage, ...] = ()
    conflict_is_least: bool = True

    @property
    def is_possible(self) -> bool:
        return not self.conflict

    @property
    def gap(self) -> Decimal:
        """How much cheaper another plan may be, as a share of the cost."""
        return (self.cost - self.bound) / self.cost if self.cost else ZERO


@dataclass(frozen=True, slots=True)
class Tell:
    """How far a plan is: its stage, the cheapest cost known in it, and the bound, in money."""

    stage: PlanStage
    cost: Decimal | None = None
    bound: Decimal | None = None


Watch = Callable[[Tell], bool]  # no: stop what is searched, and answer with what is known


def _go_on(_tell: Tell) -> bool:
    return True


def to_json(value: object) -> Any:
    """Return a plan's input or solution as JSON's own values."""
    return msgspec.to_builtins(value, str_keys=True, order="deterministic")


def input_from_json(content: Any) -> PlanInput:
    return msgspec.convert(content, PlanInput, strict=False)


def solution_from_json(content: Any) -> PlanSolution:
    return msgspec.convert(content, PlanSolution, strict=False)


def digest_of(content: Any) -> str:
    """Return the SHA-256 of a plan's input, whatever the order of its keys."""
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def solve_plan(plan: PlanInput, watch: Watch = _go_on) -> PlanSolution:
    """Solve a plan. Raises UnsoundTerms, UnknownChoice, NothingFound."""
    return _Planner(plan, watch).solve()


class _Planner:
    def __init__(self, plan: PlanInput, watch: Watch) -> None:
        self.plan, self.asks = plan, watch
        self.stopped: dict[PlanStage, None] = {}
        answers = {(one.scene, one.twin): one.answer for one in plan.asked}
        self.options = options(plan.breakdown, plan.terms, answers)
        self.programme: Programme = programme(plan.breakdown, plan.terms, self.options)

    def solve(self) -> PlanSolution:
        found = solve(
            self.programme, self.plan.effort, watch=self._watching_the_solver(PlanStage.ASSIGNS)
        )
        if found is None:
            return self._impossible()
        tell = Tell(PlanStage.EXPLAINS, self._money(found.cost), self._money(found.bound))
        self.watch(tell)
        told = advice(
            self.programme, found, self.plan.effort, watch=lambda _known: self.watch(tell)
        )
        return self._ordered(found, told)

    def watch(self, tell: Tell) -> bool:
        """Tell how far it is, and note which stages are ended before they are done."""
        goes_on = self.asks(tell)
        if not goes_on:
            self.stopped[tell.stage] = None
        return goes_on

    def _money(self, units: int) -> Decimal:
        return units * smallest_unit(self.plan.breakdown.currency)

    def _watching_the_solver(self, stage: PlanStage) -> Callable[[SolvingProgress], bool]:
        def tell(known: SolvingProgress) -> bool:
            cost = None if known.cost is None else self._money(round(known.cost))
            bound = self._money(round(known.bound)) if abs(known.bound) < 1e15 else None
            return self.watch(Tell(stage, cost, bound))

        return tell

    def _watching_the_order(self, stage: PlanStage) -> Callable[[Progress], bool]:
        return lambda _known: self.watch(Tell(stage))

    def _impossible(self) -> PlanSolution:
        tell = Tell(PlanStage.EXPLAINS)
        self.watch(tell)
        found = conflict(self.programme, self.plan.effort, watch=lambda _known: self.watch(tell))
        return PlanSolution(
            conflict=tuple(self._named(found)),
            stopped=tuple(self.stopped),
            conflict_is_least=found.is_least,
        )

    def _named(self, found: Conflict) -> Iterator[Named]:
        for limit in found.limits:
            cost = found.cost_without.get(limit.key)
            yield Named(
                limit.key, limit.kind.value, limit.name, None if cost is None else self._money(cost)
            )

    def _ordered(self, found: Solution, told: Advice) -> PlanSolution:
        columns = [self.programme.columns[place] for place in found.chosen]
        chosen = [column.option for column in columns if column.option]
        paid_once = self._paid_with_another(chosen)
        before = self._shoot(all_in_person(self.plan.breakdown), PlanStage.ORDERS_ALL)
        after = self._shoot(self._cast(chosen), PlanStage.ORDERS, known=before)
        costs: dict[PlanCost, Decimal] = dict.fromkeys(PlanCost, ZERO)
        for column in columns:
            for line in column.lines:
                costs[line.kind] += line.amount
        costs[PlanCost.HOLD] = after.hold
        figures = Figures(
            tuple(costs.items()),
            None if after.days is None else len(after.days),
            sum(_needs_asking(option) for option in chosen),
            sum((option.risk for option in chosen), ZERO),
        )
        in_person = self._in_person_figures(before)
        return PlanSolution(
            parts=tuple(self._part(one, is_paid=one not in paid_once) for one in chosen),
            cost=self._money(found.cost),
            bound=self._money(found.bound),
            nodes=found.nodes,
            prices=told.prices,
            helpful=told.helpful,
            not_tried=told.not_tried,
            shooting=after,
            in_person=before,
            figures=figures,
            in_person_figures=in_person,
            saved=tuple(_saved(before, after, in_person, figures, self._least_saved())),
            stopped=tuple(self.stopped),
        )

    def _shoot(self, cast: Cast, stage: PlanStage, known: Shooting | None = None) -> Shooting:
        self.watch(Tell(stage))
        return shoot(
            self.plan.breakdown,
            cast,
            unit_day=self.plan.terms.unit_day,
            calendar=self.plan.calendar,
            states=self.plan.order_states,
            watch=self._watching_the_order(stage),
            known=known,
        )

    def _cast(self, chosen: list[Option]) -> Cast:
        """Return who plays in person by scene; scenes that are not shot at all are left out."""
        performer_of = {one.key: one.performer for one in self.plan.breakdown.characters}
        plays: dict[str, set[str]] = {
            scene.key: set()
            for scene in self.plan.breakdown.scenes
            if not scene.parts or scene.crowd
        }
        for option in chosen:
            if option.choice == IN_PERSON:
                performer = performer_of[option.character]
                plays.setdefault(option.scene, set()).update({performer} if performer else ())
        return {scene: frozenset(people) for scene, people in plays.items()}

    def _paid_with_another(self, chosen: list[Option]) -> list[Option]:
        """Return parts in person whose player is paid in the scene for another part already."""
        performer_of = {one.key: one.performer for one in self.plan.breakdown.characters}
        paid: set[tuple[str, str]] = set()
        again = []
        for option in chosen:
            who = (option.scene, performer_of[option.character])
            if option.choice == IN_PERSON and who[1]:
                again += [option] if who in paid else []
                paid.add(who)
        return again

    def _part(self, option: Option, *, is_paid: bool) -> PlannedPart:
        cell = self.programme.cells[option.scene, option.character]
        others = [self.options[place] for place in cell if self.options[place] is not option]
        locks = {(one.scene, one.character) for one in self.plan.terms.locks}
        return PlannedPart(
            option.scene,
            option.character,
            option.choice,
            option.cost if is_paid else ZERO,
            option.risk,
            option.answer,
            tuple((one.choice, one.cost, one.bars) for one in others),
            (option.scene, option.character) in locks,
        )

    def _least_saved(self) -> Decimal:
        """Return what days save at least, whatever the bounds.

        The calendar in person holds every plan, with scenes and players left out; who plays less
        costs no more unless waiting is dearer than playing.
        """
        is_sure = all(one.hold_rate <= one.day_rate for one in self.plan.breakdown.performers)
        return ZERO if is_sure else Decimal("-Infinity")

    def _in_person_figures(self, before: Shooting) -> Figures:
        """Return what everything in person costs: all that is paid once, and every scene shot."""
        costs: dict[PlanCost, Decimal] = dict.fromkeys(PlanCost, ZERO)
        twins = {one.key for one in self.plan.breakdown.twins}
        for column in self.programme.columns:
            option = column.option
            in_person = option.choice == IN_PERSON if option else column.about not in twins
            if in_person:
                for line in column.lines:
                    costs[line.kind] += line.amount
        costs[PlanCost.HOLD] = before.hold
        days = None if before.days is None else len(before.days)
        return Figures(tuple(costs.items()), days, 0, ZERO)


def _needs_asking(option: Option) -> bool:
    return option.answer is not None and option.answer.outcome == Outcome.NEEDS_APPROVAL


def _saved(
    before: Shooting,
    after: Shooting,
    in_person: Figures,
    figures: Figures,
    least: Decimal,
) -> Iterator[Saved]:
    """Yield what a plan saves on set: the difference of two optima, and what is paid beside days.

    Whole days are compared, for nobody pays an hour of a unit; minutes only where no days were
    found.
    """
    by_minutes = before.days is None or after.days is None
    if by_minutes:
        yield Saved(
            PlanCost.WORK,
            low=before.bound - after.pay,
            middle=before.pay - after.pay,
            high=before.pay - after.bound,
        )
    else:
        middle = before.days_cost - after.days_cost
        yield Saved(
            PlanCost.WORK,
            low=max(before.days_bound - after.days_cost, min(least, middle)),
            middle=middle,
            high=before.days_cost - after.days_bound,
            whole_days=True,
        )
    beside = (PlanCost.UNIT, *BESIDE_DAYS) if by_minutes else BESIDE_DAYS
    for kind in beside:
        difference = in_person.of(kind) - figures.of(kind)
        if difference:
            yield Saved(kind, difference, difference, difference)
