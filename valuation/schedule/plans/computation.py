"""The work of a run: a plan gathered, solved by a process of its own, watched, and kept."""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from io import RawIOBase
from pathlib import Path
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from talent.database.locks import hold_lock
from talent.errors import Refused
from talent.models import User
from valuation.models import PlanResult, PlanRun, SchedulePlan
from valuation.schedule.paid import paid_as_planned
from valuation.schedule.plans import gathering
from valuation.schedule.plans.runs import end, lock_of
from valuation.schedule.solution import (
    CODE_VERSION,
    PlanSolution,
    digest_of,
    input_from_json,
    solution_from_json,
    to_json,
)
from valuation.words import PlanStage

LIBRARIES = ("highspy", "numpy")
LONGEST = timedelta(minutes=12)
LOOKS_EACH = 1.0
SOLVES = [sys.executable, "-m", "valuation.schedule.process"]
ROOT = Path(__file__).resolve().parents[3]


class Cancelled(Exception):
    """Somebody cancelled the run."""


class NotSolved(Refused):
    """The process that solves a plan ended without an answer; the text says why."""

    code = "not_solved"


def compute(*, run_id: int, now: datetime) -> PlanResult | None:
    """Solve what a run asks for; None if another worker does, or it was cancelled or refused."""
    run = PlanRun.objects.open().select_related("asked_by").filter(pk=run_id).first()
    if run is None:
        return None
    with hold_lock(lock_of(run.plan_id), wait=False) as mine:
        return _compute(run, now) if mine else None


def solve_now(*, plan_id: int, by: User | None, now: datetime) -> PlanResult:
    """Solve a plan at once, in a process of its own. Raises NotSolved and what gathering raises."""
    return _solve(_plan(plan_id), by=by, now=now, run=None)


def _compute(run: PlanRun, now: datetime) -> PlanResult | None:
    PlanRun.objects.filter(pk=run.pk, started_at=None).update(started_at=now)
    try:
        result = _solve(_plan(run.plan_id), by=run.asked_by, now=now, run=run)
    except Cancelled:
        end(run, now)
        return None
    except Refused as refusal:
        end(run, now, failure=str(refusal)[:500])
        return None
    except Exception:
        end(run, now, failure=_("The desk failed at it. Its log says why; try again."))
        raise
    end(run, now, result=result, stage=PlanStage.DONE.value)
    return result


def _plan(plan_id: int) -> SchedulePlan:
    plans = SchedulePlan.objects.select_related(
        "screenplay__agency", "screenplay__production__licensee"
    )
    plan: SchedulePlan = plans.get(pk=plan_id)
    return plan


def _solve(
    plan: SchedulePlan, *, by: User | None, now: datetime, run: PlanRun | None
) -> PlanResult:
    content = to_json(gathering.gather(plan, at=now))
    known = _same(plan, content)
    if known is not None:
        return known
    last: dict[str, Any] = {}
    for told in _answers(msgspec.json.encode(content), run):
        if run is not None and "stage" in told:
            _note(run, told)
        # A solution that was told whole stands, whatever became of the process afterwards.
        last = last if "solution" in last else told
    if "solution" not in last:
        raise NotSolved(last.get("refused") or _("The process that solves it ended early."))
    return _keep(plan, content, last["solution"], by=by, now=now)


def _answers(content: bytes, run: PlanRun | None) -> Iterator[dict[str, Any]]:
    """Yield what the process says, line by line; end it where somebody cancels or it takes long."""
    environment = {"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1"}
    reads, writes = os.pipe()
    with tempfile.TemporaryFile() as given, os.fdopen(reads, "rb", buffering=0) as pipe:
        given.write(content)
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603 - our own module
            SOLVES, stdin=given, stdout=writes, cwd=ROOT, env=environment
        )
        os.close(writes)
        try:
            yield from _lines(pipe, run)
            signal = -process.wait()
        finally:
            process.kill()
            process.wait()
    if signal > 0:
        yield {"refused": _("The process that solves it was killed (signal %d). Nothing is lost: "
                            "solve it again, with fewer nodes or sets of scenes if its memory ran "
                            "out.") % signal}  # fmt: skip


def _lines(pipe: RawIOBase, run: PlanRun | None) -> Iterator[dict[str, Any]]:
    rest, until = b"", time.monotonic() + LONGEST.total_seconds()
    while True:
        _stop_if_asked(run, until)
        ready, _write, _error = select.select([pipe], [], [], LOOKS_EACH)
        if not ready:
            continue
        read = pipe.read(1 << 16)
        if not read:
            return
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            yield msgspec.json.decode(line)


def _stop_if_asked(run: PlanRun | None, until: float) -> None:
    if run is not None and not PlanRun.objects.open().filter(pk=run.pk, cancelled_at=None).exists():
        raise Cancelled
    if time.monotonic() > until:
        raise NotSolved(
            _("It took longer than %d minutes. Let it search fewer nodes or sets of scenes.")
            % (LONGEST.total_seconds() // 60)
        )


def _note(run: PlanRun, told: dict[str, Any]) -> None:
    PlanRun.objects.open().filter(pk=run.pk).update(
        stage=told["stage"], cost=told.get("cost"), bound=told.get("bound")
    )


def versions() -> dict[str, str]:
    """Return the versions that a solution may depend on."""
    return {name: version(name) for name in LIBRARIES}


def solution_of(result: PlanResult) -> PlanSolution:
    """Return what a plan was solved to, as it was kept."""
    return solution_from_json(result.solution)


def _same(plan: SchedulePlan, content: Any) -> PlanResult | None:
    """Return what the same input was solved to before, by the same versions."""
    return plan.results.filter(
        inputs_sha256=digest_of(content), code_version=CODE_VERSION, versions_json=versions()
    ).order_by("-pk").first()  # fmt: skip


def _keep(
    plan: SchedulePlan, content: Any, found: Any, *, by: User | None, now: datetime
) -> PlanResult:
    solution = solution_from_json(found)
    figures = solution.figures
    paid = paid_as_planned(input_from_json(content), solution) or figures
    return PlanResult.objects.create(
        plan=plan,
        solved_at=now,
        solved_by=by,
        code_version=CODE_VERSION,
        versions_json=versions(),
        inputs=content,
        inputs_sha256=digest_of(content),
        solution=found,
        cost=paid.total if paid else None,
        currency=plan.screenplay.currency,
        days=figures.days if figures else None,
        gap_percent=solution.gap * 100 if figures else None,
    )
