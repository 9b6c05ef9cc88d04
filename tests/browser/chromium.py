"""How Chromium is started: headless, on loopback, with nothing of its own."""

from tests import judges

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def start(playwright):
    return playwright.chromium.launch(
        executable_path=judges.JUDGES[judges.CHROMIUM].path(), args=OPTIONS
    )
