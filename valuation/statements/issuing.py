"""Issuing many statements: asked for at once, claimed one by one by whatever workers there are."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count

from talent.database.locks import LockIsHeld
from talent.database.sql import sql_file
from talent.errors import Refused
from talent.models import User
from valuation.models import IssueItem, IssueRun, Statement
from valuation.statements import steps
from valuation.words import IssueState

logger = logging.getLogger(__name__)

CLAIM = sql_file(__file__, "claim_issue.sql")
# A worker that claimed a statement and has not said within so long what came of it is gone.
SILENCE = timedelta(minutes=5)
LONGEST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in statements. `rest`: how long the others take at the pace so far."""

    issued: int
    failed: int
    at_work: int
    waiting: int
    rest: timedelta | None

    @property
    def left(self) -> int:
        return self.at_work + self.waiting

    @property
    def percent(self) -> int:
        """Whole percents, rounded down."""
        through = self.issued + self.failed
        return 100 * through // max(through + self.left, 1)


@transaction.atomic
def ask(*, statements: Iterable[Statement], by: User, at: datetime, note: str) -> list[IssueRun]:
    """Keep that somebody has statements issued: a run for each agency. Workers do it."""
    of_agencies: dict[int, list[Statement]] = defaultdict(list)
    for statement in statements:
        of_agencies[statement.agency_id].append(statement)
    runs = []
    for agency_id, rows in of_agencies.items():
        run = IssueRun.objects.create(agency_id=agency_id, asked_at=at, asked_by=by, note=note)
        IssueItem.objects.bulk_create(IssueItem(run=run, statement=row) for row in rows)
        runs.append(run)
    return runs


def issue_next(run_id: int, *, now: datetime) -> bool:
    """Issue the next statement of a run that no other worker has; False: none is to be done now.

    One that fails stops none of the others; it keeps its number and why it failed. Call it outside
    any transaction.
    """
    claimed = _claim(run_id, now)
    if claimed is None:
        return False
    item = IssueItem.objects.select_related("run__asked_by").get(pk=claimed)
    try:
        steps.issue(
            statement_id=item.statement_id, by=item.run.asked_by, at=now, note=item.run.note
        )
    except LockIsHeld:
        # The night draws this agency's statements just now; the next one to look tries it again.
        _close(item, IssueState.WAITING, now)
        return False
    except Refused as refusal:
        _fail(item, str(refusal), now)
    except Exception as failure:
        logger.exception("Statement %s was not issued", item.statement_id)
        _fail(item, f"{type(failure).__name__}: who runs the desk finds it in its log.", now)
    else:
        _close(item, IssueState.ISSUED, now)
    return True


def try_again(run: IssueRun) -> int:
    """Let what failed of a run wait for its turn again; return how many that are."""
    failed = run.items.filter(state=IssueState.FAILED.value)
    return failed.update(state=IssueState.WAITING.value, claimed_at=None, done_at=None)


def open_runs() -> Sequence[int]:
    """Return the runs of which something is left, the oldest first."""
    return list(IssueRun.objects.open().order_by("pk").values_list("pk", flat=True))


def progress_of(run: IssueRun, now: datetime) -> Progress:
    """Return how far a run is, in one query."""
    counts = dict(run.items.order_by().values_list("state").annotate(Count("pk")))
    issued, failed, at_work, waiting = (
        counts.get(state.value, 0)
        for state in (IssueState.ISSUED, IssueState.FAILED, IssueState.AT_WORK, IssueState.WAITING)
    )
    through, left = issued + failed, at_work + waiting
    rest = (now - run.asked_at) / through * left if through and left else None
    return Progress(issued, failed, at_work, waiting, rest)


def _claim(run_id: int, now: datetime) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"run": run_id, "now": now, "silent": now - SILENCE})
        row = cursor.fetchone()
    return row and int(row[0])


def _fail(item: IssueItem, detail: str, now: datetime) -> None:
    """Say why it failed, unless a worker that is gone had issued it before."""
    is_issued = Statement.objects.issued().filter(pk=item.statement_id).exists()
    _close(
        item,
        IssueState.ISSUED if is_issued else IssueState.FAILED,
        now,
        detail="" if is_issued else detail[:LONGEST_DETAIL],
    )


def _close(item: IssueItem, state: IssueState, now: datetime, *, detail: str = "") -> None:
    done_at = None if state is IssueState.WAITING else now
    IssueItem.objects.filter(pk=item.pk).update(state=state.value, detail=detail, done_at=done_at)
