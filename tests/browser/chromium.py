"""Where Chromium is, and how it is started: headless, on loopback, with nothing of its own."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LEFT_OUT = (
    "Browser tests were left out: no Chromium was found. "
    "On Debian: apt-get install chromium; elsewhere set CHROMIUM= to its path."
)


def path() -> str | None:
    """Return the browser's path, or None where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def start(playwright):
    return playwright.chromium.launch(executable_path=path(), args=OPTIONS)
