"""Puts the vault right after the database was restored from a backup."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent.custody import destruction, places
from talent.errors import Refused


class Command(BaseCommand):
    help = (
        "After a restore: what was destroyed since the backup stays destroyed, and what lives is"
        " opened by the keys of today. Running it again changes nothing."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--delete-unknown",
            action="store_true",
            help="Delete the files that were stored after the backup, which no row names.",
        )

    def handle(self, *args, delete_unknown, **options):
        try:
            told = destruction.mend_after_restore(at=timezone.now())
            unknown = destruction.files_without_a_row()
            for place in unknown if delete_unknown else ():
                places.delete(place)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Opened by today's keys again: {told.mended}.")
        self.stdout.write(f"Destroyed after the backup, and so still: {told.destroyed}.")
        if unknown:
            done = "deleted" if delete_unknown else "--delete-unknown deletes them"
            self.stdout.write(
                f"Stored after the backup, and named by no row: {len(unknown)}: {done}."
            )
        if told.lost:
            raise CommandError(f"Lost, since no key opens them: {told.lost}.")
