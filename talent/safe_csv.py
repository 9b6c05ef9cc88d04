"""CSV whose cells a spreadsheet never runs as formulas. All CSV of the desk is written here."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

# A spreadsheet runs a cell that begins with one of these as a formula, and names in the data are
# entered by strangers.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _LineReturner:
    """A file for csv.writer whose `write` returns the line, so that rows stream."""

    def write(self, line: str) -> str:
        return line


def lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield a header and rows as CSV lines, each with its CRLF, one at a time."""
    writer = csv.writer(_LineReturner())
    yield writer.writerow(map(cell, header))
    for row in rows:
        yield writer.writerow(map(cell, row))


def cell(value: object) -> str:
    """Return a value as the text of a cell.

    The value's type decides: numbers are plain digits (never 1E+3), days and instants ISO 8601,
    None is empty, a tuple its parts with spaces between. A text that begins like a formula gets
    an apostrophe before it.
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return " ".join(map(cell, value))
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
