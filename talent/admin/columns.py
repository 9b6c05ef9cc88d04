"""Columns of lists and pages: places, languages, money, percentages, figures, instants."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import admin
from django.db import models
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _lazy

from talent import locales
from talent.models.names import minute

from .as_read import locale_of_reader


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
def currency_of_row(row: models.Model) -> str:
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


def once_a_row(column: Callable[[Any, models.Model], str]) -> Callable[[Any, models.Model], str]:
    """Have a page ask for a column of a row once: the theme reads it five times over."""

    @wraps(column)
    def known(model_admin: Any, row: models.Model) -> str:
        columns = row.__dict__.setdefault("_columns_known", {})
        if column.__name__ not in columns:
            columns[column.__name__] = column(model_admin, row)
        return columns[column.__name__]

    return known


def moment(value: datetime) -> str:
    """Write an instant in the page's zone, with the zone's abbreviation."""
    return f"{minute(value)} {timezone.localtime(value):%Z}"


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
