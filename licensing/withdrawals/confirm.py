"""Withdrawals confirmed: the new versions, and word to the studios and the agencies at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from licensing.models import Agreement, Permit, PermitRevocation
from licensing.recipients import staff_by_agency
from talent import outbox
from talent.consent import withdrawals
from talent.consent.withdrawal_rules import Withdrawal
from talent.consent.withdrawals import Plan
from talent.models import ConsentVersion, DigitalTwin, Performer, User
from talent.words import Role

from .pending import running_permits
from .preview import Duty, affected, duties

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
class Withdrawn:
    """What a confirmed withdrawal recorded, and whom the desk told."""

    plan: Plan
    versions: tuple[ConsentVersion, ...]
    told: tuple[Duty, ...]
    untold: tuple[Duty, ...]


@transaction.atomic
def confirm(
    *,
    owner: Performer | DigitalTwin,
    withdrawal: Withdrawal,
    shown: str,
    at: datetime,
    by: User | None,
    reason: str,
    **given: Any,
) -> Withdrawn:
    """Record a withdrawal as it was shown, and write to the studios and agencies concerned.

    `given` is how consent was taken back: `at_once`, `method`, `represented_by`,
    `representative`. Raises PlanHasChanged and NothingToWithdraw.
    """
    plan, versions = withdrawals.withdraw(
        owner=owner, withdrawal=withdrawal, shown=shown, at=at, by=by, reason=reason, **given
    )
    agreements = list(affected(plan, at=at))
    _end_permits(plan, at, by)
    told, untold = [], []
    for duty in duties(plan, agreements):
        (told if duty.address else untold).append(duty)
    for duty in told:
        _tell_studio(duty, plan, agreements, at)
    withdrawn = Withdrawn(plan, tuple(versions), tuple(told), tuple(untold))
    _tell_staff(withdrawn, agreements, at, reason)
    return withdrawn


def _end_permits(plan: Plan, at: datetime, by: User | None) -> None:
    """Take back what was signed for after the end; a permit would clear a use by itself."""
    ending = running_permits(plan, Permit.objects.all())
    PermitRevocation.objects.bulk_create(
        PermitRevocation(permit=permit, revoked_at=max(end, at), revoked_by=by, reason=REVOKED)
        for permit, end in ending
    )


def _tell_studio(duty: Duty, plan: Plan, agreements: Iterable[Agreement], at: datetime) -> None:
    theirs = [one for one in agreements if one.licensee.name == duty.licensee]
    body = TO_STUDIO.format(
        what=plan.withdrawal.what,
        twins=_named(one.twin.name for one in theirs),
        agreements=_named(one.reference for one in theirs),
        stops_at=_instant(duty.stops_at),
    )
    outbox.post(recipient=duty.address, subject="A consent was withdrawn", body=body, at=at)


def _tell_staff(
    withdrawn: Withdrawn, agreements: Collection[Agreement], at: datetime, reason: str
) -> None:
    """Tell each agency of its own studios only."""
    owner = withdrawn.plan.owner
    agencies = withdrawals.agencies_of(owner, at) | {row.agency_id for row in agreements}
    staff = staff_by_agency(agencies, Role.AGENT, Role.BUSINESS_AFFAIRS)
    for agency_id, users in staff.items():
        studios = {row.licensee.name for row in agreements if row.agency_id == agency_id}
        body = _body_for_staff(withdrawn, studios, at, reason)
        for user in users:
            outbox.post(
                recipient=user.email,
                subject=f"{owner.name} has withdrawn consent",
                body=body,
                at=at,
            )


def _body_for_staff(withdrawn: Withdrawn, studios: set[str], at: datetime, reason: str) -> str:
    told = _named(duty.licensee for duty in withdrawn.told if duty.licensee in studios)
    untold = _named(duty.licensee for duty in withdrawn.untold if duty.licensee in studios)
    return TO_STAFF.format(
        text=withdrawn.plan.text,
        owner=withdrawn.plan.owner.name,
        recorded_at=_instant(at),
        reason=reason or "none",
        told=f"Told by mail: {told or 'no studio; none has an agreement that is concerned'}.",
        untold=f"No address is on record, tell them yourself: {untold}.\n" if untold else "",
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _instant(at: datetime) -> str:
    return f"{at:%d %B %Y, %H:%M} UTC"
