"""Model fields that mean the same in every model."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib.postgres.fields import (
    ArrayField,
    DateRangeField,
    DateTimeRangeField,
    RangeBoundary,
)
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Func, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from talent import faces, locales
from talent.plain_text import MORE_THAN_A_LINE, MORE_THAN_A_LINE_IN_SQL
from talent.words import Word


def coded(word: type[Word], **options: Any) -> models.CharField:
    """A column that holds one code of a word list."""
    return models.CharField(max_length=32, choices=word.choices(), **options)


def codes(word: type[Word], **options: Any) -> ArrayField:
    """A column that holds several codes; null means that nothing was said."""
    return ArrayField(models.CharField(max_length=32, choices=word.choices()), **options)


def tags(**options: Any) -> ArrayField:
    """A column of short codes from an outside list, such as ISO 3166 or BCP 47."""
    return ArrayField(models.CharField(max_length=64), **options)


def has_known_code(name: str, field: str, word: type[Word]) -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": word.codes()}))


def is_one_line(name: str, field: str) -> models.CheckConstraint:
    """What people read as a name is one line of what can be seen, whichever door it came by."""
    return models.CheckConstraint(
        name=name,
        condition=~Q(**{f"{field}__regex": MORE_THAN_A_LINE_IN_SQL}),
        violation_error_message=MORE_THAN_A_LINE,
    )


class PrintedLine(models.CharField):
    """A line that documents print: every form refuses a character that no font of the desk has.

    To migrations it is a text like others, so that another font is no change of a table.
    """

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        _refuse_unprintable(value)


def printed_line(name: str | None = None, **options: Any) -> "models.CharField[str, str]":
    """A name, of up to 200 characters, as documents print it."""
    return PrintedLine(name, max_length=200, **options)


def printed_text(**options: Any) -> "models.TextField[str, str]":
    """An address, as documents print it."""
    return PrintedText(**options)


class PrintedText(models.TextField):
    """As `PrintedLine`, of several lines, as addresses are."""

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.TextField", args, options

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        _refuse_unprintable(value)


def _refuse_unprintable(text: str | None) -> None:
    if lacking := faces.lacking(text or ""):
        raise ValidationError(faces.cannot_print(lacking), code="no_font_has_it")


class CodeOfATable(models.CharField):
    """A text that stands in a table kept elsewhere: every form checks it there.

    To migrations it is a text like others, so that a changed check is no change of a table.
    """

    known: Callable[[str], bool]
    # In a locale: each code, and the name by which a form offers it.
    offered: Callable[[str], list[tuple[str, str]]]
    unknown: ClassVar[str | Promise]

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if value and not type(self).known(value):
            raise ValidationError(self.unknown, code="unknown_code")


class CurrencyField(CodeOfATable):
    known = staticmethod(locales.known_currency)
    offered = staticmethod(locales.currencies)
    unknown = _("No such currency. Write its code of ISO 4217, as in USD or EUR.")


class TimeZoneField(CodeOfATable):
    known = staticmethod(locales.known_zone)
    offered = staticmethod(locales.zones)
    unknown = _("No such time zone. Write it as in Europe/Berlin or America/Los_Angeles.")


class CountryField(CodeOfATable):
    known = staticmethod(locales.known_country)
    offered = staticmethod(locales.countries)
    unknown = _("No such country. Write its code of ISO 3166, as in US or FR.")


class LocaleField(CodeOfATable):
    known = staticmethod(locales.known_written)
    offered = staticmethod(locales.written_locales)
    unknown = _("No such language. Write it as in en-GB or de-DE.")


def currency(**options: Any) -> CurrencyField:
    """An ISO 4217 code; every model with an amount has one."""
    return CurrencyField(max_length=3, **options)


def time_zone(**options: Any) -> TimeZoneField:
    """The name of an IANA time zone."""
    return TimeZoneField(max_length=64, default="UTC", **options)


def country(**options: Any) -> CountryField:
    """An ISO 3166 code of a country."""
    return CountryField(max_length=2, **options)


def money(**options: Any) -> models.DecimalField:
    """An amount at its currency's precision (at most four places)."""
    return models.DecimalField(max_digits=20, decimal_places=4, **options)


def rate(name: str | None = None, **options: Any) -> models.DecimalField:
    """A price or factor, finer than money."""
    return models.DecimalField(name, max_digits=20, decimal_places=8, **options)


def quantity(**options: Any) -> models.DecimalField:
    """A metered quantity in the meter's own unit."""
    return models.DecimalField(max_digits=20, decimal_places=6, **options)


def quantity_sum(**options: Any) -> models.DecimalField:
    """A sum of quantities, with room for ten thousand million of the largest."""
    return models.DecimalField(max_digits=30, decimal_places=6, **options)


def term(starts: str, ends: str) -> Func:
    """Two instants as one half-open range; a null end is open."""
    return Func(
        starts, ends, RangeBoundary(), function="TSTZRANGE", output_field=DateTimeRangeField()
    )


def days(starts: str, ends: str) -> Func:
    """Two days as one half-open range; a null end is open."""
    return Func(starts, ends, RangeBoundary(), function="DATERANGE", output_field=DateRangeField())
