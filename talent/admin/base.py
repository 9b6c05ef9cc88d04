"""What every page of the admin has in common: tenancy, words, export, history."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, ClassVar

import pghistory.models
from django.contrib import admin, messages
from django.contrib.admin.utils import (
    display_for_field,
    get_fields_from_path,
    label_for_field,
    lookup_field,
)
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join, strip_tags
from django.utils.text import capfirst
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action

from talent import locales, safe_csv
from talent.access import roles_with
from talent.admin import workbooks
from talent.admin.workbooks import Cell
from talent.models import Agency, User
from talent.words import Role

from . import lists
from .steps import WithSteps

HISTORY_SHOWN = 100
CHANGES = {"insert": _lazy("added"), "update": _lazy("changed"), "delete": _lazy("removed")}


def code_names(field: str, name: Callable[[str, str], str]) -> Callable[[models.Model], str]:
    """Return a column that shows codes of places or languages by name; exports keep the codes."""

    @admin.display(description=field, ordering=field)
    def column(row: models.Model) -> str:
        kept = getattr(row, field)
        codes = [kept] if isinstance(kept, str) else kept or []
        return ", ".join(sorted(name(code, _locale()) for code in codes if code)) or "–"

    column.export_field = field
    return column


TERRITORY = code_names("territory", locales.territory)
TERRITORIES = code_names("territories", locales.territory)
LANGUAGE = code_names("language", locales.language)
LANGUAGES = code_names("languages", locales.language)


def amount(field: str, description: str = "") -> Callable[[models.Model], str]:
    """Return a column that shows money with `row.currency`; exported as a number."""
    return _figure(
        field, description, lambda value, row, locale: locales.money(value, row.currency, locale)
    )


def number(field: str, description: str = "") -> Callable[[models.Model], str]:
    """Return a column that shows a quantity without trailing zeros; exported as a number."""
    return _figure(field, description, lambda value, _row, locale: locales.quantity(value, locale))


def _figure(field, description, write):
    @admin.display(description=description or field.replace("_", " "), ordering=field)
    def column(row: models.Model) -> str:
        value = getattr(row, field)
        if value is None:
            return "–"
        return format_html('<span class="desk-amount">{}</span>', write(value, row, _locale()))

    column.export_field = field
    return column


def _locale() -> str:
    return to_locale(get_language() or "en").replace("_", "-")


def html_table(label: str, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a small HTML table for a change page; it scrolls sideways where it is too wide."""
    head = format_html_join("", '<th scope="col">{}</th>', ((name,) for name in names))
    cells = (
        (format_html_join("", "<td>{}</td>", ((cell or "–",) for cell in row)),) for row in rows
    )
    return format_html(
        '<div class="desk-scroll" tabindex="0" role="region" aria-label="{}">'
        '<table class="desk-history"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        label,
        head,
        format_html_join("", "<tr>{}</tr>", cells),
    )


def visible_rows(queryset: QuerySet, user) -> QuerySet:
    """Return the rows a user may see; without `visible_to`, only the operator sees any."""
    if hasattr(queryset, "visible_to"):
        return queryset.visible_to(user)
    return queryset if user.is_superuser else queryset.none()


class TenantChoices:
    """Form fields that offer only rows the user may see.

    Lists are edited as words or codes, and decimals are shown without trailing zeros.
    """

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, ArrayField):
            return lists.field_for(db_field)
        if isinstance(db_field, models.DecimalField):
            kwargs.setdefault("form_class", lists.PlainDecimal)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _choices(self, db_field, request) -> QuerySet:
        model = db_field.remote_field.model
        return visible_rows(model._default_manager.all(), request.user)


def seats_with(user, permission: str) -> QuerySet:
    """Return the agencies where the user's seat gives a permission; for the operator, all."""
    if user.is_superuser and user.is_active:
        return Agency.objects.all()
    roles = [Role(role) for role in roles_with(permission)]
    return Agency.objects.with_member(user, *roles) if roles else Agency.objects.none()


class DeskAdmin(TenantChoices, WithSteps, ModelAdmin):
    """A list and a form of rows that the user may see.

    `agency_path` is the lookup from a row to its agency: only seats at that agency may change the
    row. Empty: only the operator may.
    """

    agency_path: ClassVar[str] = ""
    when_empty: ClassVar[str] = _lazy("Nothing stands here yet.")
    empty_value_display = "–"
    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    compressed_fields = True
    warn_unsaved_form = True
    actions_list = ("export_list", "export_workbook")
    formfield_overrides: ClassVar[dict] = {models.URLField: {"assume_scheme": "https"}}

    # Who

    def get_queryset(self, request):
        return visible_rows(super().get_queryset(request), request.user)

    def get_object(self, request, object_id, from_field=None):
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404(_("There is no such %s.") % self.opts.verbose_name)
        return row

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and self.may(request, "change", obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and self.may(request, "delete", obj)

    def may(self, request: HttpRequest, step: str, obj: models.Model | None) -> bool:
        """Tell whether the user has a seat at the row's agency that permits the step.

        True also for the operator and where there is no saved row yet.
        """
        return self.has_seat(request, self._permission(step), obj)

    def has_seat(self, request: HttpRequest, permission: str, obj: models.Model | None) -> bool:
        """As `may`, for a permission by its full name."""
        if request.user.is_superuser or obj is None or obj.pk is None:
            return True
        if not self.agency_path:
            return False
        known = request.__dict__.setdefault("_seats", {})
        key = (obj._meta.label, obj.pk, permission)
        if key not in known:
            rows = type(obj)._base_manager.filter(pk=obj.pk)
            seats = seats_with(request.user, permission)
            known[key] = rows.filter(self.at_agencies(seats)).exists()
        return known[key]

    def rows_allowed(self, request: HttpRequest, queryset: QuerySet, permission: str) -> QuerySet:
        """Return the rows whose agency gave the user the permission; show an error for each other.

        Django checks a permission across all of a user's seats, this checks each row's agency.
        """
        if request.user.is_superuser:
            return queryset
        seats = seats_with(request.user, permission)
        allowed = queryset.model._base_manager.filter(self.at_agencies(seats)).values("pk")
        for row in queryset.exclude(pk__in=allowed):
            text = _("%s: your seat at its agency does not allow this.") % row
            self.message_user(request, text, messages.ERROR)
        return queryset.filter(pk__in=allowed)

    def _permission(self, step: str) -> str:
        return f"{self.opts.app_label}.{step}_{self.opts.model_name}"

    def at_agencies(self, agencies: QuerySet) -> Q:
        """Return the filter for rows that belong to one of the agencies."""
        return Q(**{f"{self.agency_path}__in": agencies})

    # Adding

    def _choices(self, db_field, request):
        """Offer as a new row's owner only agencies, or their rows, where the user may add one."""
        rows = super()._choices(db_field, request)
        first, _sep, rest = self.agency_path.partition("__")
        if request.user.is_superuser or first != db_field.name:
            return rows
        seats = seats_with(request.user, self._permission("add"))
        owned = rows.model._base_manager.filter(**{f"{rest or 'pk'}__in": seats})
        return rows.filter(pk__in=owned.values("pk"))

    # Listing

    def changelist_view(self, request, extra_context=None):
        """Title the page with the model's plural name instead of Django's “Select … to change”."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, title | (extra_context or {}))

    def get_changelist_instance(self, request):
        """Hide the “show all” link of a list that is neither filtered nor searched."""
        changelist = super().get_changelist_instance(request)
        if not (changelist.query or changelist.has_active_filters):
            changelist.full_result_count = changelist.result_count
        return changelist

    def get_list_filter(self, request):
        """In filters by foreign key, offer only rows that the list refers to."""
        return [
            (one, admin.RelatedOnlyFieldListFilter)
            if isinstance(one, str) and get_fields_from_path(self.model, one)[-1].is_relation
            else one
            for one in super().get_list_filter(request)
        ]

    def get_inlines(self, request, obj):
        """Leave out read-only inlines on the page that adds a row."""
        inlines = super().get_inlines(request, obj)
        return [one for one in inlines if obj or not issubclass(one, FactInline)]

    def get_changeform_initial_data(self, request):
        """Preset the agency if the user can see exactly one."""
        initial = super().get_changeform_initial_data(request)
        agencies = list(Agency.objects.visible_to(request.user)[:2])
        if len(agencies) == 1:
            initial.setdefault("agency", agencies[0].pk)
        return initial

    # Exporting a list

    @action(description=_("Export as CSV"), icon="download", permissions=["view"])
    def export_list(self, request: HttpRequest) -> HttpResponse:
        """Stream the list as CSV, as filtered and ordered, with its columns and all its pages."""
        header, rows = self._export(request)
        return StreamingHttpResponse(
            safe_csv.lines(header, rows),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{self.opts.model_name}.csv"'},
        )

    @action(description=_("Export as XLSX"), icon="table", permissions=["view"])
    def export_workbook(self, request: HttpRequest) -> HttpResponse:
        """Return the same rows as `export_list`, as an XLSX workbook."""
        header, rows = self._export(request)
        try:
            file = workbooks.workbook_of(self.opts.model_name, header, rows)
        except workbooks.TooManyRows:
            text = _("A workbook holds at most %d rows. Filter the list, or export it as CSV.")
            self.message_user(request, text % workbooks.MOST_ROWS, messages.ERROR)
            return redirect(f"../?{request.GET.urlencode()}")
        return FileResponse(file, as_attachment=True, filename=f"{self.opts.model_name}.xlsx")

    def _export(self, request: HttpRequest) -> tuple[list[str], Iterator[list[Cell]]]:
        changelist = self.get_changelist_instance(request)
        columns = [name for name in changelist.list_display if name != "action_checkbox"]
        header = [str(label_for_field(name, self.model, self)) for name in columns]
        rows = changelist.get_queryset(request).iterator(chunk_size=2_000)
        return header, (list(self._cells(row, columns)) for row in rows)

    def _cells(self, row: models.Model, columns: Iterable[str]) -> Iterator[Cell]:
        """Yield a row's numbers as numbers, all else as the text that the list shows."""
        for name in columns:
            plain = getattr(name, "export_field", name)
            field, _attribute, value = lookup_field(plain, row, self)
            if isinstance(value, Decimal | int | float) and not _is_worded(value, field):
                yield value
            else:
                shown = value if field is None else display_for_field(value, field, "")
                yield strip_tags(str(shown))

    # History

    def history_view(self, request, object_id, extra_context=None):
        """Show what each change replaced, from the events that database triggers recorded."""
        row = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of %s") % row,
            "opts": self.opts,
            "original": row,
            "object": row,
            "changes": list(_changes(row)),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/desk_history.html", context)


class FactAdmin(DeskAdmin):
    """Shows rows that the desk's own code adds; nobody adds, edits or deletes them here."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class PartsInline(TenantChoices, TabularInline):
    """Rows edited on their parent's page, which decides who may edit them."""

    extra = 0
    tab = True
    hide_title = True


class PartPanels(TenantChoices, StackedInline):
    """As PartsInline, stacked: for parts with too many fields for a table row."""

    extra = 0
    tab = True


class FactInline(PartsInline):
    """As PartsInline, read-only: nobody adds, edits or deletes these rows."""

    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


def _is_worded(value: object, field: models.Field | None) -> bool:
    """Tell whether a number is shown as a word: a boolean, or one of a field's choices."""
    return isinstance(value, bool) or bool(field is not None and field.flatchoices)


def _changes(row: models.Model) -> Iterator[dict[str, Any]]:
    if not hasattr(row, "events"):
        return
    events = pghistory.models.Events.objects.tracks(row).order_by("-pgh_created_at")
    events = list(events.select_related(None)[:HISTORY_SHOWN])
    people = User.objects.in_bulk(
        {event.pgh_context.get("user") for event in events if event.pgh_context} - {None}
    )
    for event in events:
        context = event.pgh_context or {}
        yield {
            "at": event.pgh_created_at,
            "kind": CHANGES.get(event.pgh_label, event.pgh_label),
            "by": people.get(context.get("user"), ""),
            "change_set": event.pgh_context_id or "",
            "values": sorted((event.pgh_diff or {}).items()),
        }
