"""Requests that were refused, or cleared by consent alone, as the people of the twins read them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncMonth

from licensing.models import ClearanceDecision
from licensing.pages_by_id import chunks_by_id, page_by_id
from licensing.words import Channel, Outcome
from talent.models import DigitalTwin, User
from talent.words import Right, Stance, Use

PAGE = 50
CHUNK = 2_000


@dataclass(frozen=True)
class Summary:
    """How many requests there were, and of the latest: who wanted what, when, and why not."""

    count: int
    licensee: str = ""
    what: str = ""
    why: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class RefusedRequest:
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


def refusals_since(user: User, twins: Iterable[DigitalTwin], since: datetime) -> Summary:
    """Sum up the requests about some twins that were refused since an instant."""
    decisions = _decisions(user, twins).filter(known_at__gte=since)
    return _summary(decisions.filter(outcome=Outcome.REFUSED.value))


def clearances_by_consent_since(
    user: User, twins: Iterable[DigitalTwin], since: datetime
) -> Summary:
    """Sum up the requests since an instant that a consent cleared without asking anybody."""
    decisions = _decisions(user, twins).filter(known_at__gte=since)
    return _summary(
        decisions.filter(outcome=Outcome.CLEARED.value, decision__deciding__code=Stance.ALLOW.value)
    )


def _summary(decisions: QuerySet[ClearanceDecision]) -> Summary:
    latest = decisions.order_by("-known_at", "-pk").first()
    if latest is None:
        return Summary(count=0)
    return Summary(
        count=decisions.count(),
        licensee=latest.terms.licensee.name,
        what=what_was_asked(latest.request),
        why=_why(latest),
        at=latest.known_at,
    )


def refusals(
    user: User,
    twins: Iterable[DigitalTwin],
    *,
    month: tuple[datetime, datetime] | None = None,
) -> QuerySet[ClearanceDecision]:
    """Return the refused requests about some twins that a user may see, latest first.

    `month` is a half-open range of aware instants.
    """
    decisions = _decisions(user, twins).filter(outcome=Outcome.REFUSED.value)
    if month:
        decisions = decisions.filter(known_at__gte=month[0], known_at__lt=month[1])
    return decisions.order_by("-pk")


def refusals_page(
    decisions: QuerySet[ClearanceDecision], before: int | None
) -> tuple[list[RefusedRequest], int | None]:
    """Return a page of refusals older than an id, and the id that the next page starts before."""
    rows, older = page_by_id(decisions, before, size=PAGE)
    return [_refused_request(row) for row in rows], older


def every_refusal(decisions: QuerySet[ClearanceDecision]) -> Iterator[RefusedRequest]:
    """Yield every refusal in bounded memory, however many there are."""
    for chunk in chunks_by_id(decisions, size=CHUNK):
        yield from map(_refused_request, chunk)


def refusals_by_month(
    decisions: QuerySet[ClearanceDecision], time_zone: tzinfo
) -> list[tuple[date, int]]:
    """Count refusals by the first day of their month, latest first."""
    counts = (
        decisions.order_by()
        .annotate(month=TruncMonth("known_at", tzinfo=time_zone))
        .values_list("month")
        .annotate(Count("pk"))
    )
    return sorted(((month.date(), count) for month, count in counts), reverse=True)


def what_was_asked(request: Mapping[str, object]) -> str:
    """Say what a stored request asked for: "face × ADR"."""
    try:
        right, use = Right(str(request.get("right"))), Use(str(request.get("use")))
    except ValueError:
        return "?"
    return f"{right.label.lower()} × {use.label}"


def _decisions(user: User, twins: Iterable[DigitalTwin]) -> QuerySet[ClearanceDecision]:
    return (
        ClearanceDecision.objects.visible_to(user)
        .filter(twin__in=[twin.pk for twin in twins])
        .select_related("terms__licensee", "twin")
    )


def _refused_request(row: ClearanceDecision) -> RefusedRequest:
    request = row.request
    return RefusedRequest(
        id=row.pk,
        licensee=row.terms.licensee.name,
        twin=row.twin.name if row.twin else "",
        what=what_was_asked(request),
        territory=request.get("territory") or "",
        language=request.get("language") or "",
        channel=dict(Channel.choices()).get(request.get("channel") or "", ""),
        asked_at=row.known_at,
        meant_for=row.at,
        why=_why(row),
    )


def _why(row: ClearanceDecision) -> str:
    """Return the reason that the studio read; it names no contributor and no other party."""
    return str(row.decision.get("deciding", {}).get("public", ""))
