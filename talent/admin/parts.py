"""Rows on their parent's page."""

from django.contrib.admin.utils import flatten_fieldsets
from django.forms.models import _get_foreign_key
from unfold.admin import StackedInline, TabularInline

from .fieldsets import columns_as_read
from .forms import DeskFormSet
from .tenancy import TenantChoices, seats_with


class Parts(TenantChoices):
    """Rows on their parent's page, which decides who may edit them.

    Where parts have agencies of their own, an `agency_path` leads there, and only seats at a part's
    agency may change that part.
    """

    formset = DeskFormSet
    extra = 0
    tab = True

    def get_fields(self, request, obj=None):
        """Return what a part without fields of its own shows whoever only reads: all its columns.

        Django would ask the form for them, which asks what is only read.
        """
        if self.fields or not self._is_only_read(request, obj):
            return super().get_fields(request, obj)
        link = _get_foreign_key(self.parent_model, self.model, fk_name=self.fk_name)
        columns = [*self.opts.concrete_fields, *self.opts.many_to_many]
        return [one.name for one in columns if one.editable and one not in (link, self.opts.pk)]

    def get_fieldsets(self, request, obj=None):
        fieldsets = super().get_fieldsets(request, obj)
        only_read = self._is_only_read(request, obj)
        return columns_as_read(self.model, fieldsets) if only_read else fieldsets

    def get_readonly_fields(self, request, obj=None):
        fixed = super().get_readonly_fields(request, obj)
        if not self._is_only_read(request, obj):
            return fixed
        return [*fixed, *flatten_fieldsets(self.get_fieldsets(request, obj))]

    def _is_only_read(self, request, obj) -> bool:
        """Tell whether nobody types here."""
        may = (self.has_change_permission, self.has_add_permission)
        return not any(one(request, obj) for one in may)

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
