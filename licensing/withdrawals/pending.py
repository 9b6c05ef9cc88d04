"""Pending: what studios have asked for or hold, and a withdrawal would stop."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet

from licensing.models import ApprovalRequest, Permit, ReservedUnits
from licensing.words import Meter, ReservationState
from talent.consent.matrix import CellKey, cell_name
from talent.consent.withdrawals import Plan
from talent.models import User

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class OpenRequest:
    """A request for approval that waits for an answer, about a use that outlasts its consent.

    `stops_at` is when the consent ends.
    """

    licensee: str
    twin: str
    what: str
    about: str
    due_at: datetime
    stops_at: datetime


@dataclass(frozen=True)
class LiveReservation:
    """What one studio still has reserved for one use under one agreement, past its consent.

    `until` is when the last of it expires, `stops_at` when the consent ends.
    """

    licensee: str
    agreement: str
    twin: str
    what: str
    units: tuple[tuple[str, Decimal], ...]
    until: datetime
    stops_at: datetime


@dataclass(frozen=True, slots=True)
class _Lookups:
    """The ORM lookups from rows of one kind to the use they are about, its licensee, their end."""

    twin: str
    right: str
    use: str
    licensee: str
    ends_at: str

    @classmethod
    def by_decision(cls, decision: str, *, ends_at: str) -> "_Lookups":
        """Return the lookups of rows about the use that a clearance decision's request names.

        `decision` is the lookup from the row to the decision.
        """
        return cls(
            twin=f"{decision}__twin",
            right=f"{decision}__request__right",
            use=f"{decision}__request__use",
            licensee=f"{decision}__terms__licensee__slug",
            ends_at=ends_at,
        )


REQUESTS = _Lookups("twin", "right", "use", "terms__licensee__slug", "ends_at")
RESERVATIONS = _Lookups.by_decision("reservation__decision", ends_at="reservation__expires_at")
PERMITS = _Lookups.by_decision("decision", ends_at="expires_at")


def open_requests(plan: Plan, *, at: datetime, user: User) -> list[OpenRequest]:
    """Return the waiting requests for a use past the end of its consent that a user may see.

    An answer to them would have no effect. The earliest deadline comes first.
    """
    rows = (
        ApprovalRequest.objects.waiting(at)
        .visible_to(user)
        .select_related("terms__licensee", "twin", "production")
    )
    stopped = [(row, end) for row, _cell, end in _rows_outliving(plan, rows, REQUESTS)]
    return [
        OpenRequest(
            licensee=row.terms.licensee.name,
            twin=row.twin.name,
            what=cell_name(row.right, row.use),
            about=", ".join(filter(None, (row.production.title, row.scene, row.campaign))),
            due_at=row.due_at,
            stops_at=end,
        )
        for row, end in sorted(stopped, key=lambda pair: (pair[0].due_at, pair[0].pk))
    ]


def live_reservations(plan: Plan, *, at: datetime, user: User) -> list[LiveReservation]:
    """Return what is reserved past the end of its use's consent, as far as a user may see it."""
    rows = ReservedUnits.objects.visible_to(user).filter(
        reservation__state=ReservationState.OPEN, reservation__expires_at__gt=at
    )
    decision = "reservation__decision"
    rows = rows.select_related(
        f"{decision}__terms__licensee", f"{decision}__agreement", f"{decision}__twin"
    ).defer(f"{decision}__facts", f"{decision}__decision", f"{decision}__request")
    # A meter that several caps count is reserved once, however many rows say so.
    by_use: dict[tuple[str, str, str, str, datetime], dict[tuple[int, str], ReservedUnits]]
    by_use = defaultdict(dict)
    for row, cell, end in _rows_outliving(plan, rows, RESERVATIONS):
        decided = row.reservation.decision
        use = (
            decided.terms.licensee.name,
            decided.agreement.reference if decided.agreement else "",
            decided.twin.name if decided.twin else "",
            cell_name(*cell),
            end,
        )
        by_use[use][row.reservation_id, row.meter] = row
    return [
        LiveReservation(
            licensee=licensee,
            agreement=agreement,
            twin=twin,
            what=what,
            units=_units_by_meter(units.values()),
            until=max(row.reservation.expires_at for row in units.values()),
            stops_at=end,
        )
        for (licensee, agreement, twin, what, end), units in sorted(by_use.items())
    ]


def running_permits(plan: Plan, permits: QuerySet[Permit]) -> list[tuple[Permit, datetime]]:
    """Return permits that outlast the consent to their use, each with when that consent ends."""
    rows = _rows_outliving(plan, permits.filter(revocation=None), PERMITS)
    return [(permit, end) for permit, _cell, end in rows]


def _rows_outliving(
    plan: Plan, rows: QuerySet[Row], lookups: _Lookups
) -> Iterator[tuple[Row, CellKey, datetime]]:
    """Yield the rows that outlast the consent to their use, each with its cell and when it ends."""
    ending = plan.ending
    if not ending:
        return
    # The database finds a few too many: it compares twin, right, use and end independently.
    annotated: QuerySet[Any] = rows.annotate(
        use_twin=F(lookups.twin), use_right=F(lookups.right), use_use=F(lookups.use),
        runs_until=F(lookups.ends_at),
    ).filter(
        use_twin__in=sorted({twin for twin, _cell in ending}),
        use_right__in=sorted({right for _twin, (right, _use) in ending}),
        use_use__in=sorted({use for _twin, (_right, use) in ending}),
        runs_until__gt=min(ending.values()),
    )  # fmt: skip
    if plan.withdrawal.licensee:
        annotated = annotated.filter(**{lookups.licensee: plan.withdrawal.licensee})
    for row in annotated.order_by("pk"):
        cell = (row.use_right, row.use_use)
        end = ending.get((row.use_twin, cell))
        if end is not None and row.runs_until > end:
            yield row, cell, end


def _units_by_meter(rows: Iterable[ReservedUnits]) -> tuple[tuple[str, Decimal], ...]:
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        units[Meter(row.meter).label.lower()] += row.left
    return tuple(sorted(units.items()))
