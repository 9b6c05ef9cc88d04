"""The work of a run: a scenario valued by one process, which notes its progress."""

from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext as _

from talent.database.locks import hold_lock
from talent.errors import Refused
from valuation.models import Valuation, ValuationRun
from valuation.worth.scenario.outcomes import Progress
from valuation.worth.scenario.runs import end, lock_of
from valuation.worth.scenario.valuations import value_scenario


class Cancelled(Exception):
    """Somebody cancelled the run that computes."""


def compute(*, run_id: int, now: datetime) -> Valuation | None:
    """Value what a run asks for; None if another worker does, or it was cancelled or refused."""
    run = ValuationRun.objects.open().select_related("asked_by").filter(pk=run_id).first()
    if run is None:
        return None
    with hold_lock(lock_of(run.scenario_id), wait=False) as mine:
        return _compute(run, now) if mine else None


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
        end(run, now)
        return None
    except Refused as refusal:
        end(run, now, failure=str(refusal)[:500])
        return None
    except Exception:
        end(run, now, failure=_("The desk failed at it. Its log says why; try again."))
        raise
    end(run, now, valuation=valuation, done=F("steps"))
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
