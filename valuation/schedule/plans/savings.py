"""What a plan saves, told to a scenario as items of C_savings, each with its evidence.

What shooting days cost less is the difference of two optima, waiting included. The items
are the plan's own: told again, they take the new figures; those of other sources stay.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from talent.errors import Refused
from talent.models import User
from talent.models.names import day
from valuation.models import PlanResult, Scenario, ScenarioInput, ScenarioItem
from valuation.schedule.plans.computation import solution_of
from valuation.schedule.solution import PlanSolution, Saved
from valuation.words import InputRole, PlanCost, SourceStanding, Spreading, Term

LONGEST_LABEL, LONGEST_SOURCE = 200, 300


class NothingToTell(Refused):
    """A solution saves nothing, or the scenario is another agency's; the text says which."""

    code = "nothing_to_tell"


@dataclass(frozen=True, slots=True)
class Evidence:
    """An item's figures: what it saves at least, as found, at most, and in which words it is so."""

    label: str
    saved: Saved
    source: str


def evidence(result: PlanResult) -> list[Evidence]:
    """Return what a solved plan saves, item by item, in the plan's currency."""
    solution = solution_of(result)
    return [
        Evidence(_named(result, saved), saved, _source(result, solution, saved))
        for saved in solution.saved
    ]


@transaction.atomic
def tell_scenario(
    *, result: PlanResult, scenario: Scenario, by: User, at: datetime
) -> list[ScenarioItem]:
    """Have a scenario's C_savings say what a plan saves; return its items. Raises NothingToTell."""
    # Locked, so that two who tell at once do not add the same item twice.
    Scenario.objects.select_for_update().get(pk=scenario.pk)
    if scenario.agency_id != result.plan.screenplay.agency_id:
        raise NothingToTell(_("The scenario is another agency's."))
    told = evidence(result)
    if not told:
        raise NothingToTell(_("This solution saves nothing, so there is nothing to tell."))
    items = [_item(scenario, result, one) for one in told]
    _drop_the_rest(scenario, result, items)
    return items


def _item(scenario: Scenario, result: PlanResult, one: Evidence) -> ScenarioItem:
    item, _created = ScenarioItem.objects.update_or_create(
        scenario=scenario,
        term=Term.SAVINGS.value,
        label=one.label,
        defaults={"currency": "" if result.currency == scenario.currency else result.currency},
    )
    item.inputs.exclude(role=InputRole.QUANTITY.value).delete()
    ScenarioInput.objects.update_or_create(
        item=item, role=InputRole.QUANTITY.value, defaults=_figures(one) | {
            "name": one.saved.label, "unit": result.currency,
            "source": one.source[:LONGEST_SOURCE],
            "standing": SourceStanding.ASSUMPTION.value,
        },
    )  # fmt: skip
    return item


def _figures(one: Evidence) -> dict[str, str | Decimal | None]:
    """Return a proven saving as a fixed figure, another as a range that it surely lies in."""
    saved = one.saved
    if saved.proven:
        return {"spreading": Spreading.FIXED.value, "low": None, "middle": saved.middle,
                "high": None}  # fmt: skip
    return {
        "spreading": Spreading.TRIANGULAR.value,
        "low": saved.low, "middle": saved.middle, "high": saved.high,
    }  # fmt: skip


def _drop_the_rest(scenario: Scenario, result: PlanResult, items: list[ScenarioItem]) -> None:
    """Take away items that earlier solutions of the plan had and this one has not."""
    mine = scenario.items.filter(term=Term.SAVINGS.value, label__endswith=_of_plan(result))
    mine.exclude(pk__in=[item.pk for item in items]).delete()


def _named(result: PlanResult, saved: Saved) -> str:
    whose = _of_plan(result)
    return saved.label[: LONGEST_LABEL - len(whose)] + whose


def _of_plan(result: PlanResult) -> str:
    """Return how the names of a plan's items end, and of no other plan's."""
    plan = result.plan
    number = f", P{plan.pk})"
    return f" ({plan.screenplay}: {plan}"[: LONGEST_LABEL // 2] + number


def _source(result: PlanResult, solution: PlanSolution, saved: Saved) -> str:
    words = " ".join(_words(result, solution, saved))
    return f"Solution {result.pk} of the plan “{result.plan}”, {day(result.solved_at)}. {words}"


def _words(result: PlanResult, solution: PlanSolution, saved: Saved) -> Iterator[str]:
    before, after = solution.in_person, solution.shooting
    if saved.kind != PlanCost.WORK or not before or not after:
        yield "Costs on set in person less those of the plan."
    elif saved.whole_days:
        yield (
            f"{len(before.days or ())} days in person cost {before.days_cost} {result.currency},"
            f" {len(after.days or ())} days with twins {after.days_cost}: unit, moves, performers."
        )
        yield _proof(saved, before.days_bound, after.days_bound)
    else:
        yield (
            f"Best order in person {before.pay} {result.currency}, with twins {after.pay};"
            f" of which waiting {before.hold} and {after.hold}."
        )
        yield _proof(saved, before.bound, after.bound)


def _proof(saved: Saved, before: Decimal, after: Decimal) -> str:
    if saved.proven:
        return "Both proven optimal."
    return f"At least {before} and {after} by their bounds."
