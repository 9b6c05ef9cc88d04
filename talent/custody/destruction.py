"""Destruction: one asks, another approves; key, copies' key, file; a certificate that stays.

A destruction that was approved goes on until it is through, whatever is killed meanwhile: each
part is done once, and the sweep goes on with what is left.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
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

from . import certificate, keys, places

ASKS = "talent.ask_destruction"
APPROVES = "talent.approve_destruction"
HOLDS = "talent.hold_custodyitem"
DESTROYED_STATES = (CustodyStepKind.DESTROYED, CustodyStepKind.ABANDONED)


class IsHeld(Refused):
    """A legal hold keeps an item from being destroyed."""

    code = "custody_is_held"


class NotDestroyable(Refused):
    """An item is destroyed already, or somebody else asked for it before."""

    code = "custody_not_destroyable"


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
def approve(*, destruction_id: int, by: User, at: datetime, reason: str = "") -> Destruction:
    """Approve what somebody else asked for: `carry_out` then does it, and nobody can stop it.

    Raises NotItsTurn, IsHeld, four_eyes.FourEyes.
    """
    destruction = _locked(destruction_id)
    four_eyes.refuse_same_person(by=by, before=[destruction.asked_by_id])
    refuse_held(destruction.item)
    _step(destruction, DestructionStepKind.APPROVED, at=at, by=by, reason=reason)
    return destruction


@transaction.atomic
def reject(*, destruction_id: int, by: User, at: datetime, reason: str) -> Destruction:
    """Reject a destruction, or take it back. Raises NotItsTurn, four_eyes.FourEyes."""
    destruction = _locked(destruction_id)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[destruction.asked_by_id],
        permission=APPROVES,
        agency_ids=[destruction.item.agency_id],
    )
    own = by.pk == destruction.asked_by_id
    kind = DestructionStepKind.TAKEN_BACK if own else DestructionStepKind.REJECTED
    _step(destruction, kind, at=at, by=by, reason=reason)
    return destruction


def carry_out(*, destruction_id: int, at: datetime) -> DestructionCertificate:
    """Do what is left of an approved destruction; return its certificate.

    Raises IsHeld, keys.KeyMissing, places.PlaceAway, NotDrawn; what was done by then stays done.
    """
    _destroy_key(destruction_id, at)
    keys.end_old_epochs()
    destruction = Destruction.objects.with_state().get(pk=destruction_id)
    places.delete(destruction.item.place)
    _once(destruction, DestructionStepKind.FILE_GONE, at)
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
        "performer": item.performer.name,
        "item": {
            "name": item.name,
            "kind": item.get_kind_display(),
            "bytes": item.size,
            "sha256": proven.sha256 if proven else "",
            "file_sha256": proven.file_sha256 if proven else "",
            "stored_at": item.begun_at.isoformat(),
            "place": item.place,
        },
        "cause": destruction.get_cause_display(),
        "reason": destruction.reason,
        "asked": {"by": str(destruction.asked_by), "at": destruction.asked_at.isoformat()},
        "approved": {"by": str(approved.by), "at": approved.at.isoformat()},
        "key_destroyed_at": steps[DestructionStepKind.KEY_GONE].at.isoformat(),
        "file_deleted_at": steps[DestructionStepKind.FILE_GONE].at.isoformat(),
        "reads": CustodyRead.objects.filter(item=item).count(),
        "escrow": settings.VAULT_ESCROW,
        "verified": {
            "key_row": not CustodyKey.objects.filter(item=item).exists(),
            "file": places.size_of(item.place) == 0,
            "list": item.place in keys.destroyed_places(),
        },
        "issued_at": at.isoformat(),
    }
    return dict(json.loads(json.dumps(told)))


# A database from a backup


@dataclass(frozen=True, slots=True)
class Mended:
    """What a restored database did not know: how many items were mended, destroyed, lost."""

    mended: int
    destroyed: int
    lost: int


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
    return CustodyItem.objects.with_state().get(pk=item_id)


def _locked(destruction_id: int) -> Destruction:
    """Return a destruction that waits, with its item locked. Raises NotItsTurn."""
    item = Destruction.objects.values_list("item", flat=True).get(pk=destruction_id)
    _locked_item(item)
    destruction = Destruction.objects.with_state().get(pk=destruction_id)
    if destruction.state != DestructionState.WAITING:
        told = {"state": destruction.state.label.lower()}
        raise NotItsTurn(_("This was decided: %(state)s.") % told)
    return destruction


def _once(destruction: Destruction, kind: DestructionStepKind, at: datetime) -> None:
    DestructionStep.objects.get_or_create(
        destruction=destruction, kind=kind.value, defaults={"at": at}
    )


def _step(
    destruction: Destruction, kind: DestructionStepKind, *, at: datetime, by: User, reason: str
) -> None:
    DestructionStep.objects.create(
        destruction=destruction, kind=kind.value, at=at, by=by, reason=reason.strip()
    )
