"""Usage sheets: a studio's CSV rows read as events, by a mapping of its columns to fields.

The sheet is read as a stream; only the digests of its rows are remembered, to tell the second
of two identical rows from the first.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo, available_timezones

from licensing.usage.canonical import canonical_bytes
from licensing.usage.cloudevents import Envelope, Fault, MalformedEnvelopes, checked
from licensing.usage.reported import FIELDS, USAGE_TYPE
from licensing.words import Meter

LARGEST_SHEET = 10 * 1024 * 1024
SOURCE = "urn:likenessdesk:sheet"
IGNORED = ""
DELIMITERS = ",;\t"
TRUTHS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

_ENVELOPE = ("id", "source", "time")
_METERS = frozenset(Meter.codes())
TARGETS = frozenset([*_ENVELOPE, *FIELDS, *_METERS, IGNORED])


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


@dataclass(frozen=True)
class Row:
    """One row as an event, or what is wrong with it."""

    number: int
    envelope: Envelope | None
    faults: tuple[RowFault, ...] = ()


class Sheet:
    """A CSV file on its way in. Its digest and size are known once it has been read."""

    def __init__(self, file: BinaryIO, mapping: ColumnMapping, *, licensee: str):
        self._measured = _Measured(file)
        self._mapping = mapping
        self._identity = canonical_bytes([licensee, _plain(mapping)])
        self._seen: Counter[bytes] = Counter()

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was read of the file: all of it, unless it proved unreadable."""
        return self._measured.sha256.hexdigest()

    def rows(self) -> Iterator[Row]:
        """Yield each row, blank ones left out. Raises SheetUnreadable."""
        reader = _reader(_lines(self._measured))
        number = 1
        try:
            targets = self._targets(next(reader, []))
            for number, cells in enumerate(reader, start=2):
                if any(cell.strip() for cell in cells):
                    yield self._row(number, cells, targets)
        except csv.Error:
            raise _unreadable(number, "not_csv", "The sheet is not CSV here.") from None

    def column_of(self, pointer: str) -> str:
        """Return the column that a JSON pointer into the event leads back to."""
        target = pointer.rsplit("/", 1)[-1]
        mapped = (column for column, field in self._mapping.columns.items() if field == target)
        return next(mapped, target)

    def _targets(self, header: list[str]) -> list[tuple[str, str]]:
        _check_mapping(self._mapping)
        columns = [name.strip() for name in header]
        if not any(columns):
            raise _unreadable(1, "no_header", "The sheet has no header row.")
        doubled = [name for name, count in Counter(columns).items() if count > 1]
        if doubled:
            raise _unreadable(1, "doubled_column", "Two columns have this name.", doubled[0])
        missing = [name for name in self._mapping.columns if name not in columns]
        if missing:
            raise _unreadable(1, "missing_column", "The sheet has no such column.", missing[0])
        targets = [(name, self._mapping.columns.get(name, name)) for name in columns]
        for name, target in targets:
            if target not in TARGETS:
                detail = "The desk does not know this column: map it to a field, or ignore it."
                raise _unreadable(1, "unknown_column", detail, name)
        return targets

    def _row(self, number: int, cells: list[str], targets: list[tuple[str, str]]) -> Row:
        if len(cells) != len(targets):
            detail = f"The row has {len(cells)} cells where the header has {len(targets)}."
            return Row(number, None, (RowFault(number, "", "odd_row", detail),))
        said = dict(self._mapping.constants)
        columns: dict[str, str] = {}
        for (column, target), cell in zip(targets, cells, strict=True):
            if target != IGNORED and cell.strip():
                said[target], columns[target] = cell.strip(), column
        event = self._event(said, [cell.strip() for cell in cells])
        try:
            return Row(number, checked(event))
        except MalformedEnvelopes as malformed:
            faults = (row_fault(number, columns, fault) for fault in malformed.faults)
            return Row(number, None, tuple(faults))

    def _event(self, said: dict[str, str], cells: list[str]) -> dict[str, Any]:
        data: dict[str, Any] = {name: said[name] for name in FIELDS if name in said}
        if "real_time" in data:
            data["real_time"] = TRUTHS.get(data["real_time"].lower(), data["real_time"])
        data["quantities"] = {name: said[name] for name in said if name in _METERS}
        return {
            "specversion": "1.0",
            "type": USAGE_TYPE,
            "source": said.get("source", SOURCE),
            "id": said.get("id") or self._derived_id(cells),
            "time": _instant(said["time"], self._mapping.time_zone) if "time" in said else None,
            "data": data,
        }

    def _derived_id(self, cells: list[str]) -> str:
        """Return SHA-256 of licensee, mapping, row, and which of several identical rows it is."""
        row = hashlib.sha256(self._identity + canonical_bytes(cells)).digest()
        self._seen[row] += 1
        return hashlib.sha256(row + str(self._seen[row]).encode()).hexdigest()


def _check_mapping(mapping: ColumnMapping) -> None:
    for name in [*mapping.columns.values(), *mapping.constants]:
        if name not in TARGETS:
            raise _unreadable(1, "unknown_field", "The mapping names a field that is none.", name)
    if mapping.time_zone not in available_timezones():
        detail = "The mapping names a time zone that is none of IANA's."
        raise _unreadable(1, "unknown_time_zone", detail)


def row_fault(number: int, columns: Mapping[str, str], fault: Fault) -> RowFault:
    """Return a fault of an event as one of the row it was made of."""
    target = fault.pointer.rsplit("/", 1)[-1]
    return RowFault(number, columns.get(target, target), fault.code, fault.detail)


def _unreadable(number: int, code: str, detail: str, column: str = "") -> SheetUnreadable:
    return SheetUnreadable(RowFault(number, column, code, detail))


def _plain(mapping: ColumnMapping) -> dict[str, Any]:
    return {name: dict(v) if isinstance(v, Mapping) else v for name, v in asdict(mapping).items()}


def _lines(file: io.RawIOBase) -> Iterator[str]:
    for number, line in enumerate(io.BufferedReader(file), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _unreadable(number, "not_utf_8", "The sheet is not UTF-8 here.") from None


def _reader(lines: Iterator[str]) -> Iterator[list[str]]:
    header = next(lines, "")
    delimiter = max(DELIMITERS, key=header.count)
    return csv.reader(chain([header], lines), delimiter=delimiter, strict=True)


def _instant(written: str, time_zone: str) -> str:
    """Return a time as RFC 3339; what can't be read stays as it is, to be pointed to."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(time_zone))).isoformat()


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
        if self._size > LARGEST_SHEET:
            limit = LARGEST_SHEET // 1024 // 1024
            detail = f"A sheet has at most {limit} MB; split it into several."
            raise _unreadable(1, "sheet_too_large", detail)
        self.sha256.update(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)
