"""Imports: a studio's usage sheet becomes events, all of its rows or those that are right."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from django.db import connection, transaction

from licensing.models import LicenseeTerms, UsageImport
from licensing.usage.recording import dead_letters
from licensing.usage.recording.dead_letters import SheetPlace
from licensing.usage.recording.messages import BatchOrigin, Message, Reception
from licensing.usage.recording.record import record_events
from licensing.wire.faults import Fault, NotUnderstood
from licensing.words import Door, ImportMode
from talent.errors import Refused
from talent.models import User
from talent.plain_text import as_line

from .put_right import RowsPutRight
from .rows import ColumnMapping, Row, RowFault, Sheet, SheetUnreadable

ROWS_AT_ONCE = 1_000
MOST_FAULTS_KEPT = 1_000
SAMPLES = 5
LONGEST_NAME = 255

# Is given how many rows are through, and says whether to go on.
Watch = Callable[[int], bool]


class ImportCancelled(Refused):
    """Somebody stopped an import half way, so nothing of it was kept."""

    code = "import_cancelled"


@dataclass
class ImportTally:
    """What a sheet's rows came to. Faults beyond the first thousand are counted, not kept.

    `left_out` are rows that are no uses, `known_rows` those held for known, with what they say.
    `samples` are the first rows as they are read; `whole` tells whether all rows were looked at.
    """

    rows: int = 0
    accepted: int = 0
    known: int = 0
    rejected: int = 0
    left_out: int = 0
    faults: list[RowFault] = field(default_factory=list)
    rows_left_out: list[RowFault] = field(default_factory=list)
    known_rows: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    whole: bool = True
    unreadable: bool = False

    def reject(self, *faults: RowFault) -> None:
        self.rejected += 1
        self.faults += faults[: MOST_FAULTS_KEPT - len(self.faults)]

    def leave_out(self, *why: RowFault) -> None:
        self.left_out += len(why)
        self.rows_left_out += why[: MOST_FAULTS_KEPT - len(self.rows_left_out)]

    def hold_for_known(self, row: Row) -> None:
        self.known += 1
        if len(self.known_rows) < MOST_FAULTS_KEPT:
            self.known_rows.append(_sample(row))


class _RolledBack(Exception):
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

    The whole sheet is one transaction in either mode: an import that is killed leaves nothing.
    With all rows or none, a single wrong row undoes all but the report; row by row, a wrong row
    becomes a dead letter that knows its row and column. A sheet that can't be read to its end
    is undone either way, since nobody knows what it still held. Rows the desk knows already,
    from an earlier import of the sheet too, are counted and paid once.

    Raises ImportCancelled when `watch` says so.
    """
    sheet = _sheet_of(file, mapping, terms, worksheet)
    report = UsageImport(
        pk=_next_id(),
        terms=terms,
        imported_by=by,
        imported_at=at,
        file_name=as_line(file_name[:LONGEST_NAME]),
        worksheet=worksheet,
        mapping=asdict(mapping),
        mode=mode.value,
    )
    origin = _origin(terms, at, usage_import=report)
    tally = ImportTally()
    try:
        with transaction.atomic():
            _read_rows(sheet, origin, tally, keeps_wrong=mode is ImportMode.ROW_BY_ROW, watch=watch)
            if tally.unreadable or (tally.faults and mode is ImportMode.ALL_OR_NONE):
                raise _RolledBack
            return _store_report(report, sheet, tally)
    except _RolledBack:
        tally.accepted = tally.known = 0
        return _store_report(report, sheet, tally)


def preview_sheet(
    file: BinaryIO,
    *,
    terms: LicenseeTerms,
    mapping: ColumnMapping,
    at: datetime,
    worksheet: str = "",
    rows: int | None = None,
) -> ImportTally:
    """Return what an import of the sheet's first rows would come to, and keep nothing of it."""
    tally = ImportTally()
    sheet = _sheet_of(file, mapping, terms, worksheet)
    with suppress(_RolledBack), transaction.atomic():
        origin = _origin(terms, at, usage_import=None)
        _read_rows(sheet, origin, tally, keeps_wrong=False, at_most=rows)
        raise _RolledBack
    return tally


def _sheet_of(
    file: BinaryIO, mapping: ColumnMapping, terms: LicenseeTerms, worksheet: str
) -> Sheet:
    return Sheet(
        file,
        mapping,
        licensee=terms.licensee.slug,
        worksheet=worksheet,
        prompt_key=bytes(terms.prompt_key),
    )


def _origin(terms: LicenseeTerms, at: datetime, *, usage_import: UsageImport | None) -> BatchOrigin:
    actor = f"import {usage_import.pk}" if usage_import else "preview"
    return BatchOrigin(terms, Door.IMPORT, at, actor=actor, usage_import=usage_import)


def _next_id() -> int:
    """Reserve the report's number: its events name it before it can be told how they fared."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [UsageImport._meta.db_table]
        )
        return int(cursor.fetchone()[0])


def _read_rows(
    sheet: Sheet,
    origin: BatchOrigin,
    tally: ImportTally,
    *,
    keeps_wrong: bool,
    watch: Watch = _go_on,
    at_most: int | None = None,
) -> None:
    rows = sheet.rows()
    wanted = islice(rows, at_most)
    put_right = RowsPutRight(origin.terms)
    try:
        while batch := list(islice(wanted, ROWS_AT_ONCE)):
            _import_rows(sheet, batch, origin, tally, put_right, keeps_wrong=keeps_wrong)
            if not watch(tally.rows):
                raise ImportCancelled("The import was cancelled. Nothing of it was kept.")
        tally.whole = next(rows, None) is None
    except SheetUnreadable as unreadable:
        tally.unreadable = True
        tally.reject(unreadable.fault)


def _import_rows(
    sheet: Sheet,
    rows: Sequence[Row],
    origin: BatchOrigin,
    tally: ImportTally,
    put_right: RowsPutRight,
    *,
    keeps_wrong: bool,
) -> None:
    """Record the rows that are events, count all of them, and store the wrong as dead letters."""
    tally.rows += len(rows)
    tally.leave_out(*(row.left_out for row in rows if row.left_out))
    rows = [row for row in rows if not row.left_out]
    tally.samples += [_sample(row) for row in rows[: SAMPLES - len(tally.samples)]]
    in_doubt = put_right.doubtful(
        [row for row in rows if not (row.faults or sheet.is_another_use(row.number))]
    )
    doubted = {row.number: row for row in in_doubt}
    rows = [doubted.get(row.number, row) for row in rows]
    wrong = [_WrongRow.of(row, row.pointers, row.faults, origin) for row in rows if row.faults]
    events = [row for row in rows if not row.faults]
    outcomes = record_events([row.envelope for row in events], origin)
    for row, outcome in zip(events, outcomes, strict=True):
        if outcome.reception is Reception.RECORDED:
            tally.accepted += 1
        elif outcome.reception is Reception.KNOWN:
            tally.hold_for_known(row)
        else:
            faults = outcome.faults or (_OTHER_CONTENT,)
            wrong.append(_WrongRow.of(row, faults, _row_faults(sheet, row, faults), origin))
    # A row that somebody has corrected or closed since is known, whatever is wrong with it.
    closed = dead_letters.closed_digests([row.message.digest for row in wrong], origin.terms)
    rejected = [row for row in wrong if row.message.digest not in closed]
    tally.known += len(wrong) - len(rejected)
    rejected.sort(key=lambda wrong_row: wrong_row.row.number)
    for wrong_row in rejected:
        tally.reject(*wrong_row.row_faults)
    if keeps_wrong:
        _store_dead_letters(rejected, origin)


@dataclass(frozen=True, slots=True)
class _WrongRow:
    """A row that is no event: its message, and why, as faults of the event and of the row."""

    row: Row
    message: Message
    event_faults: tuple[Fault, ...]
    row_faults: tuple[RowFault, ...]

    @classmethod
    def of(
        cls,
        row: Row,
        event_faults: tuple[Fault, ...],
        row_faults: tuple[RowFault, ...],
        origin: BatchOrigin,
    ) -> "_WrongRow":
        message = Message.of(row.number, row.envelope, origin.terms)
        return cls(row, message, event_faults, row_faults)


def _row_faults(sheet: Sheet, row: Row, faults: Sequence[Fault]) -> tuple[RowFault, ...]:
    return tuple(
        RowFault(row.number, sheet.column_of(fault.pointer), fault.code, fault.detail)
        for fault in faults
    )


_OTHER_CONTENT = Fault("/id", "This id was used before, for something else.", "key_conflict")


def _store_dead_letters(rows: Sequence[_WrongRow], origin: BatchOrigin) -> None:
    """Store wrong rows as dead letters; those that recording stored already are the same ones."""
    messages = [(row.message, NotUnderstood(row.event_faults)) for row in rows]
    ids = dead_letters.store(messages, origin)
    if origin.usage_import:
        places = [
            SheetPlace(dead_letter_id, row.row.number, row.row_faults[0].column[:LONGEST_NAME])
            for dead_letter_id, row in zip(ids, rows, strict=True)
        ]
        dead_letters.store_sheet_places(places, origin.usage_import.pk)


def _sample(row: Row) -> dict[str, Any]:
    """Return a row as a preview shows it: its number, time, fields and quantities."""
    data = row.envelope.data if isinstance(row.envelope.data, dict) else {}
    fields = {name: value for name, value in data.items() if name not in ("quantities", "prompt")}
    return {"row": row.number, "time": row.envelope.time, **fields, **data.get("quantities", {})}


def _store_report(report: UsageImport, sheet: Sheet, tally: ImportTally) -> UsageImport:
    report.file_sha256 = sheet.sha256
    report.rows, report.accepted = tally.rows, tally.accepted
    report.known, report.rejected = tally.known, tally.rejected
    report.left_out = tally.left_out
    named = sorted([*tally.faults, *tally.rows_left_out], key=lambda fault: fault.row)
    report.errors = [asdict(fault) for fault in named]
    report.known_rows = [row["row"] for row in tally.known_rows]
    report.save(force_insert=True)
    return report
