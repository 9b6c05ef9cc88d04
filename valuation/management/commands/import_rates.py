"""`manage.py import_rates FILE`: the European Central Bank's reference rates, from its CSV."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent.errors import Refused
from valuation.ledger import ecb, rates


class Command(BaseCommand):
    help = (
        "Stores the rates of the European Central Bank’s file eurofxref-hist.csv. A rate that is"
        " stored already is left alone; one that differs becomes another row and counts from now."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, help="The file, unpacked.")

    def handle(self, **options):
        try:
            with options["file"].open("rb") as file:
                content = file.read(ecb.MOST_BYTES + 1)
            report = rates.record(ecb.read(content), by=None, now=timezone.now())
        except (OSError, Refused) as failure:
            raise CommandError(f"{options['file']} was not imported: {failure}") from failure
        self.stdout.write(
            f"{report.new} new rates, {report.corrected} corrected, {report.known} known before."
        )
