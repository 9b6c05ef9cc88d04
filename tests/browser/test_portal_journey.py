"""In a real browser: staff see statements out, a performer reads theirs, on a phone too."""

import re

import pytest
from playwright.sync_api import expect

from valuation.models import Statement

pytestmark = pytest.mark.judge("chromium")

PHONE = {"viewport": {"width": 390, "height": 844}}


def test_two_people_see_a_statement_out_and_its_performer_reads_it(sign_in):
    statement = Statement.objects.get(beneficiary__name="Lena Pseudonym")
    address = f"/admin/valuation/statement/{statement.pk}/change/"
    first, second = sign_in("hedy@northlight.example"), sign_in("ike@northlight.example")

    def step(page, name):
        page.goto(address)
        with page.expect_navigation():
            page.get_by_role("link", name=re.compile(rf"{name}$")).first.click()
        with page.expect_navigation():
            page.get_by_role("button", name=name, exact=True).click()
        return page.content()

    assert "is reviewed" in step(first, "Review")
    assert "cannot approve it" in step(first, "Approve")
    assert "is approved" in step(second, "Approve")
    assert "is issued" in step(second, "Issue")

    lena = sign_in("lena@performers.example", **PHONE)
    lena.goto("/statements/")
    number = Statement.objects.get(pk=statement.pk).number
    assert number in lena.content()
    link = lena.get_by_role("link", name=f"PDF {number}").get_attribute("href")
    assert lena.request.get(link).body().startswith(b"%PDF-")


def test_a_performer_finds_the_way_with_the_keyboard_alone(sign_in):
    page = sign_in("ada@performers.example", at="/")

    page.keyboard.press("Tab")
    skip = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")

    assert "skip" in skip.lower()
    assert page.evaluate("location.hash") != ""


def test_the_portal_works_without_scripts(sign_in):
    page = sign_in("ada@performers.example", java_script_enabled=False)

    page.goto("/usage/")
    assert page.get_by_role("table").count() == 1
    page.goto("/consent/")
    assert page.get_by_role("table").count() == 1


def test_the_desk_leads_from_a_tile_to_its_list(sign_in):
    page = sign_in("hedy@northlight.example", at="/admin/")
    page.get_by_role("link", name="Statements to review").click()

    expect(page).to_have_url(re.compile("step=draft"))
    expect(page.get_by_text("Draft for").first).to_be_visible()
