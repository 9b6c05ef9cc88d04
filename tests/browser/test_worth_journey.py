"""In a real browser: from what a twin is worth to a cap that is asked for, in one click."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from licensing.models import Amendment, Cap
from tests.factories import admin_page
from valuation.models import TwinValuation

pytestmark = pytest.mark.judge("chromium")


def test_a_cap_that_pays_is_one_click_from_the_amendment_that_asks_for_it(sign_in, barriers):
    valuation = TwinValuation.objects.filter(twin__name="Lena Pseudonym, voice").latest("pk")
    amendments = Amendment.objects.count()
    page = sign_in("gus@northlight.example", at=admin_page(TwinValuation, valuation.pk))

    page.get_by_role("link", name="How many hours a year pay most").click()
    expect(page).to_have_url(re.compile(reverse("admin:cap_advice", args=[valuation.pk])))
    expect(page.get_by_text("hours a year pay most:")).to_be_visible()
    expect(page.locator(".plot svg")).to_be_visible()
    assert barriers(page) == []
    page.get_by_role("link", name="Ask for it as an amendment of NOR-2026-002").click()

    limit = page.get_by_label("Limit", exact=False).first
    expect(limit).to_have_value(re.compile(r"^[1-9]\d{3,}"))
    assert barriers(page) == []
    assert not Cap.objects.filter(agreement__reference="NOR-2026-002").exists()
    assert Amendment.objects.count() == amendments, "Nothing is written before somebody says so."
