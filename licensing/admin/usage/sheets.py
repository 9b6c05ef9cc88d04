"""Sheets: a studio's sheet uploaded, its columns named, previewed, then imported; the reports."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from licensing import tasks
from licensing.admin import as_sent
from licensing.models import LicenseeTerms, SheetMapping, UsageImport, UsageSheet
from licensing.usage.sheets import uploads
from licensing.words import DateOrder, DecimalSign, ImportMode, SheetStatus
from talent import safe_csv
from talent.admin.as_read import label
from talent.admin.base import FactAdmin
from talent.admin.columns import html_table
from talent.admin.tenancy import seats_with
from talent.errors import Refused

from .fields import MappingForm

MAY_IMPORT = "licensing.add_usageimport"
# More rows are a worker's to import, so that nobody waits before a blank page.
ROWS_AT_THE_DESK = 2_000
FAULTS_SHOWN = 20
KNOWN_SHOWN = 200


class UploadForm(forms.Form):
    """A studio's sheet, and whose it is."""

    terms = forms.ModelChoiceField(
        LicenseeTerms.objects.none(), label=_("Studio"), widget=UnfoldAdminSelectWidget
    )
    sheet = forms.FileField(
        label=_("Sheet"),
        help_text=_("CSV (UTF-8) or XLSX, one use a row, at most 10 MB."),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        terms = LicenseeTerms.objects.filter(agency__in=seats_with(user, MAY_IMPORT))
        self.fields["terms"].queryset = terms.select_related("agency", "licensee")
        self.fields["terms"].label_from_instance = lambda row: f"{row.licensee} – {row.agency}"


@admin.register(UsageImport)
class UsageImportAdmin(FactAdmin):
    agency_path = "terms__agency"
    list_display = ["__str__", "file_name", "licensee", "imported_at", "imported_by", "rows",
                    "accepted", "known", "rejected"]  # fmt: skip
    list_filter = ["mode", "terms__licensee"]
    list_select_related = ["terms__licensee", "terms__agency", "imported_by"]
    search_fields = ["file_name", "terms__licensee__name"]
    ordering = ["-pk"]
    when_empty = _(
        "No sheet was imported yet. Import one for a studio that reports without the API."
    )
    actions_list = ["import_sheet", "export_list", "export_workbook"]
    actions_detail = ["errors_csv"]
    fieldsets = [
        (None, {"fields": ["file_name", "worksheet", "terms", "imported_at", "imported_by"]}),
        (_("What came of it"), {
            "fields": ["mode", "rows", "accepted", "known", "rejected", "left_out",
                       "what_is_wrong", "held_for_known"],
        }),
        (_("How it was read"), {"fields": ["columns", "file_sha256"]}),
    ]  # fmt: skip
    readonly_fields = ["what_is_wrong", "held_for_known", "columns"]

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("sheet/<int:pk>/", view(self.sheet), name="licensing_usageimport_sheet"),
            path("sheet/<int:pk>/cancel/", view(self.cancel), name="licensing_usageimport_cancel"),
            *super().get_urls(),
        ]

    @admin.display(description=_("licensee"))
    def licensee(self, report):
        return report.terms.licensee

    @admin.display(description=_("wrong rows"))
    def what_is_wrong(self, report):
        if not report.errors:
            return _("None.")
        table = html_table(
            _("Wrong rows"),
            [_("Row"), _("Column"), _("What is wrong")],
            (
                (error["row"], error["column"], error["detail"])
                for error in report.errors[:FAULTS_SHOWN]
            ),
        )
        if report.mode != ImportMode.ROW_BY_ROW.value:
            return table
        letters = reverse("admin:licensing_deadletter_changelist")
        link = f"{letters}?usage_import__id__exact={report.pk}&waiting=yes"
        text = _("Put them right among the messages not understood")
        return format_html('{}<a class="desk-link" href="{}">{}</a>', table, link, text)

    @admin.display(description=_("rows held for known"))
    def held_for_known(self, report):
        """Name the rows of the sheet that counted nothing, because such a use was here already."""
        if not report.known_rows:
            return _("None.") if not report.known else _("Not noted for this import.")
        shown = ", ".join(str(row) for row in report.known_rows[:KNOWN_SHOWN])
        more = report.known - len(report.known_rows[:KNOWN_SHOWN])
        return _("%(rows)s and %(more)d more") % {"rows": shown, "more": more} if more else shown

    @admin.display(description=_("columns"))
    def columns(self, report):
        return _columns_in_words(report.mapping)

    @action(description=_("Wrong rows as CSV"), permissions=["view"], icon="download")
    def errors_csv(self, request, object_id):
        report = self.get_object(request, object_id)
        header = [_("Row"), _("Column"), _("Code"), _("What is wrong")]
        names = ("row", "column", "code", "detail")
        rows = ([error[name] for name in names] for error in report.errors)
        return StreamingHttpResponse(
            safe_csv.lines(header, rows),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="import-{report.pk}-errors.csv"'
            },
        )

    @action(description=_("Import a sheet"), permissions=["import"], icon="upload_file")
    def import_sheet(self, request):
        form = UploadForm(request.POST or None, request.FILES or None, user=request.user)
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            try:
                sheet = uploads.receive(
                    values["sheet"].file,
                    file_name=values["sheet"].name,
                    terms=values["terms"],
                    at=timezone.now(),
                    by=request.user,
                )
                return redirect("admin:licensing_usageimport_sheet", sheet.pk)
            except Refused as refusal:
                form.add_error("sheet", str(refusal))
        return self._page(
            request, "admin/import_sheet.html", _("Import a sheet of usage"), form=form
        )

    def sheet(self, request, pk):
        """Show a sheet: name its columns, preview and import it, then follow the import."""
        sheet = self._sheet(request, pk)
        if sheet.report_id:
            return redirect("admin:licensing_usageimport_change", sheet.report_id)
        if sheet.status != SheetStatus.WAITING.value:
            return self._progress(request, sheet)
        if name := request.POST.get("worksheet"):
            return self._other_worksheet(request, sheet, name)
        form = MappingForm(request.POST or None, sheet=sheet)
        tally = None
        if request.method == "POST" and form.is_valid():
            uploads.remember_mapping(sheet, form.mapping(), at=timezone.now(), by=request.user)
            if mode := request.POST.get("import"):
                return self._import(request, sheet, mode)
            tally = uploads.preview(sheet, at=timezone.now())
        return self._page(
            request,
            "admin/map_sheet.html",
            _("What the columns of %s mean") % sheet.file_name,
            sheet=sheet,
            form=form,
            tally=tally,
            shown=tally and _sample_table(tally),
            others=uploads.other_readings(sheet) if tally else [],
        )

    def _other_worksheet(self, request, sheet, name):
        if name in sheet.worksheets:
            try:
                uploads.choose_worksheet(sheet, name)
            except Refused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
        return redirect(request.path)

    def _import(self, request, sheet, mode):
        if mode not in ImportMode.codes():
            raise Http404
        try:
            uploads.queue(sheet, ImportMode(mode))
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(request.path)
        if sheet.rows > ROWS_AT_THE_DESK:
            tasks.import_soon(sheet.pk)
            return redirect(request.path)
        report = uploads.run(sheet_id=sheet.pk, at=timezone.now(), watch=lambda _rows: True).report
        if report is None:
            return redirect(request.path)
        self._report(request, report)
        return redirect("admin:licensing_usageimport_change", report.pk)

    def _report(self, request, report):
        text = _("%(rows)d rows: %(accepted)d new, %(known)d known before, %(rejected)d wrong.")
        sentence = text % vars(report)
        if report.rejected and report.mode == ImportMode.ALL_OR_NONE.value:
            sentence = f"{sentence} {_('Nothing was imported.')}"
        level = messages.WARNING if report.rejected else messages.SUCCESS
        self.message_user(request, sentence, level)

    def _progress(self, request, sheet):
        through = tasks.rows_read(sheet.pk)
        return self._page(
            request,
            "admin/sheet_progress.html",
            _("Import of %s") % sheet.file_name,
            sheet=sheet,
            through=min(through, sheet.rows),
            runs=sheet.status in (SheetStatus.QUEUED.value, SheetStatus.RUNNING.value),
        )

    def cancel(self, request, pk):
        sheet = self._sheet(request, pk)
        if request.method == "POST":
            uploads.cancel(sheet, at=timezone.now())
        return redirect("admin:licensing_usageimport_sheet", sheet.pk)

    def _sheet(self, request, pk) -> UsageSheet:
        """Return the sheet. Raises Http404 without a seat at its agency that may import."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        sheets = UsageSheet.objects.filter(
            terms__agency__in=seats_with(request.user, MAY_IMPORT)
        ).select_related("terms__agency", "terms__licensee", "uploaded_by")
        if (sheet := sheets.filter(pk=pk).first()) is None:
            raise Http404
        return sheet

    def _page(self, request, template, title, **context):
        shared = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, template, {**shared, **context})

    def has_import_permission(self, request):
        return request.user.has_perm(MAY_IMPORT)


def _sample_table(tally) -> dict[str, list]:
    """The first rows as a table: only the fields that any of them has."""
    names, known_names = _names_in(tally.samples), _names_in(tally.known_rows)
    return {
        "names": names,
        "rows": [[row.get(name, "") for name in names] for row in tally.samples],
        "faults": tally.faults[:FAULTS_SHOWN],
        "left_out": tally.rows_left_out[:FAULTS_SHOWN],
        "known": {
            "names": known_names,
            "rows": [
                {"number": row["row"], "cells": [row.get(name, "") for name in known_names]}
                for row in tally.known_rows[:KNOWN_SHOWN]
            ],
        },
    }


def _names_in(rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


@admin.register(SheetMapping)
class SheetMappingAdmin(FactAdmin):
    list_display = ["__str__", "licensee", "names", "learnt_at", "learnt_from"]
    list_select_related = ["terms__licensee", "terms__agency", "learnt_from"]
    search_fields = ["terms__licensee__name"]
    ordering = ["-pk"]
    when_empty = _(
        "The desk has learnt no sheet yet. It remembers how you read one when you import it."
    )
    fields = ["terms", "names", "columns", "learnt_at", "learnt_from"]
    readonly_fields = ["names", "columns"]

    @admin.display(description=_("licensee"))
    def licensee(self, known):
        return known.terms.licensee

    @admin.display(description=_("columns"))
    def names(self, known):
        return ", ".join(known.headers)

    @admin.display(description=_("how they are read"))
    def columns(self, known):
        return _columns_in_words(known.mapping)


def _columns_in_words(mapping):
    """Return what each column of a sheet means, what holds for all rows, and how figures read."""
    columns = [
        (header, label(name) if name else _("not used"))
        for header, name in mapping["columns"].items()
    ]
    constants = [(label(key), as_sent.value_in_words(key, value))
                 for key, value in mapping["constants"].items()]  # fmt: skip
    ways = (
        ("decimal_sign", _("Decimal sign"), dict(DecimalSign.choices())),
        ("date_order", _("Dates begin with"), dict(DateOrder.choices())),
        ("time_zone", _("Time zone"), {}),
    )
    said = [
        (name, labels.get(mapping[key], mapping[key]))
        for key, name, labels in ways
        if mapping.get(key)
    ]
    pairs = [*columns, *constants, *said]
    return format_html_join("", "<div>{} → {}</div>", pairs)
