"""`manage.py take_back_night`: the way back from a night that ran as of a wrong day."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent.errors import Refused
from valuation import night


class Command(BaseCommand):
    help = (
        "Takes back a night that ran as of a wrong day, and those after it. The next night may be"
        " of an earlier day again, and posts back what they posted too early."
    )

    def add_arguments(self, parser):
        parser.add_argument("night", type=int, help="The night's number, as the admin shows it.")
        parser.add_argument("--because", required=True, help="Why; it is kept with the night.")

    def handle(self, **options):
        try:
            taken = night.take_back(
                run_id=options["night"], because=options["because"], now=timezone.now()
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for run in taken:
            self.stdout.write(f"{run} is taken back.")
        self.stdout.write("Now run `manage.py night`.")
