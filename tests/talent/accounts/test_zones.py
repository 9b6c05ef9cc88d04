"""In which zone pages write and read times, and that what was typed is read where it was typed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from licensing.models import Agreement
from talent.accounts.zones import ZoneOfPages, times_of_staff
from talent.models import Agency, Membership, Performer
from talent.words import Role
from tests.factories import admin_page, make_agreement, make_member, sign_in

CALIFORNIA, BERLIN = "America/Los_Angeles", "Europe/Berlin"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def west(agency):
    Agency.objects.filter(pk=agency.pk).update(time_zone=CALIFORNIA)
    agency.refresh_from_db()
    return agency


@pytest.fixture
def east(elsewhere):
    Agency.objects.filter(pk=elsewhere.pk).update(time_zone=BERLIN)
    elsewhere.refresh_from_db()
    return elsewhere


def zone_at(path, user, **session):
    """Return the zone in which a page at a path is written for somebody."""
    seen = []

    def page(_request):
        seen.append(timezone.get_current_timezone_name())
        return HttpResponse()

    request = RequestFactory().get(path)
    request.user, request.session = user, {"_auth_user_id": user.pk, **session}
    ZoneOfPages(page)(request)
    return seen[0]


def test_times_are_the_agencys_in_the_admin_the_readers_in_the_portal_and_utc_for_programs(
    west, affairs, ada
):
    ada.time_zone = affairs.time_zone = "Asia/Tokyo"

    assert zone_at("/admin/licensing/agreement/", affairs) == CALIFORNIA
    assert zone_at("/usage/", affairs) == "Asia/Tokyo"
    assert zone_at("/", ada) == "Asia/Tokyo"
    assert zone_at("/api/v1/usage", affairs) == "UTC"
    assert timezone.get_current_timezone_name() == "UTC"  # The next page begins anew.


def test_who_works_for_several_agencies_reads_the_chosen_ones_times(west, east, affairs):
    make_member(east, Role.AGENT, email=affairs.email)
    first, second = sorted([west, east], key=lambda one: one.name)

    assert times_of_staff(affairs).agency == first
    assert times_of_staff(affairs, second.pk).agency == second
    assert times_of_staff(affairs, second.pk).others == [first]


def test_a_seat_that_is_over_gives_no_zone(west, affairs, stranger):
    Membership.objects.filter(user=affairs).update(ends_on="2021-01-01")
    stranger.time_zone = "Mars/Olympus"

    assert times_of_staff(affairs, west.pk).agency is None
    assert zone_at("/admin/", stranger) == "UTC"


def test_a_person_chooses_among_own_agencies_and_gets_back_to_where_they_were(west, east, affairs):
    client = sign_in(affairs)
    url = reverse("times")

    assert client.get(url).status_code == 405
    assert client.post(url, {"agency": east.pk}).status_code == 404
    assert client.post(url, {"agency": "x"}).status_code == 404
    make_member(east, Role.AGENT, email=affairs.email)
    chosen = client.post(url, {"agency": west.pk, "next": "/admin/licensing/agreement/"})
    assert chosen.url == "/admin/licensing/agreement/"
    away = client.post(url, {"agency": west.pk, "next": "https://elsewhere.example/"})
    assert away.url == reverse("admin:index")
    page = client.get(chosen.url).content.decode()
    assert f"Times are those of {west}: {CALIFORNIA}." in page
    assert f"Those of {east} instead ({BERLIN})" in page


def test_an_instant_is_shown_in_the_agencys_zone_and_the_page_says_so(
    west, affairs, licensee, twin
):
    draft = make_agreement(west, licensee, twin, status="draft", signed_at=None, starts_at=NOON)
    page = sign_in(affairs).get(admin_page(Agreement, draft.pk))
    text = page.content.decode()

    assert re.search(r'name="starts_at_1" value="05:00(:00)?"', text)
    assert f"In the time of {CALIFORNIA}." in text
    assert f'name="_zone" value="{CALIFORNIA}"' in text


def test_what_is_typed_is_read_in_the_zone_that_its_page_named(west, affairs, terms, twin):
    """The agency moved meanwhile; what it, and the performer, said is taken where nothing is."""
    Performer.objects.filter(pk=twin.performer_id).update(guild="sag_aftra")
    given = {
        "reference": "NL-typed", "agency": west.pk, "licensee": terms.licensee_id, "twin": twin.pk,
        "starts_at_0": "2026-07-01", "starts_at_1": "05:00", "rating_period": "quarter",
        "fiscal_year_start_month": "1", "engagement": "not_covered", "_zone": CALIFORNIA,
        "currency": "", "time_zone": "", "guild": "",
        **{
            f"{part}-{count}_FORMS": "0"
            for part in ("grants", "rate_cards", "caps", "steps")
            for count in ("TOTAL", "INITIAL")
        },
    }  # fmt: skip
    Agency.objects.filter(pk=west.pk).update(time_zone=BERLIN, country="DE")
    client, url = sign_in(affairs), admin_page(Agreement)
    form = client.get(url, {"form": "1"}).context["adminform"].form

    assert [form[name].value() for name in ("currency", "time_zone", "guild")] == ["", "", ""]
    sent = client.post(url, given)
    assert sent.status_code == 302, sent.context["errors"]
    new = Agreement.objects.get(reference="NL-typed")
    assert new.starts_at == NOON
    assert (new.currency, new.time_zone, new.guild) == ("EUR", BERLIN, "sag_aftra")


@pytest.mark.parametrize("zone", ["Etc/GMT-14", "Etc/GMT+12"])
def test_the_pages_zone_moves_no_day_on_which_a_seat_begins(zone, affairs):
    """At any hour one of these zones has another day than the desk's own."""
    today = datetime.now(UTC).date()
    seats = Membership.objects.filter(user=affairs)
    with timezone.override(zone):
        seats.update(starts_on=today, ends_on=None)
        assert seats.current().exists()
        seats.update(starts_on=today + timedelta(days=1))
        assert not seats.current().exists()
