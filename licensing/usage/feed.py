"""What twins were used for and what was refused, as those people read it whose twins they are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max, QuerySet
from django.db.models.functions import TruncMonth

from licensing.models import (
    Licensee,
    Production,
    Replacement,
    UsageEvent,
    replaced,
)
from licensing.words import Channel, LeafKind, Meter, Standing
from talent.models import DigitalTwin
from talent.words import Right, Use

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
