"""Celery tasks of valuation."""

import logging
import os
import time
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from talent.database.clock import database_now
from talent.database.locks import LockIsHeld, hold_lock
from talent.errors import Refused
from talent.models import User
from valuation import night as conductor
from valuation import watch
from valuation.delivery import digests, reports
from valuation.models import PlanRun, Scenario, ValuationRun
from valuation.reports import simulation_runs
from valuation.residuals import stretches
from valuation.statements import issuing, lasting
from valuation.words import RunStatus
from valuation.worth.twin import assets, seen_days

logger = logging.getLogger(__name__)

# So many chunks are a task, which ends well within a task's time; who asks for help asks now.
CHUNKS_AT_ONCE = 10
# Seconds after which what no worker has begun is dropped: whoever asked for it has seen so by then.
EXPIRES = 50
# Seconds after which a task that issues statements makes room for others.
ISSUES_FOR = 20
ADDS_UP = "adding up ahead of the night"
VALUES_TWINS = "the values of twins"


@shared_task
def night() -> dict[str, Any]:
    """Run the night if it is due and queue the valuations; return its record.

    Asked each minute. A night that was refused, failed or is incomplete is a failure of this task.
    """
    try:
        run = watch.run_if_due(
            now=timezone.now(), database_now=database_now(), ask_for_help=ask_for_help
        )
    except conductor.NightIsRunning as running:
        return {"waits": str(running)}
    if run is None:
        return {}
    if run.status == RunStatus.CANCELLED.value:
        return conductor.record_of(run)
    value_twins.delay_on_commit()
    value_scenarios()
    if run.status == RunStatus.INCOMPLETE.value:
        raise watch.NightIncomplete(run.detail)
    return conductor.record_of(run)


def ask_for_help(run_id: int) -> None:
    """Have other workers rate chunks of a night, as many as this machine has room for."""
    try:
        for _ in range((os.cpu_count() or 1) - 1):
            rate_chunks.apply_async(kwargs={"run_id": run_id}, expires=EXPIRES)
    except OperationalError:
        logger.warning("The broker is away: the night is rated by one process")


@shared_task
def rate_chunks(*, run_id: int) -> int:
    """Rate some chunks of a night that another worker conducts; ask again if more may wait.

    Each chunk is claimed in the database, so that it does not matter how often this runs.
    """
    chunks = conductor.help_to_rate(run_id=run_id, now=timezone.now(), at_most=CHUNKS_AT_ONCE)
    if chunks == CHUNKS_AT_ONCE:
        rate_chunks.apply_async(kwargs={"run_id": run_id}, expires=EXPIRES)
    return chunks


@shared_task
def add_up_sealed() -> int:
    """Add up sealed usage ahead of the night; return how many leaves. Asked each minute."""
    with hold_lock(ADDS_UP, wait=False, at_most=conductor.LONGEST) as held:
        # Unless another worker is at it.
        return stretches.add_up_sealed(now=timezone.now()) if held else 0


@shared_task
def night_by_hand(*, as_of: str, started_by: int) -> dict[str, Any]:
    """Run the night of a day that somebody asked for; return its record.

    What goes wrong is recorded for the desk and mailed.
    """
    try:
        run = watch.run(
            as_of=date.fromisoformat(as_of),
            now=timezone.now(),
            database_now=database_now(),
            by=User.objects.get(pk=started_by),
            ask_for_help=ask_for_help,
        )
    except conductor.NightIsRunning as running:
        return {"waits": str(running)}
    if run.status != RunStatus.CANCELLED.value:
        value_twins.delay_on_commit()
        value_scenarios()
    return conductor.record_of(run)


def night_soon(*, as_of: date, started_by: int) -> None:
    """Queue a night by hand. Raises NotQueued."""
    try:
        night_by_hand.apply_async(
            kwargs={"as_of": as_of.isoformat(), "started_by": started_by}, expires=EXPIRES
        )
    except OperationalError as away:
        raise NotQueued(
            "No worker can be reached, so no night was started. On the machine itself,"
            " `manage.py night` starts one."
        ) from away


@shared_task
def draw_statements() -> list[str]:
    """Draw the statements of the last night, if that is left to do; return what failed."""
    try:
        return watch.draw_if_due(now=timezone.now())
    except LockIsHeld:
        return []  # Another worker is at it.


@shared_task
def send_reports() -> int:
    """Send the reports whose day has come; return how many."""
    return reports.send_due(now=timezone.now())


@shared_task
def send_digests() -> int:
    """Tell performers of the month that ended; return how many were told."""
    return digests.send_due(now=timezone.now())


def issue_soon(run_ids: Iterable[int]) -> None:
    """Have workers issue what runs ask for; with the broker away, the timetable does it."""
    try:
        for run_id in run_ids:
            for _ in range(os.cpu_count() or 1):
                issue_statements.apply_async(kwargs={"run_id": run_id}, expires=EXPIRES)
    except OperationalError:
        logger.warning("The broker is away: the timetable issues what was asked for")


@shared_task
def issue_statements(*, run_id: int) -> int:
    """Issue statements of a run for a while, and ask again if more may wait; return how many.

    Each is claimed in the database, so that it does not matter how often this runs.
    """
    until, issued = time.monotonic() + ISSUES_FOR, 0
    while issuing.issue_next(run_id, now=timezone.now()):
        issued += 1
        if time.monotonic() > until:
            issue_statements.apply_async(kwargs={"run_id": run_id}, expires=EXPIRES)
            break
    return issued


@shared_task
def issue_what_waits() -> int:
    """Have workers go on with runs that nobody is at: the broker was away, or a worker ended."""
    runs = issuing.open_runs()
    issue_soon(runs)
    return len(runs)


@shared_task
def draw_missing_invoices() -> int:
    """Draw the documents of issued invoices that have none, and mail those that are to be mailed.

    Return how many have a document now.
    """
    # Imported here: drawing takes longer to import than all the rest.
    from valuation.invoices import links, papers

    with hold_lock(papers.SWEEPS, wait=False) as held:
        drawn = papers.sweep() if held else 0
        if held:
            links.sweep(at=timezone.now())
        return drawn


@shared_task
def keep_for_the_long_term() -> int:
    """Add proof to signed statements, and renew it before it ends; return to how many."""
    with hold_lock(lasting.KEEPS, wait=False) as held:
        return lasting.keep_due(now=timezone.now()) if held else 0


class NotQueued(Refused):
    """The broker is away, so nothing can be done in the background."""

    code = "not_queued"


def value_soon(run: ValuationRun) -> None:
    """Queue what a run asks for. Raises NotQueued; then the run is ended."""
    try:
        compute_valuation.apply_async(kwargs={"run_id": run.pk}, expires=EXPIRES)
    except OperationalError as away:
        run.delete()
        raise NotQueued(
            "What is done in the background cannot be asked for at the moment. Try again later;"
            " the night values every scenario in use anyway."
        ) from away


def simulate_soon(run: simulation_runs.SimulationRun) -> None:
    """Queue what a run asks for. Raises NotQueued; then the run is kept no longer."""
    try:
        simulate_consent.apply_async(kwargs={"number": str(run.number)}, expires=EXPIRES)
    except OperationalError as away:
        simulation_runs.forget(run)
        raise NotQueued(
            "What is done in the background cannot be asked for at the moment. Try again later."
        ) from away


@shared_task
def simulate_consent(*, number: str) -> bool:
    """Answer what somebody asked of a consent in money; tell whether this did."""
    return simulation_runs.compute(number=UUID(number), now=timezone.now())


@shared_task
def compute_valuation(*, run_id: int) -> int | None:
    """Value what somebody asked for; return the valuation's id, if there is one."""
    # Imported here: NumPy and SciPy take longer to import than all the rest.
    from valuation.worth.scenario.computation import compute

    valuation = compute(run_id=run_id, now=timezone.now())
    return valuation.pk if valuation else None


def solve_soon(run: PlanRun) -> None:
    """Queue what a run asks for. Raises NotQueued; then the run is kept no longer."""
    try:
        solve_plan.apply_async(kwargs={"run_id": run.pk}, expires=EXPIRES)
    except OperationalError as away:
        run.delete()
        raise NotQueued(
            "What is done in the background cannot be asked for at the moment. Try again later."
        ) from away


@shared_task
def solve_plan(*, run_id: int) -> int | None:
    """Solve the plan that somebody asked for; return the result's id, if there is one."""
    # Imported here: NumPy takes longer to import than all the rest.
    from valuation.schedule.plans.computation import compute

    result = compute(run_id=run_id, now=timezone.now())
    return result.pk if result else None


def value_scenarios() -> int:
    """Queue a task for each scenario in use to value it; return how many."""
    scenarios = Scenario.objects.in_use().order_by("pk").values_list("pk", flat=True)
    for scenario_id in scenarios.iterator():
        value_scenario.delay_on_commit(scenario_id=scenario_id)
    return scenarios.count()


@shared_task
def value_scenario(*, scenario_id: int) -> int | None:
    """Value one scenario as of today, if an input has changed since; return the valuation's id.

    One that cannot be valued says why on its page; the night goes on.
    """
    from valuation.worth.scenario import valuations

    now = timezone.now()
    as_of = timezone.localdate(now)
    try:
        return valuations.value_scenario(scenario_id=scenario_id, as_of=as_of, now=now).pk
    except Refused as refusal:
        logger.warning("Scenario %s is not valued: %s", scenario_id, refusal)
        return None


@shared_task
def value_twins() -> int:
    """Add up when twins were seen since the last time, and value each; return how many were."""
    now = timezone.now()
    with hold_lock(VALUES_TWINS, wait=False) as held:
        if not held:
            return 0  # Another worker is at it.
        seen_days.add_new_leaves(now=now)
        return assets.value_twins(as_of=timezone.localdate(now), now=now)
