"""A real browser on a real server with the demo's data."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from likenessdesk.demo import people
from tests import remembered
from tests.browser import chromium

# What axe-core calls by these names would keep somebody out.
GRAVE = {"serious", "critical"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="session")
def browser():
    # Playwright runs an event loop of its own, which Django takes for an asynchronous view.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = chromium.start(playwright)
        yield started
        started.close()


@pytest.fixture
def desk(transactional_db, live_server, tmp_path, settings):
    """The demo after its first night; the address of a server that shows it."""
    settings.MEDIA_ROOT = tmp_path
    remembered.stand_up(tmp_path)
    return live_server.url


@pytest.fixture
def sign_in(browser, desk):
    """Open a window for somebody and sign them in."""
    windows = []

    def opened(email, *, at="/sign-in/", **options):
        window = browser.new_context(base_url=desk, locale="en-US", **options)
        windows.append(window)
        page = window.new_page()
        page.goto(at)
        page.fill("input[name=username]", email)
        page.fill("input[name=password]", people.PASSWORD)
        with page.expect_navigation(wait_until="networkidle"):
            page.keyboard.press("Enter")
        return page

    yield opened
    for window in windows:
        window.close()


@pytest.fixture
def barriers():
    """Tell what on a page keeps people out, as axe-core judges it."""

    def found(page):
        options = {"runOnly": {"type": "tag", "values": RULES}}
        violations = Axe().run(page, options=options).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:120]}"
            for one in violations
            if one["impact"] in GRAVE
        ]

    return found
