"""How much twins were used, for consents that limit how much they are used."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from operator import itemgetter
from typing import Any

from django.db.models import Sum
from django.db.models.functions import ExtractYear

from licensing.decision.request import ANY_LICENSEE, Request, UsedUnits
from licensing.models import ArchivedUnits, UsageEvent, is_replaced
from licensing.words import LeafKind
from talent.consent.matrix import Version
from talent.models import DigitalTwin
from talent.words import Right, Use

from .held import held_units

TwinUse = tuple[int, str, str]  # a twin, a right and a use, for which units are counted
Counted = tuple[str, str, int]  # a meter, a licensee and a year
Sums = Iterator[tuple[TwinUse, Counted, Decimal]]


@dataclass(slots=True)
class Units:
    """How much was used, and how much is reserved, while it is added up."""

    used: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class UsedByTwin:
    """Units used by twin, right and use; and each performer's twins, composites among them."""

    by_twin_use: Mapping[TwinUse, Mapping[Counted, "Units"]]
    twins_of: Mapping[int, Collection[int]]

    def of_twins(self, twins: Iterable[int], request: Request) -> tuple[UsedUnits, ...]:
        """Return how much twins were used for the right and use of a request.

        In training also for other rights: all are limited by one door.
        """
        sums: defaultdict[tuple[str, Counted], Units] = defaultdict(Units)
        rights = Right.codes() if request.use == Use.TRAINING else [request.right]
        for twin, right in product(twins, rights):
            other = "" if right == request.right else right
            units = self.by_twin_use.get((twin, right, request.use), {})
            for counted, of_twin in units.items():
                sums[other, counted].used += of_twin.used
                sums[other, counted].reserved += of_twin.reserved
        return tuple(
            UsedUnits(*counted, used=units.used, reserved=units.reserved, right=other)
            for (other, counted), units in sorted(sums.items(), key=itemgetter(0))
        )

    def of_performer(self, performer: int, request: Request) -> tuple[UsedUnits, ...]:
        """Return how much all of a performer's twins were used."""
        return self.of_twins(self.twins_of.get(performer, ()), request)


def used_by_twin(
    twins: Collection[int],
    performers: Collection[int],
    versions: Iterable[Version],
    *,
    known_at: datetime,
    own: int | None = None,
) -> UsedByTwin:
    """Add up the uses that some consent limits, received before an instant.

    What permits hold counts as well, but for those of the decision `own`. Four queries; none if no
    consent limits anything.
    """
    limited = {
        (cell.use, limit.meter)
        for version in versions
        for cell in version.cells
        for limit in cell.scope.limits
    }
    if not limited:
        return UsedByTwin({}, {})
    uses = {use for use, _meter in limited}
    # The door to training counts the training of every right: rights are not asked for.
    meters = sorted({meter for _use, meter in limited})
    twins_of = _twins_of(performers)
    counted = set(twins).union(*twins_of.values())
    by_twin_use: defaultdict[TwinUse, defaultdict[Counted, Units]] = defaultdict(
        lambda: defaultdict(Units)
    )
    for rows in (
        _units_of_events(counted, uses, meters, known_at),
        _units_of_archives(counted, uses, meters, known_at),
    ):
        for twin_use, counted_by, quantity in rows:
            by_twin_use[twin_use][counted_by].used += quantity
    for held in held_units(counted, uses, at=known_at, own=own):
        if held.meter in meters:
            twin_use = (held.twin, held.right, held.use)
            units = by_twin_use[twin_use][held.meter, held.licensee, held.year]
            units.used += held.used
            units.reserved += held.reserved
    return UsedByTwin(by_twin_use, twins_of)


def _twins_of(performers: Collection[int]) -> dict[int, set[int]]:
    twins_of = defaultdict(set)
    twins = DigitalTwin.objects.of_performers(performers)
    for twin, performer, source in twins.values_list("pk", "performer", "sources__performer"):
        twins_of[performer or source].add(twin)
    return dict(twins_of)


def _units_of_events(
    twins: Collection[int], uses: Collection[str], meters: Collection[str], known_at: datetime
) -> Sums:
    """Add up the events, without those that an amendment replaced."""
    events = UsageEvent.objects.filter(
        twin__in=twins,
        kind__in=[LeafKind.USE.value, LeafKind.AMENDMENT.value],
        use__in=uses,
        batch__received_at__lt=known_at,
    ).exclude(is_replaced(known_at=known_at))
    rows: Iterable[Any] = (
        events.annotate(year=ExtractYear("occurred_at", tzinfo=UTC))
        .values("twin", "right", "use", "licensee__slug", "year")
        .annotate(**{f"sum_{meter}": Sum(meter, default=Decimal(0)) for meter in meters})
    )
    for row in rows:
        twin_use = (row["twin"], row["right"], row["use"])
        for meter in meters:
            if row[f"sum_{meter}"]:
                counted = (meter, row["licensee__slug"], row["year"])
                yield twin_use, counted, row[f"sum_{meter}"]


def _units_of_archives(
    twins: Collection[int], uses: Collection[str], meters: Collection[str], known_at: datetime
) -> Sums:
    """Add up what is kept of archived events, which are in no table any more."""
    archived = ArchivedUnits.objects.filter(
        archive__detached_at__isnull=False,
        twin__in=twins,
        use__in=uses,
        meter__in=meters,
        received_until__lt=known_at,
    )
    rows = archived.values_list("twin", "right", "use", "meter", "licensee__slug", "year")
    for twin, right, use, meter, licensee, year, quantity in rows.annotate(sum=Sum("quantity")):
        yield (twin, right, use), (meter, licensee or ANY_LICENSEE, year), quantity
