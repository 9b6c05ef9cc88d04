"""In a real browser: an agreement from nothing by the wizard, stopped by a rule, mended as the
finding says, signed by all, and its studio's next request is cleared under it."""

import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from licensing.models import Agreement, LicenseeTerms, SigningRound
from talent.models import User
from tests import factories, signing

pytestmark = pytest.mark.judge("chromium")

PHONE = {"viewport": {"width": 390, "height": 844}}
FIVE_MINUTES = 5 * 60
STUDIO = "sam@tin-rocket.example"
ADA, BASIL = "ada@performers.example", "basil@meridian.example"
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


def send(page):
    """Send it for signature, and prove who one is where the desk asks."""
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("demo-of-the-desk")
        page.keyboard.press("Enter")
    page.get_by_label("Who signs for the licensee").fill("Sam Studio")
    page.get_by_label("Their mail address").fill(STUDIO)
    page.get_by_role("button", name="Send for signature").click()
    expect(page.get_by_text("is out for signature. Its round")).to_be_visible(timeout=60_000)


def apart(act, *given):
    """Act in a thread of its own: the browser's runs a loop, in which nothing is sealed."""

    def acted():
        try:
            act(*given)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        threads.submit(acted).result()


def test_an_agreement_is_made_stopped_mended_signed_and_cleared_under(sign_in, sealing, barriers):
    page = sign_in(BASIL)
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

    # Nothing is missing any more: what binds is offered.
    assert barriers(page) == []
    page.get_by_role("link", name="Send for signature").click()
    assert time.monotonic() - began < FIVE_MINUTES
    send(page)

    found = SigningRound.objects.get(agreement=draft)
    ada, basil = (User.objects.get(email=email) for email in (ADA, BASIL))
    apart(signing.sign_in_the_portal, ada, found)
    apart(signing.sign_for_the_agency, basil, found)
    apart(signing.sign_by_link, STUDIO, found)
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


@pytest.mark.parametrize(
    ("window", "scheme"), [({}, "light"), (PHONE, "dark")], ids=["light desk", "dark phone"]
)
def test_no_step_keeps_anybody_out(sign_in, barriers, scheme, window):
    page = sign_in(BASIL, color_scheme=scheme, **window)
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
    page = sign_in(BASIL)
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
    page = sign_in(BASIL, java_script_enabled=False)
    page.goto(reverse("admin:licensing_agreement_add"))
    page.get_by_role("link", name="Take the step with plain lists").click()
    draft = begin(page)
    fill_in(page, SPECIFIC)

    expect(page).to_have_url(re.compile("/wizard/checks/"))
    assert draft.grants.count() == 1
    assert draft.rate_cards.get().lines.get().unit_price == 4
