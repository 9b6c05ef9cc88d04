"""What browsers are told: a content policy with each answer, and the end of an idle session."""

import pytest
from django.urls import reverse

from likenessdesk.browsers import BY_ITSELF, SEEN
from tests.factories import sign_in

MINUTE = 60


@pytest.fixture
def clock(monkeypatch):
    """The clock of sessions, which a test turns."""
    now = [1_800_000_000]
    monkeypatch.setattr("likenessdesk.browsers.time.time", lambda: now[0])

    def turn(minutes):
        now[0] += minutes * MINUTE

    return turn


def policy(response):
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in parts}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/sign-in/", 200),
        ("/nowhere/", 404),
        ("/api/", 200),
        ("/api/v1/twins", 401),
        ("/.well-known/jwks.json", 200),
    ],
)
def test_every_answer_carries_the_content_policy(client, db, address, status):
    answer = client.get(address)

    assert answer.status_code == status
    assert policy(answer)["script-src"] == {"'self'"}
    assert policy(answer)["object-src"] == {"'none'"}
    assert policy(answer)["frame-ancestors"] == {"'none'"}


def test_only_the_admins_theme_evaluates_what_its_pages_say(client, db):
    assert policy(client.get("/admin/login/"))["script-src"] == {"'self'", "'unsafe-eval'"}


def test_a_session_that_nobody_uses_ends(agent, clock):
    client = sign_in(agent)
    assert client.get("/admin/").status_code == 200
    clock(59)
    assert client.get("/admin/").status_code == 200, "It was used again in time."
    clock(59)
    assert client.get("/admin/").status_code == 200
    clock(60)
    ended = client.get("/admin/", follow=True)

    assert ended.redirect_chain
    assert "You were signed out after 60 minutes without use." in ended.text
    assert "_auth_user_id" not in client.session


def test_a_page_that_asks_for_news_by_itself_keeps_no_session_open(agent, clock):
    client = sign_in(agent)
    client.get("/admin/")
    for _quarter in range(3):
        clock(15)
        client.get("/admin/", headers={BY_ITSELF: "1"})
    clock(15)
    ended = client.get("/admin/", headers={BY_ITSELF: "1", "HX-Request": "true"})

    assert ended["HX-Refresh"] == "true"
    assert "_auth_user_id" not in client.session


def test_readers_of_the_portal_have_half_a_day(ada, clock):
    client = sign_in(ada)
    client.get(reverse("portal:home"))
    clock(11 * 60)
    assert client.get(reverse("portal:home")).status_code == 200
    clock(12 * 60)
    assert client.get(reverse("portal:home")).status_code == 302


def test_a_session_is_written_once_a_minute_at_most(agent, clock):
    client = sign_in(agent)
    client.get("/admin/")
    noted = client.session[SEEN]
    clock(0.9)
    client.get("/admin/")
    assert client.session[SEEN] == noted
    clock(0.2)
    client.get("/admin/")
    assert client.session[SEEN] > noted
