"""Loads the demo: two agencies, a dozen invented performers, and a summer of use."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from likenessdesk.demo.scale import grow
from likenessdesk.demo.seed import Seeded, seed
from talent.errors import Refused


class Command(BaseCommand):
    help = "Load the demo. Running it again keeps what is there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scale",
            type=int,
            default=0,
            metavar="N",
            help="write N further events, for load work",
        )

    def handle(self, *args, **options):
        at = timezone.now()
        try:
            self.report(seed(at))
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for events in grow(options["scale"], at):
            self.stdout.write(f"{events:,} of {options['scale']:,} further events are written.")

    def report(self, seeded: Seeded) -> None:
        if not seeded.events:
            self.stdout.write("The demo is here already; nothing was changed.")
            return
        self.stdout.write(f"The demo is loaded, with {seeded.events} events of use.")
        self.stdout.write("API keys, shown this once:")
        for agency, licensee, secret in seeded.keys:
            self.stdout.write(f"  {licensee} with {agency}: {secret}")
