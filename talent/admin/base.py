"""What every page of the admin has in common."""

from copy import copy
from typing import ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, get_fields_from_path, unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from unfold.admin import ModelAdmin

from talent.sign_in import proofs

from . import meanwhile
from .as_read import CodesByName, as_read, name_of
from .exports import WithExports
from .fieldsets import columns_as_read, with_digests_last
from .filters import AnswersAnyFilter
from .history import WithHistory
from .meanwhile import Page, Reading
from .parts import FactInline
from .steps import WithSteps
from .tenancy import TenantChoices, seats_with
from .totals import WithTotals


class DeskAdmin(
    AnswersAnyFilter, TenantChoices, WithTotals, WithExports, WithHistory, WithSteps, ModelAdmin
):
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
        fieldsets = list(with_digests_last(super().get_fieldsets(request, obj), self.for_programs))
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return columns_as_read(self.model, fieldsets)

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


class FactAdmin(DeskAdmin):
    """Shows rows that the desk's own code adds; nobody adds, edits or deletes them here."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
