"""CSV that no spreadsheet runs: who reads it gets the facts, and never a formula."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from talent.safe_csv import FORMULA_STARTS, cell, lines


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("Ada Example", "Ada Example"),
        (-3, "-3"),
        (-0.5, "-0.5"),
        (Decimal("-767.40"), "-767.40"),
        (Decimal("0E-6"), "0.000000"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 7, 1), "2026-07-01"),
        (datetime(2026, 7, 1, 9, 30, tzinfo=UTC), "2026-07-01T09:30:00+00:00"),
        (("de", "fr"), "de fr"),
        ((), ""),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tAda", "'\tAda"),
        ("\rAda", "'\rAda"),
        (("=1", "-2"), "'=1 '-2"),
    ],
)
def test_numbers_stay_numbers_and_texts_stay_texts(value, text):
    assert cell(value) == text


@given(st.lists(st.text(max_size=9).filter(lambda text: "\0" not in text), min_size=1, max_size=5))
def test_no_text_reaches_a_spreadsheet_as_a_formula(names):
    # newline="" of the csv module: lines are read as they were written.
    header, row = csv.reader(lines(names, [names]))

    assert header == row
    assert not any(text.startswith(FORMULA_STARTS) for text in row)
    assert [text.removeprefix("'") for text in row] == [name.removeprefix("'") for name in names]


def test_rows_are_written_as_they_are_asked_for():
    endless = ([number] for number in count())

    assert list(islice(lines(["number"], endless), 3)) == ["number\r\n", "0\r\n", "1\r\n"]


def test_every_csv_of_the_desk_is_written_here():
    rooms = [settings.BASE_DIR / room for room in ("talent", "licensing", "valuation")]
    sources = [path for room in rooms for path in room.rglob("*.py")]
    writers = [path for path in sources if _writes_csv(path)]

    assert writers == [settings.BASE_DIR / "talent" / "safe_csv.py"]


def _writes_csv(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return "csv.writer" in text or "csv.DictWriter" in text
