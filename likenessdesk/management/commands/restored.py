"""`manage.py restored`: go on with a database that was restored from a backup, or moved."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent import installation
from talent.errors import Refused


class Command(BaseCommand):
    help = (
        "Says that this database is the desk's from now on. No number is given out again that the"
        " desk may have given out after the backup."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--skip",
            type=int,
            default=installation.SKIPPED,
            help="How many numbers of each kind to leave out.",
        )

    def handle(self, **options):
        try:
            sequences = installation.go_on_after_restore(
                key_encryption_key=settings.KEY_ENCRYPTION_KEY,
                at=timezone.now(),
                skip=options["skip"],
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"This database is the desk's now. {sequences} kinds of numbers leave out"
            f" {options['skip']:,} each, and the next statements are numbered with"
            f" R{installation.restores()}. What was recorded after the backup is gone: have the"
            " studios send their usage again; what is known is not counted twice."
        )
