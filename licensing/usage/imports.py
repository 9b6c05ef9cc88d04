"""Imports: a studio's usage sheet becomes events, all of its rows or none."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from django.db import connection, transaction

from licensing.models import LicenseeTerms, UsageImport
from licensing.usage.arrivals import Arrival
from licensing.usage.cloudevents import Fault
from licensing.usage.metering import Outcome, Reception, meter
from licensing.usage.sheets import ColumnMapping, Row, RowFault, Sheet, SheetUnreadable
from licensing.words import Door
from talent.models import User

ROWS_AT_ONCE = 1_000
MOST_FAULTS_KEPT = 100
LONGEST_NAME = 255


@dataclass
class Tally:
    """What a sheet's rows came to. Faults beyond the first hundred are counted, not kept."""

    rows: int = 0
    accepted: int = 0
    known: int = 0
    rejected: int = 0
    faults: list[RowFault] = field(default_factory=list)

    def reject(self, *faults: RowFault) -> None:
        self.rejected += 1
        self.faults += faults[: MOST_FAULTS_KEPT - len(self.faults)]


class _Undone(Exception):
    """Rolls an import back."""


def import_sheet(
    file: BinaryIO,
    *,
    file_name: str,
    terms: LicenseeTerms,
    mapping: ColumnMapping,
    at: datetime,
    by: User | None,
) -> UsageImport:
    """Import a CSV of usage, one event a row, and return the stored report.

    One transaction for the whole sheet: with a single wrong row nothing of it is kept but the
    report, whose errors name row and column. Rows the desk knows already, from an earlier
    import of the sheet too, are counted and paid once.
    """
    sheet = Sheet(file, mapping, licensee=terms.licensee.slug)
    report = UsageImport(
        pk=_next_id(),
        terms=terms,
        imported_by=by,
        imported_at=at,
        file_name=file_name[:LONGEST_NAME],
        mapping=asdict(mapping),
    )
    arrival = _arrival(terms, at, usage_import=report)
    tally = Tally()
    try:
        with transaction.atomic():
            _read(sheet, arrival, tally)
            if tally.faults:
                raise _Undone
            return _told(report, sheet, tally)
    except _Undone:
        tally.accepted = tally.known = 0
        return _told(report, sheet, tally)


def preview_sheet(
    file: BinaryIO, *, terms: LicenseeTerms, mapping: ColumnMapping, at: datetime
) -> Tally:
    """Return what an import of the sheet would come to, and keep nothing of it."""
    tally = Tally()
    sheet = Sheet(file, mapping, licensee=terms.licensee.slug)
    with suppress(_Undone), transaction.atomic():
        _read(sheet, _arrival(terms, at, usage_import=None), tally)
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


def _read(sheet: Sheet, arrival: Arrival, tally: Tally) -> None:
    rows = _counted(sheet.rows(), tally)
    try:
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            outcomes = meter([row.envelope for row in batch if row.envelope], arrival)
            for row, outcome in zip(batch, outcomes, strict=True):
                _take(sheet, row, outcome, tally)
    except SheetUnreadable as unreadable:
        tally.reject(unreadable.fault)


def _counted(rows: Iterator[Row], tally: Tally) -> Iterator[Row]:
    """Pass on the rows that are events; count them all."""
    for row in rows:
        tally.rows += 1
        if row.envelope is None:
            tally.reject(*row.faults)
        else:
            yield row


def _take(sheet: Sheet, row: Row, outcome: Outcome, tally: Tally) -> None:
    if outcome.reception is Reception.RECORDED:
        tally.accepted += 1
    elif outcome.reception is Reception.KNOWN:
        tally.known += 1
    else:
        faults = outcome.faults or (_OTHER_CONTENT,)
        tally.reject(
            *(RowFault(row.number, sheet.column_of(f.pointer), f.code, f.detail) for f in faults)
        )


_OTHER_CONTENT = Fault("/id", "This id was used before, for something else.", "key_conflict")


def _told(report: UsageImport, sheet: Sheet, tally: Tally) -> UsageImport:
    report.file_sha256 = sheet.sha256
    report.rows, report.accepted = tally.rows, tally.accepted
    report.known, report.rejected = tally.known, tally.rejected
    report.errors = [asdict(fault) for fault in tally.faults]
    report.save(force_insert=True)
    return report
