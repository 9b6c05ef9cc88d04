"""The usage log's head: how many leaves have an index."""

from django.db import models
from django.db.models import Q


class LogHead(models.Model):
    """The one row that the sequencer locks; `size` is the next free index."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(name="log_head_is_one_row", condition=Q(id=1))]

    def __str__(self):
        return f"Log of {self.size} leaves"
