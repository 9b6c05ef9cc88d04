"""The leak drill: grants that were open, reads that were made, and deadlines."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from talent.custody import grants
from talent.custody.drill import report
from talent.custody.drill.notices import due, read_notices
from talent.models import (
    CustodyItem,
    CustodyRead,
    CustodyReadEnd,
    HeldElsewhere,
    ItemOfOwnKey,
    Membership,
    OwnKey,
)
from talent.words import Confidence, CustodyPurpose, Role
from tests import factories

from .conftest import NOON

TODAY = NOON.date()
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def granted(agent, approvers):
    """A grant from an instant on for some hours, approved by so many people."""

    def granted(item, *, starts_at=NOON, hours=2, approvals=2, at=NOON):
        grant = grants.ask(
            item_id=item.pk, purpose=CustodyPurpose.BUILD, reason="A rebuild", by=agent, at=at,
            starts_at=starts_at, ends_at=starts_at + hours * HOUR,
        )  # fmt: skip
        for approver in approvers[:approvals]:
            grants.approve(grant_id=grant.pk, by=approver, at=at)
        return grant

    return granted


def drilled(item, starts_on=TODAY, ends_on=TODAY, known_at=NOON):
    loaded = CustodyItem.objects.select_related("agency", "performer").get(pk=item.pk)
    return report.drill(item=loaded, starts_on=starts_on, ends_on=ends_on, known_at=known_at)


def test_it_tells_who_could_and_who_did_from_where_and_under_which_grant(
    stored, granted, agent, affairs, approvers, agency, django_assert_max_num_queries
):
    item, other = stored(b"face"), stored(b"other")
    used, unused = granted(item), granted(item, hours=1)
    half = granted(item, approvals=1)
    ahead = granted(item, starts_at=NOON + 3 * DAY)
    granted(other)
    rejected = granted(item)
    grants.reject(grant_id=rejected.pk, by=agent, at=NOON, reason="A slip.")
    for _part in grants.read(
        grant_id=used.pk, by=agent, clock=lambda: NOON, address="198.51.100.7"
    ).content:
        pass
    Membership.objects.filter(user=affairs).update(ends_on=TODAY)
    HeldElsewhere.objects.create(
        agency=agency, performer=item.performer, item=item, kind="scan", name="Face",
        holder="Vendor", place="Their safe", contact="a@b.example", sha256="0" * 64, at=NOON,
        by=agent,
    )  # fmt: skip

    own = OwnKey.objects.create(
        performer=item.performer, recipient="age1theirs", challenge=b"", at=NOON, by=agent
    )
    for is_written in (True, False):  # taken off it since
        ItemOfOwnKey.objects.create(item=item, key=own, is_written=is_written, at=NOON, by=agent)

    with django_assert_max_num_queries(13):
        told = drilled(item)

    assert [one.grant for one in told.allowed] == [used, unused]
    assert told.allowed[0].approved_by == tuple(approvers)
    (read,) = told.reads
    assert (read.by, read.grant, read.address, read.end.sent) == (agent, used, "198.51.100.7", 4)
    assert {seat.user for seat in told.glass} == set(approvers)
    assert [held.holder for held in told.elsewhere] == ["Vendor"]
    assert told.key_holders[-1] == ("Its performer, then", "age1theirs")
    assert report.values_of(told)["headline"] == "One person read it; 2 more could have."
    assert {seat.user for seat in drilled(item, TODAY - DAY).glass} == {affairs, *approvers}
    later = drilled(item, TODAY + 3 * DAY, TODAY + 3 * DAY)
    assert ([one.grant for one in later.allowed], later.reads) == ([ahead], ())
    assert half not in [one.grant for one in drilled(item, TODAY, TODAY + 9 * DAY).allowed]


def test_days_are_those_of_the_agencys_zone(stored, affairs, agency):
    item = stored(b"face")
    agency.time_zone = "Pacific/Kiritimati"  # the 21st begins there at ten in the morning
    agency.save()
    for hour in (9, 10):
        CustodyRead.objects.create(
            item=item, cause="break_glass", reason="x", by=affairs,
            at=datetime(2026, 11, 20, hour, tzinfo=UTC),
        )  # fmt: skip

    assert len(drilled(item, TODAY, TODAY).reads) == 1
    assert len(drilled(item, TODAY, TODAY + DAY).reads) == 2
    assert len(drilled(item, TODAY + DAY, TODAY + DAY).reads) == 1
    # The first one went on past midnight.
    CustodyReadEnd.objects.create(
        read=item.reads.earliest("at"), at=datetime(2026, 11, 20, 10, 30, tzinfo=UTC),
        ending="whole", sent=4,
    )  # fmt: skip
    assert len(drilled(item, TODAY + DAY, TODAY + DAY).reads) == 2


@pytest.mark.parametrize(
    ("domicile", "first", "codes"),
    [
        ("FR", "policy.person", {"european_union.authority", "european_union.person"}),
        ("US-TX", "policy.person", {"texas.person", "texas.authority"}),
        ("JP", "policy.person", set()),
    ],
)
def test_deadlines_run_from_when_it_was_known_by_the_law_of_where_somebody_lives(
    domicile, first, codes
):
    known_at = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    told = {one.notice.code: one for one in due(domicile, known_at=known_at, zone="Europe/Paris")}

    assert set(told) == {*codes, first}
    if domicile == "FR":
        assert told["european_union.authority"].at == known_at + 72 * HOUR
        assert (told["european_union.person"].at, told["european_union.person"].on) == (None, None)
    if domicile == "US-TX":
        assert told["texas.person"].on == date(2027, 3, 2)  # from 1 January in Paris


def test_each_notice_has_a_source_and_what_was_not_read_says_so():
    told = {notice.code: notice for notice in read_notices()}
    assert all(notice.source for notice in told.values())
    assert told["illinois.person"].confidence is Confidence.UNVERIFIED
    assert told["illinois.person"].days is None


def test_the_page_changes_nothing_is_business_affairs_own_and_has_a_pdf(
    client, stored, granted, agent, affairs, elsewhere
):
    item = stored(b"face")
    granted(item)
    url = reverse("admin:custody_drill", args=[item.pk])
    asked = {"starts_on": str(TODAY), "ends_on": str(TODAY), "known_at_0": str(TODAY),
             "known_at_1": "12:00", "show": "1"}  # fmt: skip
    for user, status in ((agent, 403), (factories.make_member(elsewhere, Role.AGENT), 404)):
        client.force_login(user)
        assert client.get(url, asked).status_code == status
    client.force_login(affairs)
    before = CustodyRead.objects.count()

    page = client.get(url, asked).content.decode()
    pdf = client.get(url, (asked | {"pdf": "1"}))

    assert "A rebuild" in page
    assert "What was not read in the primary text" in page
    assert (
        "It ends before it begins"
        in client.get(url, asked | {"ends_on": "2026-01-01"}).content.decode()
    )
    assert pdf.content.startswith(b"%PDF")
    assert CustodyRead.objects.count() == before


def test_pages_of_an_item_open_also_where_the_desks_key_is_away(
    client, stored, affairs, ada, settings
):
    item = stored(b"face")
    settings.VAULT_IDENTITY = "AGE-SECRET-KEY-1NO"

    client.force_login(affairs)
    page = client.get(reverse("admin:talent_custodyitem_change", args=[item.pk]))
    assert "VAULT_IDENTITY" in page.content.decode()
    assert "VAULT_IDENTITY" in drilled(item).key_holders[0][1]
    client.force_login(ada)
    assert "VAULT_IDENTITY" not in client.get("/held/").content.decode()
