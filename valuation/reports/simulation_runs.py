"""Runs of simulations in money: what somebody asked for, how far it is, and what it came to.

They are kept in the cache for an hour, for who asked: a consent that nobody recorded is no fact of
the desk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.core.cache import cache
from django.utils.translation import gettext as _

from licensing.clearance.simulation import Progress
from talent.consent.matrix import Cell
from talent.database.locks import hold_lock, is_held
from talent.models import Agency, ConsentMatrix, User
from valuation.reports import simulation
from valuation.reports.simulation import Outcome

KEPT_SECONDS = 3_600
# Whoever asked has seen by then that no worker took it.
TAKEN_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked: what a consent would have made of so many months before an instant.

    `grid` is the consent as the editor's page sent it, by names and values, to ask with again.
    `agencies` are the ids of those whose figures the asker saw then: the answer is about these.
    """

    matrix_id: int
    cells: tuple[Cell, ...]
    grid: tuple[tuple[str, str], ...]
    months: int
    user_id: int
    agencies: frozenset[int]
    at: datetime


@dataclass(slots=True)
class SimulationRun:
    """A question, how far its answer is, and the answer, or why there is none."""

    question: Question
    number: UUID = field(default_factory=uuid4)
    started_at: datetime | None = None
    done: int = 0
    steps: int = 0
    outcome: Outcome | None = None
    failure: str = ""

    @property
    def is_over(self) -> bool:
        return self.outcome is not None or bool(self.failure)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody has cancelled it, also since it was read."""
        return bool(cache.get(_key_of_cancellation(self.number)))

    @property
    def is_at_work(self) -> bool:
        """Whether a worker computes it: that of a killed one does no more."""
        return is_held(_lock(self.number))

    @property
    def percent(self) -> int:
        return 100 * self.done // self.steps if self.steps else 0

    def rest(self, now: datetime) -> timedelta | None:
        """Return how long the rest takes at the pace so far; None: not known yet."""
        if self.started_at is None or not self.done:
            return None
        return max(now - self.started_at, timedelta(0)) / self.done * (self.steps - self.done)

    def is_abandoned(self, now: datetime) -> bool:
        """Tell whether no worker took it, or the one that did was killed."""
        return now > self.question.at + TAKEN_WITHIN and not self.is_at_work


class Cancelled(Exception):
    """Somebody cancelled the run that computes."""


def ask(
    *,
    matrix: ConsentMatrix,
    cells: Sequence[Cell],
    grid: Sequence[tuple[str, str]],
    months: int,
    user: User,
    at: datetime,
) -> SimulationRun:
    """Keep what a user asks for; a task computes it."""
    run = SimulationRun(
        Question(matrix.pk, tuple(cells), tuple(grid), months, user.pk, _agencies_of(user), at)
    )
    _keep(run)
    return run


def find(*, number: UUID, user: User) -> SimulationRun | None:
    """Return a run of a user; None where it is another's, or kept no longer.

    Nor is it shown to who sees figures of other agencies by now than when they asked.
    """
    run = _read(number)
    if run is None or run.question.user_id != user.pk:
        return None
    return run if run.question.agencies == _agencies_of(user) else None


def cancel(run: SimulationRun) -> None:
    """Have a run end after the piece of work that it is at."""
    cache.set(_key_of_cancellation(run.number), 1, KEPT_SECONDS)


def forget(run: SimulationRun) -> None:
    """Keep a run no longer."""
    cache.delete(_key(run.number))


def compute(*, number: UUID, now: datetime) -> bool:
    """Answer what a run asks, once; False: another worker does, or it is over or cancelled."""
    with hold_lock(_lock(number), wait=False) as mine:
        run = _read(number) if mine else None
        if run is None or run.is_over or run.is_cancelled:
            return False
        run.started_at = now
        try:
            run.outcome = _answer(run)
        except Cancelled:
            return False
        except Exception:
            run.failure = _("The desk failed at it. Its log says why; try again.")
            raise
        finally:
            _keep(run)
    return True


def _answer(run: SimulationRun) -> Outcome:
    question = run.question
    seen = ConsentMatrix.objects.select_related("agency", "performer", "twin")
    return simulation.of_consent(
        matrix=seen.get(pk=question.matrix_id),
        cells=question.cells,
        months=question.months,
        user=User.objects.get(pk=question.user_id),
        at=question.at,
        progress=_watched(run),
    )


def _watched(run: SimulationRun) -> Progress:
    """Note each whole percent, and end where somebody cancelled."""
    noted = -1

    def progress(done: int, steps: int) -> None:
        nonlocal noted
        run.done, run.steps = done, steps
        if run.percent == noted:
            return
        noted = run.percent
        if run.is_cancelled:
            raise Cancelled
        _keep(run)

    return progress


def _agencies_of(user: User) -> frozenset[int]:
    return frozenset(Agency.objects.visible_to(user).values_list("pk", flat=True))


def _read(number: UUID) -> SimulationRun | None:
    run: SimulationRun | None = cache.get(_key(number))
    return run


def _keep(run: SimulationRun) -> None:
    cache.set(_key(run.number), run, KEPT_SECONDS)


def _key(number: UUID) -> str:
    return f"simulation:{number}"


def _key_of_cancellation(number: UUID) -> str:
    return f"simulation:{number}:cancelled"


def _lock(number: UUID) -> str:
    return f"simulation {number}"
