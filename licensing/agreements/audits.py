"""Audits: asked for within the right that was agreed, conducted on one pack of evidence, settled.

What is settled is charged as a line beside use, so that statements show it with its reason; two
people close an audit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.models import Advance, Agreement, Audit, AuditStep, DealTerms
from licensing.money import rounded
from licensing.recipients import address_in, staff_by_agency
from licensing.words import AuditSide, AuditState, AuditStepKind, PaidBackFrom
from talent import four_eyes, outbox
from talent.errors import Refused
from talent.models import User
from talent.periods import local_day, starts_at
from talent.words import Role

from . import agreements

ASKS = "licensing.ask_amendment"
APPROVES = "licensing.approve_amendment"
ONCE_IN = timedelta(days=365)  # for each side of an agreement


class NoAuditRight(Refused):
    """The agreement gives no right to audit, or not of this period, or not again so soon."""

    code = "no_audit_right"


class AuditIsNotThere(Refused):
    """The notice runs still, or the audit is closed."""

    code = "audit_is_not_there"


class NothingSaid(Refused):
    """A finding, a reply and a settlement say something."""

    code = "nothing_said"


class NoSuchSettlement(Refused):
    """A settlement is an amount that can be paid, of the agreement's currency, zero or more."""

    code = "no_such_settlement"


@dataclass(frozen=True)
class Right:
    """A right to audit as it was agreed: the days of notice, and how many years back."""

    notice_days: int
    years_back: int | None


def right_of(agreement: Agreement) -> Right | None:
    """Return the right to audit that an agreement gives; None if it gives none."""
    terms = DealTerms.objects.filter(agreement=agreement).first()
    if terms is None or terms.audit_notice_days is None:
        return None
    return Right(terms.audit_notice_days, terms.audit_years_back)


@transaction.atomic
def ask(
    *,
    agreement: Agreement,
    side: AuditSide,
    period_from: date,
    period_to: date,
    reason: str,
    at: datetime,
    by: User | None,
) -> Audit:
    """Ask for an audit of a period, `period_to` not included; the other side is told.

    Raises NoAuditRight and NothingSaid.
    """
    locked = agreements.lock(agreement)
    if not reason.strip():
        raise NothingSaid(_("Say why the audit is asked for: the other side reads it."))
    today = local_day(at, locked.time_zone)
    right = right_of(locked)
    if locked.signed_at is None or right is None:
        raise NoAuditRight(_("This agreement gives no right to audit. Agree on one first."))
    if period_from >= period_to or period_to > today:
        raise NoAuditRight(_("An audit is of a period that is over. Choose other days."))
    if right.years_back is not None and period_from < _years_before(today, right.years_back):
        raise NoAuditRight(
            _("The right goes %(years)d years back. Begin on %(day)s or later.")
            % {"years": right.years_back, "day": _years_before(today, right.years_back)}
        )
    before = Audit.objects.filter(
        agreement=locked, side=side.value, asked_at__gt=at - ONCE_IN
    ).exclude(steps__kind=AuditStepKind.DROPPED.value)
    if latest := before.order_by("-asked_at").first():
        again = local_day(latest.asked_at + ONCE_IN, locked.time_zone)
        raise NoAuditRight(
            _("This side asks once a year; the next audit is asked for from %s on.") % again
        )
    audit = Audit.objects.create(
        agreement=locked,
        side=side.value,
        period_from=period_from,
        period_to=period_to,
        reason=reason.strip(),
        asked_at=at,
        asked_by=by,
        opens_on=today + timedelta(days=right.notice_days),
    )
    _tell(audit, _("An audit of %s was asked for") % locked.reference, audit.reason, at)
    return audit


def _years_before(day: date, years: int) -> date:
    """Return the same day some years before; 28 February for a 29th that there was not."""
    year = max(day.year - years, 1)
    return day.replace(year=year, day=28 if (day.month, day.day) == (2, 29) else day.day)


def state_of(audit: Audit, *, at: datetime) -> AuditState:
    """Return how far an audit has come at an instant, by the agreement's days."""
    if audit.step(AuditStepKind.CLOSED):
        return AuditState.CLOSED
    if audit.step(AuditStepKind.DROPPED):
        return AuditState.DROPPED
    if local_day(at, audit.agreement.time_zone) < audit.opens_on:
        return AuditState.NOTICE
    proposed = audit.step(AuditStepKind.PROPOSED)
    return AuditState.PROPOSED if proposed else AuditState.UNDER_WAY


def period_of(audit: Audit) -> tuple[datetime, datetime]:
    """Return the instants at which the audited period begins and ends, in the agreement's zone."""
    zone = audit.agreement.time_zone
    return starts_at(audit.period_from, zone), starts_at(audit.period_to, zone)


@transaction.atomic
def note(*, audit: Audit, kind: AuditStepKind, text: str, at: datetime, by: User) -> Audit:
    """Keep a finding or a reply. Raises AuditIsNotThere, NothingSaid."""
    locked = _under_way(audit, at)
    if kind not in (AuditStepKind.FOUND, AuditStepKind.REPLIED):
        raise NothingSaid(_("Findings and replies are noted."))
    _add_step(locked, kind, text=text, at=at, by=by)
    return _locked(audit.pk)


@transaction.atomic
def propose(*, audit: Audit, amount: Decimal, text: str, at: datetime, by: User) -> Audit:
    """Propose what the studio owes on top, in the agreement's currency; zero: nothing.

    Another proposal takes its place until somebody else closes the audit on it.
    Raises AuditIsNotThere, NoSuchSettlement, NothingSaid, four_eyes.NobodyToApprove.
    """
    locked = _under_way(audit, at)
    agreement = locked.agreement
    if amount < 0 or amount != rounded(amount, agreement.currency):
        raise NoSuchSettlement(
            _(
                "A settlement is an amount that can be paid, or zero. What the studio was charged "
                "too much is put right by amending its reports, or by a ruling."
            )
        )
    four_eyes.refuse_without_approver(
        asked_by=by, permission=APPROVES, agency_id=agreement.agency_id
    )
    _add_step(
        locked, AuditStepKind.PROPOSED, text=text, at=at, by=by, amount=amount,
        currency=agreement.currency,
    )  # fmt: skip
    return _locked(audit.pk)


@transaction.atomic
def close(*, audit: Audit, at: datetime, by: User, text: str = "") -> Audit:
    """Close an audit on what somebody else proposed; what is owed falls due today.

    The night charges it beside use, and statements show it with its reason. Raises AuditIsNotThere,
    four_eyes.FourEyes.
    """
    locked = _under_way(audit, at)
    proposed = locked.step(AuditStepKind.PROPOSED)
    if proposed is None:
        raise AuditIsNotThere(_("Nobody has proposed a settlement yet; zero is one, too."))
    four_eyes.refuse_same_person(by=by, before=[proposed.by_id])
    advance = None
    if proposed.amount:
        advance = Advance.objects.create(
            agreement=locked.agreement,
            label=f"Audit from {locked.period_from}: {proposed.text}"[:200],
            amount=proposed.amount,
            due_on=local_day(at, locked.agreement.time_zone),
            paid_back_from=PaidBackFrom.NOTHING.value,
        )
    _add_step(
        locked, AuditStepKind.CLOSED, text=text or proposed.text, at=at, by=by,
        amount=proposed.amount, currency=proposed.currency, advance=advance,
    )  # fmt: skip
    closed = _locked(audit.pk)
    _tell(closed, _("The audit of %s is closed") % closed.agreement.reference, proposed.text, at)
    return closed


@transaction.atomic
def drop(*, audit: Audit, at: datetime, by: User, text: str) -> Audit:
    """Drop an audit, with the reason; it does not count as the year's. Raises AuditIsNotThere."""
    locked = _locked(audit.pk)
    if state_of(locked, at=at) in (AuditState.CLOSED, AuditState.DROPPED):
        raise AuditIsNotThere(_("This audit is closed."))
    _add_step(locked, AuditStepKind.DROPPED, text=text, at=at, by=by)
    return _locked(audit.pk)


def _under_way(audit: Audit, at: datetime) -> Audit:
    locked = _locked(audit.pk)
    state = state_of(locked, at=at)
    if state is AuditState.NOTICE:
        raise AuditIsNotThere(
            _("The notice runs until %s; the evidence is there from then on.") % locked.opens_on
        )
    if state in (AuditState.CLOSED, AuditState.DROPPED):
        raise AuditIsNotThere(_("This audit is closed."))
    return locked


def _locked(audit_id: int) -> Audit:
    """Return an audit under the lock of its agreement."""
    agreement = agreements.lock(Agreement.objects.get(audits=audit_id))
    audit: Audit = Audit.objects.prefetch_related("steps").get(pk=audit_id)
    audit.agreement = agreement
    return audit


def _add_step(audit: Audit, kind: AuditStepKind, *, text: str, **told: Any) -> None:
    if not text.strip():
        raise NothingSaid(_("Say what it is: others read it."))
    AuditStep.objects.create(audit=audit, kind=kind.value, text=text.strip(), **told)


def _tell(audit: Audit, subject: str, body: str, at: datetime) -> None:
    """Write to the agency, and to the side that does not audit."""
    for address in sorted(set(_addresses(audit))):
        outbox.post(recipient=address, subject=subject, body=body, at=at)


def _addresses(audit: Audit) -> Iterator[str]:
    agreement = audit.agreement
    staff = staff_by_agency([agreement.agency_id], Role.BUSINESS_AFFAIRS)
    yield from (user.email for user in staff.get(agreement.agency_id, []))
    if audit.side == AuditSide.LICENSEE:
        performer = agreement.twin.performer
        if performer is not None and performer.user is not None:
            yield performer.user.email
        return
    licensee = agreement.licensee
    terms = licensee.terms.filter(agency=agreement.agency_id).first()
    address = (address_in(terms.contact) if terms else "") or licensee.billing_email
    if address:
        yield address
