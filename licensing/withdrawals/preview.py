"""Previews: what a withdrawal stops and when, what stays lawful, what studios must do by when."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from licensing.models import Agreement, Grant, LicenseeTerms, Permit, UsageEvent
from licensing.recipients import address_in
from licensing.words import AgreementStatus, LeafKind
from talent.consent.matrix import cell_name
from talent.consent.withdrawals import Plan
from talent.models import User

from .pending import LiveReservation, OpenRequest, live_reservations, open_requests, running_permits

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Stop:
    """A grant that loses its consent: in which agreement, and from when."""

    licensee: str
    agreement: str
    twin: str
    productions: tuple[str, ...]
    what: str
    stops_at: datetime


@dataclass(frozen=True)
class Stay:
    """An agreement with what it may still be used for, and until when at the latest."""

    licensee: str
    agreement: str
    what: tuple[str, ...]
    ends_at: datetime | None


@dataclass(frozen=True)
class Duty:
    """By when one studio must stop a first use; `address` is its mail address, empty if unknown."""

    licensee: str
    stops_at: datetime
    address: str


@dataclass(frozen=True)
class Preview:
    """A withdrawal's consequences, as far as the desk has them on record.

    `requests` and `reservations` are what studios have asked for or hold and lose; `permits`
    counts those that outlast the consent to their use. `used` counts the uses reported so far,
    which stay what they are; above `MOST_COUNTED` it is one more than that. `first_at` and
    `last_at` are when the first and the last consent ends.
    """

    plan: Plan
    stops: tuple[Stop, ...]
    stays: tuple[Stay, ...]
    duties: tuple[Duty, ...]
    requests: tuple[OpenRequest, ...]
    reservations: tuple[LiveReservation, ...]
    permits: int
    used: int
    first_at: datetime
    last_at: datetime

    @property
    def many(self) -> bool:
        """Whether more uses were reported than are counted."""
        return self.used > MOST_COUNTED

    @property
    def stops_something(self) -> bool:
        """Whether anything ends that is allowed or asked about today."""
        return bool(self.plan.ending)


def preview(plan: Plan, *, at: datetime, user: User) -> Preview:
    """Return the consequences of a plan that a user may see, in a fixed number of queries."""
    agreements = list(agreements_concerned(plan, at=at).visible_to(user))
    stops = [stop for agreement in agreements for stop in _stops(agreement, plan)]
    ends = list(plan.ending.values()) or list(plan.ends.values())
    return Preview(
        plan,
        tuple(sorted(stops, key=lambda stop: (stop.stops_at, stop.licensee, stop.agreement))),
        tuple(_stays(agreements, plan)),
        tuple(duties(plan, agreements)),
        tuple(open_requests(plan, at=at, user=user)),
        tuple(live_reservations(plan, at=at, user=user)),
        len(running_permits(plan, Permit.objects.visible_to(user))),
        _uses_reported(plan, user),
        min(ends),
        max(ends),
    )


def agreements_concerned(plan: Plan, *, at: datetime) -> QuerySet[Agreement]:
    """Return signed agreements about the plan's twins that still run, with what `preview` reads."""
    agreements = Agreement.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=at),
        twin__in=plan.twins,
        status__in=[AgreementStatus.SIGNED.value, AgreementStatus.ENDED.value],
    )
    if plan.withdrawal.licensee:
        agreements = agreements.filter(licensee__slug=plan.withdrawal.licensee)
    return (
        agreements.select_related("licensee", "twin", "agency")
        .prefetch_related("grants", "productions")
        .order_by("licensee__name", "reference", "pk")
    )


def duties(plan: Plan, agreements: Iterable[Agreement]) -> Iterator[Duty]:
    """Yield for each studio the instant by which it must stop the first use, and its address."""
    earliest: dict[int, tuple[Agreement, datetime]] = {}
    for agreement in agreements:
        for stop in _stops(agreement, plan):
            known = earliest.get(agreement.licensee_id)
            if known is None or stop.stops_at < known[1]:
                earliest[agreement.licensee_id] = (agreement, stop.stops_at)
    terms = LicenseeTerms.objects.filter(licensee__in=earliest)
    contacts = {(row.agency_id, row.licensee_id): row.contact for row in terms}
    for agreement, stops_at in earliest.values():
        contact = contacts.get((agreement.agency_id, agreement.licensee_id), "")
        yield Duty(
            agreement.licensee.name,
            stops_at,
            address_in(contact) or agreement.licensee.billing_email,
        )


def _stops(agreement: Agreement, plan: Plan) -> Iterator[Stop]:
    ending = plan.ending
    for grant in agreement.grants.all():
        at = ending.get((agreement.twin_id, (grant.right, grant.use)))
        if at is None or (agreement.ends_at is not None and agreement.ends_at <= at):
            continue
        yield Stop(
            licensee=agreement.licensee.name,
            agreement=agreement.reference,
            twin=agreement.twin.name,
            productions=tuple(
                sorted(production.title for production in agreement.productions.all())
            ),
            what=cell_name(grant.right, grant.use),
            stops_at=max(at, agreement.starts_at),
        )


def _stays(agreements: Iterable[Agreement], plan: Plan) -> Iterator[Stay]:
    for agreement in agreements:
        stopped = {stop.what for stop in _stops(agreement, plan)}
        left = [_name(grant) for grant in agreement.grants.all() if _name(grant) not in stopped]
        if left:
            yield Stay(
                agreement.licensee.name, agreement.reference, tuple(sorted(left)), agreement.ends_at
            )


def _name(grant: Grant) -> str:
    return cell_name(grant.right, grant.use)


def _uses_reported(plan: Plan, user: User) -> int:
    withdrawal = plan.withdrawal
    events = UsageEvent.objects.visible_to(user).filter(
        twin__in=[twin.pk for twin in plan.twins], kind=LeafKind.USE.value
    )
    if withdrawal.right:
        events = events.filter(right=withdrawal.right)
    if withdrawal.use:
        events = events.filter(use=withdrawal.use)
    if withdrawal.licensee:
        events = events.filter(licensee__slug=withdrawal.licensee)
    count: int = events.order_by()[: MOST_COUNTED + 1].count()
    return count
