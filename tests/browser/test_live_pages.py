"""In a real browser: a use appears on the page that is open, and charts are drawn."""

import json
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from licensing import api_keys
from licensing.models import Agreement, LicenseeTerms
from likenessdesk.demo.summer import envelopes

pytestmark = pytest.mark.judge("chromium")

AGREEMENT = "MER-2026-001"
POLLS_EVERY = 15_000


@pytest.fixture
def studio(desk):
    """Report one more use of Ada's voice, as the studio's pipeline does."""
    agreement = Agreement.objects.get(reference=AGREEMENT)
    terms = LicenseeTerms.objects.get(agency=agreement.agency, licensee=agreement.licensee)
    secret = api_keys.issue(terms=terms, label="Tests", at=timezone.now(), by=None).secret
    pipeline = Client(headers={"authorization": f"Bearer {secret}"})
    use = envelopes(AGREEMENT)[0]

    def reports(key):
        sent = replace(use, id=key)
        told = {name: getattr(sent, name) for name in ("id", "source", "type", "time", "data")}
        answer = pipeline.post(
            "/api/v1/usage/events",
            json.dumps({"specversion": "1.0", **told}),
            content_type="application/cloudevents+json",
        )
        assert answer.status_code == 201

    return reports


@pytest.fixture
def ada(sign_in):
    """Ada's window, whose clock the test turns, and what its scripts complain of."""
    page = sign_in("ada@performers.example")
    page.clock.install()
    return page


def test_a_reported_use_appears_on_the_open_page(ada, studio, barriers):
    ada.goto("/usage/")
    fresh, status = ada.locator("tr[data-fresh]"), ada.locator("#feed-status")
    ada.evaluate("window.notReloaded = true")
    expect(status).to_be_empty()

    studio("live-1")
    ada.clock.fast_forward(POLLS_EVERY)
    expect(fresh).to_have_count(1)
    expect(fresh).to_contain_text("Tin Rocket Games")
    expect(status).to_have_text("New uses: 1")

    studio("live-2")
    ada.clock.fast_forward(POLLS_EVERY)
    expect(fresh).to_have_count(2)
    assert ada.evaluate("window.notReloaded")
    assert barriers(ada) == []


def test_a_chosen_list_goes_on_being_fed(ada, studio):
    ada.goto("/usage/")
    with ada.expect_response(lambda answer: "twin=" in answer.url):
        ada.get_by_label("Twin").select_option("Ada Sample, voice")
    expect(ada.get_by_text("Lanternfish Pictures")).to_have_count(0)

    studio("live-1")
    ada.clock.fast_forward(POLLS_EVERY)
    expect(ada.locator("#feed-status")).to_have_text("New uses: 1")


def test_nothing_stands_above_the_first_use_before_another_comes(sign_in):
    page = sign_in("ada@performers.example", viewport={"width": 390, "height": 844})
    page.goto("/usage/")

    assert page.locator("#feed").is_hidden()
    assert page.locator("#feed-status").bounding_box()["height"] == 0


@pytest.mark.parametrize("address", ["portal:usage-charts", "admin:valuation_usagetotal_charts"])
def test_charts_are_drawn_beside_tables_that_say_the_same(sign_in, address):
    page = sign_in("ada@performers.example" if "portal" in address else "cora@meridian.example")
    complaints = []
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(reverse(address))

    by_month = page.get_by_role("region", name="By month")
    expect(by_month.locator("svg .mark-rect path")).not_to_have_count(0)
    assert page.locator(".plot svg").count() == page.locator("details table").count() == 3

    by_month.get_by_text("The same as a table").click()
    rows = by_month.get_by_role("row", name="July 2026")
    expect(rows).to_be_visible()
    assert complaints == []
