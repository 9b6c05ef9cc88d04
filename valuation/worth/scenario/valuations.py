"""Valuations: V of a scenario on a day, computed from a frozen plan and kept with it."""

import platform
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from django.db import transaction

from talent.models import User
from valuation.models import Scenario, Valuation, ValuationTerm
from valuation.words import SourceStanding
from valuation.worth.draw.formula import Item, value
from valuation.worth.scenario import gathering, outcomes, plans
from valuation.worth.scenario.outcomes import Progress, Result
from valuation.worth.scenario.plans import Plan, PlanItem

# Change this whenever the same inputs would give another figure.
CODE_VERSION = "2026-11-28.3"
LIBRARIES = ("numpy", "scipy")

# From the weakest: a product is as sure as its least sure factor.
STANDINGS = (
    SourceStanding.ASSUMPTION,
    SourceStanding.PUBLISHED,
    SourceStanding.AGREED,
    SourceStanding.MEASURED,
)


def value_scenario(
    *,
    scenario_id: int,
    as_of: date,
    now: datetime,
    by: User | None = None,
    progress: Progress = lambda done, of: None,
) -> Valuation:
    """Value a scenario as of a day, and keep the valuation with its inputs.

    If it was already valued with the same inputs by the same versions, returns that valuation, of
    whichever day. Nothing is locked while it computes. What `progress` raises ends it, and nothing
    is kept. Raises UnsoundPlan, BadDraws.
    """
    scenario = Scenario.objects.select_related("agency", "production").get(pk=scenario_id)
    content = plans.to_json(gathering.gather(scenario, as_of=as_of, now=now))
    known = _same(scenario_id, content)
    if known is not None:
        return known
    plan = plans.from_json(content)
    result = outcomes.result_of(plan, progress)
    return _store(scenario, plan, content, result, as_of=as_of, now=now, by=by)


def plan_of(valuation: Valuation) -> Plan:
    """Return the plan that a valuation stood on; those before distributions have none."""
    return plans.from_json(valuation.inputs)


def result_of(valuation: Valuation) -> Result:
    """Return what a valuation came to, as it was kept; those before distributions have nothing."""
    return outcomes.from_json(valuation.outcome or {})


def computed_anew(valuation: Valuation) -> Result:
    """Compute a valuation again from what it kept: on the same versions, the same to the bit."""
    return outcomes.result_of(plan_of(valuation))


def what_differs(valuation: Valuation) -> str:
    """Return what a stored valuation, computed anew, has otherwise than it says; empty: nothing.

    On the versions and the kind of machine that it was computed on every bit counts, on others the
    cents. Only one of today's CODE_VERSION can be asked: another reckoned otherwise.
    """
    if plans.digest_of(valuation.inputs) != valuation.inputs_sha256:
        return "its inputs have another digest"
    stored, anew = valuation.outcome or {}, outcomes.to_json(computed_anew(valuation))
    if valuation.versions_json == versions():
        differing = [name for name in anew if anew[name] != stored.get(name)]
    else:
        means = ("worth", "item_means", "flows")
        differing = [name for name in means if _cents(anew[name]) != _cents(stored.get(name))]
    if not differing and _total_of(valuation, anew) != valuation.total:
        differing = ["total"]
    return ", ".join(differing)


def _cents(content: Any) -> Any:
    match content:
        case dict():
            return {name: _cents(inner) for name, inner in content.items()}
        case list():
            return [_cents(inner) for inner in content]
        case float():
            return round(content, 2)
        case _:
            return content


def _total_of(valuation: Valuation, content: dict[str, Any]) -> Decimal:
    plan = plan_of(valuation)
    return value(_worth_items(plan, content["item_means"]), plan.currency).total


def versions() -> dict[str, str]:
    """Return the versions that a figure's last bits depend on, and the kind of machine."""
    libraries = {name: version(name) for name in LIBRARIES}
    return {**libraries, "python": platform.python_version(), "machine": platform.machine()}


def source_of(item: PlanItem) -> str:
    """Return where an item comes from: the sources of all that it is made of."""
    by = item.priced_by or item.guaranteed
    texts = [] if by is None else [f"Agreement {by.agreement}"]
    texts += [one.source for one in item.inputs]
    return "; ".join(dict.fromkeys(texts))


def standing_of(item: PlanItem) -> SourceStanding:
    """Return how far an item's sources hold: as far as the weakest of them."""
    if item.guaranteed:
        return SourceStanding.AGREED
    standings = [one.standing for one in item.inputs]
    return min(standings, key=STANDINGS.index, default=SourceStanding.ASSUMPTION)


def _same(scenario_id: int, content: dict[str, Any]) -> Valuation | None:
    found = Valuation.objects.filter(
        scenario=scenario_id,
        inputs_sha256=plans.digest_of(content),
        code_version=CODE_VERSION,
        versions_json=versions(),
    )
    return found.order_by("-pk").first()


@transaction.atomic
def _store(
    scenario: Scenario,
    plan: Plan,
    content: dict[str, Any],
    result: Result,
    *,
    as_of: date,
    now: datetime,
    by: User | None,
) -> Valuation:
    # Two that computed the same at once keep it once.
    Scenario.objects.select_for_update().get(pk=scenario.pk)
    known = _same(scenario.pk, content)
    if known is not None:
        return known
    worth = value(_worth_items(plan, result.item_means), plan.currency)
    valuation = Valuation.objects.create(
        scenario=scenario,
        as_of=as_of,
        computed_at=now,
        computed_by=by,
        code_version=CODE_VERSION,
        versions_json=versions(),
        inputs=content,
        inputs_sha256=plans.digest_of(content),
        outcome=outcomes.to_json(result),
        total=worth.total,
        currency=worth.currency,
    )
    ValuationTerm.objects.bulk_create(
        ValuationTerm(
            valuation=valuation,
            term=item.term.value,
            label=item.label,
            amount=item.amount,
            source=item.source,
            standing=standing_of(planned).value,
        )
        for item, planned in zip(worth.items, plan.items, strict=True)
    )
    return valuation


def _worth_items(plan: Plan, means: Iterable[float]) -> list[Item]:
    return [
        Item(item.term, item.label, Decimal(repr(mean)), source_of(item))
        for item, mean in zip(plan.items, means, strict=True)
    ]
