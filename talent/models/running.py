"""What runs on this database now, and what this database is."""

import pgtrigger
from django.db import models

from talent.words import InstallationReason

from .columns import coded, has_known_code
from .consent import APPEND_ONLY
from .names import minute


class HeldLock(models.Model):
    """Work that only one process may do at a time, and the process that does it.

    Written by `talent.database.locks` beside the lock itself, which ends with the process; so a
    row may outlast its lock, until the next holder's replaces it.
    """

    name = models.CharField(max_length=200, unique=True)
    holder = models.CharField(max_length=200)
    backend = models.IntegerField(help_text="The process of PostgreSQL that serves the holder.")
    taken_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="From then on, who comes next ends the holder.")

    def __str__(self) -> str:
        return self.name


class Installation(models.Model):
    """Where the desk's database lives, and a text sealed under its key-encryption key.

    Noted at the first start, after a restore, and when a key was lost; the last row counts. A
    process that finds another database or cannot open the text refuses to start.
    """

    reason = coded(InstallationReason)
    noted_at = models.DateTimeField()
    system_identifier = models.CharField(
        max_length=20, help_text="Of the PostgreSQL cluster; a restored dump has another."
    )
    database_oid = models.BigIntegerField(help_text="Of the database in its cluster.")
    sealed_text = models.BinaryField()

    class Meta:
        constraints = [has_known_code("installation_reason_is_known", "reason", InstallationReason)]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{InstallationReason(self.reason).label}, {minute(self.noted_at)}"
