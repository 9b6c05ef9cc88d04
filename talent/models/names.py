"""What rows are called, and what has to be read with them for that."""

from datetime import datetime

from django.contrib.admin.utils import get_fields_from_path
from django.db import models
from django.utils import timezone


def relations_of_name(model: type[models.Model]) -> list[str]:
    """Return what a queryset selects with a model's rows, so that their names take no query.

    Each model whose name says more than its own columns lists in `named_by` what it is made of.
    """
    relations = []
    for name in getattr(model, "named_by", ()):
        related = get_fields_from_path(model, name)[-1].related_model
        relations += [name, *(f"{name}__{further}" for further in relations_of_name(related))]
    return relations


def minute(at: datetime) -> str:
    """Write an instant in the page's zone."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
