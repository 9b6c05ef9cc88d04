"""Redis is killed and stays away: the desk goes on, over HTTP, and what waits for it waits."""

import subprocess
import sys
import time
import uuid

import pytest
import requests
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from licensing.usage.events.event_types import USAGE_TYPE
from likenessdesk.management.commands.run import HOST
from talent.accounts import tries
from tests import template
from tests.journeys.own_desk import OPERATOR, PASSWORD, ROOT, TOTP_SECRET, own_desk
from tests.pages import pages_without_names

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def desk(django_db_setup, django_db_blocker):
    collect_static_files()
    with django_db_blocker.unblock():
        migrated = template.url(template.made())
    with own_desk(migrated) as running:
        running.kill_for_good("Valkey")
        yield running


def collect_static_files():
    """As `make run` does: without them no page is drawn, not even the one that says so."""
    command = [sys.executable, "manage.py", "collectstatic", "--noinput"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603


class Browser:
    """A window at a desk, with its cookies."""

    def __init__(self, desk):
        self.base = f"http://{HOST}:{desk.port}"
        self.session = requests.Session()

    def get(self, address, **query):
        return self.session.get(self.base + address, params=query, timeout=30)

    def post(self, address, **values):
        token = {"csrfmiddlewaretoken": self.session.cookies["csrftoken"]}
        return self.session.post(self.base + address, data=values | token, timeout=30)

    def sign_in(self, email, password):
        self.get("/sign-in/")
        return self.post("/sign-in/", login=email, password=password)


@pytest.fixture(scope="module")
def operator(desk):
    browser = Browser(desk)
    answer = browser.sign_in(OPERATOR, PASSWORD)
    assert answer.url.endswith("/sign-in/code/"), answer.status_code
    code = format_hotp_value(hotp_value(TOTP_SECRET, int(time.time()) // 30))
    browser.post("/sign-in/code/", code=code)
    return browser


def test_somebody_signs_in_with_password_and_code(operator):
    answer = operator.get("/admin/")

    assert (answer.status_code, answer.url) == (200, f"{operator.base}/admin/")


def test_tries_are_counted_still(desk):
    stranger = Browser(desk)
    answers = [
        stranger.sign_in("nobody@desk.example", f"wrong {number}")
        for number in range(tries.ACCOUNT_FROM_ADDRESS.tries + 1)
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert ["Too many tries" in answer.text for answer in answers].index(True) == len(answers) - 1


def test_search_finds(operator):
    for _ in range(2):  # The second time, what is remembered of the first.
        found = operator.get("/admin/search/", s="Ada", extended="1")
        assert found.status_code == 200
        assert "Ada Example" in found.text


@pytest.mark.deep
def test_every_page_answers(operator):
    pages = sorted(set(pages_without_names()))
    assert len(pages) > 250

    answers = {page: operator.get(page).status_code for page in pages}

    assert {page: status for page, status in answers.items() if status >= 500} == {}


def test_a_studio_asks_and_reports(desk):
    use = {
        "twin": desk.cast["twin"],
        "agreement": desk.cast["agreement"],
        "right": "voice",
        "use": "dubbing",
        "territory": "FR",
        "language": "fr",
        "channel": "cinema",
        "quantities": {"lines": "2"},
    }
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "//studio.example/pipeline",
        "type": USAGE_TYPE,
        "time": "2026-07-14T10:31:00Z",
        "data": use,
    }
    studio = requests.Session()
    studio.headers["Authorization"] = f"Bearer {desk.cast['key']}"
    api = f"http://{HOST}:{desk.port}/api/v1"

    reported = studio.post(
        f"{api}/usage/events",
        json=event,
        headers={"Content-Type": "application/cloudevents+json"},
        timeout=30,
    )
    asked = studio.post(f"{api}/clearance", json=use, timeout=30)

    assert reported.status_code in {200, 201, 207}, reported.text
    assert asked.status_code < 500, asked.text
