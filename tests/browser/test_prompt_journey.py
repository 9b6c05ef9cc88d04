"""Business affairs read a prompt, erase it, and look at what studios are told."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from licensing.models import EventKey, PromptErasure, PromptReveal, WebhookDelivery
from talent.models import Membership
from talent.words import Role

pytestmark = pytest.mark.judge("chromium")
WORDS = "Say that the ship runs on our lemonade."


@pytest.fixture
def affairs(sign_in):
    def opened(**options):
        seats = Membership.objects.filter(agency__slug="meridian", role=Role.BUSINESS_AFFAIRS.value)
        return sign_in(seats.order_by("pk").first().user.email, at="/admin/login/", **options)

    return opened


def test_a_prompt_is_read_once_and_then_erased(affairs, barriers):
    page = affairs()
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

    page.get_by_role("link", name="Back to the event").click()
    page.get_by_role("link", name="Erase the prompt").click()
    page.fill("textarea[name=reason]", "The performer asked for it.")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Erased; its commitment stays")).to_be_visible()
    assert PromptErasure.objects.filter(event=number).exists()
    page.go_back()
    expect(page.get_by_text(WORDS)).not_to_be_visible()


@pytest.mark.parametrize("model", ["webhookendpoint", "webhookdelivery", "sandboxevent"])
def test_the_lists_keep_nobody_out(affairs, barriers, model):
    page = affairs()
    page.goto(reverse(f"admin:licensing_{model}_changelist"))

    assert barriers(page) == []
    page.locator("#result_list tbody tr th a, #result_list tbody tr td a").first.click()
    assert barriers(page) == []
    assert WebhookDelivery.objects.exists()
