"""The injunction drill: which builds, permits, agreements, scenes and money stop if one falls.

Nothing is stored and nothing stops: it asks what would.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from licensing.models import Agreement, Permit
from licensing.wire.names import Prefix, name_of
from talent.lineage import graph
from talent.models import Build, Contamination, ContaminationMark, DigitalTwin, LineageNode
from talent.periods import months_later, starts_at
from valuation.models import ResidualLine, SchedulePlan

if TYPE_CHECKING:
    from .stopped_scenes import StoppedPlan

MONTHS = 12


@dataclass(frozen=True, slots=True)
class FallenBuild:
    """A build that falls, and the builds of its twin that may be used instead that day."""

    build: Build
    in_service: bool
    instead: tuple[Build, ...]


@dataclass(frozen=True, slots=True)
class StoppedAgreement:
    """An agreement that runs past that day, for a twin whose build falls.

    `wholly`: no build of the twin may be used instead. `permits` run past the day and stop: all of
    them, or those that name a build that falls. `earned` is what its lines of the twelve months
    before come to, by currency.
    """

    agreement: Agreement
    wholly: bool
    permits: tuple[Permit, ...]
    earned: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Drill:
    """What stops if a node falls on a day; `totals` by currency, wholly and in part.

    `plans` are those with scenes that a twin plays of which no build may be used instead.
    """

    node: LineageNode
    on: date
    builds: tuple[FallenBuild, ...]
    agreements: tuple[StoppedAgreement, ...]
    plans: "tuple[StoppedPlan, ...]"

    @property
    def permits(self) -> int:
        """How many permits stop."""
        return sum(len(one.permits) for one in self.agreements)

    @property
    def scenes(self) -> int:
        """How many scenes have a part that stops."""
        return sum(one.scenes for one in self.plans)

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
    plans: QuerySet[SchedulePlan],
) -> Drill:
    """Return what stops if a node falls on a day, among what one may see of the rest.

    A day begins at midnight of the node's agency. Money is what was posted for use in the twelve
    months before it, in its own currency, and no forecast. A constant number of queries.
    """
    fallen = set(graph.builds_made_from(node.pk))
    instant = starts_at(on, node.agency.time_zone)
    named = builds.filter(pk__in=fallen).select_related("twin__performer", "provider")
    rows = list(named.order_by("twin__name", "version", "pk"))
    twins = {row.twin_id: row.twin for row in rows if _serves(row, on)}
    instead = _instead(twins, fallen, on, instant + timedelta(days=1))
    stopped = agreements.filter(
        Q(ends_at=None) | Q(ends_at__gt=instant), twin__in=twins, signed_at__isnull=False
    )
    concerned = list(stopped.select_related("licensee", "twin").order_by("reference", "pk"))
    wholly = {one.pk for one in concerned if not instead[one.twin_id]}
    permits = _permits(concerned, wholly, fallen, instant)
    earned = _earned(concerned, on)
    without = [twin for pk, twin in twins.items() if not instead[pk]]
    return Drill(
        node,
        on,
        tuple(FallenBuild(row, _serves(row, on), tuple(instead[row.twin_id])) for row in rows),
        tuple(
            StoppedAgreement(one, one.pk in wholly, tuple(permits[one.pk]), earned[one.pk])
            for one in concerned
        ),
        _stopped_plans(without, on, plans) if without else (),
    )


def _stopped_plans(
    twins: Collection[DigitalTwin], on: date, plans: QuerySet[SchedulePlan]
) -> "tuple[StoppedPlan, ...]":
    # Imported here: solutions bring their solver with them.
    from .stopped_scenes import stopped_plans

    return stopped_plans(twins, on, plans=plans)


def _serves(build: Build, on: date) -> bool:
    return build.built_on <= on and (build.retired_on is None or on < build.retired_on)


def _instead(
    twins: Collection[int], fallen: Collection[int], on: date, until: datetime
) -> dict[int, list[Build]]:
    """Return by twin the builds in service on a day that do not fall, nor are contaminated."""
    contaminated = ContaminationMark.objects.filter(
        node__build=OuterRef("pk"),
        contamination__in=Contamination.objects.live().filter(from_at__lt=until),
    )
    others = Build.objects.filter(~Exists(contaminated), twin__in=twins).exclude(pk__in=fallen)
    found: dict[int, list[Build]] = defaultdict(list)
    for build in others.order_by("pk"):
        if _serves(build, on):
            found[build.twin_id].append(build)
    return found


def _permits(
    agreements: Iterable[Agreement],
    wholly: Collection[int],
    fallen: Iterable[int],
    instant: datetime,
) -> dict[int, list[Permit]]:
    """Return by agreement the permits that run past an instant and stop.

    Of one that stops wholly all do; else those for a build that falls.
    """
    names = [name_of(Prefix.BUILD, pk) for pk in fallen]
    rows = Permit.objects.filter(
        Q(revocation=None) | Q(revocation__revoked_at__gt=instant),
        Q(decision__agreement__in=wholly) | Q(decision__request__build__in=names),
        decision__agreement__in=[one.pk for one in agreements],
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
