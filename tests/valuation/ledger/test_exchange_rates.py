"""Exchange rates: the bank's file, the rule for a day, and what an exchange posts."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse, reverse_lazy
from hypothesis import given
from hypothesis import strategies as st

from licensing.money import Money
from talent.words import Role
from tests import factories
from tests.valuation.world import TONIGHT
from valuation.cash.received import exchanges, remittances
from valuation.ledger import ecb, journal, rates
from valuation.ledger.exchange import OtherCurrency, Rate
from valuation.ledger.journal import Side
from valuation.models import Account, ExchangeRate, JournalEntry
from valuation.words import AccountKind, EntryKind

# As the bank publishes it: newest first, currencies that are gone, gaps, a comma at each end.
FILE = b"""Date,USD,JPY,CYP,KWD,ISK,
2026-11-27,1.0815,163.25,N/A,0.3325,N/A,
2026-11-26,1.0800,163.00,N/A,0.3320,,
2007-12-28,1.4692,166.41,0.585274,N/A,N/A,
"""
FRIDAY = date(2026, 11, 27)
LATER = TONIGHT + timedelta(days=5)


def read(content=FILE):
    return list(ecb.read(content))


def store(content=FILE, now=LATER):
    return rates.record(ecb.read(content), by=None, now=now)


# The file


def test_the_banks_file_is_read_as_it_is_published():
    told = {(rate.on, rate.currency): rate.rate for rate in read()}

    assert told == {
        (FRIDAY, "USD"): D("1.0815"), (FRIDAY, "JPY"): D("163.25"), (FRIDAY, "KWD"): D("0.3325"),
        (date(2026, 11, 26), "USD"): D("1.0800"), (date(2026, 11, 26), "JPY"): D("163.00"),
        (date(2026, 11, 26), "KWD"): D("0.3320"),
        # The pound of Cyprus is money no more.
        (date(2007, 12, 28), "USD"): D("1.4692"), (date(2007, 12, 28), "JPY"): D("166.41"),
    }  # fmt: skip


@pytest.mark.parametrize("change", [
    lambda file: b"\xef\xbb\xbf" + file,
    lambda file: file.replace(b"\n", b"\r\n"),
    lambda file: file.replace(b",\n", b"\n"),
    lambda file: file.replace(b"N/A", b""),
    lambda file: file + b"\n\n",
], ids=["mark", "crlf", "no comma at the end", "gaps empty", "empty lines"])  # fmt: skip
def test_the_same_file_in_another_dress_says_the_same(change):
    content = change(FILE)
    if b",\n" not in content and b"\r" not in content:
        content = content.replace(b"0.3320,\n", b"0.3320,,\n")

    assert {(rate.on, rate.currency, rate.rate) for rate in read(content)} == {
        (rate.on, rate.currency, rate.rate) for rate in read()
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "first line"),
        (b"Day,USD\n", "first line"),
        (b"Date\n", "first line"),
        (b"Date,USD,USD\n", "first line"),
        (b"Date,EUR\n", "first line"),
        (b"Date,us dollar\n", "first line"),
        (b"Date,USD\n2026-11-27\n", "Line 2 has 0 rates"),
        (b"Date,USD\n2026-11-27,1,2\n", "Line 2 has 2 rates"),
        (b"Date,USD\n2026-11-27,-1\n", "no rate above zero"),
        (b"Date,USD\n2026-11-27,0.000\n", "no rate above zero"),
        (b"Date,USD\n2026-11-27,1e9\n", "no rate above zero"),
        (b"Date,USD\n2026-11-27,NaN\n", "no rate above zero"),
        (b"Date,USD\n2026-11-27,1.08150000001\n", "no rate above zero"),
        (b"Date,USD\n2026-11-27,\xd9\xa1\n", "no rate above zero"),
        (b'Date,USD\n2026-11-27,"1,08"\n', "no rate above zero"),
        (b"Date,USD\n27.11.2026,1\n", "no day"),
        (b"Date,USD\n2026-13-01,1\n", "no day"),
        (b"Date,USD\n9999-12-31,1\n", "no day"),
        (b"Date,USD\n1998-12-31,1\n", "no day"),
        (b"Date,USD\n2026-11-27,1\n2026-11-27,2\n", "Line 3 is another row"),
        (b"Date,USD\n2026-11-27,\xff\n", "UTF-8"),
        (b"Date,USD\n2026-11-27,1\0\n", "NUL"),
        (b'Date,USD\n2026-11-27,"1\n', "no CSV"),
        (b"PK\x03\x04zip", "UTF-8|first line"),
        (b"Date," + b",".join(b"%c%c%c" % (65 + n // 26, 65 + n % 26, 65) for n in range(201)),
         "columns"),
        (b"x" * (ecb.MOST_BYTES + 1), "too large"),
    ],
)  # fmt: skip
def test_what_is_not_the_banks_file_is_refused_by_its_line(content, said):
    with pytest.raises(ecb.NotTheRatesFile, match=said):
        read(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_rates_or_refused(content):
    for start in (b"", b"Date,USD,JPY\n"):
        try:
            told = read(start + content)
        except ecb.NotTheRatesFile:
            continue
        assert all(rate.rate > 0 for rate in told)


# What is stored


def test_what_is_known_is_left_alone_and_what_differs_is_stored_beside_it(db):
    assert store(now=TONIGHT) == rates.Report(8, 0, 0, date(2007, 12, 28), FRIDAY)
    corrected = FILE.replace(b"1.0815", b"1.0816")

    assert store(corrected) == rates.Report(0, 1, 7, date(2007, 12, 28), FRIDAY)

    asked = {"day": FRIDAY, "of": "EUR", "in_": "USD"}
    assert rates.rate_on(**asked, known_at=TONIGHT).numerator == D("1.0815")
    assert rates.rate_on(**asked, known_at=LATER).numerator == D("1.0816")


def test_a_rate_is_never_changed_nor_below_zero(db):
    store()
    row = ExchangeRate.objects.first()

    for change in (
        lambda: ExchangeRate.objects.update(rate=2),
        lambda: ExchangeRate.objects.all().delete(),
        lambda: row.delete(),
    ):
        with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
            change()
    with pytest.raises(IntegrityError, match="above_zero"), transaction.atomic():
        ExchangeRate.objects.create(
            base="EUR", currency="USD", on=FRIDAY, rate=0, source="x", recorded_at=TONIGHT
        )


# The rule for a day


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (FRIDAY, FRIDAY),
        (date(2026, 11, 29), FRIDAY),  # Sunday
        (date(2026, 12, 2), FRIDAY),
        (date(2026, 12, 3), None),
        (date(2026, 11, 25), None),
    ],
)
def test_a_day_without_a_rate_has_that_of_the_last_day_before_it_within_five(db, day, found):
    store()
    asked = {"of": "USD", "in_": "JPY", "known_at": LATER}

    if found is None:
        with pytest.raises(rates.NoRate, match=f"No rate of USD in JPY is stored for {day}"):
            rates.rate_on(day, **asked)
    else:
        assert rates.rate_on(day, **asked).on == found


def test_a_currency_that_the_bank_does_not_name_has_no_rate(db):
    store()

    with pytest.raises(rates.NoRate, match="ISK"):
        rates.rate_on(FRIDAY, of="ISK", in_="EUR", known_at=LATER)


def test_both_legs_of_a_cross_rate_are_of_one_day(db):
    store(FILE.replace(b"0.3325", b"N/A"))

    assert rates.rate_on(FRIDAY, of="USD", in_="KWD", known_at=LATER).on == date(2026, 11, 26)


@pytest.mark.parametrize(
    ("money", "in_", "worth"),
    [
        (Money(D("100"), "EUR"), "USD", "108.15"),
        # 100 / 1.0815 = 92.4641…
        (Money(D("100"), "USD"), "EUR", "92.46"),
        # Through the euro, rounded once: 100 × 163.25 / 1.0815 = 15,094.775…
        (Money(D("100"), "USD"), "JPY", "15095"),
        # 1,000 × 0.3325 / 163.25 = 2.03675…
        (Money(D("1000"), "JPY"), "KWD", "2.037"),
        (Money(D("-100"), "USD"), "JPY", "-15095"),
        (Money(D("5"), "EUR"), "EUR", "5.00"),
    ],
)
def test_money_is_divided_and_rounded_once(db, money, in_, worth):
    store()

    rate = rates.rate_on(FRIDAY, of=money.currency, in_=in_, known_at=LATER)

    assert rate.convert(money) == Money(D(worth), in_)


def test_a_rate_converts_only_its_own_currency():
    rate = Rate("USD", "EUR", D(1), D(2), FRIDAY, "x")

    with pytest.raises(OtherCurrency):
        rate.convert(Money(D(1), "JPY"))


# A payout in another currency


@pytest.fixture
def payable(world):
    journal.post(
        agency_id=world.agency.pk, kind=EntryKind.RELEASE, currency="USD",
        sides=[
            Side(AccountKind.TRUST_CASH, D(100)),
            Side(AccountKind.PAYABLE, D(-100), beneficiary_id=world.beneficiary.pk),
        ],
        effective_on=FRIDAY, recorded_at=TONIGHT, description="Released",
    )  # fmt: skip
    store()
    return world


def pay_out(world, owed, paid, in_="EUR", on=FRIDAY):
    return exchanges.pay_out_in_other_currency(
        agency_id=world.agency.pk, beneficiary_id=world.beneficiary.pk,
        owed=Money(D(owed), "USD"), paid=Money(D(paid), in_), paid_on=on, by=None, now=LATER,
    )  # fmt: skip


def test_what_a_payout_differs_from_the_stored_rate_is_an_exchange_difference(payable):
    pay_out(payable, "100", "92.80")

    # 100.00 USD were worth 92.46 EUR; 92.80 left the bank: a loss of 0.34.
    assert {
        str(account): account.balance
        for account in Account.objects.with_balances()
        if account.balance
    } == {
        "Trust cash (USD)": D(100),
        "Money in exchange (USD)": D(-100),
        "Money in exchange (EUR)": D("92.46"),
        "Exchange gains and losses (EUR)": D("0.34"),
        "Trust cash (EUR)": D("-92.80"),
    }


def test_without_a_rate_nothing_is_paid_in_another_currency(payable):
    with pytest.raises(rates.NoRate):
        pay_out(payable, "100", "92.80", on=date(2026, 12, 9))
    with pytest.raises(exchanges.NotThatMuchPayable):
        pay_out(payable, "100.01", "92.80")
    with pytest.raises(remittances.NotPayableCash):
        pay_out(payable, "100", "15095.5", "JPY")


# Revaluation


def test_money_in_exchange_is_revalued_only_by_a_person_who_saw_it(payable, agency):
    pay_out(payable, "100", "92.46")
    asked = {"agency_id": agency.pk, "currency": "EUR", "on": date(2026, 12, 1)}
    # A dollar was worth 1 / 1.0815 EUR, and is 1 / 1.0500 EUR: 95.24 for what is booked as 92.46.
    later = {"now": LATER + timedelta(hours=1)}
    store(b"Date,USD\n2026-12-01,1.0500\n")

    found = exchanges.revaluation(**asked, **later)
    assert (found.booked.amount, found.gain.amount) == (D("92.46"), D("2.78"))
    with pytest.raises(exchanges.SeenOtherwise):
        exchanges.revalue(**asked, seen=D("2.77"), by=None, **later)
    exchanges.revalue(**asked, seen=D("2.78"), by=None, **later)

    balances = {str(row): row.balance for row in Account.objects.with_balances()}
    assert balances["Money in exchange (EUR)"] == D("95.24")
    assert balances["Exchange gains and losses (EUR)"] == D("-2.78")
    assert exchanges.revaluation(**asked, **later).gain.amount == 0
    with pytest.raises(exchanges.NothingToRevalue):
        exchanges.revalue(**asked, seen=D(0), by=None, **later)


def test_accounting_posts_a_revaluation_from_its_page(payable, agency):
    pay_out(payable, "100", "92.80")
    page = reverse("admin:valuation_account_revaluation")
    client = factories.sign_in(factories.make_member(agency, Role.ACCOUNTING))
    asked = {"agency": agency.pk, "currency": "EUR", "on": str(FRIDAY)}
    entries = JournalEntry.objects.filter(kind=EntryKind.REVALUATION.value)
    store(FILE.replace(b"1.0815", b"1.0500"), now=LATER + timedelta(hours=1))

    shown = client.get(page, asked)
    wrong = client.post(page, {**asked, "seen": "x"})

    assert (shown.status_code, wrong.status_code) == (200, 200)
    assert not entries.exists()
    agent = factories.sign_in(factories.make_member(agency, Role.AGENT))
    assert agent.get(page).status_code == 403


# The doors


def test_an_operator_imports_the_file_by_a_command(db, tmp_path, capsys):
    file = tmp_path / "eurofxref-hist.csv"
    file.write_bytes(FILE)

    call_command("import_rates", str(file))
    call_command("import_rates", str(file))

    assert capsys.readouterr().out.splitlines() == [
        "8 new rates, 0 corrected, 0 known before.",
        "0 new rates, 0 corrected, 8 known before.",
    ]
    file.write_bytes(b"Date,USD\nx")
    with pytest.raises(CommandError, match="was not imported: Line 2"):
        call_command("import_rates", str(file))
    with pytest.raises(CommandError, match="was not imported"):
        call_command("import_rates", str(tmp_path / "missing.csv"))


IMPORT = reverse_lazy("admin:valuation_exchangerate_import_rates")


def test_an_operator_looks_before_importing(admin_client):
    sent = admin_client.post(IMPORT, {"file": SimpleUploadedFile("rates.csv", FILE)})
    assert (sent.context["preview"].new, ExchangeRate.objects.count()) == (8, 0)

    admin_client.post(IMPORT, {"confirmed": sent.context["digest"]})
    assert ExchangeRate.objects.count() == 8

    # Sent twice, or kept no longer: nothing happens.
    admin_client.post(IMPORT, {"confirmed": sent.context["digest"]})
    assert ExchangeRate.objects.count() == 8


def test_a_file_that_is_wrong_says_where(admin_client):
    sent = admin_client.post(IMPORT, {"file": SimpleUploadedFile("rates.csv", b"Date,USD\nx,1")})

    assert "Line 2" in sent.context["form"].errors["file"][0]


def test_accounting_reads_rates_and_imports_none(agency):
    store_by = factories.sign_in(factories.make_member(agency, Role.ACCOUNTING))
    store()

    assert store_by.get(reverse("admin:valuation_exchangerate_changelist")).status_code == 200
    assert store_by.get(IMPORT).status_code == 403
    assert store_by.post(IMPORT, {"confirmed": "x"}).status_code == 403
