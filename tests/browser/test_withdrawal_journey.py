"""A performer looks at what a withdrawal stops, withdraws, and the consent says no from then on."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.judge("chromium")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_performer_withdraws_after_seeing_what_stops(sign_in, barriers):
    page = sign_in("ada@performers.example")
    page.goto("/consent/")
    page.click("a.cell.allow")
    page.click("text=Withdraw…")
    page.check("input[name=extent][value=right]")
    page.click("text=Show what would stop")
    shown = page.get_by_text("Lanternfish Pictures").locator("visible=true")
    expect(shown.first).to_be_visible()
    assert barriers(page) == []
    page.click("button:text-is('Withdraw')")
    expect(page.locator(".messages >> text=Withdrawn")).to_be_visible()
    assert page.locator("tr:has(th:text-is('Face')) a.cell.allow").count() == 0


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_looking_back_and_what_was_refused_keep_nobody_out(sign_in, barriers, options):
    page = sign_in("ada@performers.example", **options)
    page.goto("/consent/")
    page.click("a.cell.allow")
    page.click("text=What would a change have done")
    page.select_option("select[name=stance]", "deny")
    page.click("button:text-is('Show')")
    expect(page.get_by_text("Would have been refused", exact=True)).to_be_visible()
    assert barriers(page) == []
    page.goto("/refused/")
    assert barriers(page) == []
