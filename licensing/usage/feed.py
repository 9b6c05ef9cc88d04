"""The feed: what twins were used for, as it is read by the people whose twins they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal

from django.db.models import Max, QuerySet
from django.db.models.functions import TruncMonth

from licensing.models import Licensee, Production, Replacement, UsageEvent, is_replaced
from licensing.pages_by_id import chunks_by_id, page_by_id
from licensing.words import Channel, LeafKind, Meter, Standing
from talent.models import DigitalTwin, User
from talent.words import Right, Use

ROWS_ON_A_PAGE = 50
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Measure:
    """How much was used, in the meter's own unit."""

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


def uses_of(
    user: User,
    twins: Iterable[DigitalTwin],
    *,
    month: tuple[datetime, datetime] | None = None,
    outside: bool = False,
) -> QuerySet[UsageEvent]:
    """Return the uses of some twins that a user may see, latest report first.

    What was amended is there beside its amendment; `without_replaced` leaves it out. `month` is a
    half-open range of aware instants; `outside` keeps what was outside consent.
    """
    events = UsageEvent.objects.visible_to(user).filter(twin__in=[twin.pk for twin in twins])
    events = events.exclude(kind=LeafKind.RULING.value)
    if month:
        events = events.filter(occurred_at__gte=month[0], occurred_at__lt=month[1])
    if outside:
        events = events.exclude(standing=Standing.CLEARED.value)
    return events.order_by("-id")


def without_replaced(events: QuerySet[UsageEvent]) -> QuerySet[UsageEvent]:
    """Return those events whose place no amendment has taken."""
    return events.exclude(is_replaced())


def page_of_rows(
    events: QuerySet[UsageEvent], before: int | None
) -> tuple[list[UseRow], int | None]:
    """Return the rows of a page of events with smaller ids than `before`, the first page for None.

    Beside them stands the `before` of the next page, or None where that was the last.
    """
    page, older = page_by_id(events, before, size=ROWS_ON_A_PAGE)
    return rows_of(page), older


def rows_of(events: Sequence[UsageEvent]) -> list[UseRow]:
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


def stream_rows(events: QuerySet[UsageEvent]) -> Iterator[UseRow]:
    """Yield the row of every event, latest first, in bounded memory however many there are."""
    for chunk in chunks_by_id(events, size=ROWS_AT_ONCE):
        yield from rows_of(chunk)


def _row(
    event: UsageEvent,
    licensees: Mapping[int, Licensee],
    productions: Mapping[int, Production],
    twins: Mapping[int, DigitalTwin],
    amendments: Mapping[int, int],
) -> UseRow:
    standing = Standing(event.standing)
    production = productions.get(event.production_id) if event.production_id else None
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


def months_with_uses(user: User, twins: Iterable[DigitalTwin], time_zone: tzinfo) -> list[date]:
    """Return the first days of the months in which twins were used, latest first."""
    months = (
        uses_of(user, twins)
        .order_by()
        .annotate(month=TruncMonth("occurred_at", tzinfo=time_zone))
        .values_list("month", flat=True)
        .distinct()
    )
    return sorted({month.date() for month in months}, reverse=True)


def latest_use_at(user: User, twins: Iterable[DigitalTwin], *, before: datetime) -> datetime | None:
    """Return when the latest use before an instant happened; None where there was none."""
    earlier = uses_of(user, twins).filter(occurred_at__lt=before)
    latest: datetime | None = earlier.order_by().aggregate(at=Max("occurred_at"))["at"]
    return latest
