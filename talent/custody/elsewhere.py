"""Items that others hold: what they attest, and that they are told to destroy with a deadline."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes, outbox
from talent.errors import Refused
from talent.models import Destruction, HeldElsewhere, HeldElsewhereStep, User
from talent.periods import local_day
from talent.words import ElsewhereStepKind

TELLS = "talent.approve_destruction"
DEADLINE = timedelta(days=30)
ANSWERS = (ElsewhereStepKind.DESTROYED, ElsewhereStepKind.KEPT)


class NotItsTurn(Refused):
    """A holder was told before, says what it was not asked, or a day has not come yet."""

    code = "custody_elsewhere_not_its_turn"


@transaction.atomic
def note(
    *, held_id: int, kind: ElsewhereStepKind, on: date, note: str, by: User, at: datetime
) -> HeldElsewhereStep:
    """Note what a holder attested or answered on a day. Raises NotItsTurn."""
    held = _locked(held_id)
    if held.is_gone:
        raise NotItsTurn(_("Its holder says that it is destroyed."))
    if on > local_day(at, held.agency.time_zone):
        raise NotItsTurn(_("That day has not come yet."))
    if kind in ANSWERS and held.due_on is None:
        raise NotItsTurn(_("Its holder was not told to destroy it."))
    return _step(held, kind, on=on, at=at, by=by, note=note)


@transaction.atomic
def ask(*, held_id: int, reason: str, by: User, at: datetime) -> HeldElsewhereStep:
    """Ask that a holder be told to destroy an item; another tells it.

    Raises NotItsTurn, four_eyes.NobodyToApprove.
    """
    held = _locked(held_id)
    if held.is_gone or held.due_on is not None or _asked(held) is not None:
        raise NotItsTurn(_("This was asked for before."))
    four_eyes.refuse_without_approver(asked_by=by, permission=TELLS, agency_id=held.agency_id)
    today = local_day(at, held.agency.time_zone)
    return _step(held, ElsewhereStepKind.ASKED, on=today, at=at, by=by, note=reason)


@transaction.atomic
def tell(*, held_id: int, by: User, at: datetime, reason: str = "") -> HeldElsewhereStep:
    """Tell a holder to destroy what somebody else asked for. Raises NotItsTurn, FourEyes."""
    held = _locked(held_id)
    asked = _asked(held)
    if held.is_gone or held.due_on is not None or asked is None:
        raise NotItsTurn(_("Nobody asked for it, or its holder was told."))
    four_eyes.refuse_same_person(by=by, before=[asked.by_id])
    return _tell(held, why=asked.note, at=at, by=by, note=reason)


@transaction.atomic
def tell_of(destruction: Destruction, *, at: datetime) -> int:
    """Tell everybody who holds a copy of what is destroyed here; return how many were told now.

    Who was told before, or has destroyed it, is not told again.
    """
    held = HeldElsewhere.objects.filter(item=destruction.item_id).with_state()
    waiting = [one for one in held.select_related("agency", "performer") if not one.is_gone]
    told = [one for one in waiting if one.due_on is None]
    for one in told:
        _tell(one, why=destruction.reason, at=at, by=None, destruction=destruction)
    return len(told)


def still_held(destruction: Destruction) -> list[dict[str, str]]:
    """Return what a certificate says of copies elsewhere: who, where, by when, what they said."""
    held = HeldElsewhere.objects.filter(item=destruction.item_id).with_state().order_by("pk")
    return [
        {
            "holder": one.holder,
            "place": one.place,
            "sha256": one.sha256,
            "due_on": str(one.due_on or ""),
            "answer": str(ElsewhereStepKind(one.state).label) if one.state else "",
            "is_gone": "yes" if one.is_gone else "",
        }
        for one in held
    ]


def _tell(
    held: HeldElsewhere,
    *,
    why: str,
    at: datetime,
    by: User | None,
    note: str = "",
    destruction: Destruction | None = None,
) -> HeldElsewhereStep:
    due = local_day(at, held.agency.time_zone) + DEADLINE
    outbox.post(
        recipient=held.contact,
        subject=f"Destroy by {due}: {held.name}",
        body=(
            f"{held.agency} asks {held.holder} to destroy “{held.name}” of {held.performer}, with "
            f"all copies, by {due}.\n\nIt lies, as you told us: {held.place}\n"
            f"SHA-256: {held.sha256}\n\nWhy: {why}\n\n"
            "Answer once it is done, with date and method, or say what keeps you from it."
        ),
        at=at,
    )
    return _step(
        held, ElsewhereStepKind.TOLD, on=due, at=at, by=by, note=note, destruction=destruction
    )


def _locked(held_id: int) -> HeldElsewhere:
    HeldElsewhere.objects.select_for_update().get(pk=held_id)
    return HeldElsewhere.objects.with_state().select_related("agency", "performer").get(pk=held_id)


def _asked(held: HeldElsewhere) -> HeldElsewhereStep | None:
    return held.steps.filter(kind=ElsewhereStepKind.ASKED.value).order_by("pk").last()


def _step(
    held: HeldElsewhere,
    kind: ElsewhereStepKind,
    *,
    on: date,
    at: datetime,
    by: User | None,
    note: str,
    destruction: Destruction | None = None,
) -> HeldElsewhereStep:
    return HeldElsewhereStep.objects.create(
        held=held, kind=kind.value, on=on, at=at, by=by, note=note.strip(), destruction=destruction
    )
