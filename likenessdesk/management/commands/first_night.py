"""The demo's first night: rates the summer, issues one agency's statements, shows the way in."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from likenessdesk.demo.cast import HOUSES, OPERATOR, PLAYERS
from likenessdesk.demo.first_night import issue_statements, rate_and_correct
from likenessdesk.demo.lineage import tell_of_lineage
from likenessdesk.demo.people import PASSWORD
from likenessdesk.demo.recordings import store_recordings
from talent.errors import Refused
from valuation import night, tasks
from valuation.management.commands.night import in_words


class Command(BaseCommand):
    help = "Run the demo's first night and issue one agency's statements."

    def handle(self, *args, **options):
        now = timezone.now()
        try:
            runs = rate_and_correct(as_of=timezone.localdate(now), now=now)
            issued = issue_statements(at=now)
            store_recordings(now)
            tell_of_lineage(now)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        tasks.value_twins()
        tasks.value_scenarios()
        for run in runs:
            self.stdout.write(in_words(night.record_of(run)))
        for statement in issued.new:
            self.stdout.write(f"Issued {statement.number}: {statement.beneficiary or 'roll-up'}")
        if issued.shown:
            self.stdout.write(f"A statement to look at: {issued.shown.pdf.path}")
        self.stdout.write(logins())


def logins() -> str:
    """Say who may sign in, and where to."""
    staff = [
        f"  {seat.person.email:<32} {house.name}, {seat.role.label.lower()}"
        for house in HOUSES
        for seat in house.seats
    ]
    portal = [f"  {player.person.email:<32} {player.name}" for player in PLAYERS if player.portal]
    portal += [
        f"  {delegate.person.email:<32} {delegate.kind.label.lower()} of {player.name}"
        for player in PLAYERS
        if (delegate := player.delegate)
    ]
    asked = settings.SECOND_FACTOR_ROLES
    second_factor = [] if asked else ["Nobody is asked for a second factor here."]
    return "\n".join(
        [
            f"Everybody's password is {PASSWORD}",
            *second_factor,
            "Staff (admin):",
            f"  {OPERATOR.email:<32} the operator, who sees everything",
            *staff,
            "Performers and those who act for them (portal):",
            *portal,
        ]
    )
