"""`manage.py check_documents`: whether each signed document is still the one that was signed."""

from django.core.management.base import BaseCommand, CommandError

from licensing.agreements.signing import kept


class Command(BaseCommand):
    help = "Read every document that was sent or signed, and compare it with its digest."

    def handle(self, **options):
        faults = list(kept.faults())
        for fault in faults:
            self.stdout.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} of what is kept is not as it was kept.")
        self.stdout.write("Every document is as it was signed.")
