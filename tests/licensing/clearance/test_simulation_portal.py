"""What another answer would have done, for the performer who thinks about it."""

from datetime import UTC, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from talent.models import ConsentVersion
from tests.factories import make_performer, make_user, make_uses, record_consent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client, ada, performer, terms, twin, agreement):
    """Ada, whose voice was dubbed twice last month as she allows."""
    client.force_login(ada)
    at = timezone.now().astimezone(UTC) - timedelta(days=30)
    record_consent(performer=performer, at=at - timedelta(days=9), recorded_at=at)
    make_uses(terms, twin, 7, 7, at=at, agreement=agreement)
    return ada


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
    stranger = make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    client.force_login(stranger)
    query = {"cell": "voice.dubbing", "stance": "deny", "months": "12"}
    assert client.get(page, query).status_code == 404
