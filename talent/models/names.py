"""What rows are called, and what has to be read with them for that."""

from datetime import date, datetime

from django.contrib.admin.utils import get_fields_from_path
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format


def relations_of_name(model: type[models.Model]) -> list[str]:
    """Return what a queryset selects with a model's rows, so that their names take no query.

    Each model whose name says more than its own columns lists in `named_by` what it is made of.
    """
    relations = []
    for name in getattr(model, "named_by", ()):
        related = get_fields_from_path(model, name)[-1].related_model
        relations += [name, *(f"{name}__{further}" for further in relations_of_name(related))]
    return relations


def day(value: date) -> str:
    """Write a day as lists do, in the reader's language."""
    return date_format(value)


def month(value: date) -> str:
    """Write a month in the reader's language."""
    return date_format(value, "YEAR_MONTH_FORMAT")


def minute(at: datetime) -> str:
    """Write an instant as lists do, in the page's zone and the reader's language."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")
