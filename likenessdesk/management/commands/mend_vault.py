"""Puts the vault right after the database was restored from a backup."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent.custody import destruction
from talent.errors import Refused


class Command(BaseCommand):
    help = (
        "After a restore: what was destroyed since the backup stays destroyed, and what lives is"
        " opened by the keys of today. Running it again changes nothing."
    )

    def handle(self, *args, **options):
        try:
            told = destruction.mend_after_restore(at=timezone.now())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Opened by today's keys again: {told.mended}.")
        self.stdout.write(f"Destroyed after the backup, and so still: {told.destroyed}.")
        if told.lost:
            raise CommandError(f"Lost, since no key opens them: {told.lost}.")
