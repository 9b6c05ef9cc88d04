"""In a real browser: business affairs read a prompt, and erase it."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from licensing.models import EventKey, PromptErasure, PromptReveal
from talent.models import Membership
from talent.words import Role

pytestmark = pytest.mark.judge("chromium")
WORDS = "Say that the ship runs on our lemonade."


def test_a_prompt_is_read_once_and_then_erased(sign_in, barriers):
    seats = Membership.objects.filter(agency__slug="meridian", role=Role.BUSINESS_AFFAIRS.value)
    page = sign_in(seats.order_by("pk").first().user.email)
    number = EventKey.objects.get(key="MER-2026-001-advert").event_id
    page.goto(reverse("admin:licensing_usageevent_change", args=[number]))
    page.get_by_role("link", name="Read the prompt").click()
    assert barriers(page) == []

    page.select_option("select[name=purpose]", "dispute")
    page.fill("textarea[name=note]", "Case 12")
    page.get_by_role("button", name="Read the prompt").click()
    expect(page.get_by_text(WORDS)).to_be_visible()
    assert barriers(page) == []
    assert PromptReveal.objects.filter(note="Case 12").count() == 1

    page.get_by_role("link", name="I have it: go on").click()
    page.get_by_role("link", name="Erase the prompt").click()
    page.fill("textarea[name=reason]", "The performer asked for it.")
    page.get_by_role("button", name="Erase the prompt").click()
    expect(page.get_by_text("Erased; its commitment stays")).to_be_visible()
    assert PromptErasure.objects.filter(event=number).exists()
    page.go_back()
    expect(page.get_by_text(WORDS)).not_to_be_visible()
