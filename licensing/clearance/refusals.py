"""Refusals and what was settled without asking, as those people read it whose twins they are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncMonth

from licensing.models import (
    ClearanceDecision,
)
from licensing.words import Channel, Outcome
from talent.models import DigitalTwin
from talent.words import Right, Stance, Use

PAGE = 50
CHUNK = 2000


@dataclass(frozen=True)
class Refusals:
    """How many requests were refused, and the latest in words fit for those it protected."""

    count: int
    licensee: str = ""
    what: str = ""
    why: str = ""


@dataclass(frozen=True)
class Settled:
    """How many requests were cleared without asking anybody, and the latest."""

    count: int
    licensee: str = ""
    what: str = ""
    at: datetime | None = None


def refusals(user, twins: Iterable[DigitalTwin], *, since: datetime) -> Refusals:
    """Count what was refused since an instant, and say the latest."""
    found = _decisions(user, twins, since).filter(outcome=Outcome.REFUSED.value)
    latest = found.first()
    if latest is None:
        return Refusals(count=0)
    return Refusals(
        count=found.count(),
        licensee=latest.terms.licensee.name,
        what=asked_for(latest.request),
        why=_why(latest),
    )


@dataclass(frozen=True)
class Attempt:
    """One request that was refused: who wanted what, where and when, and why not."""

    id: int
    licensee: str
    twin: str
    what: str
    territory: str
    language: str
    channel: str
    asked_at: datetime
    meant_for: datetime
    why: str


def attempts(
    user, twins: Iterable[DigitalTwin], *, month: tuple[datetime, datetime] | None = None
) -> QuerySet[ClearanceDecision]:
    """Return the refused requests about some twins that a user may see, latest first."""
    found = ClearanceDecision.objects.visible_to(user).filter(
        twin__in=[twin.pk for twin in twins], outcome=Outcome.REFUSED.value
    )
    if month:
        found = found.filter(known_at__gte=month[0], known_at__lt=month[1])
    return found.select_related("terms__licensee", "twin").order_by("-pk")


def attempts_page(
    found: QuerySet[ClearanceDecision], before: int | None
) -> tuple[list[Attempt], int | None]:
    """Return a page of attempts older than an id, and the id that the next page starts before."""
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found[: PAGE + 1])
    more = rows[PAGE - 1].pk if len(rows) > PAGE else None
    return [_attempt(row) for row in rows[:PAGE]], more


def all_attempts(found: QuerySet[ClearanceDecision]) -> Iterator[Attempt]:
    """Yield every attempt in bounded memory, however many there are."""
    yield from map(_attempt, found.iterator(chunk_size=CHUNK))


def attempts_by_month(
    found: QuerySet[ClearanceDecision], time_zone: object
) -> list[tuple[date, int]]:
    """Count attempts by the first day of their month, latest first."""
    counts = (
        found.order_by()
        .annotate(month=TruncMonth("known_at", tzinfo=time_zone))
        .values_list("month")
        .annotate(Count("pk"))
    )
    return sorted(((month.date(), count) for month, count in counts), reverse=True)


def _attempt(row: ClearanceDecision) -> Attempt:
    asked = row.request
    return Attempt(
        id=row.pk,
        licensee=row.terms.licensee.name,
        twin=row.twin.name,
        what=asked_for(asked),
        territory=asked.get("territory") or "",
        language=asked.get("language") or "",
        channel=dict(Channel.choices()).get(asked.get("channel") or "", ""),
        asked_at=row.known_at,
        meant_for=row.at,
        why=_why(row),
    )


def _why(row: ClearanceDecision) -> str:
    """Say why as the studio was told: it names no other source of a composite, no other party."""
    return row.decision.get("deciding", {}).get("public", "")


def settled(user, twins: Iterable[DigitalTwin], *, since: datetime) -> Settled:
    """Count the requests that a “yes” cleared since an instant, and say the latest."""
    cleared = _decisions(user, twins, since).filter(
        outcome=Outcome.CLEARED.value, decision__deciding__code=Stance.ALLOW.value
    )
    latest = cleared.first()
    if latest is None:
        return Settled(count=0)
    return Settled(
        count=cleared.count(),
        licensee=latest.terms.licensee.name,
        what=asked_for(latest.request),
        at=latest.known_at,
    )


def _decisions(user, twins: Iterable[DigitalTwin], since: datetime) -> QuerySet[ClearanceDecision]:
    return (
        ClearanceDecision.objects.visible_to(user)
        .filter(twin__in=[twin.pk for twin in twins], known_at__gte=since)
        .select_related("terms__licensee", "twin")
        .order_by("-known_at", "-pk")
    )


def asked_for(request: dict) -> str:
    """Say what a stored request asked for: "face for ADR"."""
    try:
        right, use = Right(request.get("right")), Use(request.get("use"))
    except ValueError:
        return "?"
    return f"{right.label.lower()} × {use.label}"
