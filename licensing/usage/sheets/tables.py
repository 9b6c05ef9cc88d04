"""Tables: a studio's file as rows of text, whether it is CSV or XLSX."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

from . import workbooks
from .values import Cell, CellKind, kind_of

LARGEST_FILE = 10 * 1024 * 1024
LONGEST_CELL = 20_000
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class RowFault:
    """What is wrong in a row (1 is the header), in which column, in the field's words."""

    row: int
    column: str
    code: str
    detail: str


class SheetUnreadable(Exception):
    """The sheet can't be read past this point."""

    def __init__(self, fault: RowFault):
        super().__init__(fault.detail)
        self.fault = fault


class Table:
    """A file's rows, the blank ones left out. Its digest is known once it has been read."""

    def __init__(self, file: BinaryIO, worksheet: str = ""):
        self._measured = _Measured(file)
        self._worksheet = worksheet

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was read of the file: all of it, unless it proved unreadable."""
        return self._measured.sha256.hexdigest()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row with its number, its cells stripped. Raises SheetUnreadable."""
        for number, cells in self._rows():
            if len(cells) > workbooks.MOST_COLUMNS:
                detail = f"A sheet has at most {workbooks.MOST_COLUMNS} columns."
                raise unreadable(number, "too_many_columns", detail)
            if number > workbooks.MOST_ROWS:
                detail = f"A sheet has at most {workbooks.MOST_ROWS:,} rows; split it into several."
                raise unreadable(number, "sheet_too_large", detail)
            stripped = [cell if isinstance(cell, Cell) else cell.strip() for cell in cells]
            if any(len(cell) > LONGEST_CELL for cell in stripped):
                detail = f"A cell has at most {LONGEST_CELL:,} characters."
                raise unreadable(number, "cell_too_long", detail)
            if any(cell and kind_of(cell) is not CellKind.MERGED for cell in stripped):
                yield number, stripped

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        file = io.BufferedReader(self._measured)
        if file.peek(len(workbooks.MAGIC)).startswith(workbooks.MAGIC):
            return _workbook_rows(file.read(), self._worksheet)
        return _csv_rows(file)


def worksheets(content: bytes) -> list[str]:
    """Return the names of the worksheets to choose from; a CSV has none. Raises SheetUnreadable."""
    if not content.startswith(workbooks.MAGIC):
        return []
    try:
        return workbooks.worksheets(content)
    except workbooks.WorkbookUnreadable as wrong:
        raise unreadable(1, wrong.code, str(wrong)) from None


def unreadable(number: int, code: str, detail: str, column: str = "") -> SheetUnreadable:
    return SheetUnreadable(RowFault(number, column, code, detail))


def _workbook_rows(content: bytes, worksheet: str) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from _without_blank_margin(workbooks.rows(content, worksheet))
    except workbooks.WorkbookUnreadable as wrong:
        raise unreadable(1, wrong.code, str(wrong)) from None


def _without_blank_margin(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Cut off the blank cells that a worksheet has beyond the width of its first row."""
    width = 0
    for number, cells in rows:
        width = width or _last_filled(cells)
        yield number, cells[: max(width, _last_filled(cells))]


def _last_filled(cells: list[str]) -> int:
    return max((place for place, cell in enumerate(cells, start=1) if cell), default=0)


def _csv_rows(file: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, cells in enumerate(_reader(_lines(file)), start=1):
            yield number, cells
    except csv.Error:
        raise unreadable(number + 1, "not_csv", "The sheet is not CSV here.") from None


def _lines(file: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise unreadable(number, "not_utf_8", "The sheet is not UTF-8 here.") from None


def _reader(lines: Iterator[str]) -> Iterator[list[str]]:
    header = next(lines, "")
    delimiter = max(DELIMITERS, key=header.count)
    return csv.reader(chain([header], lines), delimiter=delimiter, strict=True)


class _Measured(io.RawIOBase):
    """Passes bytes on, hashes them, and stops at the limit."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._size = 0
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._file.read(len(buffer))
        self._size += len(chunk)
        if self._size > LARGEST_FILE:
            limit = LARGEST_FILE // 1024 // 1024
            detail = f"A sheet has at most {limit} MB; split it into several."
            raise unreadable(1, "sheet_too_large", detail)
        self.sha256.update(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)
