"""Loads the dated rules and figures of the field into the database."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.agreements.clauses.wording import ClauseIsBroken
from licensing.agreements.document import clause_versions
from licensing.agreements.rules.rulebook import RulebookIsBroken
from licensing.agreements.rules.rulesets import load_rules


class Command(BaseCommand):
    help = "Load the rules and figures of the field, and the clause library. May be run again."

    def handle(self, *args, **options):
        try:
            loaded = load_rules()
            clauses = clause_versions.load_library(at=timezone.now())
        except (RulebookIsBroken, ClauseIsBroken) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{loaded.rules} rules are in the rulebook, {loaded.new} of them new.")
        self.stdout.write(f"{clauses} versions of clauses are new in the library.")
