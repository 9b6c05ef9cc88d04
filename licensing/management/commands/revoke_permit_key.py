"""Take a key away that leaked: `manage.py revoke_permit_key --key=KID --reason=…`."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.permits import revocations
from talent.errors import Refused
from talent.plain_text import MORE_THAN_A_LINE, is_line


class Command(BaseCommand):
    """Takes a signing key away, and all permits that it signed."""

    help = "Take a key away that leaked, with all permits that it signed; another signs at once."

    def add_arguments(self, parser):
        # An option, since ids may begin with a dash; behind "=" that is none of another option.
        parser.add_argument(
            "--key",
            required=True,
            metavar="KID",
            help="id of the key, as the list of keys names it",
        )
        parser.add_argument("--reason", required=True, help="which the permits' holders read")

    def handle(self, *args, **options):
        if not is_line(options["reason"]):
            raise CommandError(MORE_THAN_A_LINE)
        try:
            taken = revocations.take_key_away(
                kid=options["key"], at=timezone.now(), by=None, reason=options["reason"]
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"The key is taken away, and {taken} permits that it signed.")
