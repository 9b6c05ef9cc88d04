"""`manage.py value_twins`: value every scenario in use now, or reckon stored valuations again."""

from collections.abc import Callable, Iterator
from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone

from licensing.money import rounded
from talent.errors import Refused
from talent.models.names import relations_of_name
from valuation.models import Scenario, TwinValuation, Valuation
from valuation.worth.scenario import valuations
from valuation.worth.twin import assets

AT_ONCE = 100


class Command(BaseCommand):
    help = "Values every scenario in use and prints V."

    def add_arguments(self, parser):
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="The day to value for; today by default."
        )
        parser.add_argument(
            "--verify",
            action="store_true",
            help="Value nothing; reckon every stored valuation again from its own inputs.",
        )

    def handle(self, **options):
        if options["verify"]:
            self.verify()
            return
        now = timezone.now()
        as_of = options["as_of"] or timezone.localdate(now)
        if as_of > timezone.localdate(now):
            raise CommandError(f"{as_of} has not begun: nobody knows yet what is used by then.")
        for scenario in Scenario.objects.in_use().order_by("name", "pk"):
            self.stdout.write(f"{scenario.name}: {_worth(scenario, as_of, now)}")

    def verify(self):
        drawn = Valuation.objects.exclude(outcome=None)
        scenarios = self.compared(drawn, valuations.CODE_VERSION, valuations.what_differs)
        twins = self.compared(TwinValuation.objects.all(), assets.CODE_VERSION, assets.what_differs)
        differing = sum([*scenarios, *twins])
        if differing:
            raise CommandError(f"{differing} valuations do not come out as stored.", returncode=1)
        self.stdout.write(
            f"Valuations that come out as stored: {len(scenarios)} of scenarios, "
            f"{len(twins)} of twins."
        )
        older = drawn.exclude(code_version=valuations.CODE_VERSION).count()
        older += TwinValuation.objects.exclude(code_version=assets.CODE_VERSION).count()
        if older:
            self.stdout.write(f"Reckoned by an earlier version, and not again: {older}.")

    def compared(self, rows: QuerySet, code_version: str, what_differs: Callable) -> list[bool]:
        """Return of each row of a version whether it differs, and print those that do."""
        related = relations_of_name(rows.model)
        found = []
        for row in _read(rows.filter(code_version=code_version).select_related(*related)):
            differs = what_differs(row)
            if differs:
                self.stderr.write(f"{row} ({row.pk}): {differs}")
            found.append(bool(differs))
        return found


def _read(rows: QuerySet) -> Iterator:
    return rows.order_by("pk").iterator(chunk_size=AT_ONCE)


def _worth(scenario, as_of, now):
    try:
        valued = valuations.value_scenario(scenario_id=scenario.pk, as_of=as_of, now=now)
    except Refused as refusal:
        return f"not valued. {refusal}"
    return f"V = {rounded(valued.total, valued.currency)} {valued.currency}"
