import csv
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.models import Replacement, UsageBatch, UsageEvent
from talent.models import User
from tests.factories import make_performer, make_user

HERE = "portal:usage"


@pytest.fixture
def ada(client, ada):
    client.force_login(ada)
    return ada


@pytest.fixture
def happen(agency, licensee, terms, agreement, twin):
    """Make uses of the twin happen, one for each quantity of lines."""

    def make(*quantities, day="2026-07-15", **fields):
        at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        batch = UsageBatch.objects.create(
            terms=terms, door="api", received_at=datetime(2026, 11, 22, tzinfo=UTC), size=1
        )
        values = {
            "agency": agency,
            "licensee": licensee,
            "agreement": agreement,
            "twin": twin,
            "right": "voice",
            "use": "dubbing",
            "territory": "FR",
            "language": "fr",
            "channel": "streaming",
            "standing": "cleared",
            "entry": bytes(65),
            "occurred_at": at,
            **fields,
        }
        for seat, quantity in enumerate(quantities):
            UsageEvent.objects.create(batch=batch, seat=seat, lines=D(quantity), **values)

    return make


def test_a_performer_sees_who_what_where_and_how_much(client, ada, happen):
    happen("12")

    page = client.get(reverse(HERE)).content.decode()

    for part in ("Paper Moon Pictures", "Voice · Dubbing", "France, French", "12 lines"):
        assert part in page


def test_uses_are_shown_by_month_and_by_standing(client, ada, happen):
    happen("12", day="2026-07-15")
    happen("34", day="2026-08-15", standing="out_of_scope")

    july = client.get(reverse(HERE), {"month": "2026-07"}).content.decode()
    outside = client.get(reverse(HERE), {"standing": "outside"}).content.decode()

    assert ("12 lines" in july, "34 lines" in july) == (True, False)
    assert ("12 lines" in outside, "34 lines" in outside) == (False, True)


def test_home_shows_the_latest_month_with_uses_and_names_it(client, ada, happen):
    home = reverse("portal:home")
    assert "No use has been reported yet" in client.get(home).text

    happen("12", day="2026-07-15")
    happen("34", day="2026-08-31")
    happen("56", day="2026-08-01")
    page = client.get(home)

    assert "What your twin did in August 2026" in page.text
    assert [use.quantities[0].quantity for use in page.context["uses"]] == [56, 34]


def test_home_shows_this_month_as_soon_as_something_happens_in_it(client, ada, happen):
    happen("12", day="2026-07-15")
    happen("34", occurred_at=timezone.now())
    page = client.get(reverse("portal:home"))

    assert "What your twin did this month" in page.text
    assert [use.quantities[0].quantity for use in page.context["uses"]] == [34]


def test_pages_follow_each_other_without_gap_or_repeat(client, ada, happen):
    happen(*range(1, 121))
    found, query = [], ""
    while query is not None:
        values = client.get(f"{reverse(HERE)}{query}").context
        found += [row.quantities[0].quantity for row in values["uses"]]
        query = values["older_url"] and "?" + values["older_url"].partition("?")[2]

    assert found == [D(n) for n in range(120, 0, -1)]


def test_the_csv_has_every_use_and_no_formula(client, ada, licensee, happen):
    licensee.name = "=SUM(1)"
    licensee.save()
    happen(*range(1, 61))

    answer = client.get(reverse("portal:usage-csv"))
    rows = list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))

    assert len(rows) == 60
    assert {row["licensee"] for row in rows} == {"'=SUM(1)"}
    assert sum(D(row["quantity"]) for row in rows) == 1830


def test_the_page_keeps_its_query_budget(client, ada, happen, django_assert_max_num_queries):
    happen(*range(1, 61))

    with django_assert_max_num_queries(14):
        client.get(reverse(HERE))


def test_a_stranger_sees_nothing_of_it(client, ada, twin, happen):
    happen("12")
    stranger = make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    client.force_login(stranger)

    assert "12 lines" not in client.get(reverse(HERE)).content.decode()
    assert client.get(reverse(HERE), {"twin": twin.pk}).status_code == 404


@pytest.mark.parametrize("query", ["month=2026-13", "month=x", "twin=x", "before=x"])
def test_an_address_that_means_nothing_is_no_page(client, ada, query):
    assert client.get(f"{reverse(HERE)}?{query}").status_code == 404


def test_what_was_amended_is_shown_beside_its_amendment(client, ada, happen):
    happen("12")
    old = UsageEvent.objects.get()
    happen("9", kind="amendment", about=old.pk)
    new = UsageEvent.objects.latest("pk")
    Replacement.objects.create(event_id=old.pk, amendment_id=new.pk, replaced_at=old.occurred_at)

    page = client.get(reverse(HERE)).content.decode()
    sheet = b"".join(client.get(reverse("portal:usage-csv")).streaming_content).decode()

    assert f"Replaced by no. {new.pk}" in page
    assert f"Replaces no. {old.pk}" in page
    assert ("12 lines" in page, "9 lines" in page) == (True, True)
    rows = list(csv.DictReader(sheet.splitlines()))
    assert [(row["number"], row["replaces"], row["replaced_by"]) for row in rows] == [
        (str(new.pk), str(old.pk), ""),
        (str(old.pk), "", str(new.pk)),
    ]


def test_a_ruling_is_no_use(client, ada, happen):
    happen("12", standing="out_of_scope")
    happen("1", kind="ruling", about=UsageEvent.objects.get().pk, standing="out_of_scope")

    assert client.get(reverse(HERE)).content.decode().count('class="outside"') == 1


def test_the_feed_brings_only_what_came_since(client, ada, happen):
    happen("12")
    page = client.get(reverse(HERE))
    feed = page.context["feed_url"]
    assert f'hx-get="{feed.replace("&", "&amp;")}"' in page.text
    assert client.get(feed).status_code == 204

    happen("34", "56")
    came = client.get(feed)
    assert came.text.count("data-fresh") == 2
    assert "12 lines" not in came.text
    assert client.get(came.context["feed_url"]).status_code == 204


@pytest.mark.parametrize("since", ["", "x", "9" * 40])
def test_a_feed_since_nothing_is_no_page(client, ada, happen, since):
    happen("12")

    assert client.get(reverse("portal:usage-feed"), {"since": since}).status_code == 404


def test_older_pages_do_not_poll(client, ada, happen):
    happen("12")
    newest = UsageEvent.objects.latest("pk").pk

    assert client.get(reverse(HERE), {"before": newest + 1}).context["feed_url"] == ""


def test_a_stranger_has_no_feed(client, happen):
    happen("12")
    client.force_login(User.objects.create_user("stranger@desk.example", "x"))

    assert client.get(reverse("portal:usage-feed"), {"since": "1"}).status_code == 404
