"""Imports: a studio's usage sheet becomes events, all of its rows or those that are right."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from django.db import connection, transaction

from licensing.models import LicenseeTerms, UsageImport
from licensing.usage.recording import dead_letters
from licensing.usage.recording.arrivals import Arrival, Message
from licensing.usage.recording.dead_letters import Place
from licensing.usage.recording.metering import Outcome, Reception, meter
from licensing.wire.faults import Fault, NotUnderstood
from licensing.words import Door, ImportMode
from talent.errors import Refused
from talent.models import User

from .rows import ColumnMapping, Row, RowFault, Sheet, SheetUnreadable

ROWS_AT_ONCE = 1_000
MOST_FAULTS_KEPT = 1_000
SAMPLES = 5
LONGEST_NAME = 255

# Told how many rows are through; whether to go on.
Watch = Callable[[int], bool]


class ImportCancelled(Refused):
    """Somebody stopped an import half way, so nothing of it was kept."""

    code = "import_cancelled"


@dataclass
class Tally:
    """What a sheet's rows came to. Faults beyond the first thousand are counted, not kept.

    `samples` are the first rows as they are read; `whole` tells whether all rows were looked at.
    """

    rows: int = 0
    accepted: int = 0
    known: int = 0
    rejected: int = 0
    faults: list[RowFault] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    whole: bool = True
    unreadable: bool = False

    def reject(self, *faults: RowFault) -> None:
        self.rejected += 1
        self.faults += faults[: MOST_FAULTS_KEPT - len(self.faults)]


class _Undone(Exception):
    """Rolls an import back."""


def _go_on(_rows: int) -> bool:
    return True


def import_sheet(
    file: BinaryIO,
    *,
    file_name: str,
    terms: LicenseeTerms,
    mapping: ColumnMapping,
    at: datetime,
    by: User | None,
    mode: ImportMode = ImportMode.ALL_OR_NONE,
    worksheet: str = "",
    watch: Watch = _go_on,
) -> UsageImport:
    """Import a sheet of usage, one event a row, and return the stored report.

    One transaction for the whole sheet, whichever way: one that is killed leaves nothing. With
    all rows or none, a single wrong row undoes all but the report; row by row, a wrong row
    becomes a dead letter that knows its row and column. A sheet that can't be read to its end
    is undone either way, since nobody knows what it still held. Rows the desk knows already,
    from an earlier import of the sheet too, are counted and paid once.

    Raises ImportCancelled when `watch` says so.
    """
    sheet = Sheet(file, mapping, licensee=terms.licensee.slug, worksheet=worksheet)
    report = UsageImport(
        pk=_next_id(),
        terms=terms,
        imported_by=by,
        imported_at=at,
        file_name=file_name[:LONGEST_NAME],
        worksheet=worksheet,
        mapping=asdict(mapping),
        mode=mode.value,
    )
    arrival = _arrival(terms, at, usage_import=report)
    tally = Tally()
    try:
        with transaction.atomic():
            _read(sheet, arrival, tally, keeps_wrong=mode is ImportMode.ROW_BY_ROW, watch=watch)
            if tally.unreadable or (tally.faults and mode is ImportMode.ALL_OR_NONE):
                raise _Undone
            return _told(report, sheet, tally)
    except _Undone:
        tally.accepted = tally.known = 0
        return _told(report, sheet, tally)


def preview_sheet(
    file: BinaryIO,
    *,
    terms: LicenseeTerms,
    mapping: ColumnMapping,
    at: datetime,
    worksheet: str = "",
    rows: int | None = None,
) -> Tally:
    """Return what an import of the sheet's first rows would come to, and keep nothing of it."""
    tally = Tally()
    sheet = Sheet(file, mapping, licensee=terms.licensee.slug, worksheet=worksheet)
    with suppress(_Undone), transaction.atomic():
        arrival = _arrival(terms, at, usage_import=None)
        _read(sheet, arrival, tally, keeps_wrong=False, at_most=rows)
        raise _Undone
    return tally


def _arrival(terms: LicenseeTerms, at: datetime, *, usage_import: UsageImport | None) -> Arrival:
    actor = f"import {usage_import.pk}" if usage_import else "preview"
    return Arrival(terms, Door.IMPORT, at, actor=actor, usage_import=usage_import)


def _next_id() -> int:
    """Reserve the report's number: its events name it before it can be told how they fared."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [UsageImport._meta.db_table]
        )
        return int(cursor.fetchone()[0])


def _read(
    sheet: Sheet,
    arrival: Arrival,
    tally: Tally,
    *,
    keeps_wrong: bool,
    watch: Watch = _go_on,
    at_most: int | None = None,
) -> None:
    rows = sheet.rows()
    wanted = islice(rows, at_most)
    try:
        while batch := list(islice(wanted, ROWS_AT_ONCE)):
            _take_batch(sheet, batch, arrival, tally, keeps_wrong=keeps_wrong)
            if not watch(tally.rows):
                raise ImportCancelled("The import was cancelled. Nothing of it was kept.")
        tally.whole = next(rows, None) is None
    except SheetUnreadable as unreadable:
        tally.unreadable = True
        tally.reject(unreadable.fault)


def _take_batch(
    sheet: Sheet, batch: Sequence[Row], arrival: Arrival, tally: Tally, *, keeps_wrong: bool
) -> None:
    tally.rows += len(batch)
    tally.samples += [_sample(row) for row in batch[: SAMPLES - len(tally.samples)]]
    events = [row for row in batch if not row.faults]
    outcomes = meter([row.envelope for row in events], arrival)
    wrong = [_Wrong.of(row, row.pointers, row.faults, arrival) for row in batch if row.faults]
    for row, outcome in zip(events, outcomes, strict=True):
        if outcome.reception is Reception.RECORDED:
            tally.accepted += 1
        elif outcome.reception is Reception.KNOWN:
            tally.known += 1
        else:
            wrong.append(_Wrong.of(row, *_faults_of(sheet, row, outcome), arrival))
    settled = dead_letters.settled([each.message.digest for each in wrong], arrival)
    left = [each for each in wrong if each.message.digest not in settled]
    tally.known += len(wrong) - len(left)
    left.sort(key=lambda each: each.row.number)
    for each in left:
        tally.reject(*each.faults)
    if keeps_wrong:
        dead_letters.place(_kept(left, arrival), arrival)


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A row that is no event, as the message it came as, and why."""

    row: Row
    message: Message
    pointers: tuple[Fault, ...]
    faults: tuple[RowFault, ...]

    @classmethod
    def of(
        cls, row: Row, pointers: tuple[Fault, ...], faults: tuple[RowFault, ...], arrival: Arrival
    ) -> "_Wrong":
        prompt_key = bytes(arrival.terms.prompt_key)
        message = Message.of(row.number, row.envelope, prompt_key=prompt_key)
        return cls(row, message, pointers, faults)


def _faults_of(
    sheet: Sheet, row: Row, outcome: Outcome
) -> tuple[tuple[Fault, ...], tuple[RowFault, ...]]:
    found = outcome.faults or (_OTHER_CONTENT,)
    return found, tuple(
        RowFault(row.number, sheet.column_of(fault.pointer), fault.code, fault.detail)
        for fault in found
    )


_OTHER_CONTENT = Fault("/id", "This id was used before, for something else.", "key_conflict")


def _kept(wrong: Sequence[_Wrong], arrival: Arrival) -> Iterator[Place]:
    """Keep wrong rows as dead letters; those that metering kept already are the same letters."""
    ids = dead_letters.keep(
        [(each.message, NotUnderstood(each.pointers)) for each in wrong], arrival
    )
    for letter_id, each in zip(ids, wrong, strict=True):
        yield Place(letter_id, each.row.number, each.faults[0].column[:LONGEST_NAME])


def _sample(row: Row) -> dict[str, Any]:
    """A row as it is read, for the eye: what it says of itself, and how much."""
    data = row.envelope.data if isinstance(row.envelope.data, dict) else {}
    said = {name: value for name, value in data.items() if name not in ("quantities", "prompt")}
    return {"row": row.number, "time": row.envelope.time, **said, **data.get("quantities", {})}


def _told(report: UsageImport, sheet: Sheet, tally: Tally) -> UsageImport:
    report.file_sha256 = sheet.sha256
    report.rows, report.accepted = tally.rows, tally.accepted
    report.known, report.rejected = tally.known, tally.rejected
    report.errors = [asdict(fault) for fault in tally.faults]
    report.save(force_insert=True)
    return report
