"""In a real browser: the page of a night that runs, with scripts and without."""

import pytest
from playwright.sync_api import expect

from tests.factories import admin_page
from valuation.models import NightRun

pytestmark = pytest.mark.judge("chromium")


def test_the_page_of_a_night_looks_again_by_itself_until_it_has_ended(sign_in, barriers):
    run = NightRun.objects.latest("pk")
    NightRun.objects.filter(pk=run.pk).update(status="running", finished_at=None)
    page = sign_in("operator@likeness.example", at=admin_page(NightRun, run.pk))
    expect(page.get_by_role("status").filter(has_text="Running.")).to_be_visible()
    assert barriers(page) == []

    NightRun.objects.filter(pk=run.pk).update(status="finished")

    expect(page.get_by_text("All of it is done.")).to_be_visible()


def test_without_scripts_a_link_looks_again(sign_in):
    run = NightRun.objects.latest("pk")
    NightRun.objects.filter(pk=run.pk).update(status="running", finished_at=None)
    page = sign_in(
        "operator@likeness.example", at=admin_page(NightRun, run.pk), java_script_enabled=False
    )
    NightRun.objects.filter(pk=run.pk).update(status="finished")

    page.get_by_role("link", name="Look again").click()

    expect(page.get_by_text("All of it is done.")).to_be_visible()
