"""Lists as files: CSV and XLSX of what a list shows, filtered and ordered as it is."""

import html
from collections.abc import Iterable, Iterator
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import display_for_field, label_for_field, lookup_field
from django.contrib.admin.views.main import ERROR_FLAG
from django.db import models
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.decorators import action

from talent import safe_csv, workbooks
from talent.workbooks import Cell

from .columns import currency_of_row
from .filters import holds_nul


class WithExports:
    """An admin whose list can be taken along as a file, with all of its pages."""

    @action(description=_("Export as CSV"), icon="download", permissions=["view"])
    def export_list(self, request: HttpRequest) -> HttpResponse:
        """Stream the list as CSV, as filtered and ordered, with its columns and all its pages."""
        try:
            header, rows = self._export(request)
        except IncorrectLookupParameters:
            return redirect(f"../?{ERROR_FLAG}=1")
        return StreamingHttpResponse(
            safe_csv.lines(header, rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{self.opts.model_name}.csv"'},
        )

    @action(description=_("Export as XLSX"), icon="table", permissions=["view"])
    def export_workbook(self, request: HttpRequest) -> HttpResponse:
        """Return the same rows as `export_list`, as an XLSX workbook."""
        try:
            header, rows = self._export(request)
            file = workbooks.workbook_of(self.opts.model_name, header, rows)
        except IncorrectLookupParameters:
            return redirect(f"../?{ERROR_FLAG}=1")
        except workbooks.TooManyRows:
            text = _("A workbook holds at most %d rows. Filter the list, or export it as CSV.")
            self.message_user(request, text % workbooks.MOST_ROWS, messages.ERROR)
            return redirect(f"../?{request.GET.urlencode()}")
        return FileResponse(file, as_attachment=True, filename=f"{self.opts.model_name}.xlsx")

    def _export(self, request: HttpRequest) -> tuple[list[str], Iterator[list[Cell]]]:
        """Return header and rows. Raises IncorrectLookupParameters for a filter that is none."""
        if holds_nul(request):
            raise IncorrectLookupParameters
        changelist = self.get_changelist_instance(request)
        columns = [name for name in changelist.list_display if name != "action_checkbox"]
        stored = [getattr(one, "export_field", one) for one in columns]
        if "currency" not in stored and any(getattr(one, "is_money", False) for one in columns):
            columns.append(currency_of_row)
        rows = changelist.get_queryset(request).iterator(chunk_size=2_000)
        zone = timezone.get_current_timezone()
        return list(self._headings(columns)), (self._line(row, columns, zone) for row in rows)

    def _headings(self, columns: Iterable[Any]) -> Iterator[str]:
        for name in columns:
            label = str(label_for_field(name, self.model, self))
            yield label
            if self._is_dated(name):
                yield _("%s (ISO 8601)") % label

    def _is_dated(self, name: Any) -> bool:
        plain = getattr(name, "export_field", name)
        dated = (one.name for one in self.opts.fields if isinstance(one, models.DateField))
        return isinstance(plain, str) and plain in dated

    def _line(self, row: models.Model, columns: Iterable[Any], zone: tzinfo) -> list[Cell]:
        """Return a row as whoever asked sees it: it is written when their page is done already."""
        with timezone.override(zone):
            return list(self._cells(row, columns))

    def _cells(self, row: models.Model, columns: Iterable[Any]) -> Iterator[Cell]:
        """Yield numbers as numbers, days and instants twice, all else as the list shows it."""
        for name in columns:
            plain = getattr(name, "export_field", name)
            field, _attribute, value = lookup_field(plain, row, self)
            if isinstance(value, Decimal | int | float) and not _is_worded(value, field):
                yield value
            else:
                shown = value if field is None else display_for_field(value, field, "")
                yield plain_text(shown)
            if self._is_dated(name):
                yield _iso(value)


def plain_text(shown: object) -> str:
    """Return what a cell says: HTML of ours without its tags, anybody's text as it is."""
    if isinstance(shown, SafeString):
        return html.unescape(strip_tags(shown))
    return str(shown)


def _iso(value: date | None) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return "" if value is None else value.isoformat()


def _is_worded(value: object, field: models.Field | None) -> bool:
    """Tell whether a number is shown as a word: a boolean, or one of a field's choices."""
    return isinstance(value, bool) or bool(field is not None and field.flatchoices)
