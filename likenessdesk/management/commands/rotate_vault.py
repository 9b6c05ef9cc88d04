"""Wraps the headers of the vault's items for today's keys of desk and escrow holder."""

from django.core.management.base import BaseCommand, CommandError

from talent.custody import keys
from talent.errors import Refused


class Command(BaseCommand):
    help = (
        "After VAULT_IDENTITY or VAULT_ESCROW changed, and the key before stands in"
        " VAULT_OLD_IDENTITIES: wraps every header for the keys of now. Files are not touched; what"
        " was done stays done, and running it again goes on with the rest."
    )

    def handle(self, *args, **options):
        while True:
            try:
                rotation = keys.rotate()
            except Refused as refusal:
                raise CommandError(str(refusal)) from refusal
            self.stdout.write(f"{rotation.done} of {rotation.total} are wrapped for today's keys.")
            if rotation.failed:
                raise CommandError(f"None of the desk's keys opens {rotation.failed}.")
            if rotation.done == rotation.total or not rotation.now:
                return
