"""A bank's CSV: looked at by a mapping that a person gives, kept for the account, and imported."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from talent.errors import Refused
from talent.models import Agency, User
from valuation.bank_files import csv_lines
from valuation.bank_files.csv_lines import CsvLines, CsvMapping, RowFault
from valuation.bank_files.statements import BankLine as Line
from valuation.bank_files.statements import BankStatement
from valuation.models import BankCsvMapping, BankFile, BankLine

from . import bank_lines

FAULTS_KEPT = 500


class LooksOtherwise(Refused):
    """What an import would do has changed since the person saw it."""

    code = "looks_otherwise"


class NothingToImport(Refused):
    """No row of the file is a line that the desk does not know."""

    code = "nothing_to_import"


@dataclass(frozen=True)
class Outlook:
    """What importing a file by a mapping would do. `digest` is of all that a person saw of it.

    `new` are the rows that would become lines; `known` came by an earlier file; `alike` have the
    day and amount of a line that came by a file of another kind, and are left out unless wanted.
    `balances` are what the file opens and closes with, where a column says it.
    """

    new: tuple[tuple[int, Line], ...]
    known: int
    alike: tuple[tuple[int, Line], ...]
    faults: tuple[RowFault, ...]
    digest: str
    balances: tuple[Decimal | None, Decimal | None] = (None, None)

    @property
    def came_in(self) -> Decimal:
        return sum((one.amount for _row, one in self.new if one.amount > 0), Decimal(0))

    @property
    def went_out(self) -> Decimal:
        return sum((one.amount for _row, one in self.new if one.amount < 0), Decimal(0))


def proposed(agency: Agency, content: bytes) -> tuple[CsvMapping, bool]:
    """Return how a file may be read, and whether that was kept from an earlier one.

    A kept mapping is one by which this file's columns have the same headings. Raises NotABankFile.
    """
    guessed = csv_lines.survey(content).mapping
    for kept in newest_mappings(agency):
        if csv_lines.headings(content, guessed) == kept.headings:
            return CsvMapping(**kept.mapping), True
    return guessed, False


def newest_mappings(agency: Agency) -> list[BankCsvMapping]:
    """Return the mapping that counts for each account, the newest first."""
    rows = BankCsvMapping.objects.filter(agency=agency).order_by("account", "-pk")
    return sorted(rows.distinct("account"), key=lambda one: -one.pk)


def look(
    agency: Agency, content: bytes, mapping: CsvMapping, *, alike_too: bool = False
) -> Outlook:
    """Return what importing would do; nothing is stored. Raises NotABankFile."""
    found = csv_lines.read(content, mapping)
    rows = bank_lines.unsaved(agency, _statement(mapping, [line for _row, line in found.lines]))
    known = bank_lines.known_of(agency, rows)
    left = [
        told for told, row in zip(found.lines, rows, strict=True) if row.fingerprint not in known
    ]
    elsewhere = _read_otherwise(agency, mapping, rows)
    new, alike = [], []
    for number, line in left:
        key = (line.booked_on, line.amount)
        if not alike_too and elsewhere[key] > 0:
            elsewhere[key] -= 1
            alike.append((number, line))
        else:
            new.append((number, line))
    told = [content_digest(content), mapping.as_json(), [row for row, _line in new], len(known)]
    digest = hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()
    balances = (found.opening, found.closing)
    return Outlook(tuple(new), len(known), tuple(alike), found.faults, digest, balances)


@transaction.atomic
def take_in(
    *,
    agency: Agency,
    content: bytes,
    name: str,
    mapping: CsvMapping,
    alike_too: bool,
    seen: str,
    by: User,
    at: datetime,
) -> BankFile:
    """Import what a person saw, and keep the mapping for the account's next file.

    Raises LooksOtherwise, NothingToImport, bank_lines.ReadBefore, NotABankFile.
    """
    # Locked, so that no other file brings the same lines meanwhile.
    Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
    bank_lines.refuse_read_before(agency, content)
    outlook = look(agency, content, mapping, alike_too=alike_too)
    if outlook.digest != seen:
        raise LooksOtherwise(_("What it would do has changed. Look at the preview again."))
    if not outlook.new:
        raise NothingToImport(_("No row is new: nothing was imported."))
    kept = _kept(agency, content, mapping, by, at)
    # With those that are known, so that of two equal lines of a day the second is told apart.
    left_out = {row for row, _line in outlook.alike}
    found = csv_lines.read(content, mapping)
    lines = [line for row, line in found.lines if row not in left_out]
    return bank_lines.keep(
        agency=agency,
        content=content,
        name=name,
        statements=[_statement(mapping, lines, found)],
        by=by,
        at=at,
        csv_mapping=kept,
        lines_alike=len(outlook.alike),
        rows_wrong=[[one.row, one.detail] for one in outlook.faults[:FAULTS_KEPT]],
    )


def content_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _statement(
    mapping: CsvMapping, lines: Sequence[Line], found: CsvLines | None = None
) -> BankStatement:
    """Return lines as a statement, with the balances that the whole file has, if it has any."""
    days = [line.booked_on for _row, line in found.lines] if found else []
    return BankStatement(
        mapping.account,
        mapping.currency,
        "",
        tuple(lines),
        opening=found.opening if found else None,
        closing=found.closing if found else None,
        opened_on=min(days, default=None),
        closed_on=max(days, default=None),
    )


def _read_otherwise(
    agency: Agency, mapping: CsvMapping, rows: Sequence[BankLine]
) -> Counter[tuple[date, Decimal]]:
    """Count the account's stored lines by day and amount that no file read as this one brought.

    The same line reads otherwise in camt.053, or when another column is its text.
    """
    days = {row.booked_on for row in rows}
    if not days:
        return Counter()
    stored = BankLine.objects.filter(
        agency=agency,
        account=mapping.account,
        currency=mapping.currency,
        booked_on__range=(min(days), max(days)),
    ).exclude(fingerprint__in=[row.fingerprint for row in rows])
    same_way = BankCsvMapping.objects.filter(agency=agency, mapping=mapping.as_json())
    others = stored.exclude(file__csv_mapping__in=same_way)
    return Counter(others.values_list("booked_on", "amount"))


def _kept(
    agency: Agency, content: bytes, mapping: CsvMapping, by: User, at: datetime
) -> BankCsvMapping:
    """Keep a mapping, once for as long as it stays the same."""
    about = {"agency": agency, "account": mapping.account}
    newest = BankCsvMapping.objects.filter(**about).order_by("pk").last()
    headings = csv_lines.headings(content, mapping)
    told = {"mapping": mapping.as_json(), "headings": headings, "currency": mapping.currency}
    if newest and all(getattr(newest, field) == value for field, value in told.items()):
        return newest
    return BankCsvMapping.objects.create(**about, **told, saved_at=at, saved_by=by)
