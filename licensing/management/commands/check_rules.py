"""Runs the worked cases of the rules against the rule files."""

from django.core.management.base import BaseCommand, CommandError

from licensing.agreements.checks.cases import failing, read_cases
from licensing.agreements.checks.registry import CHECKS
from licensing.agreements.rules.rulebook import RulebookIsBroken, read_rulebook


class Command(BaseCommand):
    help = "Ask each rule its worked cases. Ends with 1 where one says otherwise."

    def handle(self, *args, **options):
        try:
            rules, cases = read_rulebook(), read_cases()
        except RulebookIsBroken as error:
            raise CommandError(str(error)) from error
        wrong = failing(cases, rules)
        for case, said in wrong:
            self.stderr.write(f"{case}: worked to {case.result}, and the rule says {said}.")
        if wrong:
            raise CommandError(f"{len(wrong)} of {len(cases)} worked cases fail.")
        self.stdout.write(f"{len(cases)} worked cases of {len(CHECKS)} checks hold.")
