"""Deadlines: who has not signed is reminded, and a round whose time is over ends."""

from datetime import datetime, timedelta

from django.db import transaction

from licensing.models import SigningEvent, SigningRound
from licensing.words import RoundState, SigningEventKind
from talent.errors import Refused
from talent.models import User

from . import notices
from .rounds import end, locked_round, note, refuse_over, waiting_for

# Whoever's turn it is, is reminded after so long, and once more on the last days.
REMIND_EVERY = timedelta(days=3)
LAST_DAYS = timedelta(days=1)
AGAIN_AFTER = timedelta(hours=1)
ROUNDS_IN_A_SWEEP = 500


class RemindedJustNow(Refused):
    """Somebody was reminded within the hour."""

    code = "reminded_just_now"


def sweep(*, at: datetime) -> dict[str, int]:
    """Remind whom it waits for, and end what expired; return how many of each.

    Each round is a transaction of its own, under its lock: two sweeps tell nobody twice.
    """
    counts = {"reminded": 0, "expired": 0}
    rounds = SigningRound.objects.open().order_by("expires_at", "pk")[:ROUNDS_IN_A_SWEEP]
    for pk, expires_at in list(rounds.values_list("pk", "expires_at")):
        if expires_at <= at:
            counts["expired"] += _expire(pk, at)
        elif reminder_due(pk, expires_at, at):
            counts["reminded"] += _remind(pk, at)
    return counts


def reminder_due(round_id: int, expires_at: datetime, at: datetime) -> bool:
    """Tell whether nobody was asked, and nothing was done, for so long that a mail is due."""
    last = SigningEvent.objects.filter(round=round_id).order_by("-at", "-pk").first()
    if last is None:
        return False
    in_last_days = expires_at - at <= LAST_DAYS and last.at < expires_at - LAST_DAYS
    return bool(in_last_days or at - last.at >= REMIND_EVERY)


@transaction.atomic
def remind(*, round_id: int, at: datetime, by: User) -> None:
    """Remind whom a round waits for, by hand. Raises RoundIsOver and RemindedJustNow."""
    found = locked_round(round_id)
    refuse_over(found, at=at)
    kinds = [SigningEventKind.REMINDED.value, SigningEventKind.SENT.value]
    lately = found.events.filter(kind__in=kinds, at__gt=at - AGAIN_AFTER)
    if lately.exists():
        raise RemindedJustNow("A mail went out within the last hour. Wait, or call them.")
    _tell(found, at, by)


@transaction.atomic
def _remind(round_id: int, at: datetime) -> bool:
    found = locked_round(round_id)
    still = found.state == RoundState.OPEN and found.expires_at > at
    if not still or not reminder_due(round_id, found.expires_at, at):
        return False
    _tell(found, at, None)
    return True


def _tell(found: SigningRound, at: datetime, by: User | None) -> None:
    waiting = waiting_for(found)
    note(found, SigningEventKind.REMINDED, at=at, by=by, words=waiting.name if waiting else "")
    notices.tell_next(found, waiting, at=at, kind=SigningEventKind.REMINDED)


@transaction.atomic
def _expire(round_id: int, at: datetime) -> bool:
    found = locked_round(round_id)
    if found.state != RoundState.OPEN or found.expires_at > at:
        return False
    end(found, RoundState.EXPIRED, at=at)
    note(found, SigningEventKind.EXPIRED, at=at)
    notices.tell_all(found, SigningEventKind.EXPIRED, at=at)
    return True
