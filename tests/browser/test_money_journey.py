"""In a real browser: from an amount to consents and back, a night cancelled, a rate mended."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from licensing.models import RateLine
from tests.factories import admin_page
from valuation import night
from valuation.models import NightRun, ResidualLine

pytestmark = pytest.mark.judge("chromium")


@pytest.fixture
def line(desk):
    """Hana's line of July's reels."""
    lines = ResidualLine.objects.filter(agreement__reference="MER-2026-008", quantity=77)
    return lines.get(beneficiary__name="Hana Dummy")


def test_three_clicks_lead_from_an_amount_to_the_consent_and_as_many_back(sign_in, line, barriers):
    page = sign_in("cora@meridian.example", at=admin_page(ResidualLine, line.pk))

    page.get_by_role("link", name="The uses behind it, with their decisions and consents").click()
    expect(page.get_by_role("region", name="Uses").get_by_role("row")).to_have_count(3)
    assert barriers(page) == []
    page.get_by_role("link", name="Decision and consent").first.click()
    page.get_by_role("heading", name="The consents it stood on").wait_for()
    assert barriers(page) == []
    page.locator("a[href*='/talent/consentversion/']").first.click()
    expect(page).to_have_url(re.compile("/talent/consentversion/"))

    page.go_back()
    page.go_back()
    page.get_by_role("link", name="Vesper: Dubbing").first.click()
    page.get_by_role("link", name="Lines, statements and entries").click()
    back = page.get_by_role("row", name="Hana Dummy").get_by_role("link").first
    expect(back).to_be_visible()
    assert barriers(page) == []
    back.click()
    expect(page).to_have_url(re.compile(admin_page(ResidualLine, line.pk)))


def test_a_night_is_followed_and_cancelled_on_its_page(sign_in, barriers):
    run = NightRun.objects.earliest("pk")
    NightRun.objects.filter(pk=run.pk).update(status="running", finished_at=None)
    run.shards.filter(pk__in=list(run.shards.values_list("pk", flat=True)[:7])).update(
        status="waiting"
    )
    page = sign_in("operator@likeness.example", at=admin_page(NightRun, run.pk))
    with night.alone():
        expect(page.get_by_text("This page looks again by itself.")).to_be_visible()
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "50")
        run.shards.filter(status="waiting").update(status="done")
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "100")
        assert barriers(page) == []

        page.get_by_role("link", name="Cancel this night").click()
        confirm(page)

        expect(page.get_by_text("is being cancelled. What it has rated stays.")).to_be_visible()
    run.refresh_from_db()
    assert run.cancelled_by.email == "operator@likeness.example"


def test_agreements_are_rated_anew_after_a_look_at_what_it_would_post(sign_in, barriers):
    RateLine.objects.filter(card__agreement__reference="MER-2026-005").update(unit_price="4.00")
    before = timezone.now()
    page = sign_in("cora@meridian.example", at=reverse("admin:rerate"))
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("demo-of-the-desk")
        page.keyboard.press("Enter")
    page.locator("select[name=agreements]").select_option(label="MER-2026-005", force=True)

    page.get_by_role("button", name="Show what would be posted").click()

    # 77 lines at 4.00 instead of 3.90: 7.70 more.
    expect(page.get_by_role("region", name="What would be posted")).to_contain_text("$7.70")
    assert barriers(page) == []
    assert not NightRun.objects.filter(started_at__gte=before).exists()
    page.get_by_label("Why").fill("The price was wrong.")
    page.get_by_role("button", name="Post it").click()

    expect(page.get_by_text("Posted: 7.70 USD.")).to_be_visible()
    run = NightRun.objects.latest("pk")
    assert run.rerated_because == "The price was wrong."


def confirm(page):
    """Take the step that a page asks about, after the password where it is asked for."""
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("demo-of-the-desk")
        page.keyboard.press("Enter")
    page.locator(".desk-button-primary").click()
