"""A run of a night: how far it is, cancelled between two agreements, told apart by its end."""

from datetime import timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from licensing.log import sequencer
from licensing.models import Agreement, Guarantee, RateCard
from talent.models import OutboxMessage
from tests.factories import make_user
from tests.valuation.world import JULY, TONIGHT
from valuation import night, tasks, watch
from valuation.management.commands import night as command
from valuation.models import NightFailure, NightRun, NightShard, ResidualLine, UsageTotal
from valuation.reports import progress
from valuation.residuals import chunks
from valuation.words import RunStatus, ShardStatus, Trouble

pytestmark = pytest.mark.usefixtures("without_statements")
AGREEMENTS = 4


@pytest.fixture
def agreements(world, monkeypatch):
    """Four agreements of ten lines each, at 1.00, each a chunk of its own."""
    monkeypatch.setattr(night, "AT_ONCE", 1)
    world.line(unit_price=D(1))
    world.use("10")
    for number in range(2, AGREEMENTS + 1):
        copy = Agreement.objects.get(pk=world.agreement.pk)
        copy.pk, copy.reference = None, f"NA-{number}"
        copy.save()
        world.card = RateCard.objects.create(agreement=copy, effective_from=JULY)
        world.line(unit_price=D(1))
        world.use("10", agreement=copy)
    return list(Agreement.objects.order_by("pk"))


@pytest.fixture
def clerk(db):
    return make_user("operator@desk.example", is_superuser=True, is_staff=True)


@pytest.fixture
def cancelled(agreements, clerk):
    """A night that somebody cancelled while it rated its second agreement."""

    def cancel_at_the_second(run):
        through = run.shards.exclude(status=ShardStatus.WAITING.value).count()
        if through == 2:
            night.cancel(run_id=run.pk, by=clerk, now=TONIGHT)

    return night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT, watch=cancel_at_the_second)


def posted():
    lines = ResidualLine.objects.order_by("agreement").values_list("agreement", "amount")
    return [(agreement, amount) for agreement, amount in lines]


# Cancelled


def test_what_was_rated_before_a_cancel_stays_and_the_rest_is_left(cancelled, agreements, clerk):
    assert (cancelled.status, cancelled.cancelled_by) == (RunStatus.CANCELLED, clerk)
    assert cancelled.detail == "Agreements left for the next night: 2."
    assert cancelled.amounts == {"USD": "20.00"}
    assert [agreement for agreement, _ in posted()] == [one.pk for one in agreements[:2]]
    assert NightShard.objects.unfinished().count() == 2


def test_a_night_after_a_cancelled_one_comes_to_what_one_night_would(cancelled, agreements):
    night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT)

    assert posted() == [(one.pk, D(10)) for one in agreements]
    assert not NightShard.objects.unfinished().exists()
    night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT)
    assert len(posted()) == AGREEMENTS


def test_what_a_cancelled_night_read_of_agreements_it_left_is_added_up_once(cancelled):
    read = UsageTotal.objects.read().order_by("agreement").values_list("agreement", "leaves")
    totals = list(read)

    assert [leaves for _, leaves in totals] == [1] * AGREEMENTS
    assert (cancelled.events_read, cancelled.events_rated, cancelled.events_held) == (4, 2, 2)
    night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT)
    assert list(read.all()) == totals


def test_nobody_helps_with_a_night_that_was_cancelled(agreements, clerk):
    sequencer.seal(at=TONIGHT)
    run = night.start(TONIGHT.date(), TONIGHT, "UTC")
    night.cancel(run_id=run.pk, by=clerk, now=TONIGHT)
    waiting = list(run.shards.values_list("pk", flat=True))

    assert len(waiting) == AGREEMENTS
    assert night.help_to_rate(run_id=run.pk, now=TONIGHT, at_most=9) == 0
    # Nor with what was taken just before.
    assert chunks.rate_and_post(run=run, shard_ids=waiting, now=TONIGHT) == []
    assert posted() == []


def test_a_cancelled_night_that_was_killed_ends_cancelled_and_the_next_rates_the_rest(
    agreements, clerk
):
    def cancel_and_die(run):
        night.cancel(run_id=run.pk, by=clerk, now=TONIGHT)
        raise SystemExit

    with pytest.raises(SystemExit):
        night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT, watch=cancel_and_die)
    night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT)

    first, second = NightRun.objects.order_by("pk")
    assert (first.status, first.kills) == (RunStatus.CANCELLED, 1)
    assert second.status == RunStatus.FINISHED
    assert posted() == [(one.pk, D(10)) for one in agreements]


def test_a_night_that_was_cancelled_too_late_has_finished(agreements, clerk):
    def cancel_at_the_last(run):
        if not run.shards.filter(status=ShardStatus.WAITING.value).exists():
            night.cancel(run_id=run.pk, by=clerk, now=TONIGHT)

    run = night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT, watch=cancel_at_the_last)

    assert (run.status, run.cancelled_at) == (RunStatus.FINISHED, TONIGHT)


def test_only_a_running_night_is_cancelled_and_once(cancelled, clerk):
    with pytest.raises(night.NightNotCancelled):
        night.cancel(run_id=cancelled.pk, by=clerk, now=TONIGHT)


def test_a_cancelled_night_is_not_started_again_by_itself_and_draws_nothing(cancelled):
    assert watch.due_day(TONIGHT) is None
    assert watch.draw_if_due(now=TONIGHT) == []
    assert NightRun.objects.get().drawn_at is None


# How far it is


def test_progress_counts_agreements_leaves_and_money(agreements):
    Guarantee.objects.create(agreement=agreements[0], amount=D(50), period="quarter")
    seen = []

    def look(run):
        seen.append(progress.of(run, run.rating_since + timedelta(seconds=10)))

    run = night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT, watch=look)

    first = seen[0]
    assert (first.done, first.failed, first.left, first.percent) == (1, 0, 3, 25)
    assert (first.leaves, first.leaves_read) == (1, 4)
    assert first.amounts == {"USD": D(10)}
    # One agreement took ten seconds, so three take thirty.
    assert first.rest == timedelta(seconds=30)
    last = progress.of(run, TONIGHT)
    assert (last.percent, last.left, last.rest) == (100, 0, None)
    # With the true-up from the first one's 10 to the 50 guaranteed, which no agreement's part told.
    assert last.amounts == {"USD": D(80)}


def test_the_pace_of_a_night_that_was_killed_is_that_of_who_goes_on(agreements):
    with pytest.raises(SystemExit):
        night.rate_and_match(
            as_of=TONIGHT.date(), now=TONIGHT, watch=lambda _run: (_ for _ in ()).throw(SystemExit)
        )
    seen = []

    def look(run):
        seen.append(progress.of(run, run.rating_since + timedelta(seconds=4)))

    night.rate_and_match(as_of=TONIGHT.date(), now=TONIGHT, watch=look)

    # Two of four are through, one of them in these four seconds.
    assert (seen[0].percent, seen[0].rest) == (50, timedelta(seconds=8))


# What is said of it


def ended(**options):
    """Run the command; return what it printed, and its exit code."""
    out, err = StringIO(), StringIO()
    try:
        call_command("night", stdout=out, stderr=err, **options)
    except CommandError as end:
        return out.getvalue() + str(end), end.returncode
    return out.getvalue(), 0


def test_the_command_tells_a_finished_night_from_an_incomplete_one(agreements, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(night, "rate_and_post", lambda **_: (_ for _ in ()).throw(RuntimeError))
        said, code = ended()
    assert code == command.INCOMPLETE
    assert "The night is incomplete. Agreements that could not be rated: 4." in said

    said, code = ended()
    assert code == 0
    assert "posted 40.00 USD" in said
    assert "incomplete" not in said


def test_the_command_says_that_use_was_set_aside(world):
    world.line(unit_price=D("3.90"))
    world.use("99999999999999.999999", "99999999999999.999999")

    said, code = ended()

    assert code == command.INCOMPLETE
    assert "Agreements with use set aside: 1." in said
    assert "could not be rated" not in said


def test_the_command_says_that_a_killed_night_was_finished_first(agreements):
    with pytest.raises(SystemExit):
        night.rate_and_match(
            as_of=TONIGHT.date(), now=TONIGHT, watch=lambda _run: (_ for _ in ()).throw(SystemExit)
        )
    killed = NightRun.objects.get()

    said, code = ended()

    assert code == 0
    assert f"{killed} had been killed before its end; it was finished first." in said


def test_the_command_says_who_cancelled_the_night(agreements, clerk, monkeypatch):
    def cancel(_told, run):
        if run.cancelled_at is None:
            NightRun.objects.filter(pk=run.pk).update(cancelled_at=TONIGHT, cancelled_by=clerk)

    monkeypatch.setattr(command.Told, "tell", cancel)

    said, code = ended()

    assert code == command.CANCELLED
    assert f"cancelled by {clerk}. Agreements left for the next night: 3." in said


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "each"), [(Terminal, "\r"), (StringIO, "\n")])
def test_a_terminal_is_told_on_one_line_and_a_log_line_by_line(
    agreements, monkeypatch, stream, each
):
    monkeypatch.setattr(command, "ON_TERMINAL", 0)
    monkeypatch.setattr(command, "IN_LOG", 0)
    err = stream()

    call_command("night", stdout=StringIO(), stderr=err)

    lines = [line for line in err.getvalue().split(each) if line.strip()]
    assert len(lines) == AGREEMENTS
    assert "25 %, 1 of 4 agreements (0 failed), 1 of 4 leaves, 10.00 USD so far" in lines[0]


@pytest.mark.parametrize(
    ("trouble", "subject", "next_step"),
    [
        (Trouble.FAILED, "failed and needs you", "within the hour"),
        (Trouble.INCOMPLETE, "is incomplete and needs you", "The next night tries again"),
        (Trouble.CANCELLED, "was cancelled", "agreements that were left"),
    ],
)
def test_mails_tell_a_failed_an_incomplete_and_a_cancelled_night_apart(
    world, clerk, trouble, subject, next_step
):
    code = "clock_is_wrong" if trouble is Trouble.FAILED else trouble.value

    watch.report(as_of=TONIGHT.date(), now=TONIGHT, code=code, detail="So it was.")

    mail = OutboxMessage.objects.get()
    assert subject in mail.subject
    assert next_step in mail.body
    assert NightFailure.objects.in_trouble(trouble).count() == 1
    others = [other for other in Trouble if other is not trouble]
    assert not any(NightFailure.objects.in_trouble(other).exists() for other in others)


def test_a_cancelled_night_is_reported_and_is_no_failed_job(agreements, clerk, monkeypatch):
    monkeypatch.setattr(
        night, "is_cancelled", lambda run: NightRun.objects.filter(pk=run.pk).update(
            cancelled_at=TONIGHT, cancelled_by=clerk
        )
    )  # fmt: skip
    # What is sealed after midnight is left for the next night, whenever this test runs.
    sequencer.seal(at=TONIGHT)

    record = tasks.night()

    assert record["status"] == RunStatus.CANCELLED
    failure = NightFailure.objects.get()
    assert failure.trouble is Trouble.CANCELLED
    assert failure.detail == f"Cancelled by {clerk}. Agreements left for the next night: 4."
