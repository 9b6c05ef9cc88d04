"""A real browser on a real server with the demo's data."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from talent.models import User
from tests import factories, remembered
from tests.browser import chromium

# What axe-core calls by these names would keep somebody out.
GRAVE = {"serious", "critical"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# It looks for what is wrong; listing all that is right takes it twice as long.
JUDGED = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
WIDER = "document.documentElement.scrollWidth > window.innerWidth"


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
    """Open a window for somebody who has signed in; signing in by hand has a test of its own."""
    windows = []

    def opened(email, *, at=None, **options):
        window = browser.new_context(base_url=desk, locale="en-US", **options)
        windows.append(window)
        session = factories.sign_in(User.objects.get(email=email)).cookies
        window.add_cookies(
            [{"name": name, "value": cookie.value, "url": desk} for name, cookie in session.items()]
        )
        page = window.new_page()
        if at:
            page.goto(at)
        return page

    yield opened
    for window in windows:
        window.close()


@pytest.fixture
def barriers():
    """Tell what on a page keeps people out, as axe-core and the width of the window judge it."""

    def found(page):
        violations = Axe().run(page, options=JUDGED).response["violations"]
        return [
            *(
                f"{one['id']}: {one['nodes'][0]['html'][:120]}"
                for one in violations
                if one["impact"] in GRAVE
            ),
            *(["wider than the window"] if page.evaluate(WIDER) else []),
        ]

    return found
