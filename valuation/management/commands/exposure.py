"""`manage.py exposure`: add up when twins were seen and value them now, or check what was added."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from valuation.worth.twin import assets, seen_days


class Command(BaseCommand):
    help = "Adds up when twins were seen since the last time, and values each twin."

    def add_arguments(self, parser):
        parser.add_argument(
            "--verify",
            action="store_true",
            help="Value nothing; compare seen time with the events.",
        )

    def handle(self, **options):
        if options["verify"]:
            self.verify()
            return
        now = timezone.now()
        stretches = seen_days.add_new_leaves(now=now)
        valued = assets.value_twins(as_of=timezone.localdate(now), now=now)
        self.stdout.write(f"{stretches} stretches of the log added up, {valued} twins valued.")

    def verify(self):
        compared = list(seen_days.compare_seen_time())
        differing = [place for one in compared for place in one.differences]
        unread = [one for one in compared if one.unread]
        for place in differing:
            self.stderr.write(
                f"Twin {place['twin_id']} at agency {place['agency_id']}, {place['channel']} on "
                f"{place['on']}: {place['seconds']} seconds more than the events say."
            )
        for one in unread:
            self.stderr.write(f"{one.run} were not compared: {one.unread}")
        if differing:
            raise CommandError(f"{len(differing)} days differ from their events.")
        if unread:
            raise CommandError(
                f"{len(unread)} of {len(compared)} stretches of the log were not compared; the "
                "others agree with their events."
            )
        self.stdout.write(f"{len(compared)} stretches of the log compared: no difference.")
