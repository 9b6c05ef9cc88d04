"""Grants: who may read which item, once, for what, within which window, by two approvals.

A grant is used up by the first read, also by one that is cut off. That somebody reads is stored
before the first byte leaves: where it cannot be stored, no byte leaves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from talent import four_eyes, outbox
from talent.errors import Refused
from talent.models import (
    Agency,
    CustodyGrant,
    CustodyGrantStep,
    CustodyItem,
    CustodyRead,
    CustodyReadEnd,
    User,
)
from talent.models.custody import APPROVALS_NEEDED
from talent.principals import deciders
from talent.words import (
    CustodyPurpose,
    CustodyStepKind,
    GrantState,
    GrantStepKind,
    ReadCause,
    ReadEnding,
)

from . import own_keys, reading
from .age import AgeBroken
from .places import PlaceAway

ASKS = "talent.ask_custodygrant"
APPROVES = "talent.approve_custodygrant"
LONGEST_WINDOW = timedelta(days=30)
OWN_COPY = ""  # the purpose of a grant for the performer's own copy: none of the item's

Clock = Callable[[], datetime]


class NotHeld(Refused):
    """An item cannot be read: it is not proven, or was destroyed."""

    code = "custody_not_held"


class NotItsPurpose(Refused):
    """An item may not be read for that."""

    code = "custody_not_its_purpose"


class NotThatWindow(Refused):
    """A window has passed already, or is too long."""

    code = "custody_not_that_window"


class NotItsTurn(Refused):
    """A grant was decided, used or is over."""

    code = "custody_not_its_turn"


class TooFewToApprove(Refused):
    """Fewer than two other people could approve a grant."""

    code = "custody_too_few_to_approve"


@dataclass(frozen=True, slots=True)
class Reading:
    """A read that was stored, and what it yields."""

    read: CustodyRead
    content: Iterator[bytes]


@transaction.atomic
def ask(
    *,
    item_id: int,
    purpose: CustodyPurpose,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
    by: User,
    at: datetime,
) -> CustodyGrant:
    """Ask to read an item once, within a window.

    Raises NotHeld, NotItsPurpose, NotThatWindow, TooFewToApprove.
    """
    item = CustodyItem.objects.with_state().get(pk=item_id)
    if purpose not in item.purposes:
        raise NotItsPurpose(
            _("It may not be read for that. Its purposes are fixed when it is stored.")
        )
    if ends_at <= at or ends_at - starts_at > LONGEST_WINDOW:
        raise NotThatWindow(
            _("A window ends in the future and is at most %(days)d days long.")
            % {"days": LONGEST_WINDOW.days}
        )
    return _ask(item, purpose.value, reason, (starts_at, ends_at), by=by, at=at)


@transaction.atomic
def ask_copy(*, item_id: int, reason: str, by: User, at: datetime) -> CustodyGrant:
    """Ask for the performer's own copy, encrypted to their own key; two of the agency approve.

    Raises NotHeld, TooFewToApprove, own_keys.NoOwnKey.
    """
    item = CustodyItem.objects.with_state().get(pk=item_id)
    own_keys.recipient_of(item)
    return _ask(item, OWN_COPY, reason, (at, at + LONGEST_WINDOW), by=by, at=at)


def _ask(
    item: CustodyItem,
    purpose: str,
    reason: str,
    window: tuple[datetime, datetime],
    *,
    by: User,
    at: datetime,
) -> CustodyGrant:
    """Store what somebody asks for. Raises NotHeld, TooFewToApprove."""
    refuse_not_held(item)
    others = four_eyes.could_approve(APPROVES, item.agency_id).exclude(pk=by.pk)
    if others.distinct().count() < APPROVALS_NEEDED:
        raise TooFewToApprove(
            _("Two other people have to approve this, and the agency has not two who may.")
        )
    return CustodyGrant.objects.create(
        item=item,
        purpose=purpose,
        reason=reason.strip(),
        starts_at=window[0],
        ends_at=window[1],
        asked_at=at,
        asked_by=by,
    )


@transaction.atomic
def approve(*, grant_id: int, by: User, at: datetime, reason: str = "") -> CustodyGrant:
    """Approve what somebody else asked for; two people have to. Raises NotItsTurn, FourEyes."""
    grant = _locked(grant_id, at, GrantState.WAITING)
    approved = grant.steps.filter(kind=GrantStepKind.APPROVED.value)
    four_eyes.refuse_same_person(
        by=by, before=[grant.asked_by_id, *approved.values_list("by", flat=True)]
    )
    refuse_not_held(CustodyItem.objects.with_state().get(pk=grant.item_id))
    _step(grant, GrantStepKind.APPROVED, by=by, at=at, reason=reason)
    return grant


@transaction.atomic
def reject(*, grant_id: int, by: User, at: datetime, reason: str) -> CustodyGrant:
    """Reject a grant that was not used, with the reason; whoever asked takes it back.

    Raises NotItsTurn, four_eyes.FourEyes.
    """
    grant = _locked(grant_id, at, GrantState.WAITING, GrantState.AHEAD, GrantState.OPEN)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[grant.asked_by_id],
        permission=APPROVES,
        agency_ids=[grant.item.agency_id],
    )
    own = by.pk == grant.asked_by_id
    _step(
        grant,
        GrantStepKind.TAKEN_BACK if own else GrantStepKind.REJECTED,
        by=by,
        at=at,
        reason=reason,
    )
    return grant


def read(*, grant_id: int, by: User, clock: Clock, address: str | None) -> Reading:
    """Use a grant: store that its asker reads the item, and return what it yields.

    The content ends early once the window is over. A performer's own copy is a file in the age
    format for their own key alone. Raises NotItsTurn, four_eyes.FourEyes, NotHeld,
    own_keys.NoOwnKey, and what `reading.content_of` raises.
    """
    now = clock()
    _refuse_away(CustodyGrant.objects.select_related("item").get(pk=grant_id).item)
    with transaction.atomic():
        grant = _locked(grant_id, now, GrantState.OPEN)
        if by.pk != grant.asked_by_id:
            raise four_eyes.FourEyes(_("A grant is for whoever asked for it, and nobody else."))
        # Before it counts as read: without a key of theirs, nothing would come of it.
        own = None if grant.purpose else own_keys.recipient_of(grant.item)
        stored = _store(
            CustodyRead(
                item=grant.item,
                grant=grant,
                cause=(ReadCause.GRANT if grant.purpose else ReadCause.OWNER).value,
                purpose=grant.purpose,
                reason=grant.reason,
                at=now,
                by=by,
                address=address,
            )
        )
    copy = reading.copy_for(grant.item, own) if own else None
    return Reading(stored, _sent(stored, clock, until=grant.ends_at, parts=copy))


def break_glass(
    *, item_id: int, reason: str, by: User, clock: Clock, address: str | None
) -> Reading:
    """Read an item without a grant, for a reason; its performer and the agency are told at once.

    Raises NotHeld, and what `reading.content_of` raises.
    """
    _refuse_away(CustodyItem.objects.get(pk=item_id))
    stored = _store_without_grant(item_id, reason, by=by, at=clock(), address=address)
    return Reading(stored, _sent(stored, clock, until=None))


def export(*, item_id: int, reason: str, by: User, clock: Clock) -> Reading:
    """Take an item out as encrypted as it lies, with its header, for who has a key of it.

    The desk's own key is not needed: it may be lost. Counts and is told as reading without a grant.
    Raises NotHeld, keys.KeyMissing, PlaceAway.
    """
    stored = _store_without_grant(item_id, _("Exported: %s") % reason, by=by, at=clock())
    return Reading(stored, _sent(stored, clock, until=None, parts=reading.exported(stored.item)))


@transaction.atomic
def _store_without_grant(
    item_id: int, reason: str, *, by: User, at: datetime, address: str | None = None
) -> CustodyRead:
    """Store that somebody reads an item without a grant, and tell it. Raises NotHeld."""
    item = CustodyItem.objects.select_related("agency", "performer").get(pk=item_id)
    stored = _store(
        CustodyRead(
            item=item,
            cause=ReadCause.BREAK_GLASS.value,
            reason=reason.strip()[:500],
            at=at,
            by=by,
            address=address,
        )
    )
    _tell_of_broken_glass(stored, at)
    return stored


def refuse_not_held(item: CustodyItem) -> None:
    """Refuse an item, annotated with its state, that cannot be read. Raises NotHeld."""
    if item.state != CustodyStepKind.PROVEN:
        raise NotHeld(
            _("%(item)s cannot be read: %(state)s.")
            % {"item": item, "state": CustodyStepKind(str(item.state)).label}
        )


def _refuse_away(item: CustodyItem) -> None:
    """Use nothing up where the storage is away. Raises PlaceAway, KeyMissing."""
    if CustodyItem.objects.with_state().get(pk=item.pk).state == CustodyStepKind.PROVEN:
        reading.refuse_away(item)


def _store(read: CustodyRead) -> CustodyRead:
    """Store a read of an item that is held. Raises NotHeld, NotItsTurn."""
    # Locked, so that nothing is destroyed between this and the first byte.
    item = CustodyItem.objects.select_for_update().get(pk=read.item_id)
    refuse_not_held(CustodyItem.objects.with_state().get(pk=item.pk))
    try:
        with transaction.atomic():
            read.save(force_insert=True)
    except IntegrityError as used:
        raise NotItsTurn(_("This grant was used already.")) from used
    return read


def _sent(
    read: CustodyRead,
    clock: Clock,
    *,
    until: datetime | None,
    parts: Iterator[bytes] | None = None,
) -> Iterator[bytes]:
    """Yield an item's content, or other parts of it, and store how the reading ended."""
    sent, ending = 0, ReadEnding.LEFT
    try:
        for part in parts or reading.content_of(read.item):
            if until is not None and clock() >= until:
                ending = ReadEnding.OVER
                raise NotItsTurn(_("The window of this grant is over."))
            yield part
            sent += len(part)
        ending = ReadEnding.WHOLE
    except AgeBroken:
        ending = ReadEnding.BROKEN
        raise
    except PlaceAway:
        ending = ReadEnding.AWAY
        raise
    finally:
        CustodyReadEnd.objects.create(read=read, at=clock(), ending=ending.value, sent=sent)


def _tell_of_broken_glass(read: CustodyRead, now: datetime) -> None:
    """Write to whoever looks after the performer, and to the agency's approvers."""
    performer, agency = read.item.performer, read.item.agency
    body = (
        f"{read.by} reads “{read.item}” of {performer} at {agency} without a grant.\n\n"
        f"The reason given: {read.reason}\n\n"
        "Whatever is read is written down. If this should not be, answer the agency at once."
    )
    subject = f"An item of {performer} is read without a grant"
    for address in sorted({*_deciders_of(read.item, now), *_approvers_of(agency, but=read.by)}):
        outbox.post(recipient=address, subject=subject, body=body, at=now)


def _deciders_of(item: CustodyItem, now: datetime) -> set[str]:
    told = deciders([item.performer_id], on=timezone.localdate(now))
    return {user.email for user in told[item.performer_id]}


def _approvers_of(agency: Agency, *, but: User) -> set[str]:
    approvers = four_eyes.could_approve(APPROVES, agency.pk).exclude(pk=but.pk)
    return set(approvers.values_list("email", flat=True))


def _locked(grant_id: int, now: datetime, *states: GrantState) -> CustodyGrant:
    grant = CustodyGrant.objects.select_for_update(of=("self",)).with_state().get(pk=grant_id)
    state = grant.state_at(now)
    if state not in states:
        raise NotItsTurn(_("This grant: %(state)s.") % {"state": state.label.lower()})
    return grant


def _step(grant: CustodyGrant, kind: GrantStepKind, *, by: User, at: datetime, reason: str) -> None:
    CustodyGrantStep.objects.create(
        grant=grant, kind=kind.value, by=by, at=at, reason=reason.strip()
    )
