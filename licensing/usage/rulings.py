"""Rulings: what staff make of a use outside the consent, each a leaf of its own.

A ruling decides what is charged from then on. It changes no standing and gives no permission.
"""

import secrets
from datetime import datetime

from django.db import transaction

from licensing.log.entry import SALT_SIZE, commitment, entry, month_tag, sealed_bytes
from licensing.models import (
    LicenseeTerms,
    Replacement,
    Ruling,
    RulingReason,
    UsageBatch,
    UsageEvent,
    UsageRecord,
)
from licensing.news import announce
from licensing.wire.canonical import canonical_bytes
from licensing.words import Announcement, Door, LeafKind, Standing, Treatment
from talent.errors import Refused
from talent.models import User

from .recording.event_keys import lock_event
from .totals.sums import store_sums

PRICED = {Treatment.LICENSED, Treatment.UNLICENSED}
COPIED = (
    "agency_id", "licensee_id", "agreement_id", "twin_id", "build_id", "production_id",
    "occurred_at", "right", "use", "territory", "language", "channel", "prompt_class", "real_time",
    "standing",
)  # fmt: skip


class NothingToRule(Refused):
    """The event is within the consent, or counts no more."""

    code = "nothing_to_rule"


class NoAgreementToRate(Refused):
    """A use without an agreement has no rate card to be rated by."""

    code = "no_agreement_to_rate"


def is_outside(event: UsageEvent) -> bool:
    """Tell whether an event, or its part past a cap, is outside the consent."""
    return event.standing != Standing.CLEARED or bool(event.over_meter)


@transaction.atomic
def rule(
    *, event_id: int, treatment: Treatment, reason: str, by: User, role: str, at: datetime
) -> Ruling:
    """Decide how a use outside the consent is treated from now on; the last ruling counts.

    The leaf names who by number and role, and the reason by a salted commitment, so that the
    text can be erased and still be proven. Raises NothingToRule, NoAgreementToRate.
    """
    # Amendments take this lock too: of two changes at once, the second sees the first.
    lock_event(event_id)
    event = UsageEvent.objects.select_related("agreement").get(pk=event_id)
    _check_ruling(event, treatment)
    terms = LicenseeTerms.objects.get(agency=event.agency_id, licensee=event.licensee_id)
    salt = secrets.token_bytes(SALT_SIZE)
    content = canonical_bytes(
        {
            "event": str(event.pk),
            "reason": commitment(salt, reason.encode()).hex(),
            "treatment": treatment.value,
        }
    )
    leaf = _store_leaf(event, content, terms, actor=f"user {by.pk}, {role}", at=at)
    ruling = Ruling.objects.create(
        event_id=leaf.pk, about_id=event.pk, treatment=treatment.value, ruled_by=by, ruled_at=at
    )
    RulingReason.objects.create(ruling=ruling, text=reason, salt=salt)
    store_sums(batch_id=leaf.batch_id, event_ids=[leaf.pk], has_other_leaves=True)
    announce(
        kind=Announcement.RULING,
        agency_id=event.agency_id,
        licensee_id=event.licensee_id,
        data={"event": str(event.pk), "ruling": str(leaf.pk), "treatment": treatment.value},
        at=at,
    )
    return ruling


@transaction.atomic
def erase_reason(*, ruling_id: int) -> None:
    """Erase a ruling's reason. The leaf keeps its commitment, and every proof stays valid."""
    RulingReason.objects.filter(ruling=ruling_id).delete()


def _check_ruling(event: UsageEvent, treatment: Treatment) -> None:
    if event.kind == LeafKind.RULING or not is_outside(event):
        raise NothingToRule("This use is within the consent; there is nothing to rule on.")
    if replacement := Replacement.objects.filter(event_id=event.pk).first():
        raise NothingToRule(f"Event {replacement.amendment_id} replaced this one; rule on that.")
    if event.agreement is None and treatment in PRICED:
        raise NoAgreementToRate(
            "This use names no agreement, so no rate applies. Ask the studio to amend it with "
            "one, or rule that it is held or that nothing is owed."
        )


def _store_leaf(
    event: UsageEvent, content: bytes, terms: LicenseeTerms, *, actor: str, at: datetime
) -> UsageEvent:
    """Store the ruling's own event: the columns of the one it rules on, without quantities."""
    sealed = sealed_bytes(
        content, kind=LeafKind.RULING.value, received_at=at, actor=actor, standing=event.standing
    )
    salt = secrets.token_bytes(SALT_SIZE)
    tag = month_tag(bytes((event.agreement or terms).tag_key), at)
    batch = UsageBatch.objects.create(terms=terms, door=Door.DESK.value, received_at=at, size=1)
    leaf = UsageEvent.objects.create(
        batch=batch,
        seat=0,
        kind=LeafKind.RULING.value,
        about=event.pk,
        entry=entry(tag, commitment(salt, sealed)),
        **{name: getattr(event, name) for name in COPIED},
    )
    UsageRecord.objects.create(event=leaf, salt=salt, canonical=sealed)
    return leaf
