"""Runs: that a scenario is valued in the background: asked for, watched, and cancelled."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from talent.database.locks import is_held
from talent.errors import Refused
from talent.models import User
from valuation.models import Scenario, ValuationRun

# Whoever asked has seen by then that no worker took it.
TAKEN_WITHIN = timedelta(minutes=1)


class AlreadyComputing(Refused):
    """A scenario's worth is being computed, so nobody starts that a second time."""

    code = "already_computing"


@dataclass(frozen=True, slots=True)
class HowFar:
    """A run at an instant: whole percents, and how long the rest takes at the pace so far."""

    percent: int
    rest: timedelta | None


def ask(*, scenario: Scenario, as_of: date, by: User | None, now: datetime) -> ValuationRun:
    """Record that a scenario is to be valued; a task does it. Raises AlreadyComputing."""
    _end_the_abandoned(scenario, now)
    try:
        with transaction.atomic():
            return ValuationRun.objects.create(
                scenario=scenario, as_of=as_of, asked_at=now, asked_by=by
            )
    except IntegrityError as open_one:
        raise AlreadyComputing(
            _("“%s” is being valued already. Wait for it, or cancel it.") % scenario
        ) from open_one


def cancel(*, run: ValuationRun, by: User, now: datetime) -> None:
    """Have a run end at its next block of draws; one that no worker took ends at once."""
    ValuationRun.objects.open().filter(pk=run.pk, cancelled_at=None).update(
        cancelled_at=now, cancelled_by=by
    )
    if not is_held(lock_of(run.scenario_id)):
        end(run, now)


def how_far(run: ValuationRun, now: datetime) -> HowFar:
    """Return how far a run is."""
    if not run.steps or not run.done or run.started_at is None:
        return HowFar(0, None)
    rest = max(now - run.started_at, timedelta(0)) / run.done * (run.steps - run.done)
    return HowFar(100 * run.done // run.steps, rest)


def end(run: ValuationRun, now: datetime, **fields: object) -> None:
    """Note that an open run is over, and with what."""
    ValuationRun.objects.open().filter(pk=run.pk).update(finished_at=now, **fields)


def _end_the_abandoned(scenario: Scenario, now: datetime) -> None:
    """End a run whose worker was killed, or that no worker ever took."""
    waiting = ValuationRun.objects.open().filter(scenario=scenario)
    if is_held(lock_of(scenario.pk)):
        return
    waiting.filter(started_at__isnull=False).update(
        finished_at=now, failure=_("Its process was killed before its end.")
    )
    waiting.filter(asked_at__lt=now - TAKEN_WITHIN).update(
        finished_at=now, failure=_("No worker took it.")
    )


def lock_of(scenario_id: int) -> str:
    """Return the name of the lock that whoever values a scenario holds."""
    return f"value scenario {scenario_id}"
