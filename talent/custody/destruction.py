"""Destruction: one asks, another approves; key, copies' key, file; a certificate that stays.

A destruction that was approved goes on until it is through, whatever is killed meanwhile: each
part is done once, and the sweep goes on with what is left.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.errors import Refused
from talent.models import (
    CustodyItem,
    CustodyKey,
    CustodyRead,
    CustodyStep,
    Destruction,
    DestructionCertificate,
    DestructionStep,
    ItemOfOwnKey,
    LegalHold,
    User,
)
from talent.words import (
    CustodyStepKind,
    DestructionCause,
    DestructionState,
    DestructionStepKind,
    LegalHoldKind,
)

from . import captures, certificate, elsewhere, keys, places
from .retention.standing import Standing, standing_of, standings

logger = logging.getLogger(__name__)

ASKS = "talent.ask_destruction"
APPROVES = "talent.approve_destruction"
HOLDS = "talent.hold_custodyitem"
AT_ONCE = 200
# A proposal that somebody rejected is made again after so long, while the clock has run out.
ASKED_AGAIN_AFTER = timedelta(days=30)
DESTROYED_STATES = (CustodyStepKind.DESTROYED, CustodyStepKind.ABANDONED)
KEPT_STATES = (
    CustodyStepKind.STORED,
    CustodyStepKind.PROVEN,
    CustodyStepKind.BROKEN,
    *captures.QUARANTINE,
)


class IsHeld(Refused):
    """A legal hold keeps an item from being destroyed."""

    code = "custody_is_held"


class NotDestroyable(Refused):
    """An item is destroyed already, or somebody else asked for it before."""

    code = "custody_not_destroyable"


class ClockMoved(Refused):
    """What the desk proposed is not due any more: a licence was prolonged, or a fact was mended."""

    code = "custody_clock_moved"


class NotItsTurn(Refused):
    """A destruction was decided already, or a hold is not there."""

    code = "custody_destruction_not_its_turn"


@transaction.atomic
def ask(
    *, item_id: int, cause: DestructionCause, reason: str, by: User, at: datetime
) -> Destruction:
    """Ask for an item's destruction; somebody else approves it.

    Raises NotDestroyable, IsHeld, four_eyes.NobodyToApprove.
    """
    item = _locked_item(item_id)
    if item.state in DESTROYED_STATES or item.state == CustodyStepKind.BEGUN:
        raise NotDestroyable(_("There is nothing left to destroy; an upload is abandoned."))
    open_ones = [one for one in item.destructions.all() if one.state != DestructionState.CLOSED]
    if open_ones:
        raise NotDestroyable(_("Somebody asked for this before."))
    refuse_held(item)
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=item.agency_id)
    return Destruction.objects.create(
        item=item, cause=cause.value, reason=reason.strip(), asked_at=at, asked_by=by
    )


@transaction.atomic
def confirm(*, destruction_id: int, by: User, at: datetime, reason: str = "") -> Destruction:
    """Stand for what the desk proposed, as if one had asked: somebody else approves it.

    Raises NotItsTurn, IsHeld, ClockMoved, four_eyes.NobodyToApprove.
    """
    destruction = _locked(destruction_id, DestructionState.PROPOSED)
    item = destruction.item
    refuse_held(item)
    _refuse_moved(destruction, at)
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=item.agency_id)
    _step(destruction, DestructionStepKind.CONFIRMED, at=at, by=by, reason=reason)
    return destruction


@transaction.atomic
def approve(*, destruction_id: int, by: User, at: datetime, reason: str = "") -> Destruction:
    """Approve what somebody else asked for: `carry_out` then does it, and nobody can stop it.

    Raises NotItsTurn, IsHeld, ClockMoved, four_eyes.FourEyes.
    """
    destruction = _locked(destruction_id, DestructionState.WAITING)
    four_eyes.refuse_same_person(by=by, before=_who_asked(destruction))
    refuse_held(destruction.item)
    _refuse_moved(destruction, at)
    _step(destruction, DestructionStepKind.APPROVED, at=at, by=by, reason=reason)
    return destruction


@transaction.atomic
def reject(*, destruction_id: int, by: User, at: datetime, reason: str) -> Destruction:
    """Reject a destruction, or take it back. Raises NotItsTurn, four_eyes.FourEyes."""
    destruction = _locked(destruction_id, DestructionState.PROPOSED, DestructionState.WAITING)
    asked_by = _who_asked(destruction)
    four_eyes.refuse_to_reject(
        by=by, asked_by=asked_by, permission=APPROVES, agency_ids=[destruction.item.agency_id]
    )
    own = by.pk in asked_by
    kind = DestructionStepKind.TAKEN_BACK if own else DestructionStepKind.REJECTED
    _step(destruction, kind, at=at, by=by, reason=reason)
    return destruction


def _who_asked(destruction: Destruction) -> list[int | None]:
    """Return who asked for a destruction, or stood for what the desk proposed."""
    confirmed = [
        step.by_id for step in destruction.steps.all() if step.kind == DestructionStepKind.CONFIRMED
    ]
    return [pk for pk in (destruction.asked_by_id, *confirmed) if pk is not None]


# What the desk proposes, since a clock has run out


def propose_due(*, at: datetime) -> dict[str, int]:
    """Propose to destroy items whose time is over; take back what is due no more.

    Return how many were `proposed` and `taken_back`. Nothing is destroyed before two people agree.
    """
    counts = {"proposed": 0, "taken_back": 0}
    undecided = Destruction.objects.undecided().exclude(clocks_sha256="").order_by("pk")
    for pk in list(undecided.values_list("pk", flat=True)):
        counts["taken_back"] += _take_back_moved(pk, at)
    kept = CustodyItem.objects.in_state(*KEPT_STATES).select_related("agency", "performer")
    numbers = list(kept.order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(numbers), AT_ONCE):
        items = list(kept.filter(pk__in=numbers[first : first + AT_ONCE]))
        due = [pk for pk, standing in standings(items, at=at).items() if standing.is_due]
        for pk in due:
            counts["proposed"] += _propose(pk, at)
    return counts


@transaction.atomic
def _propose(item_id: int, at: datetime) -> bool:
    """Propose one item's destruction, unless somebody asked or rejected it lately; tell if so."""
    item = _locked_item(item_id)
    asked = list(item.destructions.prefetch_related("steps"))
    lately = [one for one in asked if _closed_since(one, at - ASKED_AGAIN_AFTER)]
    standing = standing_of(item, at=at)
    is_open = any(one.state != DestructionState.CLOSED for one in asked)
    if is_open or not standing.is_due or item.state not in KEPT_STATES:
        return False
    if any(one.clocks_sha256 == standing.sha256 for one in lately):
        return False
    Destruction.objects.create(
        item=item, cause=DestructionCause.RETENTION.value, reason=str(standing)[:500],
        asked_at=at, clocks_sha256=standing.sha256,
    )  # fmt: skip
    return True


def _closed_since(destruction: Destruction, since: datetime) -> bool:
    return destruction.state == DestructionState.CLOSED and any(
        step.at > since for step in destruction.steps.all()
    )


@transaction.atomic
def _take_back_moved(destruction_id: int, at: datetime) -> bool:
    """Take back what the desk proposed, once the clock says another thing; tell if so."""
    try:
        destruction = _locked(destruction_id, DestructionState.PROPOSED, DestructionState.WAITING)
    except NotItsTurn:  # somebody decided it meanwhile
        return False
    standing = standing_of(destruction.item, at=at)
    if standing.sha256 == destruction.clocks_sha256:
        return False
    _step(
        destruction, DestructionStepKind.TAKEN_BACK, at=at, by=None,
        reason=_("The clock moved. %(standing)s") % {"standing": standing},
    )  # fmt: skip
    return True


def _refuse_moved(destruction: Destruction, at: datetime) -> None:
    """Refuse what was proposed by a clock that says another thing by now. Raises ClockMoved."""
    if not destruction.clocks_sha256:
        return
    standing: Standing = standing_of(destruction.item, at=at)
    if standing.sha256 != destruction.clocks_sha256:
        raise ClockMoved(
            _("The clock moved since this was proposed. %(standing)s") % {"standing": standing}
        )


def carry_out(*, destruction_id: int, at: datetime) -> DestructionCertificate:
    """Do what is left of an approved destruction; return its certificate.

    Raises IsHeld, keys.KeyMissing, places.PlaceAway, NotDrawn; what was done by then stays done.
    """
    _destroy_key(destruction_id, at)
    keys.end_old_epochs()
    destruction = Destruction.objects.with_state().get(pk=destruction_id)
    places.delete(destruction.item.place)
    _once(destruction, DestructionStepKind.FILE_GONE, at)
    elsewhere.tell_of(destruction, at=at)
    return _certify(destruction, at)


@transaction.atomic
def _destroy_key(destruction_id: int, at: datetime) -> None:
    destruction = Destruction.objects.select_related("item").get(pk=destruction_id)
    item = _locked_item(destruction.item_id)
    if destruction.steps.filter(kind=DestructionStepKind.KEY_GONE.value).exists():
        return
    refuse_held(item)
    keys.destroy(item)
    _once(destruction, DestructionStepKind.KEY_GONE, at)
    if item.state != CustodyStepKind.DESTROYED:
        CustodyStep.objects.create(
            item=item, kind=CustodyStepKind.DESTROYED.value, at=at, note=destruction.reason
        )


@transaction.atomic
def _certify(destruction: Destruction, at: datetime) -> DestructionCertificate:
    known = DestructionCertificate.objects.filter(destruction=destruction).first()
    if known is not None:
        return known
    content = _content_of(destruction, at)
    paper = certificate.drawn(content, at=at)
    stored = DestructionCertificate.objects.create(
        destruction=destruction,
        issued_at=at,
        content=content,
        pdf=paper.pdf,
        sha256=hashlib.sha256(paper.pdf).hexdigest(),
        level=paper.level.value,
    )
    _once(destruction, DestructionStepKind.CERTIFIED, at)
    return stored


def _content_of(destruction: Destruction, at: datetime) -> dict[str, Any]:
    """Return what a certificate says, after NIST SP 800-88 Rev. 2 (26 September 2025)."""
    item = CustodyItem.objects.select_related("agency", "performer", "begun_by").get(
        pk=destruction.item_id
    )
    proven = item.steps.exclude(sha256="").order_by("pk").last()
    steps = {step.kind: step for step in destruction.steps.select_related("by")}
    approved = steps[DestructionStepKind.APPROVED]
    told: dict[str, Any] = {
        "agency": item.agency.name,
        "time_zone": item.agency.time_zone,
        "paper": item.agency.paper_format,
        "performer": item.performer.name,
        "item": {
            "name": item.name,
            "kind": item.get_kind_display(),
            "bytes": item.size,
            "sha256": proven.sha256 if proven else "",
            "file_sha256": proven.file_sha256 if proven else "",
            "stored_at": item.begun_at.isoformat(),
            "place": item.place,
            "medium": _("A bucket of the desk")
            if settings.VAULT_BUCKET
            else _("A disk of the desk"),
        },
        "cause": destruction.get_cause_display(),
        "reason": destruction.reason,
        "asked": _asked(destruction, steps.get(DestructionStepKind.CONFIRMED)),
        "approved": {"by": str(approved.by), "at": approved.at.isoformat()},
        "key_destroyed_at": steps[DestructionStepKind.KEY_GONE].at.isoformat(),
        "file_deleted_at": steps[DestructionStepKind.FILE_GONE].at.isoformat(),
        "reads": CustodyRead.objects.filter(item=item).count(),
        "escrow": settings.VAULT_ESCROW,
        "held_elsewhere": elsewhere.still_held(destruction),
        "own_keys": sorted(
            set(ItemOfOwnKey.objects.filter(item=item).values_list("key__recipient", flat=True))
        ),
        "verified": {
            "key_row": not CustodyKey.objects.filter(item=item).exists(),
            "file": places.size_of(item.place) == 0,
            "list": item.place in keys.destroyed_places(),
        },
        "issued_at": at.isoformat(),
    }
    return dict(json.loads(json.dumps(told)))


def _asked(destruction: Destruction, confirmed: DestructionStep | None) -> dict[str, str]:
    """Return who asked for a destruction: a person, or the desk, for which a person stood."""
    if confirmed is not None:
        told = _("the desk, by a clock; confirmed by %(who)s") % {"who": confirmed.by}
        return {"by": told, "at": confirmed.at.isoformat()}
    return {"by": str(destruction.asked_by), "at": destruction.asked_at.isoformat()}


# A database from a backup


@dataclass(frozen=True, slots=True)
class Mended:
    """What a restored database did not know: how many items were mended, destroyed, lost."""

    mended: int
    destroyed: int
    lost: int


def mend_if_behind(*, at: datetime) -> Mended | None:
    """Put the database right where the list outside it knows more; None: it is right.

    Every process asks as it starts, and each sweep does. Raises places.PlaceAway.
    """
    if not keys.is_database_behind():
        return None
    told = mend_after_restore(at=at)
    logger.error(
        "The database was older than the vault: %s items opened anew, %s destroyed again, %s lost.",
        told.mended, told.destroyed, told.lost,
    )  # fmt: skip
    return told


@transaction.atomic
def mend_after_restore(*, at: datetime) -> Mended:
    """Put a restored database right: what was destroyed since stays destroyed, the rest opens.

    An item is lost whose header is sealed under a key that is no more, and beside whose file none
    lies that opens.
    """
    found = keys.mend_after_restore()
    for item in found["destroyed"]:
        CustodyStep.objects.create(
            item=item, kind=CustodyStepKind.DESTROYED.value, at=at,
            note="It was destroyed after the backup was made that this database comes from.",
        )  # fmt: skip
    return Mended(*(len(found[name]) for name in ("mended", "destroyed", "lost")))


def files_without_a_row() -> set[str]:
    """Return the files that the database does not know: they were stored after its backup.

    Raises places.PlaceAway.
    """
    known = CustodyItem.objects.values_list("place", flat=True)
    return places.every_place() - set(known)


# Legal holds


@transaction.atomic
def hold(*, item_id: int, reason: str, by: User, at: datetime) -> LegalHold:
    """Keep an item from being destroyed. Raises NotItsTurn where it is held, NotDestroyable."""
    item = _locked_item(item_id)
    if item.state in DESTROYED_STATES:
        raise NotDestroyable(_("There is nothing left to hold."))
    if LegalHold.objects.holds(item):
        raise NotItsTurn(_("This item is held already."))
    return LegalHold.objects.create(
        item=item, kind=LegalHoldKind.PLACED.value, reason=reason.strip(), at=at, by=by
    )


@transaction.atomic
def lift(*, item_id: int, reason: str, by: User, at: datetime) -> LegalHold:
    """End a hold; whoever placed it cannot. Raises NotItsTurn, four_eyes.FourEyes."""
    item = _locked_item(item_id)
    held = LegalHold.objects.holds(item)
    if held is None:
        raise NotItsTurn(_("Nothing holds this item."))
    four_eyes.refuse_same_person(by=by, before=[held.by_id])
    return LegalHold.objects.create(
        item=item, kind=LegalHoldKind.LIFTED.value, reason=reason.strip(), at=at, by=by
    )


def refuse_held(item: CustodyItem) -> None:
    """Refuse to destroy what a legal hold keeps. Raises IsHeld."""
    if held := LegalHold.objects.holds(item):
        raise IsHeld(_("A legal hold keeps it: %(reason)s") % {"reason": held.reason})


def _locked_item(item_id: int) -> CustodyItem:
    CustodyItem.objects.select_for_update().get(pk=item_id)
    return CustodyItem.objects.with_state().select_related("agency", "performer").get(pk=item_id)


def _locked(destruction_id: int, *states: DestructionState) -> Destruction:
    """Return a destruction in one of some states, with its item locked. Raises NotItsTurn."""
    asked_of = Destruction.objects.values_list("item", flat=True).get(pk=destruction_id)
    item = _locked_item(asked_of)
    destruction = Destruction.objects.with_state().get(pk=destruction_id)
    destruction.item = item
    if destruction.state not in states:
        told = {"state": destruction.state.label.lower()}
        raise NotItsTurn(_("This was decided: %(state)s.") % told)
    return destruction


def _once(destruction: Destruction, kind: DestructionStepKind, at: datetime) -> None:
    DestructionStep.objects.get_or_create(
        destruction=destruction, kind=kind.value, defaults={"at": at}
    )


def _step(
    destruction: Destruction,
    kind: DestructionStepKind,
    *,
    at: datetime,
    by: User | None,
    reason: str,
) -> None:
    DestructionStep.objects.create(
        destruction=destruction, kind=kind.value, at=at, by=by, reason=reason.strip()
    )
