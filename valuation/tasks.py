"""Celery tasks of valuation."""

from typing import Any

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from talent.database.clock import database_now
from talent.database.locks import LockIsHeld
from talent.errors import Refused
from valuation import night as conductor
from valuation import watch
from valuation.models import Scenario
from valuation.words import RunStatus
from valuation.worth import valuations


@shared_task
def night() -> dict[str, Any]:
    """Run the night if it is due and queue the valuations; return its record.

    Asked each minute. A night that was refused, failed or is incomplete is a failure of this task.
    """
    try:
        run = watch.run_if_due(now=timezone.now(), database_now=database_now())
    except conductor.NightIsRunning as running:
        return {"waits": str(running)}
    if run is None:
        return {}
    value_scenarios()
    if run.status == RunStatus.INCOMPLETE.value:
        raise watch.NightIncomplete(run.detail)
    return conductor.record_of(run)


@shared_task
def draw_statements() -> list[str]:
    """Draw the statements of the last night, if that is left to do; return what failed."""
    try:
        return watch.draw_if_due(now=timezone.now())
    except LockIsHeld:
        return []  # Another worker is at it.


class NotQueued(Refused):
    """The broker is away, so nothing can be done in the background."""

    code = "not_queued"


def value_soon(scenario_id: int) -> None:
    """Queue one scenario's valuation. Raises NotQueued."""
    try:
        value_scenario.delay(scenario_id=scenario_id)
    except OperationalError as away:
        raise NotQueued(
            "What is done in the background cannot be asked for at the moment. Try again later;"
            " the night values every scenario anyway."
        ) from away


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
