"""Values: numbers and times as people and spreadsheets write them, read only where they are sure.

A sheet says once how it writes them; what could be read in two ways is refused, never guessed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from licensing.wire.canonical import plain
from licensing.wire.faults import FieldFault
from licensing.words import DateOrder, DecimalSign, Meter


class CellKind(StrEnum):
    """What a workbook says of a cell. In a CSV everything is text."""

    TEXT = "text"
    NUMBER = "number"
    LONG_NUMBER = "long_number"  # a spreadsheet keeps fewer digits than it has
    DURATION = "duration"
    FORMULA = "formula"  # without a result
    ERROR = "error"
    MERGED = "merged"
    HIDDEN = "hidden"
    PERCENT = "percent"
    STRUCK = "struck"  # a line goes through it


class Cell(str):
    """A cell's text, and what the workbook itself says that it holds."""

    kind: CellKind = CellKind.TEXT

    @classmethod
    def of(cls, text: str, kind: CellKind) -> "Cell":
        cell = cls(text)
        cell.kind = kind
        return cell


def kind_of(cell: str) -> CellKind:
    """Return what a workbook says that a cell holds; of a CSV, everything is text."""
    return cell.kind if isinstance(cell, Cell) else CellKind.TEXT


UNREADABLE = {
    CellKind.FORMULA: FieldFault(
        "A formula without a result; open and save the workbook in a spreadsheet, or send values.",
        "formula_without_result",
    ),
    CellKind.ERROR: FieldFault(
        "The cell shows an error of its spreadsheet; put it right there, or clear it.",
        "cell_with_error",
    ),
    CellKind.MERGED: FieldFault(
        "The cell is merged with another; write the value into each row.", "merged_cell"
    ),
    CellKind.HIDDEN: FieldFault(
        "The row is hidden in its workbook; show it, or delete it.", "hidden_row"
    ),
    CellKind.PERCENT: FieldFault(
        "The cell shows a percentage; this column counts something else.", "percentage"
    ),
    CellKind.STRUCK: FieldFault(
        "A line goes through the cell; delete the row, or take the line away.", "struck_out"
    ),
}

# Numbers

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_PLAIN = re.compile(r"-?[0-9]+")
_GROUPS = (
    "[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}'\N{RIGHT SINGLE QUOTATION MARK}]"
)
_GROUPED = re.compile(rf"-?[0-9]{{1,3}}(?:{_GROUPS}[0-9]{{3}})+(?=$|[.,])")
_ONE_SIGN = re.compile(r"-?([0-9]+)([.,])([0-9]+)")
_THOUSANDS = {
    DecimalSign.POINT: re.compile(r"(-?[1-9][0-9]{0,2}(?:,[0-9]{3})+|-?[0-9]+)(\.[0-9]+)?"),
    DecimalSign.COMMA: re.compile(r"(-?[1-9][0-9]{0,2}(?:\.[0-9]{3})+|-?[0-9]+)(,[0-9]+)?"),
}
_EXPONENT = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?[eE][-+]?[0-9]+")
_DURATION_METERS = {Meter.SECONDS.value, Meter.GPU_SECONDS.value}

TWO_NUMBERS = FieldFault(
    "This can be read in two ways: say whether the sheet's decimal sign is a point or a comma.",
    "ambiguous_number",
)
OTHER_SIGN = FieldFault(
    "This does not fit the decimal sign that was said for the sheet: correct the one or the other.",
    "other_decimal_sign",
)
EXPONENT = FieldFault(
    "A number with an exponent was shortened by its spreadsheet; show all its digits there.",
    "shortened_number",
)
DURATION = FieldFault(
    "The cell holds a span of time; this column counts something else.", "duration"
)
LONG_ID = FieldFault(
    "A number cell keeps 15 digits of an id; format the column as text and fill it in again.",
    "shortened_number",
)


def read_number(cell: str, meter: str, sign: DecimalSign | None) -> str | FieldFault:
    """Return a quantity in plain digits, or why it is not sure what it says.

    What is no number at all comes back as it is, for the meter's own check to refuse.
    """
    match kind_of(cell):
        case CellKind.NUMBER | CellKind.LONG_NUMBER:
            return str(cell)
        case CellKind.DURATION:
            return str(cell) if meter in _DURATION_METERS else DURATION
        case CellKind.TEXT:
            return _read_text(cell, sign)
        case kind:
            return UNREADABLE.get(kind, str(cell))


def _read_text(cell: str, sign: DecimalSign | None) -> str | FieldFault:
    text = str(cell)
    if _EXPONENT.fullmatch(text):
        return EXPONENT
    if _GROUPED.match(text):
        text = re.sub(_GROUPS, "", text)
    if _PLAIN.fullmatch(text):
        return plain(Decimal(text))
    if not re.fullmatch(r"-?[0-9.,]+", text):
        return text
    sign = sign or sign_shown_by(text)
    if sign is None:
        return TWO_NUMBERS
    match = _THOUSANDS[sign].fullmatch(text)
    if match is None:
        return OTHER_SIGN
    whole = match[1].replace(",", "").replace(".", "")
    return plain(Decimal(whole + (match[2] or "").replace(",", ".")))


def sign_shown_by(text: str) -> DecimalSign | None:
    """Return the decimal sign that a number can only have; None where it may be either."""
    points, commas = text.count("."), text.count(",")
    if points and commas:
        return DecimalSign.POINT if text.rindex(".") > text.rindex(",") else DecimalSign.COMMA
    if points > 1 or commas > 1:
        return DecimalSign.COMMA if points else DecimalSign.POINT
    match = _ONE_SIGN.fullmatch(text)
    if match is None:
        return None
    whole, separator, rest = match.groups()
    if len(rest) == 3 and len(whole) <= 3 and not whole.startswith("0"):
        return None
    return DecimalSign(separator)


def proposed_sign(cells: Iterable[str]) -> tuple[DecimalSign | None, bool]:
    """Return the decimal sign that a sheet's numbers show, and whether any is in doubt."""
    texts = [str(cell) for cell in cells if kind_of(cell) is CellKind.TEXT]
    written = [
        text for text in texts if re.fullmatch(r"-?[0-9.,]+", text) and not _PLAIN.fullmatch(text)
    ]
    shown = {sign_shown_by(text) for text in written}
    signs = shown - {None}
    return (signs.pop() if len(signs) == 1 else None), bool(written)


def read_id(cell: str) -> str | FieldFault:
    """Return an id as it is written, or why a spreadsheet may have changed it."""
    if kind_of(cell) is CellKind.LONG_NUMBER:
        return LONG_ID
    if kind_of(cell) is CellKind.TEXT and _EXPONENT.fullmatch(cell):
        return LONG_ID
    return UNREADABLE.get(kind_of(cell), str(cell))


# Times

_BY_DAY = re.compile(
    r"(?P<a>[0-9]{1,2})(?P<sep>[./-])(?P<b>[0-9]{1,2})(?P=sep)(?P<year>[0-9]{4})"
    r"(?:[ T](?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?"
)
_YEAR_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T].*)?")

TWO_DATES = FieldFault(
    "This can be read as two dates: say whether the sheet's dates begin with the day or the month.",
    "ambiguous_date",
)
OTHER_ORDER = FieldFault(
    "This is no date in the order that was said for the sheet: correct the one or the other.",
    "other_date_order",
)
MIDNIGHT = time()
NO_TIME = FieldFault("A time is written as 2026-07-14 or as 2026-07-14T10:31.", "unreadable_time")
NO_SUCH_HOUR = FieldFault(
    "Clocks were changed: the zone has no such hour, or has it twice. Write it with its offset.",
    "ambiguous_hour",
)


def read_time(cell: str, order: DateOrder | None, time_zone: str) -> str | FieldFault:
    """Return a time as RFC 3339, in the zone where it names none, or why it is not sure."""
    if fault := UNREADABLE.get(kind_of(cell)):
        return fault
    text = str(cell)
    if match := _BY_DAY.fullmatch(text):
        at = _by_day(match, order)
    elif _YEAR_FIRST.fullmatch(text):
        at = _iso(text)
    else:
        return NO_TIME
    if isinstance(at, FieldFault):
        return at
    return in_zone(at, time_zone)


def _by_day(match: re.Match[str], order: DateOrder | None) -> datetime | FieldFault:
    order = order or order_shown_by(match)
    if order is None:
        return TWO_DATES
    day, month = (match["a"], match["b"]) if order is DateOrder.DAY else (match["b"], match["a"])
    hour, minute, second = [int(part) for part in (match["time"] or "0:0").split(":")] + (
        [] if (match["time"] or "").count(":") == 2 else [0]
    )
    try:
        return datetime(int(match["year"]), int(month), int(day), hour, minute, second)  # noqa: DTZ001 (its zone comes next)
    except ValueError:
        return OTHER_ORDER


def order_shown_by(match: re.Match[str]) -> DateOrder | None:
    """Return the order that a date can only have: points are written between day and month."""
    first, second = int(match["a"]), int(match["b"])
    if match["sep"] == "." or first > 12:
        return DateOrder.DAY
    if second > 12:
        return DateOrder.MONTH
    return DateOrder.DAY if first == second else None


def proposed_order(cells: Iterable[str]) -> tuple[DateOrder | None, bool]:
    """Return the order that a sheet's dates show, and whether any needs one to be said."""
    matches = [match for cell in cells if (match := _BY_DAY.fullmatch(str(cell)))]
    shown = {order_shown_by(match) for match in matches if match["a"] != match["b"]}
    orders = shown - {None}
    return (orders.pop() if len(orders) == 1 else None), bool(matches)


def _iso(text: str) -> datetime | FieldFault:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return NO_TIME


def in_zone(at: datetime, time_zone: str) -> str | FieldFault:
    """Return a time as RFC 3339, in the zone where it has none; not in an hour that is unsure."""
    if at.tzinfo:
        return at.isoformat()
    local = at.replace(tzinfo=ZoneInfo(time_zone))
    if local.time() == MIDNIGHT:
        return local.isoformat()  # A day is sure, also where its first hour is not.
    early, late = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if early != late:
        return NO_SUCH_HOUR
    return local.isoformat()


# Rows that are no uses

TOTALS = frozenset({
    "total", "totals", "subtotal", "sum", "grandtotal", "overall", "summe", "gesamt",
    "gesamtsumme", "zwischensumme", "insgesamt", "totale", "totali", "somma", "totalgénéral",
    "soustotal", "somme", "suma", "totalgeneral", "razem", "łącznie", "totaal", "subtotaal",
    "broughtforward", "carriedforward", "carriedover", "carryover", "openingbalance", "vortrag",
    "übertrag", "saldovortrag", "àreporter", "riporto",
    "summa", "totalt", "yhteensä", "итого", "всего", "合計", "小計", "总计", "合计", "총계", "합계",
})  # fmt: skip
_NOT_LETTERS = re.compile(r"[\W\d_]+")


def is_label_of_totals(cell: str) -> bool:
    """Tell whether a cell says that its row adds others up: “Total”, “Grand total:”, “Summe”."""
    return len(cell) <= 20 and _NOT_LETTERS.sub("", cell.casefold()) in TOTALS


def mentions_totals(cell: str) -> bool:
    """Tell whether a cell speaks of adding up among other words: “Total November”."""
    return len(cell) <= 60 and not TOTALS.isdisjoint(_NOT_LETTERS.split(cell.casefold()))


class RunningSums:
    """The sums of a sheet's rows so far, by meter; a row of totals is not added to them."""

    def __init__(self) -> None:
        self._rows = 0
        self._sums: dict[str, Decimal] = {}

    def are(self, quantities: Mapping[str, str], *, of_rows: int = 2) -> bool:
        """Tell whether a row's quantities are the sums of so many rows above, or more."""
        numbers = _numbers(quantities)
        return self._rows >= of_rows and any(numbers.values()) and numbers == self._sums

    def add(self, quantities: Mapping[str, str]) -> None:
        """Add a row's quantities."""
        self._rows += 1
        for meter, number in _numbers(quantities).items():
            self._sums[meter] = self._sums.get(meter, Decimal(0)) + number


def _numbers(quantities: Mapping[str, str]) -> dict[str, Decimal]:
    return {m: Decimal(text) for m, text in quantities.items() if _DECIMAL.fullmatch(text)}


def samples_of(cells: Sequence[str], most: int = 3) -> list[str]:
    """Return the first different values of a column."""
    return list(dict.fromkeys(str(cell)[:40] for cell in cells if cell))[:most]


def as_instant(text: str) -> str:
    """Return an instant in UTC, in the one form that an identity is made of."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text
