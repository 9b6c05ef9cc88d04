"""Tells what loading the rule files would change, and what hangs on it. Writes nothing."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.agreements.rules.rulebook import RULES_DIRECTORY, RulebookIsBroken, read_rulebook
from talent import locales
from valuation.reports.law_changes import ChangeInMoney, in_money


class Command(BaseCommand):
    help = "Tell which agreements would read otherwise if the rule files were loaded, with money."

    def add_arguments(self, parser):
        parser.add_argument(
            "directory", nargs="?", type=Path, default=RULES_DIRECTORY, help="Of rule files."
        )

    def handle(self, *args, directory, **options):
        try:
            sought = read_rulebook(directory)
        except RulebookIsBroken as error:
            raise CommandError(str(error)) from error
        changes = in_money(sought, at=timezone.now())
        for change in changes:
            self.stdout.write(_told(change))
        agreements = {change.change.agreement.pk for change in changes}
        self.stdout.write(f"{len(agreements)} agreements would read otherwise. Nothing was loaded.")


def _told(one: ChangeInMoney) -> str:
    change = one.change
    verdicts = [
        result.label.lower() if result else "does not count"
        for result in (change.before, change.after)
    ]
    money = [
        f"{locales.money(amount, one.currency, 'en')} {one.currency}"
        for amount in (one.since, one.year_before)
    ]
    turn = f"{verdicts[0]} → {verdicts[1]}"
    lines = [
        f"{change.agreement}: {change.title}, from {change.since.isoformat()}: {turn}.",
        f"  {change.says} {change.mend}".rstrip(),
        f"  {one.lines} residual lines since then come to {money[0]}; the year before: {money[1]}.",
    ]
    if change.matrices:
        lines.append(f"  Consents it rests on: {', '.join(map(str, change.matrices))}.")
    return "\n".join(lines)
