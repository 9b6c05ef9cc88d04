"""Which scenes of solved plans stop where twins play no more, and what playing them costs then."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from licensing.wire.names import Prefix, name_of
from talent.models import DigitalTwin
from valuation.models import PlanResult, SchedulePlan
from valuation.schedule.breakdown import Breakdown
from valuation.schedule.options import IN_PERSON
from valuation.schedule.plans.computation import solution_of
from valuation.schedule.plans.described import LASTS
from valuation.schedule.solution import PlannedPart, input_from_json


@dataclass(frozen=True, slots=True)
class StoppedPart:
    """A part of a scene that a twin plays; `in_person` is its cost then (None: it is forbidden)."""

    scene: str
    heading: str
    character: str
    twin: DigitalTwin
    cost: Decimal
    in_person: Decimal | None


@dataclass(frozen=True, slots=True)
class StoppedPlan:
    """A plan whose newest solution has parts that stop; money is as the plan weighs it."""

    result: PlanResult
    parts: tuple[StoppedPart, ...]

    @property
    def plan(self) -> SchedulePlan:
        return self.result.plan

    @property
    def scenes(self) -> int:
        """How many scenes have a part that stops."""
        return len({part.scene for part in self.parts})

    @property
    def more(self) -> Decimal | None:
        """What playing them all in person costs more, by the minute; None: one may not be."""
        costs = [(part.in_person, part.cost) for part in self.parts]
        if any(in_person is None for in_person, _cost in costs):
            return None
        return sum(((in_person or 0) - cost for in_person, cost in costs), Decimal(0))


def stopped_plans(
    twins: Collection[DigitalTwin], on: date, *, plans: QuerySet[SchedulePlan]
) -> tuple[StoppedPlan, ...]:
    """Return the plans among some that stop in part if these twins play no more from a day on.

    A plan counts while what it asks consent for lasts. One query.
    """
    concerned = plans.filter(twins__twin__in=twins, starts_on__gt=on - LASTS)
    newest = PlanResult.objects.filter(plan__in=concerned).order_by("plan", "-pk").distinct("plan")
    by_name = {name_of(Prefix.TWIN, twin.pk): twin for twin in twins}
    told = (
        StoppedPlan(result, tuple(_parts(result, by_name)))
        for result in newest.select_related("plan__screenplay__production")
    )
    return tuple(one for one in told if one.parts)


def _parts(result: PlanResult, twins: dict[str, DigitalTwin]) -> Iterator[StoppedPart]:
    played = [part for part in solution_of(result).parts if part.choice in twins]
    if played:
        yield from _told(played, input_from_json(result.inputs).breakdown, twins)


def _told(
    played: Iterable[PlannedPart], breakdown: Breakdown, twins: dict[str, DigitalTwin]
) -> Iterator[StoppedPart]:
    scenes = {scene.key: scene for scene in breakdown.scenes}
    characters = {one.key: one.name for one in breakdown.characters}
    for part in played:
        scene = scenes[part.scene]
        yield StoppedPart(
            scene.number, scene.heading, characters[part.character], twins[part.choice],
            part.cost, _in_person(part),
        )  # fmt: skip


def _in_person(part: PlannedPart) -> Decimal | None:
    return next(
        (cost for choice, cost, bars in part.others if choice == IN_PERSON and not bars), None
    )
