"""Sheets: a studio's rows read as events, by a mapping of its columns to fields.

The sheet is read as a stream; only the digests of its rows are remembered, to tell the second
of two identical rows from the first.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo, available_timezones

from licensing.usage.events.canonical import canonical_event
from licensing.usage.events.cloudevents import Envelope, MalformedEnvelopes, envelope_of
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.wire.canonical import canonical_bytes, plain
from licensing.wire.faults import Fault, FieldFault
from licensing.wire.fields import CHECKS
from licensing.words import DateOrder, DecimalSign, Meter

from .tables import RowFault, SheetUnreadable, Table, unreadable
from .values import (
    UNREADABLE,
    CellKind,
    RunningSums,
    as_instant,
    is_label_of_totals,
    mentions_totals,
    read_id,
    read_number,
    read_time,
)

__all__ = ["ColumnMapping", "Row", "RowFault", "Sheet", "SheetUnreadable"]

SOURCE = "urn:likenessdesk:sheet"
IGNORED = ""
TRUTHS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
# Where a row that fits no header keeps its cells until somebody says what they mean.
CELLS = "cells"

ENVELOPE_FIELDS = ("id", "source", "time")
_METERS = frozenset(Meter.codes())
TARGETS = frozenset([*ENVELOPE_FIELDS, *CHECKS, *_METERS, IGNORED])
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_DAY_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class ColumnMapping:
    """What a sheet's columns say. One that is not mapped must bear a field's own name.

    `columns` leads from a column to a field, a meter, or "" to ignore it; `constants` holds
    what is the same in every row; `time_zone` is that of times written without an offset.
    `decimal_sign` and `date_order` say how the sheet writes numbers and dates, where it could be
    read in two ways. Of one file, `other_uses` are the rows that are uses of their own although
    others said the same before, and `no_totals` those that add nothing up although it seems so.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    decimal_sign: str = ""
    date_order: str = ""
    other_uses: Sequence[int] = field(default_factory=list)
    no_totals: Sequence[int] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """One row: the event it was made into, and what is wrong with it where it is none yet.

    `left_out` says why it is taken for no use at all: it adds others up, or is the header again.
    """

    number: int
    envelope: Envelope
    faults: tuple[RowFault, ...] = ()
    pointers: tuple[Fault, ...] = ()
    left_out: RowFault | None = None


class Sheet:
    """A CSV or XLSX file on its way in. Its digest is known once it has been read."""

    def __init__(
        self,
        file: BinaryIO,
        mapping: ColumnMapping,
        *,
        licensee: str,
        worksheet: str = "",
        prompt_key: bytes = b"",
    ):
        self._table = Table(file, worksheet)
        self._mapping = mapping
        self._constants = {name: value for name, value in mapping.constants.items() if value}
        self._licensee = licensee
        self._prompt_key = prompt_key
        self._sign = DecimalSign(mapping.decimal_sign) if mapping.decimal_sign else None
        self._order = DateOrder(mapping.date_order) if mapping.date_order else None
        self._other_uses = frozenset(mapping.other_uses)
        self._no_totals = frozenset(mapping.no_totals)
        self._file_digest = _digest_of(file) if self._other_uses else ""
        self._repeats: Counter[bytes] = Counter()
        self._sums, self._sums_since = RunningSums(), RunningSums()

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was read of the file: all of it, unless it proved unreadable."""
        return self._table.sha256

    def is_another_use(self, number: int) -> bool:
        """Tell whether somebody has said that a row is a use of its own."""
        return number in self._other_uses

    def rows(self) -> Iterator[Row]:
        """Yield each row, blank ones left out. Raises SheetUnreadable."""
        rows = self._table.rows()
        number, header = next(rows, (1, []))
        targets = self._targets(number, header)
        row = next(rows, None)
        while row:
            following = next(rows, None)
            number, cells = row
            if cells == header:
                yield self._left_out(number, cells, "header_again", HEADER_AGAIN)
            else:
                yield self._row(number, cells, targets, is_last=following is None)
            row = following

    def column_of(self, pointer: str) -> str:
        """Return the column mapped to a JSON pointer's field; the field's name where none is."""
        target = pointer.rsplit("/", 1)[-1]
        mapped = (column for column, field in self._mapping.columns.items() if field == target)
        return next(mapped, target)

    def _targets(self, number: int, columns: list[str]) -> list[tuple[str, str]]:
        check_mapping(self._mapping)
        check_headers(number, columns)
        missing = [name for name in self._mapping.columns if name not in columns]
        if missing:
            raise unreadable(number, "missing_column", "The sheet has no such column.", missing[0])
        targets = [(name, self._mapping.columns.get(name, name)) for name in columns]
        for name, target in targets:
            if target not in TARGETS:
                detail = "The desk does not know this column: map it to a field, or ignore it."
                raise unreadable(number, "unknown_column", detail, name)
        fields = [target for _name, target in targets if target != IGNORED]
        doubled = [name for name, target in targets if fields.count(target) > 1]
        if doubled:
            detail = f"Two columns say the same, {' and '.join(doubled)}: ignore one of them."
            raise unreadable(number, "doubled_field", detail, doubled[-1])
        return targets

    def _row(
        self, number: int, cells: list[str], targets: list[tuple[str, str]], *, is_last: bool
    ) -> Row:
        if len(cells) != len(targets):
            return self._row_of_wrong_length(number, cells, targets)
        read = self._read(cells, targets)
        event = self._event(number, read, cells)
        quantities = event["data"].get("quantities", {})
        label = any(is_label_of_totals(cell) for cell in cells)
        adds_up = not read.faults and self._adds_up(cells, quantities, is_last=is_last)
        if number not in self._no_totals and (label or adds_up):
            self._sums_since = RunningSums()
            return self._left_out(number, cells, "row_of_totals", ROW_OF_TOTALS)
        self._sums.add(quantities)
        self._sums_since.add(quantities)
        if read.faults:
            row_faults = [fault.of_row(number) for fault in read.faults]
            pointers = [fault.of_event() for fault in read.faults]
            return Row(number, _unchecked(event), tuple(row_faults), tuple(pointers))
        try:
            return Row(number, envelope_of(event))
        except MalformedEnvelopes as malformed:
            faults = tuple(_row_fault(number, read.columns, fault) for fault in malformed.faults)
            return Row(number, _unchecked(event), faults, tuple(malformed.faults))

    def _adds_up(self, cells: list[str], quantities: dict[str, str], *, is_last: bool) -> bool:
        """Tell whether a row is the sum of those above it, or of those since the last such row.

        Without a word of it only the last row is taken for one: two small numbers may well add up
        to a third.
        """
        if is_last and self._sums.are(quantities):
            return True
        sums = (self._sums, self._sums_since)
        return any(map(mentions_totals, cells)) and any(
            one.are(quantities, of_rows=1) for one in sums
        )

    def _read(self, cells: list[str], targets: list[tuple[str, str]]) -> "_Read":
        """Read each cell of a row by what its column means."""
        read = _Read(dict(self._constants), {}, [])
        for (column, target), cell in zip(targets, cells, strict=True):
            if target == IGNORED or not cell:
                continue
            read.columns[target] = column
            value = self._value(target, cell)
            if value is UNREADABLE[CellKind.HIDDEN]:
                read.faults[:] = [_ValueFault("", CELLS, UNREADABLE[CellKind.HIDDEN])]
                break
            if isinstance(value, FieldFault):
                read.faults.append(_ValueFault(column, target, value))
            else:
                read.fields[target] = value
        return read

    def _value(self, target: str, cell: str) -> str | FieldFault:
        if target in _METERS:
            return read_number(cell, target, self._sign)
        if target == "time":
            return read_time(cell, self._order, self._mapping.time_zone)
        return read_id(cell)

    def _left_out(self, number: int, cells: list[str], code: str, detail: str) -> Row:
        """Return a row that is taken for no use; it is named, and counts if somebody says so."""
        event = self._event(number, _Read({}, {}, []), cells)
        return Row(number, _unchecked(event), left_out=RowFault(number, "", code, detail))

    def _row_of_wrong_length(
        self, number: int, cells: list[str], targets: list[tuple[str, str]]
    ) -> Row:
        """Return a row that is longer or shorter than the header, whose columns say nothing."""
        detail = f"The row has {len(cells)} cells where the header has {len(targets)}."
        event = self._event(number, _Read({}, {}, []), cells)
        event["data"] = {CELLS: [*map(str, cells)]}
        pointer = Fault(f"/data/{CELLS}", detail, "odd_row")
        fault = RowFault(number, "", "odd_row", detail)
        return Row(number, _unchecked(event), (fault,), (pointer,))

    def _event(self, number: int, read: "_Read", cells: list[str]) -> dict[str, Any]:
        fields = read.fields
        data: dict[str, Any] = {name: fields[name] for name in CHECKS if name in fields}
        if "real_time" in data:
            data["real_time"] = TRUTHS.get(data["real_time"].lower(), data["real_time"])
        data["quantities"] = {name: fields[name] for name in fields if name in _METERS}
        if read.faults:
            # Kept as they came: what is not sure must not be read again as if it were.
            data[CELLS] = [*map(str, cells)]
        event = {
            "specversion": "1.0",
            "type": USAGE_TYPE,
            "source": fields.get("source", SOURCE),
            "time": fields.get("time"),
            "data": data,
        }
        return event | {"id": fields.get("id") or self._derived_id(number, event, cells)}

    def _derived_id(self, number: int, event: dict[str, Any], cells: list[str]) -> str:
        """Return SHA-256 of licensee, what the row says, and which of several such rows it is.

        Neither the names of columns nor their order count, nor those that are not used.
        """
        says = _identified(event, cells)
        row = digest_of_row(says, licensee=self._licensee, prompt_key=self._prompt_key)
        if number in self._other_uses:
            # Another use although one said the same before: of this file, at this place, once.
            return derived_id(row, f"{self._file_digest} {number}")
        self._repeats[row] += 1
        return derived_id(row, str(self._repeats[row]))


@dataclass(frozen=True)
class _ValueFault:
    """What is wrong with one cell of a row, by its column and the field that this means."""

    column: str
    target: str
    fault: FieldFault

    def of_row(self, number: int) -> RowFault:
        return RowFault(number, self.column, self.fault.code, self.fault.detail)

    def of_event(self) -> Fault:
        if self.target in ENVELOPE_FIELDS:
            return self.fault.at(f"/{self.target}")
        within = "/data/quantities" if self.target in _METERS else "/data"
        return self.fault.at(f"{within}/{self.target}")


@dataclass(frozen=True)
class _Read:
    """A row's values by field, which column each came from, and what could not be read."""

    fields: dict[str, str]
    columns: dict[str, str]
    faults: list[_ValueFault]


HEADER_AGAIN = "This is the header again, no use."
ROW_OF_TOTALS = (
    "This row seems to add up those above it. It counts only if you say that it is a use."
)


def digest_of_row(says: Envelope, *, licensee: str, prompt_key: bytes) -> bytes:
    """Return SHA-256 of a licensee and what a row says: an event, its instant in UTC."""
    instant = as_instant(says.time) if says.time else None
    told = Envelope("", says.source, says.type, instant, data=says.data)
    content = canonical_event(told, prompt_key=prompt_key)
    return hashlib.sha256(canonical_bytes(licensee) + content).digest()


def derived_id(row: bytes, which: str) -> str:
    """Return the id of a row that has none of its own, by which of several such rows it is."""
    return hashlib.sha256(row + which.encode()).hexdigest()


def _identified(event: dict[str, Any], cells: list[str]) -> Envelope:
    """Return an event as its identity is made of it: without an id."""
    data = event["data"]
    if not data["quantities"]:
        data = {**data, CELLS: [*map(str, cells)]}
    return Envelope("", event["source"], event["type"], event["time"], data=data)


def _digest_of(file: BinaryIO) -> str:
    """Return the SHA-256 of a file, which is read from its beginning again afterwards."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return digest


def check_mapping(mapping: ColumnMapping) -> None:
    """Raise SheetUnreadable for a field or a time zone that there is not."""
    for name in [*mapping.columns.values(), *mapping.constants]:
        if name not in TARGETS:
            raise unreadable(1, "unknown_field", "The mapping names a field that is none.", name)
    if mapping.time_zone not in available_timezones():
        detail = "The mapping names a time zone that is none of IANA's."
        raise unreadable(1, "unknown_time_zone", detail)
    if mapping.decimal_sign not in ("", *DecimalSign.codes()):
        raise unreadable(1, "unknown_decimal_sign", "A decimal sign is “.” or “,”.")
    if mapping.date_order not in ("", *DateOrder.codes()):
        raise unreadable(1, "unknown_date_order", "Dates begin with “day” or “month”.")


def check_headers(number: int, columns: Sequence[str]) -> None:
    """Raise SheetUnreadable for a sheet that has no header, or one with a name twice."""
    if not any(columns):
        raise unreadable(number, "no_header", "The sheet has no header row.")
    doubled = [name for name, count in Counter(filter(None, columns)).items() if count > 1]
    if doubled:
        raise unreadable(number, "doubled_column", "Two columns have this name.", doubled[0])


def _row_fault(number: int, columns: Mapping[str, str], fault: Fault) -> RowFault:
    """Return a fault of an event as one of the row it was made of."""
    target = fault.pointer.rsplit("/", 1)[-1]
    return RowFault(number, columns.get(target, target), fault.code, fault.detail)


def normal_form(cell: str) -> str:
    """Write a number, truth or instant in one form, as CSV and workbooks may differ in it."""
    if _NUMBER.fullmatch(cell):
        return plain(Decimal(cell))
    if _DAY_FIRST.match(cell):
        return _iso_instant(cell)
    return cell.lower() if cell.lower() in TRUTHS else cell


def _iso_instant(cell: str) -> str:
    try:
        return datetime.fromisoformat(cell).isoformat()
    except ValueError:
        return cell


def instant_text(written: str, time_zone: str) -> str:
    """Return a time as RFC 3339, in the zone where it names none; what can't be read stays."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(time_zone))).isoformat()


def _unchecked(event: dict[str, Any]) -> Envelope:
    """Return a message that is no event yet, to be kept as it came."""
    core = {name: event[name] for name in ("id", "source", "type", "time", "data")}
    return Envelope(**core)
