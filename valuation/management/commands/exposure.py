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
        compared = archived = 0
        differing = []
        for one in seen_days.compare_seen_time():
            compared += 1
            archived += one.differences is None
            differing += one.differences or ()
        for place in differing:
            self.stderr.write(
                f"Twin {place['twin_id']} at agency {place['agency_id']}, {place['channel']} on "
                f"{place['on']}: {place['seconds']} seconds more than the events say."
            )
        if differing:
            raise CommandError(f"{len(differing)} days differ from their events.")
        left_out = f"; {archived} of them lie in archives in part" if archived else ""
        self.stdout.write(f"{compared} stretches of the log compared{left_out}: no difference.")
