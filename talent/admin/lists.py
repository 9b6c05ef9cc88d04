"""Form fields for columns that hold a list, a code, or a figure with more places than it needs."""

from collections.abc import Callable
from copy import copy
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from talent import identifiers
from talent.consent.scope import is_known_language
from talent.models.columns import CodeOfATable
from talent.plain_text import MORE_THAN_A_LINE, is_line
from talent.territories import is_known_place, part_called, place_name
from talent.words import Scheme

from .scopes import Languages, Listed, Territories

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


class WrittenNames(WrittenCodes):
    """The same, of codes that have names: names are shown, and names and codes understood."""

    def __init__(
        self,
        *,
        names: Listed,
        known: Callable[[str], bool],
        nullable: bool,
        **options: Any,
    ) -> None:
        self.names, self.known = names, known
        super().__init__(nullable=nullable, **options)

    def to_python(self, value: Any) -> list[str] | None:
        codes = super().to_python(value)
        return codes and [self.names.code_of(code) for code in codes]

    def validate(self, value: Any) -> None:
        super().validate(value)
        for code in value or ():
            if not self.known(code):
                raise forms.ValidationError(_("“%s” is not known here.") % code)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            value = [self.names.name_of(code) for code in value]
        return super().prepare_value(value)


def places(**options: Any) -> WrittenNames:
    """Return a field for territories by name; empty: null where `nullable`, a dash: none."""
    return WrittenNames(names=Territories(), known=is_known_place, **options)


def languages(**options: Any) -> WrittenNames:
    """As `places`, for languages."""
    return WrittenNames(names=Languages(), known=is_known_language, **options)


class OnePlace(forms.CharField):
    """One country, or a part of one, by name or code."""

    widget = UnfoldAdminTextInputWidget

    def to_python(self, value: Any) -> str:
        text = (value or "").strip()
        part, comma, country = text.rpartition(", ")
        code = part_called(part, Territories().code_of(country)) if comma else ""
        code = code or Territories().code_of(text)
        if code and not is_known_place(code):
            raise forms.ValidationError(_("“%s” is not known here.") % code)
        return code

    def prepare_value(self, value: Any) -> Any:
        if not value or not is_known_place(value):
            return value
        country, dash, _part = value.partition("-")
        if dash:
            return f"{place_name(value)}, {place_name(country)}"
        return Territories().name_of(value)


# How columns of codes are typed, by their names.
BY_NAME = {"territories": places, "territories_excluded": places, "languages": languages}


class SchemeRows(forms.MultiWidget):
    """Rows of a scheme and an identifier; a page offers as many as there are places."""

    PLACES = 6

    def __init__(self) -> None:
        self.schemes = [("", "–"), *Scheme.choices()]
        row = [
            UnfoldAdminSelectWidget(attrs={"aria-label": _("Scheme")}, choices=self.schemes),
            UnfoldAdminTextInputWidget(attrs={"aria-label": _("Identifier")}),
        ]
        super().__init__([copy(part) for _place in range(self.PLACES) for part in row])

    def decompress(self, value: dict[str, str] | None) -> list[str]:
        parts = [part for pair in (value or {}).items() for part in pair]
        self._offer(parts[::2])
        return parts + [""] * (2 * self.PLACES - len(parts))

    def _offer(self, schemes: list[str]) -> None:
        """Offer a scheme that a row has already, though the desk does not know it."""
        known = {code for code, _label in self.schemes}
        more = [(scheme, scheme) for scheme in schemes if scheme not in known]
        for select in self.widgets[::2]:
            select.choices = [*self.schemes, *more]

    def render(self, name, value, attrs=None, renderer=None):
        parts = self.get_context(name, value, attrs)["widget"]["subwidgets"]
        drawn = [self._render(part["template_name"], {"widget": part}, renderer) for part in parts]
        return format_html_join(
            "", '<div class="desk-pair">{}{}</div>', zip(drawn[::2], drawn[1::2], strict=True)
        )


class ExternalIdentifiers(forms.MultiValueField):
    """Identifiers by scheme, each in the form of its scheme; kept as {scheme: identifier}."""

    def __init__(self, **options: Any) -> None:
        part = forms.CharField(required=False)
        super().__init__(
            [part] * (2 * SchemeRows.PLACES),
            widget=SchemeRows(),
            require_all_fields=False,
            **options,
        )

    def compress(self, parts: list[str]) -> dict[str, str]:
        pairs = zip(parts[::2], parts[1::2], strict=True)
        given = [pair for pair in pairs if any(pair)]
        if not all(is_line(part) for pair in given for part in pair):
            raise forms.ValidationError(MORE_THAN_A_LINE)
        if not all(scheme and text for scheme, text in given):
            raise forms.ValidationError(_("Choose a scheme for each identifier, and write both."))
        if len({scheme for scheme, _text in given}) < len(given):
            raise forms.ValidationError(_("There are two identifiers of one scheme."))
        try:
            return {scheme: identifiers.external(scheme, text) for scheme, text in given}
        except identifiers.NotAnIdentifier as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


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
    if column.name in BY_NAME:
        return BY_NAME[column.name](**options)
    if column.base_field.choices:
        return ChosenWords(choices=column.base_field.choices, **options)
    return WrittenCodes(**options)
