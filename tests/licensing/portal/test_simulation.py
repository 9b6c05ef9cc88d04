"""What another answer would have done, for the performer who thinks about it."""

from datetime import UTC, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.models import UsageBatch, UsageEvent
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.models import ConsentVersion, Performer, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client, performer, terms, twin, agreement):
    """Ada, whose voice was dubbed twice last month as she allows."""
    performer.user = User.objects.create_user("ada@desk.example", "x")
    performer.save()
    client.force_login(performer.user)
    at = timezone.now().astimezone(UTC) - timedelta(days=30)
    record(
        matrix=matrix_of(performer=performer), cells=[Cell("voice", "dubbing", "allow")],
        evidence=Evidence("A voice."),
        in_force_from=at - timedelta(days=9), recorded_at=at, by=None,
    )  # fmt: skip
    batch = UsageBatch.objects.create(terms=terms, door="api", received_at=at, size=2)
    for seat in range(2):
        UsageEvent.objects.create(
            batch=batch, seat=seat, agency=terms.agency, licensee=terms.licensee, twin=twin,
            agreement=agreement, occurred_at=at, right="voice", use="dubbing", territory="FR",
            channel="cinema", standing="cleared", lines=7, entry=b"",
        )  # fmt: skip
    return performer.user


@pytest.fixture
def page(twin):
    return reverse("portal:simulate", args=[twin.pk])


def test_a_performer_sees_what_a_no_would_have_stopped(client, ada, page):
    opened = client.get(page, {"cell": "voice.dubbing"}).content.decode()
    assert "Voice in Dubbing" in opened
    answer = client.get(page, {"cell": "voice.dubbing", "stance": "deny", "months": "12"})
    text = answer.content.decode()
    assert "2 uses" in text
    assert "14 lines" in text
    assert "Paper Moon Pictures" in text
    assert ConsentVersion.objects.count() == 1


def test_the_answer_it_has_changes_nothing(client, ada, page):
    text = client.get(page, {"cell": "voice.dubbing", "stance": "allow", "months": "3"})
    assert "would have gone another way" in text.content.decode()


@pytest.mark.parametrize("query", [{}, {"cell": "aura.dubbing"}, {"cell": "voice.karaoke"}])
def test_a_cell_that_is_none_is_no_page(client, ada, page, query):
    assert client.get(page, query).status_code == 404


def test_a_stranger_finds_no_page(client, ada, page):
    stranger = User.objects.create_user("ben@desk.example", "x")
    Performer.objects.create(name="Ben Sample", user=stranger)
    client.force_login(stranger)
    query = {"cell": "voice.dubbing", "stance": "deny", "months": "12"}
    assert client.get(page, query).status_code == 404
