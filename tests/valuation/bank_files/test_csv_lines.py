"""A bank's CSV: what can be told from it, and rows read by what a person says of its columns."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.bank_files import csv_lines
from valuation.bank_files.csv_lines import CsvMapping, read, survey
from valuation.bank_files.statements import NotABankFile

GERMAN = """Umsätze September

Buchungstag;Valuta;Auftraggeber/Empfänger;IBAN;Verwendungszweck;Betrag;Währung
01.09.2026;02.09.2026;Köln Film;DE89;MER-1;1.234,50;EUR
13.09.2026;13.09.2026;Bank;;Entgelt;-3,00;EUR
"""
AMERICAN = """Date,Description,Debit,Credit,Reference Number
09/13/2026,"Harbor, Inc.",,"$1,200.00",MER-1
09/14/2026,Fee,12.50,,
"""
FRENCH = """Date de valeur\tDate comptable\tLibellé\tMontant\tDevise
02/09/2026\t13/09/2026\tDroits\t1 234,50\tEUR
"""


def lines_of(text, currency, encoding="utf-8"):
    content = text.encode(encoding)
    found = read(content, replace(survey(content).mapping, account="A", currency=currency))
    return [(one.booked_on, one.amount, one.counterparty, one.text) for _row, one in found.lines]


@pytest.mark.parametrize(
    ("text", "encoding", "currency", "expected"),
    [
        (GERMAN, "cp1252", "EUR", [(date(2026, 9, 1), D("1234.50"), "Köln Film", "MER-1"),
                                   (date(2026, 9, 13), D("-3.00"), "Bank", "Entgelt")]),
        (AMERICAN, "utf-8-sig", "USD", [(date(2026, 9, 13), D("1200.00"), "", "Harbor, Inc."),
                                        (date(2026, 9, 14), D("-12.50"), "", "Fee")]),
        (FRENCH, "utf-16", "EUR", [(date(2026, 9, 13), D("1234.50"), "", "Droits")]),
    ],
    ids=["german", "american", "french"],
)  # fmt: skip
def test_what_banks_write_is_read_without_a_word(text, encoding, currency, expected):
    assert lines_of(text, currency, encoding) == expected


def test_the_reference_of_the_payer_and_the_day_of_value_have_columns_of_their_own():
    content = GERMAN.encode()

    assert survey(content).mapping.columns == {
        "booked_on": 0, "valued_on": 1, "amount": 5, "currency": 6, "counterparty": 2,
        "counterparty_account": 3, "text": 4,
    }  # fmt: skip
    assert survey(AMERICAN.encode()).mapping.columns["end_to_end"] == 4


def test_days_that_can_be_read_in_two_orders_are_said_to():
    text = "Date,Amount\n03/04/2026,5\n05/06/2026,7\n"

    assert survey(text.encode()).ambiguous_dates
    assert not survey(text.replace("05/06", "05/16").encode()).ambiguous_dates


COLUMNS = {"booked_on": 0, "amount": 1, "currency": 2, "direction": 3}
MAPPING = CsvMapping("A", "EUR", columns=COLUMNS)


@pytest.mark.parametrize(
    ("cells", "amount"),
    [
        ("2026-09-01;1,234.50", "1234.50"),
        ("20260901;5", "5"),
        ("2026-09-01;(5.00)", "-5"),
        ("2026-09-01;5.00-", "-5"),
        ("2026-09-01;\u22125.00", "-5"),
        ("2026-09-01;+1’234.50", "1234.50"),
        ("2026-09-01;5 EUR;EUR", "5"),
        ("2026-09-01;5;eur;D", "-5"),
        ("2026-09-01;-5;;debit", "-5"),
        ("2026-09-01;5;;CR", "5"),
    ],
)
def test_an_amount_is_read_as_it_is_written(cells, amount):
    (found,) = read(f"Day;Amount\n{cells}\n".encode(), MAPPING).lines

    assert found[1].amount == D(amount)


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ("2026-13-01;5", "no day of booking"),
        ("01.09.2026;5", "no day of booking"),
        ("9999-01-01;5", "no day of booking"),
        ("2026-09-01;1.234,50", "no amount with a decimal point"),
        ("2026-09-01;12,34.5", "no amount"),
        ("2026-09-01;=1+1", "no amount"),
        ("2026-09-01;٣", "no amount"),
        ("2026-09-01;0.00", "zero"),
        ("2026-09-01;", "no amount"),
        ("2026-09-01;1.005", "finer than EUR"),
        ("2026-09-01;5;USD", "the account is in EUR"),
        ("2026-09-01;5;;maybe", "neither credit nor debit"),
        ("2026-09-01;" + "9" * 16, "too large"),
        ("Total;5", "no day of booking"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_stops_only_itself(cells, fault):
    found = read(f"Day;Amount\n{cells}\n2026-09-02;7\n".encode(), MAPPING)

    (wrong,) = found.faults
    assert (wrong.row, fault in wrong.detail) == (2, True), wrong
    assert [(row, one.amount) for row, one in found.lines] == [(3, D(7))]


@pytest.mark.parametrize(
    "content",
    [b"", b"just words", b"\xff\xfe\x00", b"a;b\n" * 3_000_000, b";" * 100 + b"\n",
     b'a;b\n"' + b"x" * 200_000],
    ids=["empty", "words", "half", "large", "wide", "open quote"],
)  # fmt: skip
def test_what_is_no_csv_of_a_bank_is_refused(content):
    with pytest.raises(NotABankFile):
        read(content, survey(content).mapping)


def test_more_rows_than_a_statement_has_are_refused(monkeypatch):
    monkeypatch.setattr(csv_lines, "MOST_LINES", 2)
    rows = "2026-09-01;5\n" * 3

    with pytest.raises(NotABankFile, match="at most 2 rows"):
        read(f"Day;Amount\n{rows}".encode(), MAPPING)


@given(
    cents=st.integers(-(10**12), 10**12).filter(bool),
    day=st.dates(date(1990, 1, 1), date(2199, 12, 31)),
    sign=st.sampled_from(".,"),
    order=st.sampled_from(["dmy", "mdy", "ymd"]),
    separator=st.sampled_from(";\t|"),
    text=st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20),
)
def test_what_is_written_by_a_mapping_is_read_by_it(cents, day, sign, order, separator, text):
    parts = {"d": f"{day.day:02}", "m": f"{day.month:02}", "y": str(day.year)}
    grouped = f"{D(cents) / 100:,.2f}"
    amount = grouped.translate(str.maketrans(",.", ".,")) if sign == "," else grouped
    quoted = text.replace('"', '""')
    row = separator.join(["/".join(parts[one] for one in order), amount, f'"{quoted}"'])
    mapping = CsvMapping("A", "USD", separator=separator, decimal_sign=sign, date_order=order,
                         header=0, columns={"booked_on": 0, "amount": 1, "text": 2})  # fmt: skip

    ((_row, line),) = read(row.encode(), mapping).lines

    assert (line.booked_on, line.amount, line.text) == (day, D(cents) / 100, text)
