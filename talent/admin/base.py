"""What every page of the admin has in common: tenancy, words, export, history."""

import html
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, ClassVar

import pghistory.models
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import (
    display_for_field,
    flatten_fieldsets,
    get_fields_from_path,
    label_for_field,
    lookup_field,
    unquote,
)
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.forms.models import _get_foreign_key
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.decorators import action

from talent import locales, safe_csv
from talent.access import roles_with
from talent.admin import workbooks
from talent.admin.workbooks import Cell
from talent.models import Agency, User
from talent.models.columns import CodeOfATable
from talent.models.names import relations_of_name
from talent.models.people import FIRST_YEAR_OF_A_LIFE
from talent.periods import LAST_YEAR
from talent.plain_text import MORE_THAN_A_LINE, is_line
from talent.sign_in import proofs
from talent.words import Role

from . import lists, meanwhile
from .as_read import CodesByName, as_kept, as_read, locale_of_reader, name_of
from .forms import DeskForm, DeskFormSet
from .meanwhile import Page, Reading
from .steps import WithSteps

HISTORY_SHOWN = 100
# How columns are named that hold what no person reads.
DIGESTS = ("sha256", "_hex", "_json", "_jwk", "token", "kid")
CHANGES = {"insert": _lazy("added"), "update": _lazy("changed"), "delete": _lazy("removed")}


def code_names(field: str, name: Callable[[str, str], str]) -> Callable[[models.Model], str]:
    """Return a column that shows codes of places or languages by name; exports keep the codes."""

    @admin.display(description=field, ordering=field)
    def column(row: models.Model) -> str:
        kept = getattr(row, field)
        codes = [kept] if isinstance(kept, str) else kept or []
        return ", ".join(sorted(name(code, locale_of_reader()) for code in codes if code)) or "–"

    column.export_field = field
    return column


TERRITORY = code_names("territory", locales.territory)
TERRITORIES = code_names("territories", locales.territory)
COUNTRY = code_names("country", locales.territory)
LANGUAGE = code_names("language", locales.language)
LANGUAGES = code_names("languages", locales.language)


def amount(field: str, description: str = "") -> Callable[[models.Model], str]:
    """Return a column that shows money with `row.currency`; exported as a number."""
    column = _figure(
        field, description, lambda value, row, locale: locales.money(value, row.currency, locale)
    )
    column.is_money = True
    return column


@admin.display(description=_lazy("currency"))
def _currency(row: models.Model) -> str:
    return row.currency


def percent(field: str, description: str = "") -> Callable[[models.Model], str]:
    """Return a column that shows a percentage; exported as a number."""
    return _figure(field, description, lambda value, _row, locale: locales.percent(value, locale))


def number(field: str, description: str = "") -> Callable[[models.Model], str]:
    """Return a column that shows a quantity without trailing zeros; exported as a number."""
    return _figure(field, description, lambda value, _row, locale: locales.quantity(value, locale))


def _figure(field, description, write):
    @admin.display(description=description or field.replace("_", " "), ordering=field)
    def column(row: models.Model) -> str:
        value = getattr(row, field)
        if value is None:
            return "–"
        return format_html(
            '<span class="desk-amount">{}</span>', write(value, row, locale_of_reader())
        )

    column.export_field = field
    return column


def moment(value: datetime) -> str:
    """Write an instant in the page's zone, with the zone's abbreviation."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M %Z}"


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


def _refuse_more_than_a_line(text: object) -> None:
    if isinstance(text, str) and not is_line(text):
        raise ValidationError(MORE_THAN_A_LINE, "more_than_a_line")


def _refuse_far_years(day: date) -> None:
    """Refuse a year that is a slip of the pen: reckoning from it would leave the calendar."""
    if not FIRST_YEAR_OF_A_LIFE <= day.year <= LAST_YEAR:
        text = _lazy("This year is a slip: years go from %(first)d to %(last)d.")
        raise ValidationError(
            text, "far_year", params={"first": FIRST_YEAR_OF_A_LIFE, "last": LAST_YEAR}
        )


def _told_zone(help_text: str) -> str:
    zone = _("In the time of %s.") % timezone.get_current_timezone_name()
    return f"{help_text} {zone}".strip()


class TenantChoices:
    """Rows that the user may see, in forms that offer only such rows.

    `agency_path` is the lookup from a row to its agency: only seats at that agency may add or
    change it. Lists are edited as words or codes, and decimals are shown without trailing zeros.
    """

    agency_path: ClassVar[str] = ""
    form = DeskForm

    def get_queryset(self, request):
        """Return what the user may see, with what names are made of where the page shows names."""
        rows = visible_rows(super().get_queryset(request), request.user)
        named = [*relations_of_name(self.model), *self.named_on_the_page()]
        return rows.select_related(*named) if named else rows

    def named_on_the_page(self) -> Iterator[str]:
        """Yield the relations that columns name rows by, and what those names are made of."""
        for name in self.columns_of_rows():
            if _leads_to_a_row(self.model, name):
                related = get_fields_from_path(self.model, name)[-1].related_model
                yield name
                yield from (f"{name}__{further}" for further in relations_of_name(related))

    def columns_of_rows(self) -> Iterable[Any]:
        """Return what stands in each row of the list that this is."""
        return getattr(self, "fields", None) or ()

    def get_autocomplete_fields(self, request):
        """Offer plain lists to whoever asks for them: the fields that search need scripts."""
        if request is not None and "plain" in request.GET:
            return ()
        return super().get_autocomplete_fields(request)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, ArrayField):
            return lists.field_for(db_field)
        if isinstance(db_field, CodeOfATable):
            return lists.by_name(db_field, locale_of_reader())
        if isinstance(db_field, models.DecimalField):
            kwargs.setdefault("form_class", lists.PlainDecimal)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if type(db_field) is models.CharField and isinstance(field, forms.CharField):
            field.validators = [*field.validators, _refuse_more_than_a_line]
        elif isinstance(db_field, models.DateField) and field is not None:
            field.validators = [*field.validators, _refuse_far_years]
            if isinstance(db_field, models.DateTimeField):
                field.help_text = _told_zone(field.help_text)
        return field

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self._choices_once(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs.setdefault("queryset", self._choices_once(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _choices_once(self, db_field, request) -> QuerySet:
        """Ask for a field's choices once a request: Django makes a page's form several times."""
        known = request.__dict__.setdefault("_choices", {})
        key = (type(self), db_field)
        if key not in known:
            known[key] = self._choices(db_field, request)
        return known[key].all()

    def _choices(self, db_field, request) -> QuerySet:
        """Offer as whose a row is only agencies, or their rows, where the user may add one."""
        model = db_field.remote_field.model
        known = request.__dict__.setdefault("_visible", {})
        if model not in known:
            rows = visible_rows(model._default_manager.all(), request.user)
            named = relations_of_name(model)
            known[model] = rows.select_related(*named) if named else rows
        rows = known[model].all()
        if request.user.is_superuser or not self.agency_path:
            return rows
        seats = seats_with(request.user, self._permission("add"))
        owners = _owners_through(db_field.name, self.at_agencies(seats))
        return rows.filter(pk__in=model._base_manager.filter(owners).values("pk"))

    def _permission(self, step: str) -> str:
        return f"{self.opts.app_label}.{step}_{self.opts.model_name}"

    def at_agencies(self, agencies: QuerySet) -> Q:
        """Return the filter for rows that belong to one of the agencies."""
        return Q(**{f"{self.agency_path}__in": agencies})


def _leads_to_a_row(model: type[models.Model], path: Any) -> bool:
    """Tell whether a column's name, or a path of them, leads by keys to a row of some table."""
    known = {field.name for field in model._meta.concrete_fields if field.is_relation}
    return isinstance(path, str) and path.split("__")[0] in known


def _owners_through(field: str, owned: Q) -> Q:
    """Return the part of a filter for owned rows that goes through a field, from that field on."""
    found = Q()
    for child in owned.children:
        if isinstance(child, Q):
            found |= _owners_through(field, child)
        else:
            lookup, value = child
            first, _sep, rest = lookup.partition("__")
            if first == field:
                found |= Q(**{"pk__in" if rest == "in" else rest: value})
    return found


def seats_with(user, permission: str) -> QuerySet:
    """Return the agencies where the user's seat gives a permission; for the operator, all."""
    if user.is_superuser and user.is_active:
        return Agency.objects.all()
    roles = [Role(role) for role in roles_with(permission)]
    return Agency.objects.with_member(user, *roles) if roles else Agency.objects.none()


def _holds_nul(request: HttpRequest) -> bool:
    """Tell whether an address holds NUL, which no text of PostgreSQL does."""
    return "%00" in request.META.get("QUERY_STRING", "")


class AnswersAnyFilter:
    """A list that answers a filter with NUL as Django does any other filter that is none."""

    def changelist_view(self, request, extra_context=None):
        if _holds_nul(request):
            return redirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def get_changelist_instance(self, request):
        """Raises IncorrectLookupParameters, too, for a number that no year of a calendar has."""
        try:
            return super().get_changelist_instance(request)
        except OverflowError as too_far:
            raise IncorrectLookupParameters from too_far

    def get_search_results(self, request, queryset, search_term):
        """Find nothing by NUL, in the choices of a form neither."""
        if "\0" in search_term:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)


class DeskAdmin(AnswersAnyFilter, TenantChoices, WithSteps, ModelAdmin):
    """A list and a form of rows that the user may see.

    Without an `agency_path` only the operator changes them.
    """

    # For money, and for who may do what: saving asks who one is, if that was not proved lately.
    asks_again: ClassVar[bool] = False
    # What stands among the technical details, beside digests and JSON.
    for_programs: ClassVar[tuple[str, ...]] = ()
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

    def columns_of_rows(self):
        """Return the list's columns, and what they are read from."""
        return [*self.list_display, *(self.list_select_related or ())]

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

    # Changing

    change_form_before_template = "admin/as_read.html"

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Hold a page that is sent against what others changed since it was read."""
        asks = self.asks_again and request.method == "POST"
        if asks and (asked := proofs.step_up(request)):
            return asked
        view = super().changeform_view
        if request.method != "POST" or object_id is None:
            return view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            row = self._locked(request, object_id)
            if row is not None and not self.has_change_permission(request, row):
                return self._refuse_what_is_fixed(request, row)
            if row is not None:
                self._compare(request, row)
            return view(request, object_id, form_url, extra_context)

    def _locked(self, request, object_id) -> models.Model | None:
        """Lock the row and the parts of it that the page showed, then read it."""
        row = self.get_object(request, unquote(object_id))
        list(self.model._base_manager.select_for_update().filter(pk=row.pk).values_list("pk"))
        before = Reading.opened(request.POST.get(meanwhile.NAME, ""), row, request.user)
        if before is not None:
            before.lock_parts()
        request.as_read = before
        return self.get_object(request, unquote(object_id))

    def _compare(self, request, row: models.Model) -> None:
        """Note on the request what the page would show now, and what others changed of it."""
        page, at = self._page_now(request, row), timezone.now()
        request.as_now = page.reading(row, request.user, at)
        before = request.as_read
        if before is None:
            request.meanwhile = [_("Open the page anew: it is not known what you saw of it.")]
        elif before.values != request.as_now.values:
            data = request.POST.copy()
            texts = page.merge(before, request.as_now, data)
            who = meanwhile.last_author(row, before.at) or _("Somebody else")
            request.meanwhile = [
                _("%s changed this page since you opened it. Nothing was saved.") % who,
                *texts,
                _("Save again to put what you typed on top, or open the page anew to drop it."),
            ]
            request.POST = data

    def _page_now(self, request, row: models.Model) -> "meanwhile.Page":
        """Return the forms that a reader would get now."""
        asked = copy(request)
        asked.method, asked.POST = "GET", QueryDict()
        fields = flatten_fieldsets(self.get_fieldsets(asked, row))
        form = self.get_form(asked, row, change=True, fields=fields)(instance=row)
        formsets, inlines = self._create_formsets(asked, row, change=True)
        return Page(form, self.get_inline_formsets(asked, formsets, inlines, row))

    def _refuse_what_is_fixed(self, request, row: models.Model) -> HttpResponse:
        """Say to whom the page was open for changes that it no longer is; refuse everybody else."""
        if request.as_read is None:
            raise PermissionDenied
        who = meanwhile.last_author(row, request.as_read.at) or _("Somebody else")
        text = _("%s changed this page since you opened it: it is fixed now. Nothing was saved.")
        self.message_user(request, text % who, messages.ERROR)
        return redirect(request.get_full_path())

    def get_fieldsets(self, request, obj=None):
        """Put digests last and fold them away: they are for programs and for whoever checks.

        Whoever only reads a row meets its columns in words.
        """
        fieldsets = list(_with_digests_last(super().get_fieldsets(request, obj), self.for_programs))
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return _as_read(self.model, fieldsets)

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.meanwhile = getattr(request, "meanwhile", [])
        return form

    def render_change_form(self, request, context, *, obj=None, **kwargs):
        """Seal into the page what it shows, to compare when it is sent."""
        if obj is not None and self.has_change_permission(request, obj):
            reading = getattr(request, "as_now", None)
            if reading is None:
                page = Page(context["adminform"].form, context["inline_admin_formsets"])
                reading = page.reading(obj, request.user, timezone.now())
            context["as_read"] = reading.sealed()
        response = super().render_change_form(request, context, obj=obj, **kwargs)
        if getattr(request, "meanwhile", []):
            response.status_code = 409
        return response

    def save_model(self, request, obj, form, change):
        """Write a row that was touched; leave one that was not."""
        if not change or form.changed_data:
            super().save_model(request, obj, form, change)

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

    def get_list_display(self, request):
        return [as_read(self.model, name) for name in super().get_list_display(request)]

    def get_list_filter(self, request):
        """In filters by foreign key, offer only rows that the list refers to; codes by name."""
        return [self._filter(one) for one in super().get_list_filter(request)]

    def _filter(self, one):
        if not isinstance(one, str):
            return one
        field = get_fields_from_path(self.model, one)[-1]
        if field.is_relation:
            return one, admin.RelatedOnlyFieldListFilter
        return (one, CodesByName) if name_of(field) else one

    def get_inlines(self, request, obj):
        """Leave out read-only inlines on the page that adds a row."""
        inlines = super().get_inlines(request, obj)
        return [one for one in inlines if obj or not issubclass(one, FactInline)]

    def get_changeform_initial_data(self, request):
        """Preset the agency of a row that needs one, if the user may add it at exactly one."""
        initial = super().get_changeform_initial_data(request)
        if self._needs_an_agency():
            agencies = list(seats_with(request.user, self._permission("add"))[:2])
            if len(agencies) == 1:
                initial.setdefault("agency", agencies[0].pk)
        return initial

    def _needs_an_agency(self) -> bool:
        """Tell whether each row has an agency: a replica has none, and a preset would refuse it."""
        fields = {field.name: field for field in self.opts.concrete_fields}
        return "agency" in fields and not fields["agency"].null

    # Exporting a list

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
        if _holds_nul(request):
            raise IncorrectLookupParameters
        changelist = self.get_changelist_instance(request)
        columns = [name for name in changelist.list_display if name != "action_checkbox"]
        stored = [getattr(one, "export_field", one) for one in columns]
        if "currency" not in stored and any(getattr(one, "is_money", False) for one in columns):
            columns.append(_currency)
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
                yield _plain_text(shown)
            if self._is_dated(name):
                yield _iso(value)

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
            "changes": list(_changes(row, request.user)),
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


class Parts(TenantChoices):
    """Rows on their parent's page, which decides who may edit them.

    Where parts have agencies of their own, an `agency_path` leads there, and only seats at a part's
    agency may change that part.
    """

    formset = DeskFormSet
    extra = 0
    tab = True

    def get_fieldsets(self, request, obj=None):
        fieldsets = super().get_fieldsets(request, obj)
        return _as_read(self.model, fieldsets) if self._is_only_read(request, obj) else fieldsets

    def get_readonly_fields(self, request, obj=None):
        fixed = super().get_readonly_fields(request, obj)
        if not self._is_only_read(request, obj):
            return fixed
        return [*fixed, *flatten_fieldsets(self.get_fieldsets(request, obj))]

    def _is_only_read(self, request, obj) -> bool:
        """Tell whether nobody types here; without fields of its own, Django asks its form first."""
        may = (self.has_change_permission, self.has_add_permission)
        return bool(self.fields or self.fieldsets) and not any(one(request, obj) for one in may)

    def get_formset(self, request, obj=None, **kwargs):
        formset = super().get_formset(request, obj, **kwargs)
        formset.locked = self._locked(request, obj)
        return formset

    def _locked(self, request, parent) -> frozenset:
        if not self.agency_path or parent is None or request.user.is_superuser:
            return frozenset()
        link = _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)
        rows = self.model._base_manager.filter(**{link.name: parent.pk})
        seats = seats_with(request.user, self._permission("change"))
        return frozenset(rows.exclude(self.at_agencies(seats)).values_list("pk", flat=True))


class PartsInline(Parts, TabularInline):
    """Parts as the rows of a table."""

    hide_title = True


class PartPanels(Parts, StackedInline):
    """Parts with too many fields for the row of a table, one below the other."""


class FactInline(PartsInline):
    """As PartsInline, read-only: nobody adds, edits or deletes these rows."""

    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


def _plain_text(shown: object) -> str:
    """Return what a cell says: HTML of ours without its tags, anybody's text as it is."""
    if isinstance(shown, SafeString):
        return html.unescape(strip_tags(shown))
    return str(shown)


def _as_read(model: type[models.Model], fieldsets: Iterable[tuple[Any, dict]]) -> list:
    """Return fieldsets whose columns are shown to whoever only reads them."""
    return [
        (title, {**options, "fields": [_line_as_read(model, line) for line in options["fields"]]})
        for title, options in fieldsets
    ]


def _line_as_read(model: type[models.Model], line: Any) -> Any:
    if isinstance(line, list | tuple):
        return [as_read(model, name) for name in line]
    return line if _is_digest(line) else as_read(model, line)


def _is_digest(name: object) -> bool:
    return isinstance(name, str) and name.endswith(DIGESTS)


def _with_digests_last(
    fieldsets: Iterable[tuple[Any, dict]], codes: Iterable[str]
) -> Iterator[tuple[Any, dict]]:
    digests: list[str] = []
    for title, options in fieldsets:
        folded = [name for name in options["fields"] if _is_digest(name) or name in codes]
        digests += folded
        fields = [name for name in options["fields"] if name not in folded]
        if fields:
            yield title, {**options, "fields": fields}
    if digests:
        yield (
            _lazy("Technical details"),
            {"fields": digests, "classes": ["collapse", "desk-technical"]},
        )


def _iso(value: date | None) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return "" if value is None else value.isoformat()


def _is_worded(value: object, field: models.Field | None) -> bool:
    """Tell whether a number is shown as a word: a boolean, or one of a field's choices."""
    return isinstance(value, bool) or bool(field is not None and field.flatchoices)


def _changes(row: models.Model, reader: User) -> Iterator[dict[str, Any]]:
    if not hasattr(row, "events"):
        return
    events = pghistory.models.Events.objects.tracks(row).order_by("-pgh_created_at", "-pgh_id")
    events = list(events.select_related(None)[:HISTORY_SHOWN])
    people = User.objects.in_bulk(
        {event.pgh_context.get("user") for event in events if event.pgh_context} - {None}
    )
    names = _names_in_history(row, [event.pgh_diff or {} for event in events], reader)
    for event in events:
        context = event.pgh_context or {}
        yield {
            "at": event.pgh_created_at,
            "kind": CHANGES.get(event.pgh_label, event.pgh_label),
            "by": people.get(context.get("user"), ""),
            "change_set": event.pgh_context_id or "",
            "values": sorted(_in_words(row, event.pgh_diff or {}, names)),
        }


def _in_words(row: models.Model, diff: dict, names: dict) -> Iterator[tuple[str, list[str]]]:
    """Yield each changed column by its label, with what stood there and what stands there now."""
    for column, values in diff.items():
        field = _field_of(row, column)
        if field is None or _is_digest(field.name):
            continue
        kept = [as_kept(field, value, names.get(column, {})) for value in values]
        yield capfirst(str(field.verbose_name)), kept


def _names_in_history(row: models.Model, diffs: list[dict], reader: User) -> dict[str, dict]:
    """Return the names of rows that changed keys lead to, as far as the reader sees them."""
    keys: dict[str, set] = {}
    for diff in diffs:
        for column, values in diff.items():
            field = _field_of(row, column)
            if field is not None and field.is_relation:
                keys.setdefault(column, set()).update(set(values) - {None})
    names = {}
    for column, wanted in keys.items():
        model = _field_of(row, column).related_model
        rows = visible_rows(model._default_manager.filter(pk__in=wanted), reader)
        named = rows.select_related(*relations_of_name(model) or [None])
        names[column] = {one.pk: str(one) for one in named}
    return names


def _field_of(row: models.Model, column: str) -> models.Field | None:
    fields = row._meta.concrete_fields
    return next((one for one in fields if column in (one.name, one.attname)), None)
