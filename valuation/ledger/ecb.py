"""The European Central Bank's file of reference rates, as it publishes it: eurofxref-hist.csv.

Its header is `Date,USD,JPY,…`, a row is `2026-11-27,1.0815,163.25,…`: how much of each currency one
euro bought. `N/A` or nothing stands where there was no rate; every line may end with a comma.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from talent.errors import Refused
from talent.locales import known_currency

BASE = "EUR"
SOURCE = "European Central Bank, euro reference rates"
FIRST_YEAR, LAST_YEAR = 1999, 2199
# The whole file since 1999 has some 7,000 rows of 42 columns: a tenth of what is read here.
MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 16 * 2**20, 60_000, 200
MISSING = {"", "N/A"}
RATE = re.compile(r"\d{1,9}(\.\d{1,10})?", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
CODE = re.compile(r"[A-Z]{3}", re.ASCII)


class NotTheRatesFile(Refused):
    """A file is not what the European Central Bank publishes; the text names the line."""

    code = "not_the_rates_file"


@dataclass(frozen=True, slots=True)
class ReferenceRate:
    """How much of a currency one euro bought on a day."""

    on: date
    currency: str
    rate: Decimal


def read(content: bytes) -> Iterator[ReferenceRate]:
    """Yield the rates of a file, row by row. Currencies that are no longer money are left out.

    Raises NotTheRatesFile, at the latest at the line that is wrong.
    """
    if len(content) > MOST_BYTES:
        raise NotTheRatesFile("The file is too large to be the bank's.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise NotTheRatesFile("The file is not text in UTF-8.") from failure
    if "\0" in text:
        raise NotTheRatesFile("The file is not text: it holds NUL.")
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        yield from _rates(rows)
    except csv.Error as failure:
        raise NotTheRatesFile(f"Line {rows.line_num} is no CSV.") from failure


def _rates(rows: Iterable[list[str]]) -> Iterator[ReferenceRate]:
    numbered = enumerate(rows, start=1)
    codes = _codes(next(numbered, (1, []))[1])
    seen: set[date] = set()
    for number, row in numbered:
        if number > MOST_ROWS:
            raise NotTheRatesFile(f"The file has more than {MOST_ROWS} lines.")
        if not any(map(str.strip, row)):
            continue
        day, cells = _cells(row, len(codes), number)
        on = _day(day, number)
        if on in seen:
            raise NotTheRatesFile(f"Line {number} is another row for {on}.")
        seen.add(on)
        yield from _rates_of(on, zip(codes, cells, strict=True), number)


def _rates_of(on: date, cells: Iterable[tuple[str, str]], number: int) -> Iterator[ReferenceRate]:
    for code, cell in cells:
        if cell not in MISSING and known_currency(code):
            yield ReferenceRate(on, code, _rate(cell, code, number))


def _cells(row: list[str], expected: int, number: int) -> tuple[str, list[str]]:
    """Return the day and the rates of a row, without the comma that may end it."""
    day, *cells = [cell.strip() for cell in row]
    if len(cells) == expected + 1 and not cells[-1]:
        cells.pop()
    if len(cells) != expected:
        raise NotTheRatesFile(
            f"Line {number} has {len(cells)} rates, but the header names {expected}."
        )
    return day, cells


def _codes(header: list[str]) -> list[str]:
    name, *codes = [cell.strip() for cell in header] or [""]
    if codes and not codes[-1]:
        codes.pop()
    faulty = [code for code in codes if not CODE.fullmatch(code) or code == BASE]
    if name != "Date" or not codes or faulty or len(set(codes)) != len(codes):
        raise NotTheRatesFile("The first line is not “Date” and the codes of currencies.")
    if len(codes) > MOST_COLUMNS:
        raise NotTheRatesFile(f"The file has more than {MOST_COLUMNS} columns.")
    return codes


def _day(cell: str, number: int) -> date:
    try:
        on = date.fromisoformat(cell) if DAY.fullmatch(cell) else date.min
    except ValueError:
        on = date.min
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise NotTheRatesFile(f"Line {number} begins with no day of the euro.")
    return on


def _rate(cell: str, code: str, number: int) -> Decimal:
    if not RATE.fullmatch(cell) or not (rate := Decimal(cell)):
        raise NotTheRatesFile(f"Line {number} has no rate above zero for {code}.")
    return rate
