"""In a real browser: a sheet with three wrong rows comes in, is put right, and the sums agree."""

from decimal import Decimal

import pytest
from django.db.models import Sum

from licensing.models import DeadLetter, UsageEvent, UsageImport

pytestmark = pytest.mark.judge("chromium")

# Nine takes of 4.5 lines each but the last: 40.5 lines. Rows 3, 5 and 8 are wrong.
SHEET = """Take,Actor,Recorded,Lines
1,Vesper,2026-07-13,4.5
2,Vespers,2026-07-13,4.5
3,Vesper,2026-07-13,4.5
4,Vesper,13 July 2026,4.5
5,Vesper,2026-07-14,4.5
6,Vesper,2026-07-14,4.5
7,Vesper,2026-07-14,-4.5
8,Vesper,2026-07-14,4.5
9,Vesper,2026-07-14,4.5
"""
TOTAL = Decimal("40.5")
STUDIO = "Saltmarsh Post – Meridian Example Talent"
ADMIN = "/admin/licensing"


@pytest.fixture
def clerk(sign_in):
    return sign_in("basil@meridian.example")


@pytest.fixture
def send_in(clerk, tmp_path):
    """Send the sheet in and name its columns; the page then shows what would come of it."""

    def send_in():
        file = tmp_path / "takes.csv"
        file.write_text(SHEET, encoding="utf-8")
        clerk.goto(f"{ADMIN}/usageimport/import_sheet/")
        clerk.get_by_label("Studio").select_option(label=STUDIO)
        clerk.set_input_files("input[type=file]", file)
        clerk.get_by_role("button", name="Send the sheet in").click()
        clerk.wait_for_url("**/sheet/*/")

    return send_in


def name_columns(page):
    for column, meaning in [
        ("Take", "Not used"),
        ("Actor", "Digital twin"),
        ("Recorded", "When it happened"),
        ("Lines", "Lines"),
    ]:
        page.get_by_label(column, exact=True).select_option(label=meaning)
    for field, value in [
        ("Agreement", "MER-2026-007"),
        ("Right", "Composite"),
        ("Use", "Dubbing"),
        ("Channel", "Streaming"),
        ("Time zone of times that name none", "Europe/Rome"),
    ]:
        page.get_by_label(field, exact=True).select_option(label=value)
    page.get_by_label("Territory", exact=True).fill("IT")
    page.get_by_label("Language", exact=True).fill("it")


def foreseen(page):
    """Ask for the preview and return its figures."""
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector(".desk-counts")
    names = page.locator(".desk-counts dt").all_text_contents()
    return dict(
        zip(names, map(int, page.locator(".desk-counts dd").all_text_contents()), strict=True)
    )


def put_right(page, field, value):
    """Change one field of the letter shown, say why, and go on to the next."""
    control = page.get_by_label(field, exact=True)
    if control.evaluate("one => one.tagName") == "SELECT":
        control.select_option(label=value)
    else:
        control.fill(value)
    page.get_by_label("Why it is corrected so").fill("As the studio told on the phone")
    with page.expect_navigation():
        page.get_by_role("button", name="Correct and count").click()


def test_three_wrong_rows_are_put_right_and_the_sums_agree(clerk, send_in, barriers):
    before = UsageEvent.objects.count()
    send_in()
    name_columns(clerk)
    assert foreseen(clerk) == {"Rows": 9, "New": 6, "Known before": 0, "Wrong": 3}
    assert barriers(clerk) == []
    assert UsageEvent.objects.count() == before

    with clerk.expect_navigation():
        clerk.get_by_role("button", name="Import row by row").click()
    report = UsageImport.objects.latest("pk")
    assert (report.rows, report.accepted, report.rejected) == (9, 6, 3)

    clerk.get_by_role("link", name="Put them right").click()
    clerk.get_by_role("row").filter(has_text="row 3").get_by_role("link").first.click()
    with clerk.expect_navigation():
        clerk.get_by_role("link", name="Put it right, or close it").first.click()
    assert barriers(clerk) == []
    vesper = clerk.get_by_label("Digital twin").locator("option", has_text="Vesper (T")
    vesper = vesper.inner_text()
    put_right(clerk, "Digital twin", vesper)
    put_right(clerk, "When it happened", "2026-07-13")
    put_right(clerk, "Lines", "4.5")

    assert not DeadLetter.objects.open().filter(usage_import=report).exists()
    events = UsageEvent.objects.filter(batch__usage_import=report)
    assert events.aggregate(lines=Sum("lines"))["lines"] == TOTAL
    assert events.count() == 9

    send_in()
    assert foreseen(clerk) == {"Rows": 9, "New": 0, "Known before": 9, "Wrong": 0}
