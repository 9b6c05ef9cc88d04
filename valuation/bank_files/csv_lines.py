"""A bank's CSV: no standard, so a person says which column is what, once for each account.

What can be told from the file is proposed: encoding, separator, decimal sign, order of dates, and
the columns by their names. A row that cannot be read is named and stops only itself.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from licensing.money import rounded

from .statements import MOST_LINES, BalancesDoNotFit, BankLine, NotABankFile

LARGEST_CSV = 5 * 1024 * 1024
MOST_COLUMNS, LONGEST_CELL, LOOKED_AT = 60, 2_000, 200
LARGEST_AMOUNT = Decimal(10) ** 15
SEPARATORS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252 (Western Europe)",
    "iso8859-15": "ISO 8859-15 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
}
DECIMAL_SIGNS = {".": "point: 1,234.50", ",": "comma: 1.234,50"}
DATE_ORDERS = {
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "ymd": "year, month, day",
}

# What a column may be. The amount is one column with a sign, or two: what came in, what went out.
FIELDS = {
    "booked_on": "Day of booking",
    "valued_on": "Day of value",
    "amount": "Amount, below zero for what went out",
    "came_in": "Came in",
    "went_out": "Went out",
    "direction": "Credit or debit, in words",
    "currency": "Currency",
    "counterparty": "Who paid or was paid",
    "counterparty_account": "Their account",
    "text": "Text",
    "bank_reference": "The bank’s reference",
    "end_to_end": "Reference of the payer",
    "balance": "Balance after the row",
}
# What banks head their columns with, in English, German, French and Spanish.
_NAMES = {
    "booked_on": r"book|date|datum|buchung|fecha|^dia",
    "valued_on": r"valu|valuta|wert|valeur|valor",
    "balance": r"balance|saldo|kontostand|solde",
    "amount": r"^(amount|betrag|montant|importe|umsatz)",
    "came_in": r"credit|paid in|money in|haben|gutschrift|abono|eingang|deposit",
    "went_out": r"debit|paid out|money out|soll|lastschrift|cargo|ausgang|withdraw",
    "direction": r"(dr|d)\s*/\s*(cr|c)\b|soll/haben|^sign|debit/credit|credit/debit|sens",
    "currency": r"curr|w.hrung|devise|divisa|moneda",
    "counterparty": r"name|paye[er]|counterpart|beg.nstigt|auftraggeber|empf|b.n.fici|ordenante",
    "counterparty_account": r"iban|account|konto|compte|cuenta",
    "text": r"text|descri|detail|memo|verwendung|zweck|libell|concept|narrative|purpose",
    "bank_reference": r"bank ?ref|transaction (id|no)|trn|referenz der bank|operation",
    "end_to_end": r"end.?to.?end|r.f.renc|kundenref|customer ref|mandat",
}
# Narrow names before wide ones: “value date” is no day of booking, “debit/credit” no amount.
_ORDER = [
    "direction",
    "valued_on",
    "booked_on",
    "currency",
    "balance",
    "came_in",
    "went_out",
    "amount",
    "counterparty_account",
    "counterparty",
    "bank_reference",
    "end_to_end",
    "text",
]
_DEBITS = {"d", "dr", "debit", "dbit", "s", "soll", "débit", "debe", "cargo", "-", "out"}
_CREDITS = {"c", "cr", "credit", "crdt", "h", "haben", "crédit", "haber", "abono", "+", "in"}


@dataclass(frozen=True)
class CsvMapping:
    """How a bank's CSV is written, and which of its columns, counted from 0, is which field.

    `header` is the row of the headings, counted from 1; 0: there is none. `account` and `currency`
    are the agency's account, and what its lines are in where no column says so.
    """

    account: str
    currency: str
    encoding: str = "utf-8-sig"
    separator: str = ";"
    decimal_sign: str = "."
    date_order: str = "ymd"
    header: int = 1
    columns: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class RowFault:
    """Why a row was left out; rows count from 1, as a spreadsheet shows them."""

    row: int
    detail: str


@dataclass(frozen=True)
class CsvLines:
    """What a mapping makes of a file: the lines with the rows they stand in, and what is wrong.

    `opening` and `closing` are what a column of balances comes to, before the oldest row and after
    the newest; null without such a column.
    """

    lines: tuple[tuple[int, BankLine], ...]
    faults: tuple[RowFault, ...]
    opening: Decimal | None = None
    closing: Decimal | None = None


@dataclass(frozen=True)
class CsvSurvey:
    """What can be told from a file alone: a proposed mapping, its headings, its first rows."""

    mapping: CsvMapping
    headings: tuple[str, ...]
    ambiguous_dates: bool


# Guessing


def survey(content: bytes, *, account: str = "", currency: str = "") -> CsvSurvey:
    """Propose how a file is to be read. Raises NotABankFile."""
    encoding = _encoding_of(content)
    separator = _separator_of(_decoded(content, encoding))
    rows = [row for _, row in _first_rows(content, encoding, separator)]
    width = Counter(len(row) for row in rows if len(row) > 1).most_common(1)
    if not width:
        raise NotABankFile(
            "This is neither a camt.053 nor an MT940 file, and no CSV of several columns."
        )
    header = _header_of(rows, width[0][0])
    headings = tuple(rows[header - 1]) if header else ()
    columns = _columns_by_name(headings)
    body = [row for row in rows[header:] if any(row)]
    dates = _column(body, columns.get("booked_on"))
    orders = [order for order in ("ymd", "dmy", "mdy") if _all_are_days(dates, order)]
    amounts = [cell for name in ("amount", "came_in", "went_out")
               for cell in _column(body, columns.get(name))]  # fmt: skip
    return CsvSurvey(
        CsvMapping(
            account=account,
            currency=currency,
            encoding=encoding,
            separator=separator,
            decimal_sign=_decimal_sign_of(amounts),
            date_order=orders[0] if orders else "ymd",
            header=header,
            columns=columns,
        ),
        headings,
        ambiguous_dates=len(orders) > 1,
    )


def headings(content: bytes, mapping: CsvMapping) -> list[str]:
    """Return what each column is called: its heading, or its number. Raises NotABankFile."""
    rows = dict(_first_rows(content, mapping.encoding, mapping.separator))
    named = rows.get(mapping.header, [])
    width = max([len(row) for row in rows.values()], default=0)
    cells = [*named, *[""] * (width - len(named))]
    return [cell or f"Column {number}" for number, cell in enumerate(cells, start=1)]


def _encoding_of(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _separator_of(text: str) -> str:
    """Return what parts most lines into equally many cells; of two, what makes more of them."""

    def evenness(separator: str) -> tuple[int, int]:
        counts = Counter(line.count(separator) for line in text.splitlines()[:LOOKED_AT])
        counts.pop(0, None)
        most = counts.most_common(1)
        return (most[0][1], most[0][0]) if most else (0, 0)

    return max(SEPARATORS, key=evenness)


def _first_rows(content: bytes, encoding: str, separator: str) -> list[tuple[int, list[str]]]:
    found = []
    for number, row in _rows(content, encoding, separator):
        found.append((number, row))
        if len(found) == LOOKED_AT:
            break
    return found


def _header_of(rows: Sequence[Sequence[str]], width: int) -> int:
    """Return the row of the headings: the first as wide as the rest, and without a number."""
    for number, row in enumerate(rows[:40], start=1):
        if len(row) == width:
            has_number = any(re.fullmatch(r"[-+]?[\d.,\s/]+", cell) for cell in row if cell)
            return 0 if has_number else number
    return 0


def _columns_by_name(names: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    taken: set[int] = set()
    for name in _ORDER:
        for place, heading in enumerate(names):
            if place not in taken and heading and re.search(_NAMES[name], heading.casefold()):
                columns[name] = place
                taken.add(place)
                break
    if "direction" in columns and "amount" not in columns and "came_in" not in columns:
        # “Debit/credit” may head the amounts themselves.
        columns["amount"] = columns.pop("direction")
    return {name: columns[name] for name in FIELDS if name in columns}


def _column(rows: Sequence[Sequence[str]], place: int | None) -> list[str]:
    if place is None:
        return []
    return [row[place] for row in rows if place < len(row) and row[place]]


def _all_are_days(cells: Sequence[str], order: str) -> bool:
    days = [_day(cell, order) for cell in cells]
    return bool(days) and sum(one is not None for one in days) * 10 >= len(days) * 9


def _decimal_sign_of(cells: Sequence[str]) -> str:
    commas = sum(bool(re.search(r",\d{1,2}\D*$", cell)) for cell in cells)
    points = sum(bool(re.search(r"\.\d{1,2}\D*$", cell)) for cell in cells)
    return "," if commas > points else "."


# Reading


def read(content: bytes, mapping: CsvMapping) -> CsvLines:
    """Return the lines of a bank's CSV; a row that cannot be read is a fault and no line.

    Raises NotABankFile where the file cannot be read at all, or has too many rows, and
    BalancesDoNotFit where balances do not follow from one row to the next.
    """
    balances: list[Decimal] = []
    lines: list[tuple[int, BankLine]] = []
    faults: list[RowFault] = []
    for number, cells in _rows(content, mapping.encoding, mapping.separator):
        if number <= mapping.header or not any(cells):
            continue
        if len(lines) + len(faults) >= MOST_LINES:
            raise NotABankFile(f"A file has at most {MOST_LINES:,} rows; ask for shorter ones.")
        try:
            line, balance = _line(cells, mapping), _balance(cells, mapping)
        except ValueError as wrong:
            faults.append(RowFault(number, str(wrong)))
        else:
            lines.append((number, line))
            balances += [] if balance is None else [balance]
    opening, closing = _opened_and_closed(lines, balances) if balances else (None, None)
    return CsvLines(tuple(lines), tuple(faults), opening, closing)


def _balance(cells: Sequence[str], mapping: CsvMapping) -> Decimal | None:
    """Return the balance after a row; null without such a column. Raises ValueError."""
    place = mapping.columns.get("balance")
    if place is None:
        return None
    told = cells[place] if place < len(cells) else ""
    if not told:
        raise ValueError("It has no balance.")
    return _number(told, mapping.decimal_sign)


def _opened_and_closed(
    lines: Sequence[tuple[int, BankLine]], balances: Sequence[Decimal]
) -> tuple[Decimal, Decimal]:
    """Return with what the rows open and close, the oldest first or the newest. Raises as `read`.

    A row that is missing, or could not be read, breaks the chain.
    """
    told = list(zip(lines, balances, strict=True))
    for rows in (told, told[::-1]):
        ((_row, first), after_first), (_, closing) = rows[0], rows[-1]
        opening = before = after_first - first.amount
        for (_row, line), balance in rows:
            if before + line.amount != balance:
                break
            before = balance
        else:
            return opening, closing
    number = next(
        (row for (row, line), before, after in _steps(told) if before + line.amount != after),
        lines[0][0],
    )
    raise BalancesDoNotFit(
        f"The balance of row {number} does not follow from the row beside it: a row is missing, "
        "or cannot be read. Ask the bank for the whole file, or leave the column of balances out."
    )


def _steps(
    told: Sequence[tuple[tuple[int, BankLine], Decimal]],
) -> Iterator[tuple[tuple[int, BankLine], Decimal, Decimal]]:
    """Yield each row after the first with the balance before and after it, by the rows' order."""
    is_newest_first = told[0][0][1].booked_on > told[-1][0][1].booked_on
    rows = told[::-1] if is_newest_first else told
    for (_row, before), (row, after) in pairwise(rows):
        yield row, before, after


def _rows(content: bytes, encoding: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    if len(content) > LARGEST_CSV:
        raise NotABankFile(f"A CSV file has at most {LARGEST_CSV // 1024**2} MB.")
    text = _decoded(content, encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if len(cells) > MOST_COLUMNS:
                raise NotABankFile(f"Row {number} has more than {MOST_COLUMNS} columns.")
            yield number, [cell.strip()[:LONGEST_CELL] for cell in cells]
    except csv.Error:
        raise NotABankFile(f"The file is no CSV from row {number + 1} on.") from None


def _decoded(content: bytes, encoding: str) -> str:
    if encoding not in ENCODINGS:
        raise NotABankFile("The desk does not read this encoding.")
    try:
        return content.decode(encoding).replace("\0", "")
    except UnicodeError:
        raise NotABankFile(
            f"The file is not {ENCODINGS[encoding]}; choose another encoding."
        ) from None


def _line(cells: Sequence[str], mapping: CsvMapping) -> BankLine:
    """Return the line that a row is. Raises ValueError with what is wrong, in words."""

    def cell(name: str) -> str:
        place = mapping.columns.get(name)
        return cells[place] if place is not None and place < len(cells) else ""

    booked_on = _day(cell("booked_on"), mapping.date_order)
    if not cell("booked_on"):
        raise ValueError("It has no day of booking.")
    if booked_on is None:
        raise ValueError(f"“{cell('booked_on')[:40]}” is no day of booking.")
    valued_on = _day(cell("valued_on"), mapping.date_order)
    if cell("valued_on") and valued_on is None:
        raise ValueError(f"“{cell('valued_on')[:40]}” is no day of value.")
    currency = (cell("currency") or mapping.currency).upper()
    if currency != mapping.currency:
        raise ValueError(f"It is in {currency[:10]}; the account is in {mapping.currency}.")
    return BankLine(
        booked_on=booked_on,
        valued_on=valued_on,
        amount=_amount(cell, mapping),
        currency=currency,
        bank_reference=cell("bank_reference"),
        end_to_end=cell("end_to_end"),
        counterparty=cell("counterparty"),
        counterparty_account=cell("counterparty_account"),
        text=cell("text"),
    )


def _amount(cell: Callable[[str], str], mapping: CsvMapping) -> Decimal:
    """Return what moved: above zero for what came in. Raises ValueError."""
    decimal_sign = mapping.decimal_sign
    if told := cell("amount"):
        amount = _number(told, decimal_sign)
        way = cell("direction").casefold().strip(". ")
        if way in _DEBITS:
            amount = -abs(amount)
        elif way and way not in _CREDITS:
            raise ValueError(f"“{way[:20]}” is neither credit nor debit.")
    else:
        came, went = cell("came_in"), cell("went_out")
        if not came and not went:
            raise ValueError("It has no amount.")
        # Some banks write a zero into the other column, and what went out with a sign or without.
        amount = (_number(came, decimal_sign) if came else Decimal(0)) - (
            abs(_number(went, decimal_sign)) if went else Decimal(0)
        )
    if not amount:
        raise ValueError("Its amount is zero.")
    if amount != rounded(amount, mapping.currency):
        raise ValueError(f"{amount} is finer than {mapping.currency} has units.")
    return amount


def _number(told: str, decimal_sign: str) -> Decimal:
    """Read an amount as it is written: grouped, signed before or after, in brackets."""
    plain = re.sub(r"[\s'’\u2212]|[A-Z]{3}|[€$£¥]", lambda m: "-" if m[0] == "\u2212" else "", told)
    is_negative = plain.startswith("(") and plain.endswith(")")
    plain = plain.strip("()")
    if plain.endswith(("-", "+")):
        plain = plain[-1] + plain[:-1]
    grouping = "," if decimal_sign == "." else "."
    whole = (
        rf"[-+]?(\d+|\d{{1,3}}({re.escape(grouping)}\d{{3}})+)({re.escape(decimal_sign)}\d{{1,4}})?"
    )
    if not re.fullmatch(whole, plain, re.ASCII):
        raise ValueError(f"“{told[:40]}” is no amount with a decimal {_said(decimal_sign)}.")
    try:
        amount = Decimal(plain.replace(grouping, "").replace(decimal_sign, "."))
    except InvalidOperation:
        raise ValueError(f"“{told[:40]}” is no amount.") from None
    if abs(amount) >= LARGEST_AMOUNT:
        raise ValueError(f"“{told[:40]}” is too large for an amount.")
    return -amount if is_negative else amount


def _said(decimal_sign: str) -> str:
    return DECIMAL_SIGNS[decimal_sign].split(":")[0]


def _day(told: str, order: str) -> date | None:
    """Return a day as it is written: by numbers with any separator, or eight digits."""
    told = told.strip().split("T")[0].split(" ")[0]
    parts = re.fullmatch(r"(\d{1,4})[./\-](\d{1,2})[./\-](\d{1,4})", told, re.ASCII)
    if parts:
        numbers = dict(zip(order, parts.groups(), strict=True))
    elif re.fullmatch(r"\d{8}", told, re.ASCII):
        cut = (0, 4, 6, 8) if order == "ymd" else (0, 2, 4, 8)
        numbers = {
            sign: told[start:end] for sign, start, end in zip(order, cut, cut[1:], strict=False)
        }
    else:
        return None
    year = numbers["y"]
    if len(year) not in (2, 4) or len(numbers["d"]) > 2 or len(numbers["m"]) > 2:
        return None
    try:
        day = date(
            int(year) + (2000 if len(year) == 2 else 0), int(numbers["m"]), int(numbers["d"])
        )
    except ValueError:
        return None
    return day if 1990 <= day.year < 2200 else None
