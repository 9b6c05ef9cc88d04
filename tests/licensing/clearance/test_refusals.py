"""What was refused for a performer: who, what, when, and why in words that name nobody else."""

import csv
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import Hold
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.models import CompositeSource, DigitalTwin, Performer
from tests.factories import make_performer, make_user

JULY = datetime(2026, 7, 15, 12, tzinfo=UTC)
AUGUST = datetime(2026, 8, 15, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client, ada):
    client.force_login(ada)
    return ada


@pytest.fixture
def refuse(terms, twin):
    def make(at=JULY, *, about=twin, count=1):
        for _ in range(count):
            asked = SentRequest(twin=about.name, right="voice", use="game", at=at, territory="FR")
            assert ask(asked, terms=terms, asked_at=at).outcome == "refused"

    return make


def page(client, **query):
    return client.get(reverse("portal:refused"), query)


def test_a_performer_reads_who_wanted_what_and_why_not(client, ada, refuse):
    refuse()
    text = page(client).content.decode()
    for part in (
        "Paper Moon Pictures", "voice × Game", "France", "The consent does not allow Voice in Game",
    ):  # fmt: skip
        assert part in text


def test_attempts_are_counted_and_chosen_by_month(client, ada, refuse):
    refuse(JULY, count=2)
    refuse(AUGUST)
    text = page(client).content.decode()
    assert "July 2026 (2)" in text
    assert "August 2026 (1)" in text
    assert len(page(client, month="2026-07").context["attempts"]) == 2


def test_pages_follow_each_other_without_gap_or_repeat(client, ada, refuse):
    refuse(count=51)
    first = page(client).context
    second = client.get(first["older_url"]).context
    found = [row.id for row in (*first["attempts"], *second["attempts"])]
    assert len(set(found)) == len(found) == 51


def test_a_source_reads_nothing_of_the_other_sources(client, ada, performer, refuse, agency):
    persona = DigitalTwin.objects.create(
        name="Chorus", agency=agency, tier="autonomous_generative_persona",
        legal_class="synthetic", union_notice_on="2025-01-01",
    )  # fmt: skip
    other = Performer.objects.create(name="Bo Placeholder")
    for person, stance in ((performer, "allow"), (other, "deny")):
        CompositeSource.objects.create(twin=persona, performer=person, weight=1)
        record(
            matrix=matrix_of(performer=person), cells=[Cell("voice", "game", stance)],
            in_force_from=datetime(2026, 1, 1, tzinfo=UTC),
            recorded_at=datetime(2026, 1, 1, tzinfo=UTC), by=None, evidence=Evidence("A voice."),
        )  # fmt: skip
    refuse(about=persona)
    assert "Bo Placeholder" not in page(client).content.decode()
    assert "Bo Placeholder" not in client.get(reverse("portal:home")).content.decode()


def test_what_lies_on_hold_is_said_without_the_staffs_reason(client, ada, agreement):
    Hold.objects.create(kind="dispute", agreement=agreement, starts_at=JULY, reason="Secret bill.")
    text = page(client).content.decode()
    assert "Dispute hold since" in text
    assert "Secret bill" not in text


def test_the_csv_has_every_attempt_and_no_formula(client, ada, refuse, licensee):
    licensee.name = "=SUM(1)"
    licensee.save()
    refuse(count=52)
    answer = client.get(reverse("portal:refused-csv"), {"month": "2026-07"})
    rows = list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))
    assert len(rows) == 52
    assert {row["licensee"] for row in rows} == {"'=SUM(1)"}


def test_where_nothing_was_refused_the_page_says_so(client, ada, twin):
    assert "No studio has asked for anything" in page(client).content.decode()


@pytest.mark.parametrize("query", [{"month": "2026-13"}, {"month": "x"}, {"before": "x"}])
def test_an_address_that_means_nothing_is_no_page(client, ada, query):
    assert page(client, **query).status_code == 404


def test_a_stranger_reads_nothing_of_it(client, ada, refuse):
    refuse()
    stranger = make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    client.force_login(stranger)
    assert "Paper Moon" not in page(client).content.decode()


def test_the_page_keeps_its_query_budget(client, ada, refuse, django_assert_max_num_queries):
    refuse(count=30)
    with django_assert_max_num_queries(12):
        page(client)
