"""Rotate the key that signs permits."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from licensing.permits import keys


class Command(BaseCommand):
    """Retires the key that signs permits and makes another; permits of the old one stay good."""

    help = "Sign permits with a new key from now on; permits signed before stay good."

    def handle(self, *args: object, **options: object) -> None:
        key = keys.rotate(at=timezone.now())
        self.stdout.write(f"Permits are signed with key {key} from now on.")
