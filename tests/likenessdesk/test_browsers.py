"""What is told with an answer: to browsers a policy and the end of a session, to the log a line."""

import logging
import sys

import pytest
from django.urls import reverse

from likenessdesk.browsers import BY_ITSELF, SEEN
from likenessdesk.logs import WithoutAnswers, WithoutRowValues
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


# The log


def written(status, fault):
    try:
        raise fault
    except type(fault):
        record = logging.LogRecord("django.request", 30, "", 1, "Said", (), sys.exc_info())
    record.status_code = status
    assert WithoutAnswers().filter(record)
    return WithoutRowValues("{message}", style="{").format(record)


def test_a_page_that_is_not_there_is_no_traceback():
    assert written(404, LookupError("No such row")) == "Said"
    assert written(403, PermissionError("Not yours")) == "Said"


def test_a_fault_keeps_its_traceback():
    assert "RuntimeError: Broken" in written(500, RuntimeError("Broken"))


def test_the_desks_own_handler_leaves_it_out(client, db, capsys):
    client.get("/nowhere/")

    assert "Traceback" not in capsys.readouterr().err
