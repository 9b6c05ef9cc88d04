"""Import a studio's usage sheet: `manage.py import_usage FILE --agency … --licensee …`."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.models import LicenseeTerms
from licensing.usage.sheets.imports import import_sheet, preview_sheet
from licensing.usage.sheets.rows import ColumnMapping
from licensing.words import DateOrder, DecimalSign, ImportMode

FAULTS_SHOWN = 20


class Command(BaseCommand):
    """Imports a CSV or XLSX, one use a row: all of its rows or none, or row by row."""

    help = (
        "Import a usage sheet (CSV in UTF-8, or XLSX; at most 10 MB), one use a row: all rows or "
        "none, unless --row-by-row."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--agency", required=True, help="slug of the agency")
        parser.add_argument("--licensee", required=True, help="slug of the studio")
        parser.add_argument(
            "--mapping",
            type=Path,
            help='JSON file: {"columns": {"Sheet column": "field"}, "constants": {"field": '
            '"value"}, "time_zone": "Europe/Rome"}; the field "" ignores a column',
        )
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help="what a column says; COLUMN= ignores it",
        )
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            dest="constants",
            metavar="FIELD=VALUE",
            help="what is the same in every row",
        )
        parser.add_argument("--time-zone", help="IANA zone of times without an offset")
        parser.add_argument("--decimal-sign", choices=DecimalSign.codes(), help="of its numbers")
        parser.add_argument("--dates-begin-with", choices=DateOrder.codes(), help="of its dates")
        parser.add_argument(
            "--other-use",
            type=int,
            action="append",
            default=[],
            metavar="ROW",
            help="a row held for known that is another use",
        )
        parser.add_argument(
            "--no-total",
            type=int,
            action="append",
            default=[],
            metavar="ROW",
            help="a row left out as totals that is a use",
        )
        parser.add_argument("--worksheet", default="", help="of an XLSX; else its first")
        parser.add_argument(
            "--row-by-row",
            action="store_true",
            help="keep the right rows; wrong ones wait among the dead letters",
        )
        parser.add_argument("--preview", action="store_true", help="keep nothing")

    def handle(self, *args, **options):
        terms = _terms(options["agency"], options["licensee"])
        mapping = _mapping(options)
        try:
            file = options["file"].open("rb")
        except OSError as error:
            raise CommandError(f"The sheet cannot be opened: {error.strerror}.") from error
        with file:
            self._import_or_preview(file, terms, mapping, options)

    def _import_or_preview(self, file, terms, mapping, options):
        if options["preview"]:
            tally = preview_sheet(
                file,
                terms=terms,
                mapping=mapping,
                at=timezone.now(),
                worksheet=options["worksheet"],
            )
            self._report_faults([vars(fault) for fault in tally.faults + tally.rows_left_out])
            for row in tally.known_rows[:FAULTS_SHOWN]:
                said = ", ".join(str(value) for name, value in row.items() if name != "row")
                self.stdout.write(f"Row {row['row']} is known: {said}")
            self._report_counts(tally, "would be new", "Nothing was kept.")
            return
        row_by_row = options["row_by_row"]
        report = import_sheet(
            file,
            file_name=options["file"].name,
            terms=terms,
            mapping=mapping,
            at=timezone.now(),
            by=None,
            mode=ImportMode.ROW_BY_ROW if row_by_row else ImportMode.ALL_OR_NONE,
            worksheet=options["worksheet"],
        )
        self._report_faults(report.errors)
        end = f"Report {report.pk}."
        if report.rejected and not (report.accepted or report.known):
            raise CommandError(
                f"{report.rejected} of {report.rows} rows are wrong, so none was imported. {end}"
            )
        self._report_counts(report, "imported", end)

    def _report_faults(self, faults):
        for fault in faults[:FAULTS_SHOWN]:
            column = f", column “{fault['column']}”" if fault["column"] else ""
            self.stderr.write(f"Row {fault['row']}{column}: {fault['detail']}")

    def _report_counts(self, tally, new, end):
        wrong = f", {tally.rejected} wrong" if tally.rejected else ""
        wrong += f", {tally.left_out} left out" if tally.left_out else ""
        self.stdout.write(
            f"{tally.rows} rows: {tally.accepted} {new}, {tally.known} known{wrong}. {end}"
        )


def _terms(agency: str, licensee: str) -> LicenseeTerms:
    terms = LicenseeTerms.objects.select_related("agency", "licensee").filter(
        agency__slug=agency, licensee__slug=licensee
    )
    row = terms.first()
    if row is None:
        raise CommandError(f"{agency} has no terms with {licensee}.")
    return row


def _mapping(options) -> ColumnMapping:
    sent = _read_json(options["mapping"]) if options["mapping"] else {}
    try:
        columns = dict(sent.get("columns", {})) | _pairs(options["column"])
        constants = dict(sent.get("constants", {})) | _pairs(options["constants"])
    except (TypeError, ValueError, AttributeError) as error:
        raise CommandError("The mapping's columns and constants are JSON objects.") from error
    zone = options["time_zone"] or sent.get("time_zone", "UTC")
    return ColumnMapping(
        columns,
        constants,
        zone,
        options["decimal_sign"] or sent.get("decimal_sign", ""),
        options["dates_begin_with"] or sent.get("date_order", ""),
        options["other_use"],
        options["no_total"],
    )


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"The mapping {path.name} cannot be read as JSON.") from error


def _pairs(words: list[str]) -> dict[str, str]:
    for word in words:
        if "=" not in word:
            raise CommandError(f"“{word}” has no “=” in it.")
    return dict(word.split("=", 1) for word in words)
