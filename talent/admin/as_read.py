"""How columns that nobody edits are shown: by name, in their unit, as tables; never as stored."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from talent import locales
from talent.models.columns import CountryField, CurrencyField
from talent.models.names import minute
from talent.territories import place_name

Name = Callable[[str, str], str]


def place(code: str, locale: str) -> str:
    """Return a country by its name in a locale, a part or a group of countries by its own."""
    name = locales.territory(code, locale)
    return place_name(code) if name == code else name


PLACES: Name = place
LANGUAGES: Name = locales.language
# Columns, and keys of stored JSON, whose values are codes of tables kept elsewhere.
CODES: dict[str, Name] = {
    "country": PLACES,
    "domicile": PLACES,
    "jurisdiction": PLACES,
    "residence": PLACES,
    "territory": PLACES,
    "territories": PLACES,
    "territories_excluded": PLACES,
    "language": LANGUAGES,
    "languages": LANGUAGES,
    "text_language": LANGUAGES,
    "currency": locales.currency_name,
}
PERCENTAGES = ("percent", "commission", "minor_trust", "withholding")
MONEY_PLACES = 4
ROUGHEST = Decimal("0.001")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*(Z|[+-]\d\d:\d\d)$")


def locale_of_reader() -> str:
    """Return the locale in which a page is written, as “en” or “pt-BR”."""
    return to_locale(get_language() or "en").replace("_", "-")


def as_read(model: type[models.Model], name: Any) -> Any:
    """Return the column that shows a field to whoever only reads it; other columns as they are."""
    if not isinstance(name, str):
        return name
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return name
    return _column(field) or name


@cache
def _column(field: models.Field) -> Callable[[models.Model], str] | None:
    write = _writer(field)
    if write is None:
        return None

    @admin.display(description=field.verbose_name, ordering=field.name)
    def column(row: models.Model) -> str:
        value = getattr(row, field.name)
        return "–" if value in (None, "", [], {}) else write(value, row)

    # By this, pages find the field's help text, and exports what it holds.
    column.__name__ = column.export_field = field.name
    column.is_money = _is_money(field)
    return column


def _writer(field: Any) -> Callable[[Any, models.Model], str] | None:
    if isinstance(field, models.JSONField):
        return lambda value, _row: in_words(value)
    if isinstance(field, models.DecimalField):
        return _figure_writer(field)
    if isinstance(field, models.IntegerField) and "percent" in field.name:
        return lambda value, _row: _amount(locales.percent(Decimal(value), locale_of_reader()))
    name = CODES.get(field.name)
    if isinstance(field, CurrencyField):
        name = locales.currency_name
    elif isinstance(field, CountryField):
        name = PLACES
    if isinstance(field, ArrayField):
        return _list_writer(field, name)
    if name is not None and isinstance(field, models.CharField):
        return lambda code, _row: name(code, locale_of_reader())
    return None


def _list_writer(field: ArrayField, name: Name | None) -> Callable[[Any, Any], str]:
    labels = dict(field.base_field.flatchoices)

    def one(code: str) -> str:
        return name(code, locale_of_reader()) if name else str(labels.get(code, code))

    return lambda codes, _row: ", ".join(sorted(map(one, codes)))


def _is_money(field: models.Field) -> bool:
    is_amount = isinstance(field, models.DecimalField) and field.decimal_places == MONEY_PLACES
    return is_amount and any(one.name == "currency" for one in field.model._meta.concrete_fields)


def _figure_writer(field: models.DecimalField) -> Callable[[Any, models.Model], str]:
    if any(word in field.name for word in PERCENTAGES):
        return lambda value, _row: _amount(locales.percent(value, locale_of_reader()))
    if _is_money(field):
        return lambda value, row: _amount(locales.money(value, row.currency, locale_of_reader()))
    return lambda value, _row: _amount(figure(value))


def _amount(text: str) -> str:
    return format_html('<span class="desk-amount">{}</span>', text)


def figure(value: Decimal) -> str:
    """Write a figure with all of its places, and no zeros after the last."""
    if value == value.quantize(ROUGHEST):
        return locales.quantity(value, locale_of_reader())
    return f"{value.normalize():f}"


class CodesByName(admin.AllValuesFieldListFilter):
    """A filter by a column of codes that names them."""

    def choices(self, changelist):
        name = name_of(self.field)
        for choice in super().choices(changelist):
            if choice["display"] in map(str, self.lookup_choices):
                choice["display"] = name(choice["display"], locale_of_reader())
            yield choice


def name_of(field: models.Field) -> Name | None:
    """Return what names the codes of a column; None for a column of another kind."""
    if not isinstance(field, models.CharField) or field.choices:
        return None
    if isinstance(field, CurrencyField):
        return locales.currency_name
    if field.name == "code":
        return lambda code, _locale: label(code)
    return CODES.get(field.name)


# What history keeps: columns as JSON writes them


def as_kept(field: models.Field, value: Any, names: Mapping[Any, str]) -> str:
    """Return a kept value of a column in words; `names` are those of rows that keys lead to."""
    if value is None or value in ("", [], {}):
        return "–"
    if field.is_relation:
        return names.get(value, _("not shown to you"))
    if field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, models.DateTimeField):
        return minute(datetime.fromisoformat(value))
    if isinstance(field, models.DecimalField):
        percent = any(word in field.name for word in PERCENTAGES)
        amount = Decimal(str(value))
        return locales.percent(amount, locale_of_reader()) if percent else figure(amount)
    if isinstance(field, ArrayField):
        write = _list_writer(field, CODES.get(field.name))
        return write(value, None)
    name = locales.currency_name if isinstance(field, CurrencyField) else CODES.get(field.name)
    return name(value, locale_of_reader()) if name else said(field.name, value)


# What is stored as JSON


def in_words(value: Any, names: Mapping[str, Name] = CODES) -> str:
    """Return JSON as HTML: an object as a table of what it says, a list of them as a table."""
    if isinstance(value, Mapping) and value:
        return _rows(((label(key), said(key, item, names)) for key, item in flat(value)))
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        keys = list(dict.fromkeys(key for item in value for key in item))
        cells = ([said(key, item.get(key), names) for key in keys] for item in value)
        return _rows(cells, [label(key) for key in keys])
    return said("", value, names)


def _rows(rows: Iterable[Iterable[str]], head: Iterable[str] = ()) -> str:
    cell = "<td>{}</td>"
    body = ((format_html_join("", cell, ((one,) for one in row)),) for row in rows)
    return format_html(
        '<div class="desk-scroll" tabindex="0" role="region" aria-label="{}">'
        '<table class="desk-history">{}<tbody>{}</tbody></table></div>',
        _("What it says"),
        format_html(
            "<thead><tr>{}</tr></thead>",
            format_html_join("", '<th scope="col">{}</th>', ((one,) for one in head)),
        )
        if head
        else "",
        format_html_join("", "<tr>{}</tr>", body),
    )


def flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the ends of an object with their keys; those of objects inside with both keys."""
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from flat(item, key)
        else:
            yield (f"{above}.{key}" if above and above != "data" else key), item


def label(key: str) -> str:
    """Return a key as words: “quantities.gpu_seconds” is “Quantities: gpu seconds”."""
    return key.replace("_", " ").replace(".", ": ").capitalize()


def _is_pair(value: Any) -> bool:
    """Tell whether a value is a name and an amount, as in ["gpu_seconds", "40"]."""
    return isinstance(value, list) and [type(part) for part in value] == [str, str]


def said(key: str, value: Any, names: Mapping[str, Name] = CODES) -> str:
    """Return one value as words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, list) and all(_is_pair(item) for item in value):
        return ", ".join(f"{amount} {label(name).lower()}" for name, amount in value)
    if isinstance(value, list):
        return ", ".join(said(key, item, names) for item in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{label(k)}: {said(k, item, names)}" for k, item in flat(value))
    name = names.get(key.rpartition(".")[2])
    text = str(value)
    if name is None and _INSTANT.match(text):
        return minute(datetime.fromisoformat(text))
    return name(text, locale_of_reader()) if name else text
