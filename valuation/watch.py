"""The watch over the night: whether it is due, tried again when it failed, and who is told.

What is left to do is read from the database, not from a message in the broker: a night whose worker
was killed, or that was due while the broker was away, is due still.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.utils import timezone

from licensing.recipients import operators, staff_of
from talent import outbox
from talent.errors import Refused
from talent.models import User
from talent.words import Role
from valuation import night
from valuation.models import NightFailure, NightRun, NightShard
from valuation.night import CLOCK_SKEW, ClockIsWrong, NightIsRunning, Watch, nobody_watches
from valuation.words import RunStatus, ShardStatus, Trouble

logger = logging.getLogger(__name__)

# After midnight UTC. From then on the night of the day is due.
BEGINS = timedelta(hours=2, minutes=15)
# The first rest after a night that failed; each next one is twice as long.
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=1)
# A desk may be off for so long. After more days it is likelier that a clock has jumped.
LONGEST_PAUSE = timedelta(days=31)


class NightIncomplete(Refused):
    """A night ended, but something of it could not be done."""

    code = Trouble.INCOMPLETE.value


class NightCancelled(Refused):
    """Somebody cancelled a night before its end."""

    code = Trouble.CANCELLED.value


# Of nights that ended: the desk has recorded what they did, so they are not tried again at once.
ENDED = (NightIncomplete.code, NightCancelled.code)


def run_if_due(
    *, now: datetime, database_now: datetime, ask_for_help: night.AskForHelp | None = None
) -> NightRun | None:
    """Run the night if it is due, without its statements; None: it is not.

    What goes wrong is recorded for the desk, mailed once a day, and raised. Raises NightIsRunning
    while another process runs it, which is no failure.
    """
    day = due_day(now)
    if day is None:
        return None
    return run(
        as_of=day, now=now, database_now=database_now, by_itself=True, ask_for_help=ask_for_help
    )


def run(
    *,
    as_of: date,
    now: datetime,
    database_now: datetime,
    by_itself: bool = False,
    by: User | None = None,
    watch: Watch = nobody_watches,
    ask_for_help: night.AskForHelp | None = None,
) -> NightRun:
    """Run the night of a day without its statements; as `run_if_due`, whether or not it is due.

    `by` is who started it by hand; `watch` is called as it goes on.
    """
    try:
        _refuse_wrong_clock(now, database_now)
        if by_itself:
            _refuse_long_pause(as_of)
        done = night.rate_and_match(
            as_of=as_of, now=now, by=by, watch=watch, ask_for_help=ask_for_help
        )
    except NightIsRunning:
        raise
    except Exception as failure:
        code = failure.code if isinstance(failure, Refused) else type(failure).__name__
        report(as_of=as_of, now=now, code=code, detail=str(failure) or code)
        raise
    if done.status == RunStatus.INCOMPLETE.value:
        report(as_of=as_of, now=now, code=NightIncomplete.code, detail=done.detail, run=done)
    elif done.status == RunStatus.CANCELLED.value:
        detail = f"Cancelled by {done.cancelled_by}. {done.detail}".strip()
        report(as_of=as_of, now=now, code=NightCancelled.code, detail=detail, run=done)
    return done


def due_day(now: datetime) -> date | None:
    """Return the day whose night is due: not run, or killed, and not resting after a failure."""
    day = timezone.localdate(now - BEGINS)
    failed = NightFailure.objects.filter(as_of=day).exclude(code__in=ENDED)
    last = failed.order_by("-pk").first()
    if last is not None:
        rest = min(FIRST_REST * 2 ** min(failed.count() - 1, 10), LONGEST_REST)
        if last.at <= now < last.at + rest:
            return None
    runs = NightRun.objects.standing()
    if runs.filter(status=RunStatus.RUNNING.value).exists():
        return day
    return None if runs.filter(as_of__gte=day).exists() else day


def draw_if_due(*, now: datetime) -> list[str]:
    """Draw the statements of the last night if that was not done; return what could not be drawn.

    That is recorded for the desk and mailed; the next night tries it again.
    """
    last = NightRun.objects.standing().nights().order_by("-pk").first()
    unended = (RunStatus.RUNNING.value, RunStatus.CANCELLED.value)
    if last is None or last.drawn_at or last.status in unended:
        return []
    failed = night.draw_statements(last, now=now)
    if failed:
        detail = f"Not drawn: {'; '.join(failed)}."
        report(as_of=last.as_of, now=now, code=Trouble.NOT_DRAWN.value, detail=detail)
    return failed


def report(
    *, as_of: date, now: datetime, code: str, detail: str, run: NightRun | None = None
) -> None:
    """Log a failure and record it for the desk; mail those who can do something, once a day."""
    logger.error("The night of %s: %s: %s", as_of, code, detail)
    told = NightFailure.objects.filter(as_of=as_of, code=code).exists()
    NightFailure.objects.create(as_of=as_of, at=now, code=code, detail=detail)
    if told:
        return
    trouble = Trouble.of(code)
    recipients = operators()
    if run is not None:
        recipients = recipients | staff_of(_agencies_that_failed(run), Role.ACCOUNTING)
    for user in recipients:
        outbox.post(
            recipient=user.email,
            subject=f"The night of {as_of} {SUBJECTS[trouble]}",
            body=BODY.format(detail=detail, next=NEXT[trouble]),
            at=now,
        )


SUBJECTS = {
    Trouble.FAILED: "failed and needs you",
    Trouble.INCOMPLETE: "is incomplete and needs you",
    Trouble.CANCELLED: "was cancelled",
    Trouble.NOT_DRAWN: "drew not all statements and needs you",
}
NEXT = {
    Trouble.FAILED: (
        "Nothing of it counts yet. The desk tries it again within the hour; docs/running.md says"
        " what to do about a night that stays stuck."
    ),
    Trouble.INCOMPLETE: (
        "All else of this night is done. The next night tries again what could not be rated or was"
        " set aside, and matches the cash that was not matched."
    ),
    Trouble.CANCELLED: (
        "What it had rated by then stays. The next night rates the agreements that were left, or a"
        " night that somebody starts by hand; both come to the same amounts."
    ),
    Trouble.NOT_DRAWN: "The night itself is done. The next one draws these statements.",
}
BODY = """\
{detail}

{next}

What is known stands in the admin under “Night failures”.
"""


def _agencies_that_failed(run: NightRun) -> Sequence[int]:
    failed = NightShard.objects.filter(run=run, status=ShardStatus.FAILED.value)
    return list(failed.values_list("agreement__agency", flat=True).distinct())


def _refuse_wrong_clock(now: datetime, database_now: datetime) -> None:
    if abs(now - database_now) > CLOCK_SKEW:
        raise ClockIsWrong(
            f"This machine’s clock says {now:%Y-%m-%d %H:%M} UTC, the database’s"
            f" {database_now:%Y-%m-%d %H:%M}. Set them right; nothing was rated."
        )


def _refuse_long_pause(as_of: date) -> None:
    last = NightRun.objects.standing().order_by("-pk").first()
    if last is not None and as_of - last.as_of > LONGEST_PAUSE:
        raise ClockIsWrong(
            f"The last night was of {last.as_of}, {(as_of - last.as_of).days} days ago. If the desk"
            " was off for so long, run `manage.py night` once; else a clock has jumped."
        )
