"""`manage.py worth --vectors FILE`: value cases that others published, and compare."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from talent.errors import Refused
from valuation.worth.discounting.vectors import run_vectors


class Command(BaseCommand):
    help = "Values the cash flows of a file of vectors and prints a line for each."

    def add_arguments(self, parser):
        parser.add_argument("--vectors", type=Path, required=True, help="A JSON file of cases.")

    def handle(self, **options):
        try:
            file = json.loads(options["vectors"].read_text(encoding="utf-8"))
            outcomes = list(run_vectors(file))
        except (OSError, ValueError, AttributeError, Refused) as failure:
            raise CommandError(f"{options['vectors']} cannot be run: {failure}") from failure
        for outcome in outcomes:
            self.stdout.write(f"{outcome.case}: {outcome.differs or 'passed'}")
        failed = sum(1 for outcome in outcomes if outcome.differs)
        self.stdout.write(f"{len(outcomes) - failed} passed, {failed} failed")
        if failed:
            raise CommandError("Not all cases passed.", returncode=1)
