"""From a cell that asks to a refusal with its reason: staff, performer and studio, once told."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from licensing import api_keys
from licensing.models import Agreement, ApprovalAnswer, ApprovalPart, LicenseeTerms
from talent.models import ConsentMatrix

pytestmark = pytest.mark.judge("chromium")

PHONE = {"viewport": {"width": 390, "height": 844}}
REASON = "I never dub an advertisement on a game"


@pytest.fixture
def studio(desk, browser):
    """Call the API as the games studio does, with a key of its own."""
    terms = LicenseeTerms.objects.get(agency__slug="meridian", licensee__slug="tin-rocket")
    key = api_keys.issue(terms=terms, label="Journey", at=timezone.now(), by=None)
    window = browser.new_context(
        base_url=desk, extra_http_headers={"Authorization": f"Bearer {key.secret}"}
    )
    yield window.request
    window.close()


def question():
    agreement = Agreement.objects.get(reference="MER-2026-001")
    return {
        "twin": f"T{agreement.twin_id}",
        "agreement": agreement.reference,
        "production": "Orbit Garden",
        "right": "voice",
        "use": "game",
        "at": (timezone.now() + timedelta(days=3)).isoformat(),
        "territory": "US",
        "language": "en",
        "channel": "game",
        "quantities": {"lines": "6", "seconds": "38"},
    }


def description():
    return {
        "scene": "Level 7",
        "lines": "The ship's computer says goodbye to the crew in six new lines.",
        "starts_at": timezone.now().isoformat(),
        "ends_at": (timezone.now() + timedelta(days=60)).isoformat(),
        "compensation": {"amount": "2566.00", "currency": "USD", "basis": "flat for six lines"},
    }


def ask(studio, **more):
    answered = studio.post("/api/v1/clearances", data={**question(), **more})
    assert answered.status == 201, answered.text()
    return answered.json()


def test_a_cell_that_asks_is_vetoed_and_the_studio_reads_why(sign_in, studio):
    assert ask(studio)["outcome"] == "cleared"
    set_to_ask(sign_in("alma@meridian.example"))

    asked = ask(studio, description=description())
    assert asked["outcome"] == "needs_approval"

    ada = sign_in("ada@performers.example", **PHONE)
    ada.goto("/")
    needs = ada.get_by_role("region", name=re.compile("Needs you"))
    card = needs.get_by_role("listitem").filter(has_text="Level 7")
    assert "Tin Rocket Games asks to use your voice for Game in Orbit Garden" in card.inner_text()
    card.get_by_role("link", name=re.compile("details")).click()
    ada.get_by_label("Reason, if you want to give one").fill(REASON)
    ada.get_by_label("Show the reason to the studio").check()
    ada.get_by_role("button", name="Veto").click()
    expect(ada.get_by_role("status")).to_contain_text("Vetoed. The use is refused.")

    refused = ask(studio, description=description())
    assert refused["outcome"] == "refused"
    assert refused["text"] == f"Refused: Voice in Game was not approved. Reason given: {REASON}"
    told = studio.get(f"/api/v1/clearances/{asked['id']}/approval").json()
    assert (told["state"], told["reasons"]) == ("vetoed", [REASON])
    assert ApprovalAnswer.objects.get().kind == "veto"


def set_to_ask(page):
    """Edit the cell of Ada's voice in games, on the grid of her twin's matrix."""
    matrix = ConsentMatrix.objects.get(twin__name="Ada Sample, voice")
    page.goto(f"/admin/talent/consentmatrix/{matrix.pk}/edit")
    page.select_option("select[name='stance.voice.game']", "ask")
    with page.expect_navigation():
        page.get_by_role("button", name="Record a new version").click()
    assert matrix.versions.count() == 2, page.inner_text("main")


@pytest.mark.parametrize("script", [True, False])
def test_a_performer_answers_on_a_phone_with_and_without_scripts(sign_in, script):
    page = sign_in("ada@performers.example", java_script_enabled=script, **PHONE)
    part = ApprovalPart.objects.get(request__agreement__reference="MER-2026-002")
    page.goto(f"/approvals/{part.pk}/")
    page.get_by_text("Narrow…").click()
    page.get_by_label("United Kingdom").uncheck()
    with page.expect_navigation():
        page.get_by_role("button", name="Approve this much").click()

    assert ApprovalAnswer.objects.get().territories == ["CA", "US"]
