"""The demo's vault: a recording of each agency, which one of its staff was let read."""

import hashlib
from datetime import datetime, timedelta
from io import BytesIO

from talent.custody import grants, uploads
from talent.custody.retention import standing
from talent.models import (
    Agency,
    CaptureSession,
    CustodyItem,
    HeldElsewhere,
    HeldElsewhereStep,
    Performer,
    User,
)
from talent.words import ClockStart, CustodyKind, CustodyPurpose, ElsewhereStepKind, Role

KILOBYTES = 96
WINDOW = timedelta(days=1)
KEPT = timedelta(days=700)
PURPOSES = [CustodyPurpose.BUILD, CustodyPurpose.COMPARE, CustodyPurpose.LEGAL]


def store_recordings(at: datetime) -> None:
    """Store a recording of each agency's first performer, and have it read once, if none is there.

    Its bytes are no voice: the demo holds nobody's.
    """
    if CustodyItem.objects.exists():
        return
    for agency in Agency.objects.order_by("pk"):
        staff = {role: _first(agency, role) for role in Role}
        represented = Performer.objects.represented_by(Agency.objects.filter(pk=agency.pk))
        performer = represented.order_by("pk").first()
        session = _agree(agency, performer, by=staff[Role.AGENT], at=at)
        item = _store(session, by=staff[Role.AGENT], at=at)
        _register_copy(item, by=staff[Role.AGENT], at=at)
        standing.tell(
            item_id=item.pk, starts=ClockStart.CONTRACT, on=(at + KEPT).date(), at=at,
            why="The deal memo names the day.", by=staff[Role.AGENT],
        )  # fmt: skip
        grant = grants.ask(
            item_id=item.pk, purpose=CustodyPurpose.BUILD, by=staff[Role.AGENT], at=at,
            reason="The provider rebuilds the voice and needs the original.",
            starts_at=at, ends_at=at + WINDOW,
        )  # fmt: skip
        for role in (Role.BUSINESS_AFFAIRS, Role.ACCOUNTING):
            grants.approve(grant_id=grant.pk, by=staff[role], at=at)
        reading = grants.read(
            grant_id=grant.pk, by=staff[Role.AGENT], clock=lambda: at, address=None
        )
        for _part in reading.content:
            pass


def _agree(agency: Agency, performer: Performer, *, by: User, at: datetime) -> CaptureSession:
    return CaptureSession.objects.create(
        agency=agency, performer=performer, name="Forty lines, studio A",
        kinds=[CustodyKind.RECORDING.value], purposes=[one.value for one in PURPOSES],
        business_reason="The dubbed version needs the voice in three languages.",
        reason_given_at=at - 10 * WINDOW, asked_at=at - 9 * WINDOW, starts_on=at.date(),
        ends_on=at.date(), at=at, by=by,
    )  # fmt: skip


def _register_copy(item: CustodyItem, *, by: User, at: datetime) -> None:
    held = HeldElsewhere.objects.create(
        agency=item.agency, performer=item.performer, item=item, kind=item.kind,
        name=item.name, holder="Studio A", place="Vault 3, reel 12",
        contact="vault@studio-a.example", sha256=item.told_sha256, at=at, by=by,
    )  # fmt: skip
    HeldElsewhereStep.objects.create(
        held=held, kind=ElsewhereStepKind.ATTESTED.value, on=at.date(), at=at, by=by,
        note="By its keeper, in writing.",
    )  # fmt: skip


def _store(session: CaptureSession, *, by: User, at: datetime) -> CustodyItem:
    agency, performer = session.agency, session.performer
    content = f"A sample of no voice, for {agency.slug}. ".encode() * (KILOBYTES * 1_024 // 40)
    item = uploads.begin(
        agency=agency, performer=performer, kind=CustodyKind.RECORDING,
        name=f"{performer}: forty lines, studio A",
        purposes=PURPOSES, captured_on=at.date(), session=session, size=len(content),
        told_sha256=hashlib.sha256(content).hexdigest(), by=by, at=at,
    )  # fmt: skip
    uploads.receive(item_id=item.pk, offset=0, source=BytesIO(content), by=by, at=at)
    return item


def _first(agency: Agency, role: Role) -> User:
    seats = agency.memberships.current().filter(role=role.value)
    return seats.select_related("user").order_by("pk")[0].user
