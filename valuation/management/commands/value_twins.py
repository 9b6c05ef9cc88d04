"""`manage.py value_twins`: value every scenario in use now, without waiting for the night."""

from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.money import rounded
from talent.errors import Refused
from valuation.models import Scenario
from valuation.worth.scenario import valuations


class Command(BaseCommand):
    help = "Values every scenario in use and prints V."

    def add_arguments(self, parser):
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="The day to value for; today by default."
        )

    def handle(self, **options):
        now = timezone.now()
        as_of = options["as_of"] or timezone.localdate(now)
        if as_of > timezone.localdate(now):
            raise CommandError(f"{as_of} has not begun: nobody knows yet what is used by then.")
        for scenario in Scenario.objects.in_use().order_by("name", "pk"):
            self.stdout.write(f"{scenario.name}: {_worth(scenario, as_of, now)}")


def _worth(scenario, as_of, now):
    try:
        valued = valuations.value_scenario(scenario_id=scenario.pk, as_of=as_of, now=now)
    except Refused as refusal:
        return f"not valued. {refusal}"
    return f"V = {rounded(valued.total, valued.currency)} {valued.currency}"
