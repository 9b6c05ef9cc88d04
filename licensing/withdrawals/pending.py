"""Underway: what studios have asked for or hold, and a withdrawal would stop."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet

from licensing.models import ApprovalRequest, Permit, ReservedUnits
from licensing.words import Meter, ReservationState
from talent.consent.matrix import cell_name
from talent.consent.withdrawals import Plan
from talent.models import User

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class OpenRequest:
    """A request for approval that waits for an answer, about a use that runs on after its end."""

    licensee: str
    twin: str
    what: str
    about: str
    due_at: datetime
    stops_at: datetime


@dataclass(frozen=True)
class LiveReservation:
    """What one studio still holds of one use under one agreement, the last of it until when."""

    licensee: str
    agreement: str
    twin: str
    what: str
    units: tuple[tuple[str, Decimal], ...]
    until: datetime
    stops_at: datetime


def open_requests(plan: Plan, *, at: datetime, user: User) -> list[OpenRequest]:
    """Return the requests that a user may see and whose answer would come to nothing."""
    rows = (
        ApprovalRequest.objects.waiting(at)
        .visible_to(user)
        .select_related("terms__licensee", "twin", "production")
    )
    ending = _stopped(plan, rows, ends="ends_at", licensee="terms__licensee__slug")
    return [
        OpenRequest(
            licensee=row.terms.licensee.name,
            twin=row.twin.name,
            what=cell_name(row.right, row.use),
            about=", ".join(filter(None, (row.production.title, row.scene, row.campaign))),
            due_at=row.due_at,
            stops_at=end,
        )
        for row, end in sorted(ending, key=lambda one: (one[0].due_at, one[0].pk))
    ]


def live_reservations(plan: Plan, *, at: datetime, user: User) -> list[LiveReservation]:
    """Return what is held past the end of its use, as far as a user may see it."""
    rows = ReservedUnits.objects.visible_to(user).filter(
        reservation__state=ReservationState.OPEN, reservation__expires_at__gt=at
    )
    decision = "reservation__decision__"
    named = rows.annotate(
        licensee=F(f"{decision}terms__licensee__name"),
        agreement=F(f"{decision}agreement__reference"),
        twin=F(f"{decision}twin__name"),
        until=F("reservation__expires_at"),
    )
    held: dict[tuple[Any, ...], dict[tuple[int, str], ReservedUnits]] = defaultdict(dict)
    for row, end in _stopped(plan, named, ends="until", decision=decision):
        key = (row.licensee, row.agreement, row.twin, cell_name(row.right, row.use), end)
        # A meter that several caps count is held once.
        held[key][row.reservation_id, row.meter] = row
    return [
        LiveReservation(
            *key[:-1],
            units=_summed(units.values()),
            until=max(row.until for row in units.values()),
            stops_at=key[-1],
        )
        for key, units in sorted(held.items())
    ]


def running_permits(plan: Plan, permits: QuerySet[Permit]) -> list[tuple[Permit, datetime]]:
    """Return permits that run on after their use ends, each with when that is."""
    rows = permits.filter(revocation=None)
    return list(_stopped(plan, rows, ends="expires_at", decision="decision__"))


def _stopped(
    plan: Plan, rows: QuerySet[Row], *, ends: str, decision: str = "", licensee: str = ""
) -> Iterator[tuple[Row, datetime]]:
    """Yield the rows that run on after their use ends, each with when that is.

    They name the use themselves, or the request of the `decision` that they lead to does.
    """
    ending = plan.ending
    if not ending:
        return
    if decision:
        asked = f"{decision}request__"
        licensee = f"{decision}terms__licensee__slug"
        rows = rows.annotate(
            about_id=F(f"{decision}twin_id"), right=F(f"{asked}right"), use=F(f"{asked}use")
        )
    about = "about_id" if decision else "twin_id"
    found = rows.filter(
        **{
            f"{ends}__gt": min(ending.values()),
            f"{about}__in": sorted({twin for twin, _ in ending}),
            "right__in": sorted({right for _, (right, _use) in ending}),
            "use__in": sorted({use for _, (_right, use) in ending}),
        }
    )
    if plan.withdrawal.licensee:
        found = found.filter(**{licensee: plan.withdrawal.licensee})
    for row in found.order_by("pk"):
        end = ending.get((getattr(row, about), (row.right, row.use)))
        if end is not None and getattr(row, ends) > end:
            yield row, end


def _summed(rows) -> tuple[tuple[str, Decimal], ...]:
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        units[Meter(row.meter).label.lower()] += row.left
    return tuple(sorted(units.items()))
