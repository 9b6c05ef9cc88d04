"""Rotate the key that signs permits."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from licensing.permits import keys


class Command(BaseCommand):
    """Publishes another key to sign permits with; permits of the old one stay good."""

    help = "Publish a new key that signs permits once all can know it; older permits stay good."

    def handle(self, *args: object, **options: object) -> None:
        key = keys.rotate(at=timezone.now())
        signs_from = f"{key.made_at + keys.KEYS_KEPT:%Y-%m-%d %H:%M %Z}"
        self.stdout.write(f"Key {key} is published now and signs permits from {signs_from} on.")
