"""`manage.py night`: rate what came in, post the difference, draw statements that are due."""

import json
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.models import Agreement
from licensing.usage.totals.check import compare_sums
from licensing.words import Meter
from talent.database.clock import database_now
from talent.errors import Refused
from valuation import night, tasks, watch


class Command(BaseCommand):
    help = (
        "Rates new usage, posts what is owed, values the twins and draws due statements; or,"
        " with --verify, adds all events up again and compares them with the sums of their batches."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="The day to run for; today by default."
        )
        parser.add_argument("--json", action="store_true", help="Print the run's record as JSON.")
        parser.add_argument(
            "--verify", action="store_true", help="Run no night; compare the sums with the events."
        )

    def handle(self, **options):
        if options["verify"]:
            self.verify()
            return
        now = timezone.now()
        as_of = options["as_of"] or timezone.localdate(now)
        try:
            run = watch.run(
                as_of=as_of, now=now, database_now=database_now(), ask_for_help=tasks.ask_for_help
            )
            watch.draw_if_due(now=now)
            record = night.record_of(run)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        tasks.value_scenarios()
        self.stdout.write(json.dumps(record) if options["json"] else in_words(record))

    def verify(self):
        compared = archived = differing = 0
        for some in compare_sums():
            compared, archived = compared + some.batches, archived + some.archived
            for difference in some.differences:
                differing += 1
                self.stdout.write(difference_in_words(difference))
        told = f"Compared {compared} batches, left out {archived} with events in an archive:"
        if differing:
            raise CommandError(f"{told} {differing} sums differ from their events.")
        self.stdout.write(f"{told} all sums are what their events add up to.")


def in_words(record):
    amounts = ", ".join(f"{amount} {currency}" for currency, amount in record["amounts"].items())
    return (
        f"Night {record['run']} as of {record['as_of']}: {record['read']} events read, "
        f"{record['rated']} rated, {record['held']} held, {record['zero']} without a price, "
        f"{record['rejected']} not understood; posted {amounts or 'nothing'} "
        f"in {record['seconds']} s."
    )


def difference_in_words(difference):
    agreement = Agreement.objects.filter(pk=difference.agreement_id).first()
    place = difference.place
    seen = [place[name] for name in ("right", "use", "territory", "language", "channel",
                                     "prompt_class", "standing", "treatment")]  # fmt: skip
    labels = dict(Meter.choices())
    more = ", ".join(
        f"{abs(amount).normalize():f} {labels.get(figure, figure).lower()}"
        f" {'more' if amount > 0 else 'less'}"
        for figure, amount in difference.more.items()
    )
    return (
        f"Batch {difference.batch_id}, {agreement or 'no agreement'},"
        f" {difference.month_on:%B %Y}, {', '.join(filter(None, seen))}:"
        f" the sum says {more} than the events."
    )
