"""A list as an XLSX workbook, written row by row so that memory does not grow with it."""

import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import IO

import xlsxwriter

from talent import safe_csv

Cell = str | int | float | Decimal
MOST_ROWS = 100_000
LONGEST_CELL = 32_767
WIDTH = 18
# Digits that a spreadsheet keeps of a number; a longer one is written as text, to lose none.
MOST_DIGITS = 15


class TooManyRows(Exception):
    """The list has more rows than the desk writes into a workbook."""


def workbook_of(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> IO[bytes]:
    """Return a list as an open XLSX workbook, a temporary file that is deleted on closing.

    Cells are texts or numbers, never formulas. Raises TooManyRows.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    try:
        _write_book(file, name, header, rows)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write_book(
    file: IO[bytes], name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        page = book.add_worksheet(name[:31])
        page.set_column(0, max(0, len(header) - 1), WIDTH)
        page.freeze_panes(1, 0)
        page.write_row(0, 0, header, book.add_format({"bold": True}))
        for number, row in enumerate(rows, start=1):
            if number > MOST_ROWS:
                raise TooManyRows
            for place, cell in enumerate(row):
                _write(page, number, place, cell)


def _write(page, number: int, place: int, cell: Cell) -> None:
    text = cell if isinstance(cell, str) else safe_csv.cell(cell)
    amount = _number(text)
    if amount is None:
        page.write_string(number, place, text[:LONGEST_CELL])
    else:
        page.write_number(number, place, amount)


def _number(cell: str) -> Decimal | None:
    """Return a text cell as a number, if it is one: leading zeros mark an identifier."""
    digits = cell.lstrip("-").replace(".", "", 1)
    leads = digits.startswith("0") and digits != "0" and not cell.lstrip("-").startswith("0.")
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > MOST_DIGITS or leads:
        return None
    try:
        return Decimal(cell)
    except InvalidOperation:
        return None
