"""Celery tasks of valuation."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from talent.errors import Refused
from valuation import night as conductor
from valuation.models import Scenario
from valuation.worth import valuations


@shared_task
def night() -> dict[str, Any]:
    """Run the night as of today and queue the valuations; return its record or the refusal."""
    now = timezone.now()
    try:
        record = conductor.record_of(conductor.run_night(as_of=timezone.localdate(now), now=now))
    except Refused as refusal:
        return {"refused": refusal.code, "detail": str(refusal)}
    value_scenarios()
    return record


def value_scenarios() -> int:
    """Queue a task for each scenario to value it; return how many."""
    scenarios = Scenario.objects.order_by("pk").values_list("pk", flat=True)
    for scenario_id in scenarios.iterator():
        value_scenario.delay_on_commit(scenario_id=scenario_id)
    return scenarios.count()


@shared_task
def value_scenario(*, scenario_id: int) -> int:
    """Value one scenario as of today; return the valuation's id."""
    now = timezone.now()
    as_of = timezone.localdate(now)
    return valuations.value_scenario(scenario_id=scenario_id, as_of=as_of, now=now).pk
