"""`manage.py usage_partitions`: look after the tables of usage, and the files of old ones."""

from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max
from django.utils import timezone

from licensing.models import EventArchive
from licensing.usage.archive import archives, partitions
from talent.errors import Refused
from valuation.models import NightRun


class Command(BaseCommand):
    help = (
        "Lists the partitions of usage events; makes empty ones ahead of need; puts old ones into"
        " files in place of their tables, and brings them back."
    )

    def add_arguments(self, parser):
        steps = parser.add_subparsers(dest="step", metavar="{make,detach,attach}")
        steps.add_parser("make", help="Make empty partitions ahead; the timetable does it hourly.")
        detach = steps.add_parser("detach", help="Put all old enough into files.")
        detach.add_argument(
            "--days", type=int, default=settings.ARCHIVE_AFTER_DAYS, help="How old, by receipt."
        )
        attach = steps.add_parser("attach", help="Bring an archive's events back into tables.")
        attach.add_argument("first_id", type=int, help="The archive's first event.")

    def handle(self, **options):
        try:
            {"make": self.make, "detach": self.detach, "attach": self.attach, None: self.show}[
                options["step"]
            ](options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal

    def make(self, options):
        rows, ahead = settings.EVENTS_IN_A_PARTITION, settings.PARTITIONS_AHEAD
        for partition in partitions.make_ahead(rows=rows, ahead=ahead):
            self.stdout.write(f"Made: events {partition}.")

    def detach(self, options):
        now = timezone.now()
        rule = {
            "rated_to": NightRun.objects.aggregate(end=Max("to_index"))["end"] or 0,
            "received_before": now - timedelta(days=options["days"]),
        }
        for partition in archives.archivable_partitions(**rule):
            archive = archives.detach(partition, at=now, **rule)
            self.stdout.write(
                f"Detached: {archive.events:,} events {partition}, in {archive.file.path}."
            )

    def attach(self, options):
        archive = archives.attach(first_id=options["first_id"])
        self.stdout.write(f"Attached: {archive.events:,} events; the file stays.")

    def show(self, options):
        newest = partitions.newest_id()
        for archive in EventArchive.objects.in_place_of_tables().order_by("first_id"):
            events = f"Events {archive.first_id} to {archive.end_id - 1}"
            self.stdout.write(f"{events}: in {archive.file.path}")
        for partition in partitions.attached_partitions():
            state = "empty" if partition.starts > newest else "in use"
            self.stdout.write(f"Events {partition}: {state}")
