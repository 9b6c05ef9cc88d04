"""Model fields that mean the same in every model."""

from typing import Any

from django.contrib.postgres.fields import (
    ArrayField,
    DateRangeField,
    DateTimeRangeField,
    RangeBoundary,
)
from django.db import models
from django.db.models import Func, Q

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


def currency(**options: Any) -> models.CharField:
    """An ISO 4217 code; every model with an amount has one."""
    return models.CharField(max_length=3, **options)


def money(**options: Any) -> models.DecimalField:
    """An amount at its currency's precision (at most four places)."""
    return models.DecimalField(max_digits=20, decimal_places=4, **options)


def rate(**options: Any) -> models.DecimalField:
    """A price or factor, finer than money."""
    return models.DecimalField(max_digits=20, decimal_places=8, **options)


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
