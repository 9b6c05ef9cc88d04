"""In a real browser without scripts: staff find a row, enter one, and take a step."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from licensing.models import Agreement, Hold
from valuation.models import Statement

pytestmark = pytest.mark.judge("chromium")


@pytest.fixture
def page(sign_in):
    return sign_in("operator@likeness.example", java_script_enabled=False)


def test_staff_work_without_scripts(page):
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Needs a decision")).to_be_visible()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()

    # A list is searched, filtered, and its rows take a step.
    page.goto(reverse("admin:licensing_agreement_changelist"))
    page.fill("#searchbar", "MER-2026-001")
    page.press("#searchbar", "Enter")
    expect(page.get_by_role("link", name="MER-2026-001")).to_be_visible()
    expect(page.get_by_role("link", name="MER-2026-002")).to_have_count(0)
    page.goto(reverse("admin:licensing_apikey_changelist"))
    page.locator("#result_list input[type=checkbox]").last.check()
    page.select_option("select[name=action]", "revoke")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("The key ends at this moment")).to_be_visible()

    # A form is filled in, its related rows from plain lists.
    page.goto(reverse("admin:licensing_hold_add"))
    page.get_by_role("link", name="Take the form with plain lists").click()
    page.select_option("select[name=agreement]", label="MER-2026-001")
    page.select_option("select[name=kind]", "dispute")
    page.fill("[name=reason]", "A dispute about the term.")
    page.fill("[name=starts_at_0]", "2026-03-01")
    page.fill("[name=starts_at_1]", "00:00:00")
    page.get_by_role("button", name="Save", exact=True).click()
    hold = Hold.objects.get(agreement__reference="MER-2026-001")

    # A step is taken from its page.
    page.goto(reverse("admin:licensing_agreement_end", args=[hold.agreement_id]))
    page.fill("[name=reason]", "Both agreed.")
    page.get_by_role("button", name="End now").click()
    expect(page.get_by_text("has ended. What was used before is rated tonight.")).to_be_visible()
    assert Agreement.objects.get(reference="MER-2026-001").status == "ended"


def test_the_first_stop_of_the_keyboard_leads_past_the_menu(sign_in):
    page = sign_in("operator@likeness.example", at="/admin/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    skip.press("Enter")
    page.keyboard.press("Tab")
    inside = "document.getElementById('content').contains(document.activeElement)"
    assert page.evaluate(inside)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_that_refuse_lead_back_and_keep_nobody_out(sign_in, barriers, theme):
    page = sign_in("edda@meridian.example", color_scheme=theme)
    statement = Statement.objects.filter(agency__slug="meridian").first()
    found = {}
    for name, address in {
        "not there": "/admin/licensing/agreement/999999/change/",
        "nowhere": "/nowhere/",
        "not theirs": reverse("admin:valuation_statement_approve", args=[statement.pk]),
    }.items():
        page.goto(address)
        found[name] = barriers(page)
        expect(page.get_by_role("link", name="To the desk")).to_be_visible()
    page.get_by_role("link", name="To the desk").click()
    expect(page.get_by_role("heading", name="Go to")).to_be_visible()

    assert {name: met for name, met in found.items() if met} == {}
