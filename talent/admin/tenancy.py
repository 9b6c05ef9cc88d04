"""Rows of an admin and choices of its forms: only those that the reader may see, or add to."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from talent.access import roles_with
from talent.models import Agency
from talent.models.columns import CodeOfATable
from talent.models.names import relations_of_name
from talent.models.people import FIRST_YEAR_OF_A_LIFE
from talent.periods import LAST_YEAR
from talent.plain_text import MORE_THAN_A_LINE, is_line
from talent.words import Role

from . import lists
from .as_read import locale_of_reader
from .forms import DeskForm


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
