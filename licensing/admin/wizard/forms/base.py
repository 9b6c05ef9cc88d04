"""What the forms of all steps have in common: each reads and writes the fields of its own step.

What nobody touched keeps what the draft has, as everywhere in the admin.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.forms.boundfield import BoundField
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextInputWidget,
)

from licensing.models import Agreement
from talent.admin import lists
from talent.admin.forms import sent, shown

from ..draft import Draft

ROWS_OF_TEXT = 3
MOST_DIGITS, MOST_PLACES = 20, 6


class DayInput(UnfoldAdminTextInputWidget):
    """A day, chosen by the browser's own calendar."""

    input_type = "date"

    def format_value(self, value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value


class StepForm(forms.Form):
    """The fields of one step. `instance` and `own_fields` are what telling two editors apart asks.

    `fixed` says in words what is not asked here any more.
    """

    columns: ClassVar[dict[type, tuple[str, ...]]] = {}

    def __init__(self, data: Any, *, draft: Draft, admin: Any) -> None:
        self.draft, self.admin = draft, admin
        self.instance = draft.agreement
        super().__init__(data, initial=None)
        self.add_fields()

    @property
    def own_fields(self) -> list[str]:
        return list(self.fields)

    @property
    def agreement(self) -> Agreement:
        return self.draft.agreement

    def add_fields(self) -> None:
        """Add what depends on the draft."""

    def add_columns(self, row: Any, names: Iterable[str], model: type) -> None:
        """Add fields for columns of a row, as the admin's other forms have them."""
        for name in names:
            column = model._meta.get_field(name)
            field = field_of(self.admin, column, self.draft.request)
            field.initial = _value_of(row, column) if row is not None else field.initial
            self.fields[name] = field

    def is_touched(self, name: str) -> bool:
        bound = self[name]
        return not bound.field.disabled and sent(bound, self.data) != shown(bound)

    def kept(self, name: str, current: Any) -> Any:
        """Return what was sent for a field that was touched, else what there is."""
        if not self.is_touched(name):
            return current
        value = self.cleaned_data.get(name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    def row(self, name: str) -> BoundField:
        return self[name]

    def save(self) -> None:
        """Write what was sent; a step that asks for nothing writes nothing. Raises Refused."""


def field_of(admin: Any, column: Any, request: Any) -> forms.Field:
    """Return the field of a column as the admin has it, without links to pages in windows."""
    field: forms.Field = admin.formfield_for_dbfield(column, request)
    if isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    if isinstance(field.widget, forms.Textarea):
        field.widget.attrs["rows"] = ROWS_OF_TEXT
    return field


def _value_of(row: Any, column: Any) -> Any:
    if column.many_to_many:
        return [each.pk for each in getattr(row, column.name).all()]
    return column.value_from_object(row)


def figure(label: Any, initial: Any = None, **more: Any) -> forms.DecimalField:
    return lists.PlainDecimal(
        label=label,
        required=False,
        initial=initial,
        min_value=0,
        max_digits=MOST_DIGITS,
        decimal_places=MOST_PLACES,
        widget=UnfoldAdminDecimalFieldWidget,
        **more,
    )
