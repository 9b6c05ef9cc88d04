"""Confirming a withdrawal: new consent versions, ended permits, mails to studios and agencies."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from licensing.caps.reservations import release_units
from licensing.models import Agreement, Permit, PermitRevocation
from licensing.recipients import staff_by_agency
from talent import outbox
from talent.consent import withdrawals
from talent.consent.withdrawal_rules import Withdrawal
from talent.consent.withdrawals import Plan
from talent.models import ConsentVersion, DigitalTwin, Performer, User
from talent.words import ConsentMethod, RepresentedBy, Role

from .pending import running_permits
from .preview import Duty, agreements_concerned, duties

REVOKED = "The consent to this use was withdrawn."

TO_STUDIO = """\
A consent was withdrawn: {what}.

Digital twins: {twins}
Agreements: {agreements}

From {stops_at} the desk refuses this use, and permits for it no longer count. Start nothing of it
after that instant. Uses before it stay what they are: report them as ever, they are owed for as
agreed. A later use is recorded as uncleared.
"""

TO_STAFF = """\
{text}

Recorded for {owner} on {recorded_at}.
Reason given: {reason}

{told}
{untold}"""


@dataclass(frozen=True)
class Manner:
    """How consent was taken back; by default by the performer themself, in the portal.

    `at_once` sets the notice aside, where a law or a court does.
    """

    at_once: bool = False
    method: str = ConsentMethod.ELECTRONIC.value
    represented_by: str = RepresentedBy.NONE.value
    representative: str = ""


@dataclass(frozen=True)
class ConfirmedWithdrawal:
    """What a withdrawal recorded, which studios were told, and which have no address on record."""

    plan: Plan
    versions: tuple[ConsentVersion, ...]
    told: tuple[Duty, ...]
    without_address: tuple[Duty, ...]


@transaction.atomic
def confirm(
    *,
    owner: Performer | DigitalTwin,
    withdrawal: Withdrawal,
    shown: str,
    at: datetime,
    by: User | None,
    reason: str,
    manner: Manner | None = None,
) -> ConfirmedWithdrawal:
    """Record a withdrawal as it was shown, and write to the studios and agencies concerned.

    `shown` is the digest of the plan that was shown. Raises PlanHasChanged and NothingToWithdraw.
    """
    plan, versions = withdrawals.withdraw(
        owner=owner,
        withdrawal=withdrawal,
        shown=shown,
        at=at,
        by=by,
        reason=reason,
        **asdict(manner or Manner()),
    )
    agreements = list(agreements_concerned(plan, at=at))
    _end_permits(plan, at, by)
    owed = tuple(duties(plan, agreements))
    told = tuple(duty for duty in owed if duty.address)
    without_address = tuple(duty for duty in owed if not duty.address)
    for duty in told:
        _mail_studio(duty, plan, agreements, at)
    confirmed = ConfirmedWithdrawal(plan, tuple(versions), told, without_address)
    _mail_staff(confirmed, agreements, at, reason)
    return confirmed


def _end_permits(plan: Plan, at: datetime, by: User | None) -> None:
    """Take back what was signed for after the end; a permit would clear a use by itself."""
    revocations = PermitRevocation.objects.bulk_create(
        PermitRevocation(permit=permit, revoked_at=max(end, at), revoked_by=by, reason=REVOKED)
        for permit, end in running_permits(plan, Permit.objects.all())
    )
    # Those that end later hold their units until then.
    ended = [row.permit_id for row in revocations if row.revoked_at == at]
    release_units(decision_ids=ended, at=at)


def _mail_studio(duty: Duty, plan: Plan, agreements: Iterable[Agreement], at: datetime) -> None:
    own = [row for row in agreements if row.licensee.name == duty.licensee]
    body = TO_STUDIO.format(
        what=plan.withdrawal.what,
        twins=_listed(row.twin.name for row in own),
        agreements=_listed(row.reference for row in own),
        stops_at=_instant(duty.stops_at),
    )
    outbox.post(recipient=duty.address, subject="A consent was withdrawn", body=body, at=at)


def _mail_staff(
    confirmed: ConfirmedWithdrawal, agreements: Collection[Agreement], at: datetime, reason: str
) -> None:
    """Tell each agency of its own studios only."""
    owner = confirmed.plan.owner
    agencies = withdrawals.agencies_of(owner, at) | {row.agency_id for row in agreements}
    staff = staff_by_agency(agencies, Role.AGENT, Role.BUSINESS_AFFAIRS)
    for agency_id, users in staff.items():
        studios = {row.licensee.name for row in agreements if row.agency_id == agency_id}
        body = _body_for_staff(confirmed, studios, at, reason)
        for user in users:
            outbox.post(
                recipient=user.email,
                subject=f"{owner.name} has withdrawn consent",
                body=body,
                at=at,
            )


def _body_for_staff(
    confirmed: ConfirmedWithdrawal, studios: set[str], at: datetime, reason: str
) -> str:
    told = _listed(_licensees(confirmed.told) & studios)
    untold = _listed(_licensees(confirmed.without_address) & studios)
    return TO_STAFF.format(
        text=confirmed.plan.text,
        owner=confirmed.plan.owner.name,
        recorded_at=_instant(at),
        reason=reason or "none",
        told=f"Told by mail: {told or 'no studio; none has an agreement that is concerned'}.",
        untold=f"No address is on record, tell them yourself: {untold}.\n" if untold else "",
    )


def _licensees(duties: Iterable[Duty]) -> set[str]:
    return {duty.licensee for duty in duties}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _instant(at: datetime) -> str:
    return f"{at:%d %B %Y, %H:%M} UTC"
