"""`make screenshots`: the README's pictures, taken from the demo in a headless browser.

Starts the desk on servers of its own, loads the demo, and leaves nothing running.
"""

import os
import subprocess
import sys
from pathlib import Path

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
PORT = 8765
WINDOW = {"width": 1280, "height": 800}
PAGES = {
    "admin": ("cora@meridian.example", "/admin/login/", "/admin/"),
    "agreement": (
        "basil@meridian.example",
        "/admin/login/",
        "/admin/licensing/agreement/2/change/",
    ),
    "portal": ("hana@performers.example", "/sign-in/", "/consent/"),
    "portal-usage": ("ada@performers.example", "/sign-in/", "/usage/"),
}


def main() -> None:
    """Take every picture from a desk on this machine."""
    command = [sys.executable, "manage.py", "run"]
    environment = {**os.environ, "PORT": str(PORT)}
    desk = subprocess.Popen(  # noqa: S603 - our own
        command, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        paper = _await_desk(desk)
        _take_pages()
        _draw_paper(paper)
    finally:
        desk.terminate()
        desk.wait()


def _await_desk(desk: subprocess.Popen) -> str:
    paper = ""
    for line in desk.stdout:
        if line.startswith("A statement to look at: "):
            paper = line.removeprefix("A statement to look at: ").strip()
        if "The desk is open" in line:
            return paper
    raise SystemExit("The desk did not start; `make run` says why.")


def _take_pages() -> None:
    from playwright.sync_api import sync_playwright

    from likenessdesk.demo.people import PASSWORD
    from tests.browser import chromium

    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = chromium.start(playwright)
        for name, (email, door, address) in PAGES.items():
            page = browser.new_page(base_url=f"http://127.0.0.1:{PORT}", viewport=WINDOW)
            page.goto(door)
            page.fill("input[name=login]", email)
            page.fill("input[name=password]", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_load_state("networkidle")
            page.goto(address)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=PICTURES / f"{name}.png")
            page.close()


def _draw_paper(paper: str) -> None:
    """Draw the statement's first page, with poppler's tool."""
    target = PICTURES / "statement"
    subprocess.run(  # noqa: S603 - a path that our own desk printed
        ["pdftoppm", "-png", "-r", "80", "-singlefile", paper, str(target)],  # noqa: S607
        check=True,
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "likenessdesk.settings")
    import django

    django.setup()
    main()
