"""A bank's CSV over the pages: uploaded, its columns named once for an account, imported."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from talent.words import Role
from tests import factories
from tests.valuation.cash.accounting import mt940
from tests.valuation.world import TONIGHT
from valuation.bank_files import csv_lines
from valuation.bank_files.csv_lines import CsvMapping
from valuation.bank_files.statements import BalancesDoNotFit
from valuation.cash.received import bank_lines, csv_imports
from valuation.cash.reconciliation import reconcile
from valuation.models import BankBalance, BankCsvMapping, BankFile, BankLine
from valuation.words import CashDifference

pytestmark = pytest.mark.usefixtures("without_statements")

HEAD = "Date,Name,Details,Amount\n"
SEPTEMBER = HEAD + "2026-09-20,Harbor,NA-1,50.00\n2026-09-21,Bank,Fee,-3.00\n"
COLUMNS = {"booked_on": 0, "counterparty": 1, "text": 2, "amount": 3}
MAPPING = CsvMapping("123", "USD", separator=",", columns=COLUMNS)


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


def take_in(world, by, text, mapping=MAPPING, *, alike_too=False, seen=None):
    content = text.encode()
    seen = seen or csv_imports.look(world.agency, content, mapping, alike_too=alike_too).digest
    return csv_imports.take_in(
        agency=world.agency, content=content, name="b.csv", mapping=mapping,
        alike_too=alike_too, seen=seen, by=by, at=TONIGHT,
    )  # fmt: skip


def amounts():
    return sorted(int(one) for one in BankLine.objects.values_list("amount", flat=True))


def test_rows_become_lines_and_a_wrong_one_is_kept_with_its_reason(world, accountant):
    file = take_in(world, accountant, SEPTEMBER + "Total,,,47.00\n")

    assert amounts() == [-3, 50]
    assert BankLine.objects.get(amount=50).text == "NA-1"
    assert file.rows_wrong == [[4, "“Total” is no day of booking."]]


def test_rows_that_an_earlier_file_brought_are_known(world, accountant):
    take_in(world, accountant, SEPTEMBER)

    again = take_in(world, accountant, SEPTEMBER + "2026-09-22,Harbor,NA-1,50.00\n")

    assert (again.lines_known, amounts()) == (2, [-3, 50, 50])


def test_two_equal_rows_of_a_day_are_two_lines_also_in_a_longer_file(world, accountant):
    twice = HEAD + "2026-09-20,Harbor,NA-1,50.00\n" * 2
    take_in(world, accountant, twice)

    take_in(world, accountant, twice + "2026-09-20,Harbor,NA-1,50.00\n")

    assert amounts() == [50, 50, 50]


def test_the_same_file_is_refused_and_one_without_news_imports_nothing(world, accountant):
    take_in(world, accountant, SEPTEMBER)

    with pytest.raises(bank_lines.ReadBefore):
        take_in(world, accountant, SEPTEMBER)
    with pytest.raises(csv_imports.NothingToImport):
        take_in(world, accountant, SEPTEMBER + "\n")
    assert BankFile.objects.count() == 1


def test_a_line_that_another_kind_of_file_brought_is_left_out_unless_asked_for(world, accountant):
    content = mt940((5_000, "Harbor", "For NA-1"))
    bank_lines.upload(agency=world.agency, content=content, name="b.sta", by=accountant, at=TONIGHT)
    other_text = CsvMapping(**{**MAPPING.as_json(), "columns": {"booked_on": 0, "amount": 3}})

    file = take_in(world, accountant, SEPTEMBER)
    assert (file.lines_alike, amounts()) == (1, [-3, 50])
    # Nor is it twice where another column is said to be its text.
    with pytest.raises(csv_imports.NothingToImport):
        take_in(world, accountant, SEPTEMBER + "\n", other_text)

    take_in(world, accountant, SEPTEMBER + "\n\n", other_text, alike_too=True)
    assert amounts() == [-3, -3, 50, 50]


def test_only_what_was_seen_is_imported(world, accountant):
    seen = csv_imports.look(world.agency, SEPTEMBER.encode(), MAPPING).digest
    take_in(world, accountant, SEPTEMBER + "\n")

    with pytest.raises(csv_imports.LooksOtherwise):
        take_in(world, accountant, SEPTEMBER, seen=seen)


def test_the_mapping_is_kept_for_the_account_and_proposed_for_the_same_columns(world, accountant):
    take_in(world, accountant, SEPTEMBER)
    take_in(world, accountant, HEAD + "2026-10-01,Harbor,NA-1,7.00\n")

    october = (HEAD + "2026-10-02,Harbor,NA-1,9.00\n").encode()
    other = b"Day;Amount\n2026-10-02;5\n"
    assert csv_imports.proposed(world.agency, october) == (MAPPING, True)
    assert csv_imports.proposed(world.agency, other)[1] is False
    assert BankCsvMapping.objects.count() == 1
    assert csv_imports.proposed(factories.make_agency("far"), october)[1] is False


# Pages


def send_in(client, agency, text):
    file = SimpleUploadedFile("september.csv", text.encode())
    return client.post(
        reverse("admin:valuation_bankfile_upload_file"), {"agency": agency.pk, "file": file}
    )


SAID = {
    "account": "123", "currency": "USD", "encoding": "utf-8-sig", "separator": ",",
    "decimal_sign": ".", "date_order": "ymd", "header": "1", "column_booked_on": "0",
    "column_counterparty": "1", "column_text": "2", "column_amount": "3",
}  # fmt: skip


def test_an_accountant_says_which_column_is_what_and_imports_what_they_saw(world, accountant):
    client = factories.sign_in(accountant)
    page = send_in(client, world.agency, SEPTEMBER + "Total,,,47\n").url

    first = client.get(page).content.decode()
    looked = client.post(page, SAID)
    assert "Say which column is" not in first
    assert "“Total” is no day of booking." in looked.content.decode()
    assert not BankFile.objects.exists()
    seen = looked.context["outlook"].digest
    done = client.post(page, {**SAID, "import": "1", "seen": seen}, follow=True)

    assert "2 lines are new, 0 were known, 1 rows were left out." in done.content.decode()
    kept = factories.admin_page(BankCsvMapping, BankCsvMapping.objects.get().pk)
    assert "Details" in client.get(kept).content.decode()
    again = client.get(send_in(client, world.agency, SEPTEMBER + "\n").url).content.decode()
    assert "was. Nothing is imported yet." in again


def test_what_is_missing_is_said_beside_its_field(world, accountant):
    client = factories.sign_in(accountant)
    page = send_in(client, world.agency, SEPTEMBER.replace("Harbor", "Ábel")).url

    told = client.post(page, {**SAID, "column_booked_on": "", "column_came_in": "1"})

    assert "Say which column is the day of booking." in told.content.decode()
    assert "Either one column with a sign, or two without." in told.content.decode()
    wrong = client.post(page, {**SAID, "encoding": "cp1252"}).content.decode()
    assert "The file is not Windows-1252" in wrong


def test_a_file_is_kept_for_who_uploaded_it_and_no_longer_than_an_hour(world, accountant):
    page = send_in(factories.sign_in(accountant), world.agency, SEPTEMBER).url
    colleague = factories.sign_in(
        factories.make_member(world.agency, Role.ACCOUNTING, email="c@example.org")
    )

    answer = colleague.get(page, follow=True).content.decode()

    assert "The file is no longer kept. Upload it again." in answer
    auditor = factories.sign_in(factories.make_member(world.agency, Role.AUDITOR))
    assert auditor.get(page).status_code == 403


# Balances, and the same days by another kind of file

WITH_BALANCE = CsvMapping("123", "USD", separator=",", columns={**COLUMNS, "balance": 4})
ROWS = ["2026-09-20,Harbor,NA-1,50.00,150.00", "2026-09-21,Bank,Fee,-3.00,147.00",
        "2026-09-21,Harbor,NA-1,50.00,197.00"]  # fmt: skip


@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1]], ids=["oldest first", "newest first"])
def test_a_column_of_balances_counts_for_the_client_account(world, accountant, rows):
    text = "\n".join(["Date,Name,Details,Amount,Balance", *rows])
    assert csv_lines.survey(text.encode()).mapping.columns == WITH_BALANCE.columns
    content = text.encode()
    assert csv_imports.look(world.agency, content, WITH_BALANCE).balances == (100, 197)
    take_in(world, accountant, text, WITH_BALANCE)

    balance = BankBalance.objects.get()
    assert (balance.opening, balance.closing, str(balance.closed_on)) == (100, 197, "2026-09-21")
    found = reconcile(agency=world.agency, currency="USD", on=balance.closed_on, now=TONIGHT)
    assert (found.bank, dict(found.differences)) == (
        197, {CashDifference.WAITS: 97, CashDifference.BEFORE: 100},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "number"),
    [([ROWS[0], ROWS[2]], 3), ([ROWS[2], ROWS[0]], 2), ([ROWS[0], "x", ROWS[2]], 4)],
)
def test_balances_that_do_not_follow_are_refused(world, accountant, rows, number):
    text = "\n".join(["Date,Name,Details,Amount,Balance", *rows])

    with pytest.raises(BalancesDoNotFit, match=f"balance of row {number} does not follow"):
        take_in(world, accountant, text, WITH_BALANCE)
    # Without the column they are lines like any others.
    take_in(world, accountant, text)
    assert not BankBalance.objects.exists()


def test_another_kind_of_file_of_the_same_days_brings_only_what_the_csv_had_not(world, accountant):
    take_in(world, accountant, SEPTEMBER)
    same = (5_000, "HARBOR", "NA-1"), (-300, "BANK", "FEE")

    def upload(*lines):
        return bank_lines.upload(
            agency=world.agency, content=mt940(*lines), name="b.sta", by=accountant, at=TONIGHT
        )

    # Both of the MT940 are of the 20th, where the CSV has only the first.
    first = upload(*same)
    assert (first.lines_alike, amounts()) == (1, [-3, -3, 50])
    # A second line of the same day and amount is one of its own, whenever it comes, and once.
    longer = upload(*same, (5_000, "HARBOR", "NA-1"))
    assert (longer.lines_alike, longer.lines_known, amounts()) == (1, 1, [-3, -3, 50, 50])
    last = upload(*same, (5_000, "HARBOR", "NA-1"), (100, "X", "Y"))
    assert (last.lines_alike, last.lines_known, amounts()) == (1, 2, [-3, -3, 1, 50, 50])
