"""What twins were used for and what was refused, as those people read it whose twins they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import TruncMonth

from licensing.clearance.burndown import BurnDown, burn_downs
from licensing.models import (
    Cap,
    ClearanceDecision,
    Licensee,
    Production,
    Replacement,
    UsageEvent,
    replaced,
)
from licensing.words import Channel, LeafKind, Meter, Outcome, Standing
from talent.models import DigitalTwin
from talent.words import Right, Stance, Use

PAGE = 50
CHUNK = 2000


@dataclass(frozen=True)
class Measure:
    quantity: Decimal
    meter: Meter


@dataclass(frozen=True)
class UseRow:
    """One reported use: who, what, where, when, how much, and how it stood to the consent."""

    id: int
    licensee: str
    production: str
    twin: str
    right: str
    use: str
    territory: str
    language: str
    channel: str
    occurred_at: datetime
    quantities: tuple[Measure, ...]
    standing: str
    within: bool
    reason: str
    kind: str = ""
    replaces: int | None = None
    replaced_by: int | None = None


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


@dataclass(frozen=True)
class CapLeft:
    """How much of a cap's fiscal year is left, and when it will be gone at the present pace."""

    subject: str
    meter: Meter
    limit: Decimal
    left: Decimal
    full_on: date | None = None

    @property
    def percent(self) -> int:
        """Return how much is gone, at most 100."""
        return min(100, round(100 * (self.limit - self.left) / self.limit))


def used(
    user,
    twins: Iterable[DigitalTwin],
    *,
    month: tuple[datetime, datetime] | None = None,
    outside: bool = False,
) -> QuerySet[UsageEvent]:
    """Return the uses of some twins that a user may see, latest report first.

    What was amended is there beside its amendment; `counting` leaves it out. `month` is a
    half-open range of aware instants; `outside` keeps what was outside consent.
    """
    events = UsageEvent.objects.visible_to(user).filter(twin__in=[twin.pk for twin in twins])
    events = events.exclude(kind=LeafKind.RULING.value)
    if month:
        events = events.filter(occurred_at__gte=month[0], occurred_at__lt=month[1])
    if outside:
        events = events.exclude(standing=Standing.CLEARED.value)
    return events.order_by("-id")


def counting(events: QuerySet[UsageEvent]) -> QuerySet[UsageEvent]:
    """Return those events whose place no amendment has taken."""
    return events.exclude(replaced())


def page(events: QuerySet[UsageEvent], before: int | None) -> tuple[list[UseRow], int | None]:
    """Return a page of rows older than an id, and the id that the next page starts before."""
    if before:
        events = events.filter(pk__lt=before)
    found = list(events[: PAGE + 1])
    more = found[PAGE - 1].pk if len(found) > PAGE else None
    return rows(found[:PAGE]), more


def rows(events: Sequence[UsageEvent]) -> list[UseRow]:
    """Return events as rows, with their names looked up together."""
    licensees = Licensee.objects.in_bulk({event.licensee_id for event in events})
    productions = Production.objects.in_bulk(
        {event.production_id for event in events if event.production_id}
    )
    twins = DigitalTwin.objects.in_bulk({event.twin_id for event in events})
    amendments = dict(
        Replacement.objects.filter(event_id__in=[event.pk for event in events]).values_list(
            "event_id", "amendment_id"
        )
    )
    return [_row(event, licensees, productions, twins, amendments) for event in events]


def all_rows(events: QuerySet[UsageEvent]) -> Iterator[UseRow]:
    """Yield every row in bounded memory, however many there are."""
    before = None
    while True:
        chunk = list((events.filter(pk__lt=before) if before else events)[:CHUNK])
        yield from rows(chunk)
        if len(chunk) < CHUNK:
            return
        before = chunk[-1].pk


def _row(
    event: UsageEvent, licensees: dict, productions: dict, twins: dict, amendments: dict[int, int]
) -> UseRow:
    standing = Standing(event.standing)
    production = productions.get(event.production_id)
    return UseRow(
        id=event.pk,
        licensee=licensees[event.licensee_id].name,
        production=production.title if production else "",
        twin=twins[event.twin_id].name,
        right=Right(event.right).label,
        use=Use(event.use).label,
        territory=event.territory,
        language=event.language,
        channel=Channel(event.channel).label,
        occurred_at=event.occurred_at,
        quantities=tuple(
            Measure(quantity, meter) for meter, quantity in event.quantities().items()
        ),
        standing=standing.label,
        within=standing == Standing.CLEARED,
        reason=event.standing_reason,
        kind=LeafKind(event.kind).label,
        replaces=event.about,
        replaced_by=amendments.get(event.pk),
    )


def months(user, twins: Iterable[DigitalTwin], time_zone: object) -> list[date]:
    """Return the first days of the months in which something happened, latest first."""
    found = (
        used(user, twins)
        .order_by()
        .annotate(month=TruncMonth("occurred_at", tzinfo=time_zone))
        .values_list("month", flat=True)
        .distinct()
    )
    return sorted({month.date() for month in found}, reverse=True)


def last_used(user, twins: Iterable[DigitalTwin], *, before: datetime) -> datetime | None:
    """Return when the latest use before an instant happened, if there was one."""
    earlier = used(user, twins).filter(occurred_at__lt=before)
    return earlier.order_by().aggregate(last=Max("occurred_at"))["last"]


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


def caps_left(user, twins: Sequence[DigitalTwin], *, at: datetime, limit: int = 6) -> list[CapLeft]:
    """Return what is left of the caps on these twins, those nearest their end first."""
    performers = {twin.performer_id for twin in twins if twin.performer_id}
    on = at.date()
    caps = list(
        Cap.objects.visible_to(user)
        .filter(Q(twin__in=twins) | Q(performer__in=performers) | Q(agreement__twin__in=twins))
        .filter(Q(ends_on=None) | Q(ends_on__gt=on), starts_on__lte=on)
        .select_related("agreement__licensee", "twin", "performer")
        .order_by("pk")[:50]
    )
    left = [_cap_left(burnt) for burnt in burn_downs(caps, at=at)]
    return sorted(left, key=lambda cap: (-cap.percent, cap.subject))[:limit]


def _cap_left(burnt: BurnDown) -> CapLeft:
    cap = burnt.cap
    return CapLeft(
        subject=cap.agreement.licensee.name if cap.agreement else str(cap.twin or cap.performer),
        meter=Meter(cap.meter),
        limit=burnt.limit,
        left=burnt.left,
        full_on=burnt.full_on if burnt.left else None,
    )
