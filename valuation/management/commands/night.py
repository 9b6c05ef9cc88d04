"""`manage.py night`: rate what came in, post the difference, draw statements that are due."""

import json
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent.database.clock import database_now
from talent.errors import Refused
from valuation import night, tasks, watch


class Command(BaseCommand):
    help = "Rates new usage, posts what is owed, values the twins and draws due statements."

    def add_arguments(self, parser):
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="The day to run for; today by default."
        )
        parser.add_argument("--json", action="store_true", help="Print the run's record as JSON.")

    def handle(self, **options):
        now = timezone.now()
        as_of = options["as_of"] or timezone.localdate(now)
        try:
            run = watch.run(as_of=as_of, now=now, database_now=database_now())
            watch.draw_if_due(now=now)
            record = night.record_of(run)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        tasks.value_scenarios()
        self.stdout.write(json.dumps(record) if options["json"] else in_words(record))


def in_words(record):
    amounts = ", ".join(f"{amount} {currency}" for currency, amount in record["amounts"].items())
    return (
        f"Night {record['run']} as of {record['as_of']}: {record['read']} events read, "
        f"{record['rated']} rated, {record['held']} held, {record['zero']} without a price, "
        f"{record['rejected']} not understood; posted {amounts or 'nothing'} "
        f"in {record['seconds']} s."
    )
