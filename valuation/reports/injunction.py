"""The injunction drill: which builds, permits, agreements and money stop if something falls.

Nothing is stored and nothing stops: it asks what would.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from licensing.models import Agreement, Permit
from licensing.wire.names import Prefix, name_of
from talent.lineage import graph
from talent.models import Build, LineageNode
from talent.periods import months_later
from valuation.models import ResidualLine

MONTHS = 12


@dataclass(frozen=True, slots=True)
class FallenBuild:
    """A build that falls, and the builds of its twin in service that day that do not."""

    build: Build
    in_service: bool
    instead: tuple[Build, ...]


@dataclass(frozen=True, slots=True)
class StoppedAgreement:
    """An agreement in force that day for a twin whose build falls.

    `wholly`: no build of the twin stays in service. `permits` run past the day and name a build
    that falls. `earned` is what its lines of the twelve months before come to, by currency.
    """

    agreement: Agreement
    wholly: bool
    permits: tuple[Permit, ...]
    earned: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Drill:
    """What stops if a node falls on a day; `totals` by currency, wholly and in part."""

    node: LineageNode
    on: date
    builds: tuple[FallenBuild, ...]
    agreements: tuple[StoppedAgreement, ...]

    @property
    def permits(self) -> int:
        """How many permits stop."""
        return sum(len(one.permits) for one in self.agreements)

    def totals(self, *, wholly: bool) -> dict[str, Decimal]:
        """Return what the agreements that stop wholly, or in part, earned, by currency."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for one in self.agreements:
            for currency, amount in one.earned.items() if one.wholly is wholly else ():
                sums[currency] += amount
        return dict(sorted(sums.items()))


def drill(
    node: LineageNode,
    on: date,
    *,
    agreements: QuerySet[Agreement],
    builds: QuerySet[Build],
) -> Drill:
    """Return what stops if a node falls on a day, among agreements and builds that one may see.

    A day begins at midnight UTC. Money is what was posted for use in the twelve months before it,
    in its own currency, and no forecast. A constant number of queries.
    """
    fallen = set(graph.builds_made_from(node.pk))
    instant = datetime.combine(on, time.min, UTC)
    named = builds.filter(pk__in=fallen).select_related("twin__performer", "provider")
    rows = list(named.order_by("twin__name", "version", "pk"))
    twins = {row.twin_id for row in rows}
    staying: dict[int, list[Build]] = defaultdict(list)
    for build in Build.objects.filter(twin__in=twins).exclude(pk__in=fallen).order_by("pk"):
        if _serves(build, on):
            staying[build.twin_id].append(build)
    stopped = agreements.filter(
        Q(ends_at=None) | Q(ends_at__gt=instant), twin__in=twins, signed_at__isnull=False
    )
    concerned = list(stopped.select_related("licensee", "twin").order_by("reference", "pk"))
    permits = _permits(concerned, fallen, instant)
    earned = _earned(concerned, on)
    return Drill(
        node,
        on,
        tuple(FallenBuild(row, _serves(row, on), tuple(staying[row.twin_id])) for row in rows),
        tuple(
            StoppedAgreement(one, not staying[one.twin_id], tuple(permits[one.pk]), earned[one.pk])
            for one in concerned
        ),
    )


def _serves(build: Build, on: date) -> bool:
    return build.built_on <= on and (build.retired_on is None or on < build.retired_on)


def _permits(
    agreements: Iterable[Agreement], fallen: Iterable[int], instant: datetime
) -> dict[int, list[Permit]]:
    """Return by agreement the permits that would run past an instant for a build that falls."""
    names = [name_of(Prefix.BUILD, pk) for pk in fallen]
    rows = Permit.objects.filter(
        Q(revocation=None) | Q(revocation__revoked_at__gt=instant),
        decision__agreement__in=[one.pk for one in agreements],
        decision__request__build__in=names,
        expires_at__gt=instant,
    )
    found: dict[int, list[Permit]] = defaultdict(list)
    for permit in rows.select_related("decision").order_by("pk"):
        found[permit.decision.agreement_id or 0].append(permit)
    return found


def _earned(agreements: Iterable[Agreement], on: date) -> dict[int, dict[str, Decimal]]:
    """Return by agreement and currency what its lines of the twelve months before a day come to."""
    lines = ResidualLine.objects.filter(
        agreement__in=[one.pk for one in agreements],
        month_on__gte=months_later(on.replace(day=1), -MONTHS),
        month_on__lt=on,
    )
    sums = lines.order_by().values_list("agreement", "currency").annotate(Sum("amount"))
    found: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for agreement, currency, amount in sums:
        found[agreement][currency] = amount
    return found
