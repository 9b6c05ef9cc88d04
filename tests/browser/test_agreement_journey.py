"""In a real browser: an agreement from nothing by the wizard, stopped by a rule, mended, signed,
and the studio's next request is cleared under it."""

import re
import time
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from licensing.models import Agreement, LicenseeTerms
from tests import factories

pytestmark = pytest.mark.judge("chromium")

PHONE = {"viewport": {"width": 390, "height": 844}}
FIVE_MINUTES = 5 * 60
SPECIFIC = "Battle lines of the pilot Ivo, recorded and generated for the game Orbit Garden."


def begin(page):
    """Begin an agreement from plain lists, which every browser has."""
    page.goto(reverse("admin:licensing_agreement_add"))
    page.goto(reverse("admin:licensing_agreement_wizard_begin") + "?plain=1")
    page.select_option("[name=licensee]", label="Tin Rocket Games")
    page.select_option("[name=twin]", label="Ada Sample, voice")
    page.select_option("[name=productions]", label="Orbit Garden")
    onward(page)
    return Agreement.objects.latest("pk")


def onward(page):
    with page.expect_navigation():
        page.locator("button.wizard-next").click()


def fill_in(page, description):
    page.get_by_label("Game with real-time generation").check()
    page.get_by_label("Description").fill(description)
    page.get_by_label("Governing law").fill("California, United States")
    page.get_by_label("Last day").fill(f"{timezone.localdate().year + 1}-12-31")
    onward(page)
    expect(page.locator("#cell-voice-game")).to_be_checked()
    onward(page)
    page.get_by_label("Price of 1 line").fill("4")
    onward(page)
    onward(page)
    page.get_by_label("Represented by").select_option("none")
    page.get_by_label("Capture reason").fill("The pilot speaks lines that the session has not.")
    onward(page)


def sign(page):
    """Sign, and prove who one is where the desk asks."""
    with page.expect_navigation():
        page.locator("a.wizard-next").click()
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("demo-of-the-desk")
        page.keyboard.press("Enter")
        page.wait_for_load_state()
    with page.expect_navigation():
        page.get_by_role("button", name="Sign", exact=True).click()


def test_an_agreement_is_made_stopped_mended_signed_and_cleared_under(sign_in, barriers):
    page = sign_in("basil@meridian.example")
    began = time.monotonic()
    draft = begin(page)
    fill_in(page, "Any and all uses.")

    # Stopped: a blanket use, by somebody without counsel.
    expect(page).to_have_url(re.compile("/wizard/checks/"))
    expect(page.locator("a.wizard-next")).to_have_count(0)
    stopped = page.locator(".wizard-against-fails").first
    expect(stopped).to_contain_text("California")
    assert barriers(page) == []

    # Mended as the finding says.
    stopped.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/wizard/deal/#id_description"))
    page.get_by_label("Description").fill(SPECIFIC)
    onward(page)
    page.get_by_role("link", name="7 Checks and signing").click()
    expect(page.locator(".wizard-against-fails")).to_have_count(0)

    sign(page)
    expect(page.get_by_text("is signed. Its studio can ask")).to_be_visible()
    assert time.monotonic() - began < FIVE_MINUTES
    draft.refresh_from_db()
    assert draft.status == "signed"

    terms = LicenseeTerms.objects.get(agency=draft.agency_id, licensee=draft.licensee_id)
    answer = factories.make_studio(terms, at=timezone.now()).post(
        "/api/v1/clearances",
        {
            "twin": f"T{draft.twin_id}",
            "agreement": draft.reference,
            "production": "Orbit Garden",
            "right": "voice",
            "use": "game",
            "at": (timezone.now() + timedelta(hours=1)).isoformat(),
            "territory": "US",
            "language": "en",
            "channel": "game",
            "quantities": {"lines": "6"},
        },
        content_type="application/json",
        headers={"idempotency-key": str(uuid.uuid4())},
    )
    assert answer.json()["outcome"] == "cleared", answer.json()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [{}, PHONE], ids=["desk", "phone"])
def test_no_step_keeps_anybody_out(sign_in, barriers, scheme, window):
    page = sign_in("basil@meridian.example", color_scheme=scheme, **window)
    begin(page)
    found = {}
    for _step in range(6):
        found |= {page.url: faults} if (faults := barriers(page)) else {}
        if page.get_by_label("Game with real-time generation").count():
            page.get_by_label("Game with real-time generation").check()
        if page.locator("button.wizard-next").count():
            onward(page)

    assert not found


def test_the_words_follow_what_one_ticks_before_it_is_saved(sign_in):
    page = sign_in("basil@meridian.example")
    draft = begin(page)
    page.get_by_label("Game with real-time generation").check()
    onward(page)
    words = page.locator("#wizard-words")
    expect(words).to_contain_text("Your voice may be used in games")

    page.get_by_label("In which languages").fill("French")
    expect(words).to_contain_text("in games in French")
    page.locator("#cell-voice-game").focus()
    page.keyboard.press("Space")
    expect(words).to_contain_text("Nothing is ticked")
    assert not draft.grants.exists()


def test_the_wizard_works_without_scripts(sign_in):
    page = sign_in("basil@meridian.example", java_script_enabled=False)
    page.goto(reverse("admin:licensing_agreement_add"))
    page.get_by_role("link", name="Take the step with plain lists").click()
    draft = begin(page)
    fill_in(page, SPECIFIC)

    expect(page).to_have_url(re.compile("/wizard/checks/"))
    assert draft.grants.count() == 1
    assert draft.rate_cards.get().lines.get().unit_price == 4
