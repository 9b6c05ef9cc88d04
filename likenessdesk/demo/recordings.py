"""The demo's vault: a recording of each agency, which one of its staff was let read."""

from datetime import datetime, timedelta
from io import BytesIO

from talent.custody import grants, uploads
from talent.models import Agency, CustodyItem, Performer, User
from talent.words import CustodyKind, CustodyPurpose, Role

KILOBYTES = 96
WINDOW = timedelta(days=1)


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
        item = _store(agency, performer, by=staff[Role.AGENT], at=at)
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


def _store(agency: Agency, performer: Performer, *, by: User, at: datetime) -> CustodyItem:
    content = f"A sample of no voice, for {agency.slug}. ".encode() * (KILOBYTES * 1_024 // 40)
    item = uploads.begin(
        agency=agency, performer=performer, kind=CustodyKind.RECORDING,
        name=f"{performer}: forty lines, studio A",
        purposes=[CustodyPurpose.BUILD, CustodyPurpose.COMPARE, CustodyPurpose.LEGAL],
        captured_on=at.date(), size=len(content), by=by, at=at,
    )  # fmt: skip
    uploads.receive(item_id=item.pk, offset=0, source=BytesIO(content), by=by, at=at)
    return item


def _first(agency: Agency, role: Role) -> User:
    seats = agency.memberships.current().filter(role=role.value)
    return seats.select_related("user").order_by("pk")[0].user
