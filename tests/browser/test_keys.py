"""In a real browser: what the keyboard does on a page can be looked up without a mouse."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from talent.models import ConsentMatrix

pytestmark = pytest.mark.judge("chromium")


def test_a_page_lists_the_keys_that_it_has(sign_in, barriers):
    page = sign_in("basil@meridian.example")
    matrix = ConsentMatrix.objects.get(performer__name="Ada Sample")
    page.goto(reverse("admin:talent_consentmatrix_edit", args=[matrix.pk]))
    cell = page.locator("select[name='stance.voice.game']")
    cell.focus()
    page.keyboard.press("?")

    listed = page.get_by_role("dialog", name="Keys on this page")
    expect(listed).to_contain_text("allow, ask, deny, inherit")
    expect(listed.get_by_text("in a cell")).to_be_visible()
    expect(listed.get_by_text("search this list")).to_be_hidden()
    assert barriers(page) == []
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    expect(cell).to_be_focused()

    page.goto("/admin/licensing/cap/")
    page.keyboard.press("?")
    expect(listed.get_by_text("search this list")).to_be_visible()
    expect(listed.get_by_text("in a cell")).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    expect(page.locator("#searchbar")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#searchbar")).to_have_value("?")


def test_keys_pressed_alone_can_be_switched_off(sign_in, barriers):
    page = sign_in("ada@performers.example")
    page.goto("/usage/")
    page.keyboard.press("/")
    expect(page.get_by_label("Month")).to_be_focused()

    page.get_by_role("link", name="Keys").press("Enter")
    listed = page.get_by_role("dialog", name="Keys on this page")
    expect(listed.get_by_text("choose what the list shows")).to_be_visible()
    assert barriers(page) == []
    listed.get_by_role("checkbox").press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(listed).to_be_hidden()
    expect(page.get_by_label("Month")).not_to_be_focused()
