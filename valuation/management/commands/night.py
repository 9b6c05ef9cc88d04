"""`manage.py night`: rate what came in, post the difference, draw statements that are due."""

import json
import time
from datetime import date, timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from licensing.models import Agreement
from licensing.usage.totals.check import compare_sums
from licensing.words import Meter
from talent.database.clock import database_now
from talent.errors import Refused
from valuation import night, tasks, watch
from valuation.models import NightRun
from valuation.reports import progress
from valuation.residuals.totals import differences_from_sums, months_that_differ
from valuation.words import RunStatus

# Exit codes, beside 0 of a night that finished and 1 of one that was refused or failed.
INCOMPLETE, CANCELLED = 3, 4
# How often a terminal and a log are told how far a night is, in seconds.
ON_TERMINAL, IN_LOG = 0.5, 30.0


class Command(BaseCommand):
    help = (
        "Rates new usage, posts what is owed, values the twins and draws due statements; or,"
        " with --verify, adds all events up again, and compares them with the sums of their batches"
        " and these with the totals that nights read."
        f" Exits with {INCOMPLETE} if something of the night could not be done, with {CANCELLED}"
        " if somebody cancelled it, and with 1 if it was refused or failed."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--as-of", type=date.fromisoformat, help="The day to run for; today by default."
        )
        parser.add_argument("--json", action="store_true", help="Print the run's record as JSON.")
        parser.add_argument(
            "--verify", action="store_true", help="Run no night; compare events, sums and totals."
        )

    def handle(self, **options):
        if options["verify"]:
            self.verify()
            return
        now = timezone.now()
        as_of = options["as_of"] or timezone.localdate(now)
        killed = list(NightRun.objects.filter(status=RunStatus.RUNNING.value))
        told = Told(self.stderr)
        try:
            run = watch.run(
                as_of=as_of,
                now=now,
                database_now=database_now(),
                watch=told.tell,
                ask_for_help=tasks.ask_for_help,
            )
            told.end()
            if run.status != RunStatus.CANCELLED.value:
                watch.draw_if_due(now=now)
                tasks.value_twins.delay_on_commit()
                tasks.value_scenarios()
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        record = night.record_of(run)
        if options["json"]:
            self.stdout.write(json.dumps(record))
        else:
            for earlier in killed:
                self.stdout.write(
                    f"{earlier} had been killed before its end; it was finished first."
                )
            self.stdout.write(in_words(record))
        self._tell_what_is_left(run)

    def verify(self):
        compared = archived = differing = 0
        for some in compare_sums():
            compared, archived = compared + some.batches, archived + some.archived
            for difference in some.differences:
                differing += 1
                self.stdout.write(difference_in_words(difference))
        totals = months = 0
        for difference in differences_from_sums():
            totals += 1
            self.stdout.write(difference_in_words(difference))
        for difference in months_that_differ():
            months += 1
            self.stdout.write(difference_in_words(difference, "months", "totals"))
        told = f"Compared {compared} batches, left out {archived} with events in an archive:"
        if differing or totals or months:
            raise CommandError(
                f"{told} {differing} sums differ from their events, {totals} totals from the sums,"
                f" {months} months from the totals."
            )
        self.stdout.write(f"{told} all sums are what their events add up to, and totals theirs.")

    def _tell_what_is_left(self, run):
        if run.status == RunStatus.CANCELLED.value:
            text = f"The night was cancelled by {run.cancelled_by}. {run.detail}"
            raise CommandError(text.strip(), returncode=CANCELLED)
        if run.status == RunStatus.INCOMPLETE.value:
            text = f"The night is incomplete. {run.detail} The next night tries them again."
            raise CommandError(text, returncode=INCOMPLETE)


class Told:
    """Tells how far a night is: a terminal by one line that changes, a log now and then."""

    def __init__(self, stream):
        self.stream, self.on_terminal = stream, stream.isatty()
        self.each = ON_TERMINAL if self.on_terminal else IN_LOG
        self.last = time.monotonic()
        self.told = False

    def tell(self, run):
        if time.monotonic() - self.last < self.each:
            return
        self.last, self.told = time.monotonic(), True
        line = how_far(run, progress.of(run, timezone.now()))
        if self.on_terminal:
            # To the first column, and what was longer before is erased.
            self.stream.write(f"\r{line}\x1b[K", ending="")
            self.stream.flush()
        else:
            self.stream.write(line)

    def end(self):
        if self.on_terminal and self.told:
            self.stream.write("")


def how_far(run, far):
    left = f", {_in_words(far.rest)} left" if far.rest is not None else ""
    return (
        f"{run}: {far.percent} %, {far.done + far.failed} of {far.agreements} agreements"
        f" ({far.failed} failed), {far.leaves} of {far.leaves_read} leaves,"
        f" {_amounts(far.amounts)} so far{left}"
    )


def _in_words(rest: timedelta) -> str:
    minutes, seconds = divmod(round(rest.total_seconds()), 60)
    return f"about {minutes} min" if minutes >= 2 else f"{60 * minutes + seconds} s"


def _amounts(amounts):
    return ", ".join(f"{amount} {currency}" for currency, amount in amounts.items()) or "nothing"


def in_words(record):
    return (
        f"Night {record['run']} as of {record['as_of']}: {record['read']} events read, "
        f"{record['rated']} rated, {record['held']} held, {record['zero']} without a price, "
        f"{record['rejected']} not understood; posted {_amounts(record['amounts'])} "
        f"in {record['seconds']} s."
    )


def difference_in_words(difference, ours="totals", theirs="sums"):
    agreement = Agreement.objects.filter(pk=difference.agreement_id).first()
    place = difference.place
    seen = [place.get(name) for name in ("right", "use", "territory", "language", "channel",
                                     "prompt_class", "standing", "treatment")]  # fmt: skip
    labels = dict(Meter.choices())
    more = ", ".join(
        f"{abs(amount).normalize():f} {labels.get(figure, figure).lower()}"
        f" {'more' if amount > 0 else 'less'}"
        for figure, amount in difference.more.items()
    )
    use = (
        f"{agreement or 'no agreement'}, {difference.month_on:%B %Y},"
        f" {', '.join(filter(None, seen))}"
    )
    if difference.batch_id is None:
        return f"The nights, {use}: the {ours} say {more} than the {theirs}."
    return f"Batch {difference.batch_id}, {use}: the sum says {more} than the events."
