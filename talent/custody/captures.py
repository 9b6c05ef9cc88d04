"""Capture sessions: what arrived against what was agreed; what is outside is quarantined."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.errors import Refused
from talent.models import CaptureSession, CustodyItem, CustodyStep, User
from talent.periods import starts_at
from talent.words import CustodyKind, CustodyPurpose, CustodyStepKind

RELEASES = "talent.approve_custodygrant"
ARRIVED = (
    CustodyStepKind.PROVEN,
    CustodyStepKind.QUARANTINED,
    CustodyStepKind.RELEASE_ASKED,
    CustodyStepKind.DESTROYED,
)
QUARANTINE = (CustodyStepKind.QUARANTINED, CustodyStepKind.RELEASE_ASKED)


class NotItsTurn(Refused):
    """An item is not quarantined, or nobody asked to release it."""

    code = "custody_quarantine_not_its_turn"


def outside(item: CustodyItem) -> list[str]:
    """Return in what an item is more than its session agreed; empty: it is within, or has none."""
    session = item.session
    if session is None:
        return []
    told = [_notice_missed(session)]
    if item.kind not in session.kinds:
        told.append(_("%(kind)s was not agreed.") % {"kind": CustodyKind(item.kind).label})
    more = [CustodyPurpose(code).label for code in item.purposes if code not in session.purposes]
    if more:
        told.append(_("It was not agreed to be read: %(more)s.") % {"more": ", ".join(more)})
    if not item.captured_on or not session.starts_on <= item.captured_on <= session.ends_on:
        told.append(_("It was not captured on the days of the session."))
    if session.items_at_most is not None and _earlier(item) >= session.items_at_most:
        told.append(
            _("%(count)d were agreed, and have arrived.") % {"count": session.items_at_most}
        )
    return [why for why in told if why]


def _notice_missed(session: CaptureSession) -> str:
    """Say that the performer was asked later than agreed; empty: in time."""
    begins = starts_at(session.starts_on, session.agency.time_zone)
    if session.asked_at + timedelta(hours=session.notice_hours) <= begins:
        return ""
    return _("The performer was asked less than %(hours)d hours before.") % {
        "hours": session.notice_hours
    }


def _earlier(item: CustodyItem) -> int:
    """Return how many items of the same session arrived whole before."""
    others = CustodyItem.objects.filter(session=item.session_id).in_state(*ARRIVED)
    return others.exclude(pk=item.pk).count()


def quarantine_what_is_outside(item: CustodyItem, *, at: datetime) -> None:
    """Quarantine a proven item that is more than was agreed, within a transaction.

    Items of one session are looked at one after another.
    """
    if item.session_id is None:
        return
    CaptureSession.objects.select_for_update().get(pk=item.session_id)
    why = outside(item)
    if why:
        _step(item, CustodyStepKind.QUARANTINED, at=at, by=None, note=" ".join(why))


@transaction.atomic
def ask_release(*, item_id: int, reason: str, by: User, at: datetime) -> None:
    """Ask to release an item from quarantine. Raises NotItsTurn, four_eyes.NobodyToApprove."""
    item = _locked(item_id, CustodyStepKind.QUARANTINED)
    four_eyes.refuse_without_approver(asked_by=by, permission=RELEASES, agency_id=item.agency_id)
    _step(item, CustodyStepKind.RELEASE_ASKED, at=at, by=by, note=reason)


@transaction.atomic
def release(*, item_id: int, reason: str, by: User, at: datetime) -> None:
    """Release an item as somebody else asked: grants may read it. Raises NotItsTurn, FourEyes."""
    item = _locked(item_id, CustodyStepKind.RELEASE_ASKED)
    asked = item.steps.order_by("pk").last()
    four_eyes.refuse_same_person(by=by, before=[asked.by_id if asked else None])
    _step(item, CustodyStepKind.PROVEN, at=at, by=by, note=reason)


@transaction.atomic
def keep_quarantined(*, item_id: int, reason: str, by: User, at: datetime) -> None:
    """Reject a release, or take it back. Raises NotItsTurn, four_eyes.FourEyes."""
    item = _locked(item_id, CustodyStepKind.RELEASE_ASKED)
    asked = item.steps.order_by("pk").last()
    four_eyes.refuse_to_reject(
        by=by, asked_by=[asked.by_id if asked else None], permission=RELEASES,
        agency_ids=[item.agency_id],
    )  # fmt: skip
    _step(item, CustodyStepKind.QUARANTINED, at=at, by=by, note=reason)


def _locked(item_id: int, state: CustodyStepKind) -> CustodyItem:
    CustodyItem.objects.select_for_update().get(pk=item_id)
    item = CustodyItem.objects.with_state().get(pk=item_id)
    if item.state != state:
        raise NotItsTurn(_("That is not its turn: %(state)s.") % {
            "state": CustodyStepKind(str(item.state)).label
        })  # fmt: skip
    return item


def _step(
    item: CustodyItem, kind: CustodyStepKind, *, at: datetime, by: User | None, note: str
) -> None:
    CustodyStep.objects.create(item=item, kind=kind.value, at=at, by=by, note=note.strip()[:500])
