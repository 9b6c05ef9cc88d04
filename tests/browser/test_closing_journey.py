"""In a real browser: the demo's summer is closed, from the bank's file to the payout's."""

import csv
import io
import subprocess
import zipfile
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from talent.models import Agency, Beneficiary
from talent.words import Role
from tests.factories import admin_page
from tests.valuation.cash.accounting import IBANS
from valuation import night
from valuation.bank_files.payments import Address, BankAccount
from valuation.cash.paid_out import bank_details
from valuation.models import (
    Account,
    BankLine,
    PayoutPayment,
    PayoutRun,
    PeriodClose,
    Statement,
)
from valuation.words import AccountKind, PayoutPaymentState

pytestmark = [pytest.mark.judge("chromium"), pytest.mark.judge("poppler-utils")]

JULY, SEPTEMBER = date(2026, 7, 1), date(2026, 9, 30)
GBP = {"currency": "GBP"}


@pytest.fixture
def agency(desk):
    return Agency.objects.get(slug="northlight")


@pytest.fixture
def people(agency):
    """Two accountants, of whom one asks and the other approves."""
    seats = agency.memberships.filter(role=Role.ACCOUNTING).select_related("user").order_by("pk")
    return [seat.user for seat in seats[:2]]


@pytest.fixture
def bank_file(agency, people, tmp_path):
    """What the bank booked in summer: what each licensee owes. Payees' accounts are known."""
    owed = Account.objects.with_balances().filter(
        agency=agency, kind=AccountKind.RECEIVABLE.value, balance__gt=0, **GBP
    )
    early, accounts = timezone.now() - timedelta(30), iter([*IBANS * 4])
    payees = Beneficiary.objects.filter(
        pk__in=Account.objects.filter(agency=agency, **GBP).values("beneficiary")
    )
    for payee in (None, *payees):
        account = BankAccount("A Payee", Address("London", "GB"), iban=next(accounts))
        written = bank_details.write(
            agency=agency, beneficiary=payee, account=account, by=people[0], at=early, **GBP
        )
        bank_details.approve(details_id=written.pk, again=account.iban, by=people[1], at=early)
    lines, total = "", D(0)
    for account in owed.select_related("licensee"):
        amount = f"{account.balance:.2f}".replace(".", ",")
        lines += (
            f":61:260920C{amount}NTRFNONREF\n"
            f":86:166?00PAYMENT?20SVWZ+Your summer?32{account.licensee.name}\n"
        )
        total += account.balance
    closing = f"C260930GBP{total:.2f}".replace(".", ",")
    path = tmp_path / "september.sta"
    path.write_text(f":20:X\n:25:123\n:28C:1\n:60F:C260901GBP0,00\n{lines}:62F:{closing}\n")
    return path


def confirm(page):
    """Take the step that a page asks about, after the password where it is asked for."""
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill("demo-of-the-desk")
        page.keyboard.press("Enter")
    page.locator(".desk-button-primary").click()


def all_of(page, url, action):
    """Choose every row of a list, and the step."""
    page.goto(url)
    page.locator("#action-toggle").check()
    page.select_option("select[name=action]", action)
    page.get_by_role("button", name="Run").click()


def text_of(paper, path):
    path.write_bytes(paper)
    told = subprocess.run(  # noqa: S603
        ["pdftotext", "-layout", path, "-"],  # noqa: S607
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return told.stdout.decode()


def test_a_summer_is_closed_from_the_banks_file_to_the_payouts(
    sign_in, agency, people, bank_file, barriers, tmp_path
):
    ria, ben = (sign_in(one.email) for one in people)
    ria.set_default_timeout(60_000)

    # The bank's file, and whose money it is.
    ria.goto(reverse("admin:money"))
    assert barriers(ria) == []
    ria.get_by_role("link", name="Upload a bank file").click()
    ria.select_option("select[name=agency]", label=str(agency), force=True)
    ria.set_input_files("input[type=file]", bank_file)
    ria.locator(".desk-button-primary").click()
    expect(ria.get_by_text("lines are new")).to_be_visible()
    all_of(ria, ria.url, "record_as_proposed")
    confirm(ria)
    expect(ria.get_by_text("is recorded").first).to_be_visible()
    assert not BankLine.objects.with_state().filter(is_open=True).exists()
    night.run_night(as_of=timezone.localdate(), now=timezone.now())

    # Statements, by two people.
    summer = admin_page(Statement, name="changelist")
    mine = f"?agency__id__exact={agency.pk}&currency__exact=GBP&step="
    for page, step, action in (
        (ria, "draft", "review"), (ben, "reviewed", "approve"), (ria, "approved", "issue"),
    ):  # fmt: skip
        all_of(page, f"{summer}{mine}{step}", action)
        page.locator(".desk-step, [name=password]").first.wait_for()
        confirm(page)
        page.locator("#changelist").wait_for(timeout=120_000)
    issued = Statement.objects.issued().filter(agency=agency, period_on=JULY, **GBP)
    assert issued.count() == Statement.objects.filter(
        agency=agency, period_on=JULY, **GBP
    ).count() > 1  # fmt: skip

    # The payout run, its file and what the file says.
    ria.goto(reverse("admin:valuation_payoutrun_draw_up"))
    ria.select_option("select[name=currency]", "GBP", force=True)
    ria.locator(".desk-button-primary").click()
    ria.wait_for_url("**/change/")
    run = PayoutRun.objects.get()
    ben.goto(admin_page(PayoutRun, run.pk, name="approve"))
    confirm(ben)
    ben.wait_for_url("**/change/")
    ria.goto(admin_page(PayoutRun, run.pk, name="fetch_file"))
    with ria.expect_download() as fetched:
        confirm(ria)
    sent = [
        one
        for one in PayoutPayment.objects.with_state().filter(run=run)
        if one.state is PayoutPaymentState.IN_TRANSIT
    ]
    order = fetched.value.path().read_text()
    assert f"<CtrlSum>{sum(one.amount for one in sent):.2f}</CtrlSum>" in order

    # The close: what stays is explained, and somebody else approves the same figures.
    ria.goto(f"{reverse('admin:period_close')}?agency={agency.pk}&currency=GBP&on={SEPTEMBER}")
    assert barriers(ria) == []
    for why in ria.locator("table input[type=text]").all():
        why.fill("Carried to the next period.")
    ria.get_by_role("button", name="Ask to close").click()
    expect(ria.get_by_text("waits to be closed")).to_be_visible()
    close = PeriodClose.objects.get()
    ben.goto(admin_page(PeriodClose, close.pk, name="approve"))
    confirm(ben)
    expect(ben.get_by_text("is closed.")).to_be_visible()

    # All papers as one file; each says what the API says.
    ria.goto(f"{reverse('admin:period_close')}?agency={agency.pk}&currency=GBP&on={SEPTEMBER}")
    with ria.expect_download() as packed:
        ria.get_by_role("link", name="All their papers as one ZIP").click()
    told = {one["number"]: one for one in ria.request.get("/api/v1/statements").json()["results"]}
    with zipfile.ZipFile(packed.value.path()) as archive:
        papers = {name: archive.read(name) for name in archive.namelist()}
    manifest = list(csv.DictReader(io.StringIO(papers.pop("manifest.csv").decode())))
    assert {row["state"] for row in manifest} == {"here"}
    assert {f"{one.number}.pdf" for one in issued} == set(papers)
    for name, paper in papers.items():
        text, said = text_of(paper, tmp_path / name), told[name.removesuffix(".pdf")]
        assert said["number"] in text
        for figure in ("earned", "received", "closing"):
            assert f"{abs(D(said[figure])):,.2f}" in text, (name, figure)
