"""`manage.py export_ledger`: an agency's journal as text for Beancount or hledger."""

from django.core.management.base import BaseCommand, CommandError

from talent.models import Agency
from valuation.ledger import journal
from valuation.models import JournalEntry
from valuation.words import LedgerSyntax


class Command(BaseCommand):
    help = "Prints an agency's journal in the language of Beancount or hledger."

    def add_arguments(self, parser):
        parser.add_argument("agency", help="The agency's slug.")
        parser.add_argument(
            "--syntax",
            choices=[syntax.value for syntax in LedgerSyntax],
            default=LedgerSyntax.BEANCOUNT.value,
        )

    def handle(self, **options):
        agency = Agency.objects.filter(slug=options["agency"]).first()
        if agency is None:
            raise CommandError(f"No agency has the slug “{options['agency']}”.")
        entries = JournalEntry.objects.filter(agency=agency)
        for text in journal.export(entries=entries, syntax=LedgerSyntax(options["syntax"])):
            self.stdout.write(text, ending="")
