"""`manage.py lost_key`: go on with another key-encryption key, once the old one is lost."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent import installation
from talent.errors import Refused

LOST = """\
What the lost key sealed is lost with it:
  texts of prompts: nobody reads them again; their digests and what was paid for them stay;
  secrets of webhooks: choose “New secret” for each address and tell its receiver;
  keys that sign permits: run `manage.py rotate_permit_key`;
  bank details: have each entered and approved anew;
  files of payout runs that were not fetched: cancel the runs, and draw them up anew;
  sheets that wait for their import: have them sent again."""


class Command(BaseCommand):
    help = "Says what is lost with a key-encryption key, and lets the desk go on with another."

    def add_arguments(self, parser):
        parser.add_argument(
            "--accept", action="store_true", help="Seal with the present key from now on."
        )

    def handle(self, **options):
        if not options["accept"]:
            self.stdout.write(f"{LOST}\nIf you looked everywhere: `manage.py lost_key --accept`.")
            return
        try:
            installation.accept_lost_key(
                key_encryption_key=settings.KEY_ENCRYPTION_KEY, at=timezone.now()
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"The desk seals with the present key from now on.\n{LOST}")
