"""How much twins were used, for consents that limit the hours of a use."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from licensing.decision.request import Request
from licensing.models import ArchivedSeconds, UsageEvent, is_replaced
from licensing.words import LeafKind, Meter
from talent.consent.matrix import Version
from talent.models import DigitalTwin

from .held import held_units

TwinUse = tuple[int, str, str]  # a twin, a right and a use, for which seconds are counted
Sums = Iterable[tuple[int, str, str, Decimal]]


@dataclass(frozen=True, slots=True)
class SecondsUsed:
    """Seconds used by twin, right and use; and each performer's twins, composites among them."""

    by_twin_use: Mapping[TwinUse, Decimal]
    twins_of: Mapping[int, Collection[int]]

    def of_twins(self, twins: Iterable[int], request: Request) -> Decimal:
        """Return for how many seconds twins were used for the right and use of a request."""
        uses = ((twin, request.right, request.use) for twin in twins)
        return sum((self.by_twin_use.get(use, Decimal(0)) for use in uses), Decimal(0))

    def of_performer(self, performer: int, request: Request) -> Decimal:
        """Return for how many seconds all of a performer's twins were used."""
        return self.of_twins(self.twins_of.get(performer, ()), request)


def seconds_used(
    twins: Collection[int],
    performers: Collection[int],
    versions: Iterable[Version],
    *,
    known_at: datetime,
    own: int | None = None,
) -> SecondsUsed:
    """Add up the seconds of uses that some consent limits in hours, received before an instant.

    What permits hold counts as well, but for those of the decision `own`. Four queries; none if no
    consent limits hours.
    """
    limited = {
        (cell.right, cell.use)
        for version in versions
        for cell in version.cells
        if cell.scope.maximum_hours is not None
    }
    if not limited:
        return SecondsUsed({}, {})
    twins_of = _twins_of(performers)
    counted = set(twins).union(*twins_of.values())
    by_twin_use: defaultdict[TwinUse, Decimal] = defaultdict(Decimal)
    for rows in (
        _seconds_of_events(counted, limited, known_at),
        _seconds_of_archives(counted, limited, known_at),
    ):
        for twin, right, use, seconds in rows:
            by_twin_use[twin, right, use] += seconds
    for held in held_units(counted, {use for _right, use in limited}, at=known_at, own=own):
        if held.meter == Meter.SECONDS:
            by_twin_use[held.twin, held.right, held.use] += held.used + held.reserved
    return SecondsUsed(by_twin_use, twins_of)


def _twins_of(performers: Collection[int]) -> dict[int, set[int]]:
    twins_of = defaultdict(set)
    twins = DigitalTwin.objects.of_performers(performers)
    for twin, performer, source in twins.values_list("pk", "performer", "sources__performer"):
        twins_of[performer or source].add(twin)
    return dict(twins_of)


def _seconds_of_events(
    twins: Collection[int], cells: Collection[tuple[str, str]], known_at: datetime
) -> Sums:
    """Add up the events, without those that an amendment replaced."""
    events = UsageEvent.objects.filter(
        twin__in=twins,
        kind__in=[LeafKind.USE.value, LeafKind.AMENDMENT.value],
        right__in={right for right, _ in cells},
        use__in={use for _, use in cells},
        batch__received_at__lt=known_at,
    ).exclude(is_replaced(known_at=known_at))
    by_twin_use = events.values_list("twin", "right", "use")
    sums: Sums = by_twin_use.annotate(sum=Sum("seconds", default=Decimal(0)))
    return sums


def _seconds_of_archives(
    twins: Collection[int], cells: Collection[tuple[str, str]], known_at: datetime
) -> Sums:
    """Add up what is kept of archived events, which are in no table any more."""
    archived = ArchivedSeconds.objects.filter(
        archive__detached_at__isnull=False,
        twin__in=twins,
        right__in={right for right, _ in cells},
        use__in={use for _, use in cells},
        received_until__lt=known_at,
    )
    return archived.values_list("twin", "right", "use").annotate(sum=Sum("seconds"))
