"""Runs: that a plan is solved in the background: asked for, watched, and cancelled."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from talent.database.locks import is_held
from talent.errors import Refused
from talent.models import User
from valuation.models import PlanRun, SchedulePlan

# Whoever asked has seen by then that no worker took it.
TAKEN_WITHIN = timedelta(minutes=1)


class AlreadySolving(Refused):
    """A plan is being solved, so nobody starts that a second time."""

    code = "already_solving"


def ask(*, plan: SchedulePlan, by: User | None, now: datetime) -> PlanRun:
    """Record that a plan is to be solved; a task does it. Raises AlreadySolving."""
    _end_the_abandoned(plan, now)
    try:
        with transaction.atomic():
            return PlanRun.objects.create(plan=plan, asked_at=now, asked_by=by)
    except IntegrityError as open_one:
        raise AlreadySolving(
            _("“%s” is being solved already. Wait for it, or cancel it.") % plan
        ) from open_one


def cancel(*, run: PlanRun, by: User, now: datetime) -> None:
    """Have a run's process ended; one that no worker took ends at once."""
    PlanRun.objects.open().filter(pk=run.pk, cancelled_at=None).update(
        cancelled_at=now, cancelled_by=by
    )
    if not is_held(lock_of(run.plan_id)):
        end(run, now)


def end(run: PlanRun, now: datetime, **fields: object) -> None:
    """Note that an open run is over, and with what."""
    PlanRun.objects.open().filter(pk=run.pk).update(finished_at=now, **fields)


def why_lost(run: PlanRun, now: datetime) -> str:
    """Return why nobody works at an open run any more, or ever did; "" where somebody may."""
    if is_held(lock_of(run.plan_id)):
        return ""
    # Read after the lock: whoever ends a run lets go of it only then.
    started = PlanRun.objects.open().filter(pk=run.pk).values_list("started_at", flat=True)
    if not started:
        return ""
    if started[0] is not None:
        return str(_("Its process was killed before its end."))
    return str(_("No worker took it.")) if run.asked_at < now - TAKEN_WITHIN else ""


def _end_the_abandoned(plan: SchedulePlan, now: datetime) -> None:
    """End a run whose worker was killed, or that no worker ever took."""
    for run in PlanRun.objects.open().filter(plan=plan):
        if why := why_lost(run, now):
            end(run, now, failure=why)


def lock_of(plan_id: int) -> str:
    """Return the name of the lock that whoever solves a plan holds."""
    return f"solve plan {plan_id}"
