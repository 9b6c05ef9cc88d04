"""`manage.py prepare`: migrate, collect static files, load the demo, run its first night."""

import contextlib
import time

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from talent.errors import Refused


class CommandInSteps(BaseCommand):
    """A command that prints each step as it begins, and how long it took."""

    # System checks need the database, which these commands prepare first.
    requires_system_checks = ()

    @contextlib.contextmanager
    def step(self, text):
        self.say(f"{text} …")
        begun = time.monotonic()
        yield
        self.say(f"{text}: done in {time.monotonic() - begun:.1f} s")

    def say(self, text):
        self.stdout.write(text)
        self.stdout.flush()


class Command(CommandInSteps):
    help = "Migrate, collect static files, load the demo, and run its first night."

    def handle(self, **options):
        # Imported here: who prepares or runs a desk from outside has no models yet.
        from likenessdesk.demo.deals_under_way import begin_deals
        from likenessdesk.demo.money_in_full import tell_in_full
        from likenessdesk.demo.money_under_way import move_money

        with self.step("Preparing the database"):
            call_command("migrate", stdout=self.stdout)
        with self.step("Collecting static files"):
            call_command("collectstatic", interactive=False, verbosity=0)
        try:
            with self.step("Loading the demo"):
                call_command("seed_demo", stdout=self.stdout)
            with self.step("Running the first night"):
                call_command("first_night", stdout=self.stdout)
            with self.step("Beginning what is under way"):
                begin_deals(timezone.now())
                move_money(timezone.now())
                tell_in_full(timezone.now())
        except (CommandError, Refused) as refusal:
            self.say(f"The demo was left out: {refusal}")
