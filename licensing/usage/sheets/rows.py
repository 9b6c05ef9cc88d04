"""Sheets: a studio's rows read as events, by a mapping of its columns to fields.

The sheet is read as a stream; only the digests of its rows are remembered, to tell the second
of two identical rows from the first.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo, available_timezones

from licensing.usage.events.cloudevents import Envelope, MalformedEnvelopes, envelope_of
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.wire.canonical import canonical_bytes, plain
from licensing.wire.faults import Fault
from licensing.wire.fields import CHECKS
from licensing.words import Meter

from .tables import RowFault, SheetUnreadable, Table, unreadable

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
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"


@dataclass(frozen=True)
class Row:
    """One row: the event it was made into, and what is wrong with it where it is none yet."""

    number: int
    envelope: Envelope
    faults: tuple[RowFault, ...] = ()
    pointers: tuple[Fault, ...] = ()


class Sheet:
    """A CSV or XLSX file on its way in. Its digest is known once it has been read."""

    def __init__(
        self, file: BinaryIO, mapping: ColumnMapping, *, licensee: str, worksheet: str = ""
    ):
        self._table = Table(file, worksheet)
        self._mapping = mapping
        self._constants = {name: value for name, value in mapping.constants.items() if value}
        self._licensee = licensee
        self._identity = b""
        self._repeats: Counter[bytes] = Counter()

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was read of the file: all of it, unless it proved unreadable."""
        return self._table.sha256

    def rows(self) -> Iterator[Row]:
        """Yield each row, blank ones left out. Raises SheetUnreadable."""
        rows = self._table.rows()
        number, header = next(rows, (1, []))
        targets = self._targets(number, header)
        for number, cells in rows:
            yield self._row(number, cells, targets)

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
        # What the columns mean, however it was said: by a name of their own or by a mapping.
        meaning = {name: target for name, target in targets if name}
        self._identity = canonical_bytes(
            [self._licensee, meaning, self._constants, self._mapping.time_zone]
        )
        return targets

    def _row(self, number: int, cells: list[str], targets: list[tuple[str, str]]) -> Row:
        if len(cells) != len(targets):
            return self._row_of_wrong_length(number, cells, targets)
        fields = dict(self._constants)
        columns: dict[str, str] = {}
        for (column, target), cell in zip(targets, cells, strict=True):
            if target != IGNORED and cell:
                fields[target], columns[target] = cell, column
        event = self._event(fields, self._normal_forms(cells, targets))
        try:
            return Row(number, envelope_of(event))
        except MalformedEnvelopes as malformed:
            faults = tuple(_row_fault(number, columns, fault) for fault in malformed.faults)
            pointers = tuple(
                replace(fault, detail=row_fault.detail)
                for fault, row_fault in zip(malformed.faults, faults, strict=True)
            )
            return Row(number, _unchecked(event), faults, pointers)

    def _row_of_wrong_length(
        self, number: int, cells: list[str], targets: list[tuple[str, str]]
    ) -> Row:
        """Return a row that is longer or shorter than the header, whose columns say nothing."""
        detail = f"The row has {len(cells)} cells where the header has {len(targets)}."
        event = self._event({}, cells)
        event["data"] = {CELLS: cells}
        pointer = Fault(f"/data/{CELLS}", detail, "odd_row")
        fault = RowFault(number, "", "odd_row", detail)
        return Row(number, _unchecked(event), (fault,), (pointer,))

    def _event(self, fields: dict[str, str], cells: list[str]) -> dict[str, Any]:
        data: dict[str, Any] = {name: fields[name] for name in CHECKS if name in fields}
        if "real_time" in data:
            data["real_time"] = TRUTHS.get(data["real_time"].lower(), data["real_time"])
        data["quantities"] = {name: normal_form(fields[name]) for name in fields if name in _METERS}
        zone = self._mapping.time_zone
        return {
            "specversion": "1.0",
            "type": USAGE_TYPE,
            "source": fields.get("source", SOURCE),
            "id": fields.get("id") or self._derived_id(cells),
            "time": instant_text(fields["time"], zone) if "time" in fields else None,
            "data": data,
        }

    def _normal_forms(self, cells: list[str], targets: list[tuple[str, str]]) -> list[str]:
        """Return the cells so that the same row of a CSV and of a workbook are the same."""
        return [
            instant_text(cell, self._mapping.time_zone) if target == "time" else normal_form(cell)
            for (_, target), cell in zip(targets, cells, strict=True)
        ]

    def _derived_id(self, cells: list[str]) -> str:
        """Return SHA-256 of licensee, mapping, row, and which of several identical rows it is."""
        row = hashlib.sha256(self._identity + canonical_bytes(cells)).digest()
        self._repeats[row] += 1
        return hashlib.sha256(row + str(self._repeats[row]).encode()).hexdigest()


def check_mapping(mapping: ColumnMapping) -> None:
    """Raise SheetUnreadable for a field or a time zone that there is not."""
    for name in [*mapping.columns.values(), *mapping.constants]:
        if name not in TARGETS:
            raise unreadable(1, "unknown_field", "The mapping names a field that is none.", name)
    if mapping.time_zone not in available_timezones():
        detail = "The mapping names a time zone that is none of IANA's."
        raise unreadable(1, "unknown_time_zone", detail)


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
    detail = _WRITTEN_TIME if target == "time" else fault.detail
    return RowFault(number, columns.get(target, target), fault.code, detail)


_WRITTEN_TIME = "A time is written as 2026-07-14 or as 2026-07-14T10:31."


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
