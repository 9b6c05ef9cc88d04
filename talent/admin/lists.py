"""Form fields for columns that hold a list, a code, or a figure with more places than it needs."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextInputWidget,
)

from talent.models.columns import CodeOfATable

NONE_AT_ALL = "-"


class ChosenWords(forms.MultipleChoiceField):
    """Several codes of a word list. Choosing none gives null, where the column allows it."""

    widget = UnfoldAdminSelect2MultipleWidget

    def __init__(self, *, nullable: bool, **options: Any) -> None:
        self.nullable = nullable
        super().__init__(**options)

    def to_python(self, value: Any) -> list[str] | None:
        return super().to_python(value) or (None if self.nullable else [])

    def validate(self, value: Any) -> None:
        super().validate(value or [])

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(initial or [], data or [])


class WrittenCodes(forms.CharField):
    """Comma-separated codes of an outside list. Empty: null; a dash: an empty list."""

    widget = UnfoldAdminTextInputWidget

    def __init__(self, *, nullable: bool, **options: Any) -> None:
        self.nullable = nullable
        super().__init__(**options)

    def to_python(self, value: Any) -> list[str] | None:
        text = (value or "").strip()
        if not text:
            return None if self.nullable else []
        if text == NONE_AT_ALL:
            return []
        return [code.strip() for code in text.split(",") if code.strip()]

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return ", ".join(value) or (NONE_AT_ALL if self.nullable else "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial) != self.prepare_value(self.to_python(data))


class PlainDecimal(forms.DecimalField):
    """A decimal shown without the trailing zeros that its column stores."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def by_name(column: CodeOfATable, locale: str) -> forms.ChoiceField:
    """Return the form field of a column of codes: it offers their names, and can be searched."""
    initial = column.get_default() if column.has_default() else ""
    blank = [] if initial and not column.blank else [("", "–")]
    return forms.ChoiceField(
        label=str(column.verbose_name).capitalize(),
        choices=[*blank, *column.offered(locale)],
        required=not column.blank,
        initial=initial,
        help_text=column.help_text,
        widget=UnfoldAdminSelect2Widget,
        error_messages={"invalid_choice": column.unknown},
    )


def field_for(column: ArrayField) -> forms.Field:
    """Return the form field of a list column. An empty one is null where the column allows it."""
    help_text = column.help_text
    if column.null and not help_text:
        help_text = _("Empty: any.")
    options = {
        "label": str(column.verbose_name).capitalize(),
        "required": not column.blank,
        "help_text": help_text,
        "nullable": column.null,
    }
    if column.base_field.choices:
        return ChosenWords(choices=column.base_field.choices, **options)
    return WrittenCodes(**options)
