"""Counts of tries to sign in."""

from django.db import models

from .names import minute


class TryCount(models.Model):
    """How often something was tried in a stretch of time; the key is a digest of what and whose."""

    key = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveIntegerField()
    ends_at = models.DateTimeField()

    class Meta:
        indexes = [
            # The sweep: counts whose time is over.
            models.Index(name="try_count_ends", fields=["ends_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.tries} tries until {minute(self.ends_at)}"
