"""In a real browser: from what a twin is worth to a cap that is asked for, in one click."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from licensing.models import Amendment, Cap
from tests.factories import admin_page
from valuation.models import TwinValuation
from valuation.worth.twin import assets
from valuation.worth.twin.seen_days import add_new_leaves

pytestmark = pytest.mark.judge("chromium")


@pytest.fixture
def valued(desk):
    """What the night does last: the values of the twins."""
    now = timezone.now()
    add_new_leaves(now=now)
    assets.value_twins(as_of=timezone.localdate(now), now=now)


@pytest.mark.usefixtures("valued")
def test_a_cap_that_pays_is_one_click_from_the_amendment_that_asks_for_it(sign_in, barriers):
    valuation = TwinValuation.objects.filter(twin__name="Lena Pseudonym, voice").latest("pk")
    before = Cap.objects.count(), Amendment.objects.count()
    page = sign_in("gus@northlight.example", at=admin_page(TwinValuation, valuation.pk))

    page.get_by_role("link", name="How many hours a year pay most").click()
    expect(page).to_have_url(re.compile(reverse("admin:cap_advice", args=[valuation.pk])))
    expect(page.get_by_text("hours a year pay most:")).to_be_visible()
    expect(page.locator(".plot svg")).to_be_visible()
    assert barriers(page) == []
    page.get_by_role("link", name="Ask for it as an amendment of NOR-2026-002").click()

    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("demo-of-the-desk")
        page.keyboard.press("Enter")
    expect(page.locator("[name=limit]")).to_have_value(re.compile(r"^[1-9]\d{3,}"))
    expect(page.locator("[name=meter]")).to_have_value("seconds")
    assert barriers(page) == []
    assert (Cap.objects.count(), Amendment.objects.count()) == before, "Looking writes nothing."
