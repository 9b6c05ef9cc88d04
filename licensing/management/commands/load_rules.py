"""Loads the dated rules and figures of the field into the database."""

from django.core.management.base import BaseCommand, CommandError

from licensing.agreements.rulebook import RulebookIsBroken
from licensing.agreements.rulesets import load_rules


class Command(BaseCommand):
    help = "Load the rules and figures of the field. Running it again updates them."

    def handle(self, *args, **options):
        try:
            loaded = load_rules()
        except RulebookIsBroken as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{loaded.rules} rules are in the rulebook, {loaded.new} of them new.")
