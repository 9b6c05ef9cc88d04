"""The admin's list of events: paged by key, filtered by index, and each event explained."""

import json
import re

import pytest
from django.db import connection
from django.urls import reverse

from licensing.admin.usage.long_lists import COUNTED_EXACTLY, EstimatedPaginator
from licensing.models import (
    Licensee,
    UsageEvent,
)
from licensing.usage.explanations import explained
from licensing.usage.recording.record import record_events
from talent.models import User
from tests.factories import admin_page, sign_in

pytestmark = pytest.mark.django_db
LIST = "admin:licensing_usageevent_changelist"
PER_PAGE = 50


@pytest.fixture
def events(origin, use):
    record_events([use(f"take-{number}") for number in range(120)], origin)
    return list(UsageEvent.objects.order_by("-pk").values_list("pk", flat=True))


@pytest.fixture
def client(affairs):
    return sign_in(affairs)


def shown(response):
    return [event.pk for event in response.context["cl"].result_list]


def follow(client, response, name):
    url = getattr(response.context["cl"], f"{name}_url")
    return client.get(reverse(LIST) + url) if url else None


def test_pages_lead_from_the_newest_to_the_oldest_and_back(client, events):
    first = client.get(reverse(LIST))
    second = follow(client, first, "older")
    third = follow(client, second, "older")

    assert [shown(first), shown(second), shown(third)] == [
        events[:50], events[50:100], events[100:],
    ]  # fmt: skip
    assert follow(client, first, "newer") is follow(client, third, "older") is None
    assert shown(follow(client, third, "newer")) == events[50:100]
    assert shown(follow(client, second, "newest")) == events[:50]
    assert shown(follow(client, first, "oldest")) == events[70:]
    assert follow(client, follow(client, first, "oldest"), "older") is None


def test_a_page_stays_where_it_is_when_a_newer_event_comes(client, events, origin, use):
    second = follow(client, client.get(reverse(LIST)), "older")
    record_events([use("one-more")], origin)

    assert shown(client.get(second.request["PATH_INFO"], {"before": events[49]})) == events[50:100]


def test_no_page_is_skipped_to_row_by_row(client, events, django_assert_max_num_queries):
    with django_assert_max_num_queries(10) as queries:
        client.get(reverse(LIST), {"before": events[20], "standing__exact": "cleared"})

    assert not any("OFFSET" in query["sql"] for query in queries.captured_queries)


@pytest.mark.parametrize("start", ["x", "-1", "9" * 40, "½"])
def test_a_start_that_is_no_key_is_the_first_page(client, events, start):
    assert shown(client.get(reverse(LIST), {"before": start})) == events[:50]


def test_a_month_is_that_in_which_the_use_happened(client, origin, use):
    record_events([use("may"), use("june", time="2026-06-01T00:00:00Z")], origin)

    assert len(shown(client.get(reverse(LIST), {"month": "2026-05"}))) == 1
    assert len(shown(client.get(reverse(LIST), {"month": "2026-06"}))) == 1
    assert shown(client.get(reverse(LIST), {"month": "2026-07"})) == []
    assert shown(client.get(reverse(LIST), {"month": "soon"})) == []


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "pkey"),
        ({"licensee__id__exact": "{licensee}"}, "licensee"),
        ({"twin__id__exact": "{twin}"}, "twin"),
        ({"agreement__id__exact": "{agreement}"}, "agreement"),
        ({"standing__in": "uncleared,on_hold,over_cap,out_of_scope"}, "id_standing"),
        ({"standing__exact": "on_hold"}, "id_standing"),
        ({"month": "2026-05"}, "occurred_at|pkey"),
        ({"month": "2026-05", "licensee__id__exact": "{licensee}"}, "licensee|occurred_at"),
    ],
)
def test_every_filter_has_an_index_to_go_by(rf, admin_user, events, agreement, filters, index):
    """Scans and sorts are priced out: what still takes one has no index."""
    from django.contrib import admin

    ids = {"licensee": agreement.licensee_id, "twin": agreement.twin_id, "agreement": agreement.pk}
    request = rf.get("/", {name: value.format(**ids) for name, value in filters.items()})
    request.user = admin_user
    listed = admin.site.get_model_admin(UsageEvent).get_changelist_instance(request)
    sql, params = listed.queryset.order_by("-pk")[:51].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = json.dumps(cursor.fetchone()[0])

    assert not re.search(r'"Seq Scan", [^{}]*"Relation Name": "licensing_usageevent', plan)
    assert re.search(rf'"Index Name": "licensing_usageevent[^"]*({index})', plan), plan


# Why an event stands as it does


def test_an_event_leads_to_its_decision_and_to_the_consent_that_decided_it(client, events):
    event = UsageEvent.objects.get(pk=events[0])
    page = client.get(reverse("admin:licensing_usageevent_change", args=[event.pk])).text
    decision = reverse("admin:licensing_usageevent_decision", args=[event.pk])

    assert decision in page
    text = client.get(decision).text
    assert event.get_standing_display() in text
    assert "The consents it stood on" in text


def test_an_explanation_agrees_with_what_was_recorded(events):
    event = UsageEvent.objects.select_related("batch").get(pk=events[0])

    assert explained(event).agrees


def test_no_decision_of_another_agencys_event_is_shown(events):
    stranger = User.objects.create_user("stranger@desk.example", is_staff=True)
    url = reverse("admin:licensing_usageevent_decision", args=[events[0]])

    assert sign_in(stranger).get(url).status_code in (403, 404)


def test_a_long_list_is_estimated_and_a_short_one_counted(db, licensee):
    short = EstimatedPaginator(Licensee.objects.order_by("pk"), 50)
    numbers = "SELECT 1 AS id FROM generate_series(1, 60000)"
    assert short.count == 1

    class Long(EstimatedPaginator):
        """A list whose plan expects many rows, and which must not be counted."""

    long = Long(_Planned(numbers), 50)
    assert long.count > COUNTED_EXACTLY


class _Planned:
    """What the paginator asks of a queryset, for a statement written by hand."""

    def __init__(self, sql):
        self.sql = sql
        self.query = self

    def order_by(self):
        return self

    def values(self, _name):
        return self

    def sql_with_params(self):
        return self.sql, ()

    def count(self):
        raise AssertionError("A long list was counted.")


def test_events_open_within_few_queries_however_many(
    affairs, origin, use, django_assert_max_num_queries
):
    record_events([use(f"take-{number}") for number in range(30)], origin)
    client = sign_in(affairs)

    with django_assert_max_num_queries(14):
        listed = client.get(
            reverse("admin:licensing_usageevent_changelist"), {"standing__in": "uncleared,on_hold"}
        )
    assert listed.context["cl"].result_count == 30
    event = UsageEvent.objects.first()
    assert "1 line, 7 words" in client.get(admin_page(UsageEvent, event.pk)).text


def test_events_are_found_by_whose_they_are(affairs, origin, use, agreement):
    record_events([use("take-1")], origin)
    url = reverse("admin:licensing_usageevent_changelist")
    listed = sign_in(affairs).get(url, {"agreement__id__exact": agreement.pk})
    other = sign_in(affairs).get(url, {"agreement__id__exact": agreement.pk + 1})

    assert listed.context["cl"].result_count == 1
    assert other.context["cl"].result_count == 0
