"""Uploads: a studio's sheet between its arrival and its import, and what its columns mean."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import BinaryIO

from django.conf import settings
from django.db import transaction

from licensing.models import LicenseeTerms, SheetMapping, UsageImport, UsageSheet
from licensing.wire.canonical import canonical_bytes
from licensing.words import ImportMode, SheetStatus
from talent.database.locks import hold_lock
from talent.envelope import key_for, open_envelope, seal
from talent.errors import Refused
from talent.models import User
from talent.plain_text import as_line

from . import imports, tables
from .imports import ImportCancelled, ImportTally, Watch
from .rows import TARGETS, ColumnMapping, SheetUnreadable, check_headers
from .surveys import survey_of
from .tables import Table

PREVIEWED = 20_000
KEPT_FOR = timedelta(days=7)
LONGEST_NAME = 255
# An import that takes longer is ended, and begun anew.
LONGEST = timedelta(hours=1)


class SheetRefused(Refused):
    """The file is no sheet that the desk can read."""

    code = "sheet_refused"


class SheetGone(Refused):
    """The sheet was imported or cancelled meanwhile."""

    code = "sheet_gone"


def receive(
    file: BinaryIO, *, file_name: str, terms: LicenseeTerms, at: datetime, by: User
) -> UsageSheet:
    """Keep a file until it is imported, with what its columns meant last time.

    Raises SheetRefused, with what to do about it.
    """
    content = file.read(tables.LARGEST_FILE + 1)
    try:
        names = tables.worksheets(content)
        sheet = UsageSheet(
            terms=terms,
            uploaded_by=by,
            uploaded_at=at,
            file_name=as_line(file_name[:LONGEST_NAME]),
            file_sha256=hashlib.sha256(content).hexdigest(),
            worksheets=names,
        )
        _choose_worksheet(sheet, content, names[0] if names else "")
    except SheetUnreadable as unreadable:
        raise SheetRefused(_sentence(unreadable)) from None
    sheet.content = seal(content, key=_key(), about=sheet.file_sha256)
    sheet.save()
    return sheet


def choose_worksheet(sheet: UsageSheet, name: str) -> None:
    """Take another worksheet of the workbook. Raises SheetRefused."""
    try:
        _choose_worksheet(sheet, content_of(sheet), name)
    except SheetUnreadable as unreadable:
        raise SheetRefused(_sentence(unreadable)) from None
    sheet.save(update_fields=["worksheet", "rows", "survey", "mapping"])


def _choose_worksheet(sheet: UsageSheet, content: bytes, name: str) -> None:
    rows = Table(io.BytesIO(content), name).rows()
    number, headers = next(rows, (1, []))
    check_headers(number, headers)
    sheet.worksheet = name
    survey = survey_of(headers, (cells for _number, cells in rows))
    sheet.rows = survey.rows
    sheet.survey = asdict(survey)
    mapping = _remembered_mapping(sheet.terms, headers)
    sheet.mapping = asdict(survey.completed(mapping))


def headers_of(sheet: UsageSheet) -> list[str]:
    """Return the column names of the chosen worksheet, those without a name left out."""
    _number, headers = next(Table(io.BytesIO(content_of(sheet)), sheet.worksheet).rows())
    return [name for name in headers if name]


def content_of(sheet: UsageSheet) -> bytes:
    """Return the file. Raises SheetGone once it is imported, cancelled or too old."""
    if sheet.content is None:
        raise SheetGone("This sheet is no longer here. Send the file again.")
    return open_envelope(bytes(sheet.content), key=_key(), about=sheet.file_sha256)


def _key() -> bytes:
    return key_for("usage sheets", key_encryption_key=settings.KEY_ENCRYPTION_KEY)


def _sentence(unreadable: SheetUnreadable) -> str:
    fault = unreadable.fault
    column = f", column “{fault.column}”" if fault.column else ""
    return f"{fault.detail} (Row {fault.row}{column}.)"


# What columns mean


def _remembered_mapping(terms: LicenseeTerms, headers: Sequence[str]) -> ColumnMapping:
    """Return what these headers meant last time; else only what their own names say."""
    known = SheetMapping.objects.latest_for(terms, fingerprint(headers))
    if known:
        return ColumnMapping(**known.mapping)
    names = {header: header.lower().replace(" ", "_") for header in headers if header}
    columns = {header: name for header, name in names.items() if name in TARGETS}
    return ColumnMapping(columns, time_zone=terms.agency.time_zone)


def fingerprint(headers: Sequence[str]) -> str:
    """Return the SHA-256 of a sheet's headers, in their order."""
    return hashlib.sha256(canonical_bytes([name for name in headers if name])).hexdigest()


@transaction.atomic
def remember_mapping(sheet: UsageSheet, mapping: ColumnMapping, *, at: datetime, by: User) -> None:
    """Store what the sheet's columns mean, for it and for the next one with these headers."""
    sheet.mapping = asdict(mapping)
    sheet.save(update_fields=["mapping"])
    headers = headers_of(sheet)
    known = SheetMapping.objects.latest_for(sheet.terms, fingerprint(headers))
    # What was said of single rows is of this file only.
    of_columns = asdict(replace(mapping, other_uses=[], no_totals=[]))
    if known is None or known.mapping != of_columns:
        SheetMapping.objects.create(
            terms=sheet.terms,
            fingerprint=fingerprint(headers),
            headers=headers,
            mapping=of_columns,
            learnt_at=at,
            learnt_from=by,
        )


def other_readings(sheet: UsageSheet) -> list[UsageImport]:
    """Return imports that kept this very file under another mapping: rows would count again."""
    same_file = UsageImport.objects.filter(terms=sheet.terms, file_sha256=sheet.file_sha256)
    kept = same_file.exclude(accepted=0).filter(worksheet=sheet.worksheet)
    return [one for one in kept.order_by("-pk")[:20] if _differ(one.mapping, sheet.mapping)][:3]


def _differ(mapping: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Tell whether two mappings read a sheet differently; what one leaves unsaid says nothing."""
    says = ("columns", "constants", "time_zone")
    ways = ("decimal_sign", "date_order")
    said = [name for name in ways if mapping.get(name) and other.get(name)]
    return any(mapping.get(name) != other.get(name) for name in (*says, *said))


# Importing


def preview(sheet: UsageSheet, *, at: datetime) -> ImportTally:
    """Return what an import of the sheet would come to, as far as its first rows tell."""
    return imports.preview_sheet(
        io.BytesIO(content_of(sheet)),
        terms=sheet.terms,
        mapping=ColumnMapping(**sheet.mapping),
        at=at,
        worksheet=sheet.worksheet,
        rows=PREVIEWED,
    )


def queue(sheet: UsageSheet, mode: ImportMode) -> None:
    """Have a sheet imported, once. Raises SheetGone when somebody else was first."""
    waiting = UsageSheet.objects.filter(pk=sheet.pk, status=SheetStatus.WAITING.value)
    if not waiting.update(status=SheetStatus.QUEUED.value, mode=mode.value):
        raise SheetGone("This sheet is being imported or was cancelled meanwhile.")


def cancel(sheet: UsageSheet, *, at: datetime) -> None:
    """Stop a sheet's import: at once if it has not begun, else at the next thousand rows."""
    row = UsageSheet.objects.filter(pk=sheet.pk)
    not_begun = [SheetStatus.WAITING.value, SheetStatus.QUEUED.value]
    if not row.filter(status__in=not_begun).update(
        status=SheetStatus.CANCELLED.value, finished_at=at, content=None
    ):
        row.filter(status=SheetStatus.RUNNING.value).update(cancel_asked_at=at)


def is_cancelled(sheet_id: int) -> bool:
    """Whether somebody asked to stop; seen from within the import's own transaction."""
    return UsageSheet.objects.filter(pk=sheet_id, cancel_asked_at__isnull=False).exists()


def run(*, sheet_id: int, at: datetime, watch: Watch) -> UsageSheet:
    """Import a queued sheet and close it with its report, both or neither.

    Called again for a sheet at work or done, it does nothing; for one whose worker was killed,
    it begins anew, and rows that were kept are known.
    """
    with hold_lock(f"usage sheet {sheet_id}", wait=False, at_most=LONGEST) as mine:
        sheet = UsageSheet.objects.select_related("terms__agency", "terms__licensee").get(
            pk=sheet_id
        )
        if mine and sheet.status in (SheetStatus.QUEUED.value, SheetStatus.RUNNING.value):
            _run(sheet, at, watch)
    return sheet


def _run(sheet: UsageSheet, at: datetime, watch: Watch) -> None:
    sheet.status = SheetStatus.RUNNING.value
    sheet.save(update_fields=["status"])
    try:
        with transaction.atomic():
            sheet.report = imports.import_sheet(
                io.BytesIO(content_of(sheet)),
                file_name=sheet.file_name,
                terms=sheet.terms,
                mapping=ColumnMapping(**sheet.mapping),
                at=at,
                by=sheet.uploaded_by,
                mode=ImportMode(sheet.mode),
                worksheet=sheet.worksheet,
                watch=watch,
            )
            _close(sheet, SheetStatus.DONE, at)
    except ImportCancelled:
        _close(sheet, SheetStatus.CANCELLED, at)
    except Exception as failure:
        sheet.report = None
        sheet.failure = f"{type(failure).__name__}. Nothing was kept."
        _close(sheet, SheetStatus.FAILED, at)
        raise


def _close(sheet: UsageSheet, status: SheetStatus, at: datetime) -> None:
    sheet.status, sheet.finished_at, sheet.content = status.value, at, None
    sheet.save(update_fields=["status", "finished_at", "content", "failure", "report"])


def discard(*, before: datetime) -> int:
    """Cancel sheets that nobody went on with and drop their content; return how many."""
    forgotten = UsageSheet.objects.forgotten(before)
    return forgotten.update(content=None, status=SheetStatus.CANCELLED.value)
