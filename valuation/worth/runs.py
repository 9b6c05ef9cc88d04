"""Runs: a scenario valued in the background, with progress, and cancelled by whoever wants to."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from talent.database.locks import hold_lock, is_held
from talent.errors import Refused
from talent.models import User
from valuation.models import Scenario, Valuation, ValuationRun
from valuation.worth.outcomes import Progress
from valuation.worth.valuations import value_scenario

# Whoever asked has seen by then that no worker took it.
TAKEN_WITHIN = timedelta(minutes=1)


class AlreadyComputing(Refused):
    """A scenario's worth is being computed, so nobody starts that a second time."""

    code = "already_computing"


class Cancelled(Exception):
    """Somebody cancelled the run that computes."""


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


def compute(*, run_id: int, now: datetime) -> Valuation | None:
    """Value what a run asks for; None if another worker does, or it was cancelled or refused."""
    run = ValuationRun.objects.open().select_related("asked_by").filter(pk=run_id).first()
    if run is None:
        return None
    with hold_lock(_lock(run.scenario_id), wait=False) as mine:
        return _compute(run, now) if mine else None


def cancel(*, run: ValuationRun, by: User, now: datetime) -> None:
    """Have a run end at its next block of draws; one that no worker took ends at once."""
    ValuationRun.objects.open().filter(pk=run.pk, cancelled_at=None).update(
        cancelled_at=now, cancelled_by=by
    )
    if not is_held(_lock(run.scenario_id)):
        _end(run, now)


def how_far(run: ValuationRun, now: datetime) -> HowFar:
    """Return how far a run is."""
    if not run.steps or not run.done or run.started_at is None:
        return HowFar(0, None)
    rest = max(now - run.started_at, timedelta(0)) / run.done * (run.steps - run.done)
    return HowFar(100 * run.done // run.steps, rest)


def _compute(run: ValuationRun, now: datetime) -> Valuation | None:
    ValuationRun.objects.filter(pk=run.pk, started_at=None).update(started_at=now)
    try:
        valuation = value_scenario(
            scenario_id=run.scenario_id,
            as_of=run.as_of,
            now=now,
            by=run.asked_by,
            progress=_watched(run),
        )
    except Cancelled:
        _end(run, now)
        return None
    except Refused as refusal:
        _end(run, now, failure=str(refusal)[:500])
        return None
    except Exception:
        _end(run, now, failure=_("The desk failed at it. Its log says why; try again."))
        raise
    _end(run, now, valuation=valuation, done=F("steps"))
    return valuation


def _watched(run: ValuationRun) -> Progress:
    """Note each whole percent, and end where somebody cancelled."""
    noted = -1

    def progress(done: int, steps: int) -> None:
        nonlocal noted
        percent = 100 * done // steps
        if percent == noted:
            return
        noted = percent
        going_on = ValuationRun.objects.open().filter(pk=run.pk, cancelled_at=None)
        if not going_on.update(done=done, steps=steps):
            raise Cancelled

    return progress


def _end(run: ValuationRun, now: datetime, **fields: object) -> None:
    ValuationRun.objects.open().filter(pk=run.pk).update(finished_at=now, **fields)


def _end_the_abandoned(scenario: Scenario, now: datetime) -> None:
    """End a run whose worker was killed, or that no worker ever took."""
    waiting = ValuationRun.objects.open().filter(scenario=scenario)
    if is_held(_lock(scenario.pk)):
        return
    waiting.filter(started_at__isnull=False).update(
        finished_at=now, failure=_("Its process was killed before its end.")
    )
    waiting.filter(asked_at__lt=now - TAKEN_WITHIN).update(
        finished_at=now, failure=_("No worker took it.")
    )


def _lock(scenario_id: int) -> str:
    return f"value scenario {scenario_id}"
