"""Workbooks: the rows of an XLSX file as text, read within bounds whatever the file claims.

A workbook is a ZIP of XML. It is unpacked within a limit and measured as a stream before the
reader sees it, since a few kilobytes may claim seventeen billion cells or unpack to gigabytes.
"""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from xml.parsers import expat

import python_calamine

from licensing.wire.canonical import plain

from .cell_styles import Styles
from .values import Cell, CellKind

MOST_UNPACKED = 100 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 200
MOST_TEXT = 100 * 1024 * 1024
MOST_PARTS = 1_000
MAGIC = b"PK\x03\x04"

# What a spreadsheet itself keeps of a number, so that 0.1 + 0.2 is 0.3 here too.
_DIGITS = ".15g"
_CHUNK = 64 * 1024
_LONGEST_NUMBER = 8
_MIDNIGHT = time()
MOST_EXACT = 2**53
EVERY = -1  # in place of a column: the whole row
UNSEEN = "?"  # in place of a cell that looks blank and is not
RELATIONS = "xl/_rels/workbook.xml.rels"
STYLES = "xl/styles.xml"
_Place = tuple[int, int]


class WorkbookUnreadable(Exception):
    """The file is no workbook that the desk reads. `code` is stable; the text is shown."""

    def __init__(self, code: str, detail: str):
        super().__init__(detail)
        self.code = code


def worksheets(content: bytes) -> list[str]:
    """Return the names of a workbook's worksheets, in their order. Raises WorkbookUnreadable.

    Those that it hides and those without a cell are left out, unless there are no others.
    """
    return _worth_reading(_opened(_unpacked(content)))


def rows(content: bytes, worksheet: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a worksheet with their numbers; if none is named, the first of those above.

    Numbers and instants come as the cell holds them, not as it shows them. Raises
    WorkbookUnreadable.
    """
    unpacked = _unpacked(content)
    workbook = _opened(unpacked)
    try:
        name = worksheet or _worth_reading(workbook)[0]
        sheet = workbook.get_sheet_by_name(name)
    except (IndexError, python_calamine.WorksheetNotFound):
        raise WorkbookUnreadable("no_worksheet", "The workbook has no such worksheet.") from None
    except python_calamine.CalamineError:
        raise _damaged() from None
    row, column = sheet.start or (0, 0)
    unsure = _unsure(unpacked, name, sheet.merged_cell_ranges or (), header=row)
    for number, cells in enumerate(sheet.to_python(), start=row + 1):
        texts: list[str] = [_text(cell) for cell in cells]
        for place, kind in unsure.get(number, {}).items():
            while len(texts) <= place - column:
                texts.append(Cell(""))
            # A merged cell that holds something is the one that is shown.
            if place >= column and not (texts[place - column] and kind is CellKind.MERGED):
                texts[place - column] = Cell.of(texts[place - column] or UNSEEN, kind)
        if EVERY in unsure.get(number, {}):
            texts = [Cell.of(text, CellKind.HIDDEN) for text in texts]
        yield number, texts


def _worth_reading(workbook: python_calamine.CalamineWorkbook) -> list[str]:
    visible = python_calamine.SheetVisibleEnum.Visible
    shown = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == visible]
    if len(shown) < 2:
        return shown or list(workbook.sheet_names)
    return [name for name in shown if _has_cells(workbook, name)] or shown


def _has_cells(workbook: python_calamine.CalamineWorkbook, name: str) -> bool:
    try:
        return workbook.get_sheet_by_name(name).start is not None
    except (python_calamine.CalamineError, python_calamine.WorksheetNotFound):
        return False


def _opened(unpacked: io.BytesIO) -> python_calamine.CalamineWorkbook:
    try:
        return python_calamine.CalamineWorkbook.from_filelike(unpacked)
    except python_calamine.CalamineError:
        raise _damaged() from None


def _damaged() -> WorkbookUnreadable:
    return WorkbookUnreadable("not_xlsx", "The file is no XLSX workbook, or it is damaged.")


def _too_large(what: str) -> WorkbookUnreadable:
    return WorkbookUnreadable("sheet_too_large", f"{what}; split it into several.")


# Unpacking


def _unpacked(content: bytes) -> io.BytesIO:
    """Return the workbook's XML parts in a new file of their own, as large as they really are."""
    copy = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(copy, "w") as plain:
            parts = _parts(packed)
            left = MOST_UNPACKED
            texts: list[int] = []
            for part in sorted(parts, key=_shared_texts_first):
                xml = _read(packed, part, left)
                left -= len(xml)
                _measure(xml, texts)
                plain.writestr(part.filename, xml)
    # RuntimeError: a part has a password; NotImplementedError: it is packed as zipfile cannot read.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError):
        raise _damaged() from None
    copy.seek(0)
    return copy


def _parts(packed: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    parts = [each for each in packed.infolist() if each.filename.endswith((".xml", ".rels"))]
    names = {part.filename for part in parts}
    if len(names) < len(parts) or "xl/workbook.xml" not in names or len(parts) > MOST_PARTS:
        raise _damaged()
    return parts


def _shared_texts_first(part: zipfile.ZipInfo) -> bool:
    return part.filename.lower() != "xl/sharedstrings.xml"


def _read(packed: zipfile.ZipFile, part: zipfile.ZipInfo, left: int) -> bytes:
    """Return what a part holds, at most what is left; its claim of a size is not believed."""
    read = bytearray()
    with packed.open(part) as file:
        while chunk := file.read(_CHUNK):
            read += chunk
            if len(read) > left:
                limit = MOST_UNPACKED // 1024 // 1024
                raise _too_large(f"A workbook unpacks to at most {limit} MB")
    return bytes(read)


# Measuring


def _measure(xml: bytes, texts: list[int]) -> None:
    """Refuse a part whose cells reach too far, or repeat a shared text until memory is full."""
    extent = _Extent(texts)
    _parse(xml, StartElementHandler=extent.start)
    if extent.has_texts:
        _parse(xml, StartElementHandler=extent.text, CharacterDataHandler=extent.text_data)
    elif extent.shared * max(texts, default=0) > MOST_TEXT:
        weight = _Weight(texts)
        _parse(
            xml,
            StartElementHandler=weight.start,
            EndElementHandler=weight.end,
            CharacterDataHandler=weight.data,
        )


def _parse(xml: bytes, **handlers: Callable[..., None]) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_doctype
    for name, handler in handlers.items():
        setattr(parser, name, handler)
    try:
        parser.Parse(xml, True)  # noqa: FBT003 (expat's own signature)
    except expat.ExpatError:
        raise _damaged() from None


def _no_doctype(*_said: object) -> None:
    raise _damaged()


def _local(name: str) -> str:
    return name.rpartition(":")[2]


@dataclass
class _Extent:
    """How far the cells of a part reach, how many are shared texts, and how long those are."""

    texts: list[int]
    row: int = 0
    column: int = 0
    shared: int = 0
    has_texts: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match _local(name):
            case "c":
                self._cell(attributes.get("r", ""))
                self.shared += attributes.get("t") == "s"
            case "row":
                self._row(attributes.get("r", ""))
            case "sst":
                self.has_texts = True

    def _row(self, place: str) -> None:
        self.row, self.column = self.row + 1, 0
        self._bound(place or str(self.row))

    def _cell(self, place: str) -> None:
        letters = place.rstrip("0123456789")
        self.column = _number_of(letters) if letters else self.column + 1
        if self.column > MOST_COLUMNS:
            raise _too_large(f"A worksheet has at most {MOST_COLUMNS} columns")
        self._bound(place[len(letters) :])

    def _bound(self, row: str) -> None:
        if len(row) > _LONGEST_NUMBER or (row.isdecimal() and int(row) > MOST_ROWS):
            raise _too_large(f"A worksheet has at most {MOST_ROWS:,} rows")
        self.row = int(row) if row.isdecimal() else self.row

    def text(self, name: str, _attributes: dict[str, str]) -> None:
        if _local(name) == "si":
            self.texts.append(0)

    def text_data(self, text: str) -> None:
        if self.texts:
            self.texts[-1] += len(text)


@dataclass
class _Weight:
    """How much text the shared texts of a part come to, cell by cell."""

    texts: list[int]
    shared: bool = False
    value: str = ""
    sum: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "c":
            self.shared, self.value = attributes.get("t") == "s", ""

    def data(self, text: str) -> None:
        self.value += text if self.shared else ""

    def end(self, name: str) -> None:
        if _local(name) != "c" or not self.shared:
            return
        place = int(self.value) if _is_small(self.value) else len(self.texts)
        self.sum += self.texts[place] if place < len(self.texts) else 0
        if self.sum > MOST_TEXT:
            raise _too_large("The worksheet holds too much text")


def _is_small(number: str) -> bool:
    return number.isdecimal() and len(number) <= _LONGEST_NUMBER


@lru_cache(maxsize=1_024)
def _number_of(letters: str) -> int:
    number = 0
    for letter in letters[:4].upper():
        number = number * 26 + ord(letter) - 64
    return number


# What a reader of values alone would not see


def _unsure(
    unpacked: io.BytesIO, worksheet: str, merged: Iterable[tuple[_Place, _Place]], *, header: int
) -> dict[int, dict[int, CellKind]]:
    """Return the cells whose value is not what it seems, by row (from 1) and column (from 0).

    `header` is the first row that holds something, from 0.
    """
    styles = Styles()
    seen = _Seen(styles.kinds)
    with zipfile.ZipFile(unpacked) as parts:
        if STYLES in parts.namelist():
            _parse(parts.read(STYLES), **styles.handlers)
        part = _part_of(parts, worksheet)
        if part in parts.namelist():
            _parse(parts.read(part), StartElementHandler=seen.start, EndElementHandler=seen.end,
                   CharacterDataHandler=seen.data)  # fmt: skip
    for (top, left), (bottom, right) in merged:
        # Wide titles above a table are merged sideways, too.
        unsure = bottom > top or top > header
        for row in range(top, min(bottom, MOST_ROWS) + 1) if unsure else ():
            for column in range(left, min(right, MOST_COLUMNS) + 1):
                seen.cells.setdefault(row + 1, {}).setdefault(column, CellKind.MERGED)
    return seen.cells


def _part_of(parts: zipfile.ZipFile, worksheet: str) -> str:
    """Return the name of the part that a worksheet is kept in."""
    ids: dict[str, str] = {}
    targets: dict[str, str] = {}

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "sheet":
            place = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            ids[attributes.get("name", "")] = place

    def relation(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    _parse(parts.read("xl/workbook.xml"), StartElementHandler=sheet)
    if RELATIONS in parts.namelist():
        _parse(parts.read(RELATIONS), StartElementHandler=relation)
    target = targets.get(ids.get(worksheet, ""), "")
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


@dataclass
class _Seen:
    """Formulas without a result, errors, styles that matter and hidden rows of a worksheet's part.

    `styles` leads from a style's number to the kind of cell that it makes.
    """

    styles: dict[str, CellKind]
    cells: dict[int, dict[int, CellKind]] = field(default_factory=dict)
    row: int = 0
    column: int = -1
    formula: bool = False
    error: bool = False
    is_text: bool = False  # so that nothing is a result, too
    value: str = ""
    style: str = ""
    reads: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match _local(name):
            case "row":
                place = attributes.get("r", "")
                self.row = int(place) if place.isdecimal() else self.row + 1
                self.column = -1
                if attributes.get("hidden") in ("1", "true"):
                    self.cells.setdefault(self.row, {})[EVERY] = CellKind.HIDDEN
            case "c":
                letters = attributes.get("r", "").rstrip("0123456789")
                self.column = _number_of(letters) - 1 if letters else self.column + 1
                self.formula, self.error = False, attributes.get("t") == "e"
                self.is_text = attributes.get("t") == "str"
                self.value, self.style = "", attributes.get("s", "")
            case "f":
                self.formula = True
            case "v" | "t":
                self.reads = True

    def data(self, text: str) -> None:
        if self.reads:
            self.value += text

    def end(self, name: str) -> None:
        match _local(name):
            case "v" | "t":
                self.reads = False
            case "c" if self.error:
                self.cells.setdefault(self.row, {})[self.column] = CellKind.ERROR
            case "c" if self.formula and not (self.value or self.is_text):
                self.cells.setdefault(self.row, {})[self.column] = CellKind.FORMULA
            case "c" if self.value and self.style in self.styles:
                self.cells.setdefault(self.row, {})[self.column] = self.styles[self.style]


# Cells


def _text(cell: object) -> Cell:
    """Return a cell as text, as the same sheet saved as CSV would have it, with what it holds."""
    kind = CellKind.TEXT
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        kind = CellKind.NUMBER if abs(cell) < MOST_EXACT else CellKind.LONG_NUMBER
    elif isinstance(cell, timedelta):
        kind = CellKind.DURATION
    return Cell.of(_plain_text(cell), kind)


def _plain_text(cell: object) -> str:
    match cell:
        case bool():
            return str(cell).lower()
        case int() | float():
            # Whole numbers below 2^53 are exact in the file; a spreadsheet keeps 15 digits else.
            if cell == int(cell) and abs(cell) < MOST_EXACT:
                return str(int(cell))
            return plain(Decimal(format(cell, _DIGITS)))
        case datetime():
            return _instant(cell)
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return plain(Decimal(cell // timedelta(microseconds=1)).scaleb(-6))
    return str(cell).strip()


def _instant(cell: datetime) -> str:
    """Write a local time to the millisecond: a cell's day is a float, with noise behind that."""
    rounded = cell + timedelta(microseconds=500)
    rounded = rounded.replace(microsecond=rounded.microsecond // 1000 * 1000)
    if rounded.time() == _MIDNIGHT:
        return rounded.date().isoformat()
    return rounded.isoformat()
