"""The watch over the night: what was killed or missed is due still; what failed is told."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from licensing.log.sequencer import seal
from talent.database import locks
from talent.models import OutboxMessage
from talent.words import Role
from tests.factories import make_member
from tests.valuation.world import TONIGHT
from valuation import night, tasks, watch
from valuation.models import NightFailure, NightRun, NightShard, ResidualLine, Statement
from valuation.residuals.totals import last_rated
from valuation.words import RunStatus, ShardStatus

pytestmark = pytest.mark.usefixtures("without_statements")
TODAY = TONIGHT.date()
EVENING = datetime(2026, 11, 21, 23, tzinfo=UTC)


def run_if_due(now=TONIGHT, database_now=None):
    return watch.run_if_due(now=now, database_now=database_now or now)


def posted():
    return sum(ResidualLine.objects.values_list("amount", flat=True))


@pytest.fixture
def killed(world, monkeypatch):
    """A night whose process was killed while it rated its one agreement."""
    world.line(unit_price=D(1))
    world.use("10")

    def kill():
        with monkeypatch.context() as patched:
            patched.setattr(night, "_rate", lambda *_: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                run_if_due()

    kill()
    return kill


def fail(monkeypatch, failure):
    monkeypatch.setattr(night.sequencer, "seal", lambda **_: (_ for _ in ()).throw(failure))


# When it is due


def test_the_night_is_due_once_a_day_from_a_quarter_past_two(world):
    assert run_if_due(EVENING).as_of == date(2026, 11, 21)
    assert run_if_due(datetime(2026, 11, 22, 2, 14, tzinfo=UTC)) is None
    assert run_if_due(datetime(2026, 11, 22, 2, 15, tzinfo=UTC)).as_of == TODAY
    assert run_if_due(TONIGHT) is None


def test_a_night_that_was_missed_is_due_all_day(world):
    run_if_due(EVENING)

    assert run_if_due(TONIGHT + timedelta(hours=20)).as_of == TODAY


def test_a_night_that_was_killed_is_tried_again_within_the_minute(killed, caplog):
    assert NightRun.objects.get().status == RunStatus.RUNNING

    run_if_due(TONIGHT + timedelta(minutes=1))

    assert posted() == D("10")
    assert "was killed before its end" in caplog.text
    assert run_if_due(TONIGHT + timedelta(minutes=2)) is None


@pytest.mark.django_db(transaction=True)
def test_a_night_that_meets_a_dead_sessions_lock_is_due_still(world):
    world.line(unit_price=D(1))
    world.use("10")
    seal(at=TONIGHT)
    dead = connections.create_connection("default")
    try:
        with dead.cursor() as cursor:
            parameters = {"name": night.LOCK, "holder": "celery on host-7, process 9"}
            cursor.execute(locks.TAKE, parameters | {"at_most": timedelta(hours=6)})
        waits = tasks.night()["waits"]
    finally:
        dead.close()

    assert "celery on host-7, process 9, since" in waits
    assert tasks.night()["amounts"] == {"USD": "10.00"}


def test_an_agreement_that_kills_each_time_is_left_out(killed):
    for _ in range(night.KILLS_ALLOWED - 1):
        killed()

    run = run_if_due()

    assert run.status == RunStatus.FINISHED
    shard = NightShard.objects.order_by("pk").first()
    assert (shard.status, shard.kills) == (ShardStatus.FAILED, night.KILLS_ALLOWED)
    assert "killed 3 times" in shard.error


# What is refused


@pytest.mark.parametrize("hours", [-1, 1])
def test_clocks_that_disagree_are_refused(world, hours):
    with pytest.raises(night.ClockIsWrong, match="the database’s"):
        run_if_due(database_now=TONIGHT + timedelta(hours=hours))

    assert not NightRun.objects.exists()


def test_a_clock_that_jumped_back_is_refused(world):
    run_if_due()

    with pytest.raises(night.ClockIsWrong, match="take_back_night"):
        night.run_night(as_of=TODAY, now=TONIGHT - timedelta(hours=1))


def test_a_clock_that_jumped_ahead_is_refused_until_somebody_says_that_it_is_right(world):
    run_if_due()
    later = TONIGHT + timedelta(days=3_650)

    with pytest.raises(night.ClockIsWrong, match="3650 days ago"):
        run_if_due(later)

    assert watch.run(as_of=later.date(), now=later, database_now=later).as_of == later.date()


def test_a_day_after_today_is_refused(world):
    with pytest.raises(night.NightIsAhead, match="has not begun"):
        night.run_night(as_of=TODAY + timedelta(days=1), now=TONIGHT)
    with pytest.raises(CommandError, match="has not begun"):
        call_command("night", "--as-of", "9999-12-31")


# A failure is no success


def test_a_refused_night_is_a_failed_task_on_the_desk_and_mailed_once(
    world, operator, monkeypatch, caplog
):
    fail(monkeypatch, night.NightIsPast("No."))
    now = datetime.now(UTC)

    with pytest.raises(night.NightIsPast):
        tasks.night()
    with pytest.raises(night.NightIsPast):
        watch.run(as_of=watch.due_day(now) or now.date(), now=now, database_now=now)

    assert NightFailure.objects.open().count() == 2
    assert "night_is_past" in caplog.text
    mail = OutboxMessage.objects.get()
    assert (mail.recipient, "needs you" in mail.subject) == (operator.email, True)


def test_a_night_that_fails_rests_longer_each_time_and_is_still_tried(world, monkeypatch):
    fail(monkeypatch, RuntimeError("out of luck"))
    tries = 0
    for minute in range(180):
        try:
            run_if_due(TONIGHT + timedelta(minutes=minute))
        except RuntimeError:
            tries += 1
    # After 1, 2, 4, … minutes, then each hour.
    assert tries == 8

    monkeypatch.undo()
    monkeypatch.setattr(night.draw, "draw_due", lambda **_: [])
    assert run_if_due(TONIGHT + timedelta(hours=6)).status == RunStatus.FINISHED


def test_a_failure_is_off_the_desk_once_a_night_ends_well(world, monkeypatch):
    with monkeypatch.context() as patched:
        fail(patched, RuntimeError("out of luck"))
        with pytest.raises(RuntimeError):
            run_if_due()
    assert NightFailure.objects.open().count() == 1

    run_if_due(TONIGHT + timedelta(minutes=1))

    assert NightFailure.objects.open().count() == 0


def test_an_incomplete_night_tells_the_operator_and_the_agencys_accounting(
    world, operator, monkeypatch
):
    world.line(unit_price=D(1))
    world.use("10")
    seal(at=TONIGHT)
    clerk = make_member(world.agency, Role.ACCOUNTING)
    make_member(world.agency, Role.AGENT)
    monkeypatch.setattr(night, "rate_and_post", lambda **_: (_ for _ in ()).throw(RuntimeError))

    with pytest.raises(watch.NightIncomplete, match="could not be rated: 1"):
        tasks.night()

    told = set(OutboxMessage.objects.values_list("recipient", flat=True))
    assert told == {operator.email, clerk.email}


def test_cash_that_cannot_be_matched_stops_no_night_and_is_told(world, monkeypatch):
    monkeypatch.setattr(
        night.matching, "match_unmatched", lambda **_: (_ for _ in ()).throw(RuntimeError)
    )

    run = run_if_due()

    assert (run.status, run.detail) == (
        RunStatus.INCOMPLETE,
        f"Cash of {world.agency.name} could not be matched.",
    )


# Statements have a lane of their own


def test_statements_are_drawn_once_after_the_night_and_after_a_kill_again(world, monkeypatch):
    drawn = []
    monkeypatch.setattr(night.draw, "draw_due", lambda **given: drawn.append(given["as_of"]))
    run_if_due()
    assert drawn == []

    with monkeypatch.context() as patched:
        patched.setattr(night.draw, "draw_due", lambda **_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            tasks.draw_statements()
    tasks.draw_statements()
    tasks.draw_statements()

    assert drawn == [TODAY]


def test_a_statement_that_cannot_be_drawn_is_on_the_desk(world, operator, monkeypatch):
    run_if_due()
    monkeypatch.setattr(night.draw, "draw_due", lambda **given: given["failed"].append("Ada, USD"))

    assert tasks.draw_statements() == ["Ada, USD"]

    assert NightFailure.objects.get().detail == "Not drawn: Ada, USD."
    assert OutboxMessage.objects.get().recipient == operator.email


# The way back from a wrong day


def test_what_a_night_of_a_wrong_day_posted_too_early_is_posted_back(world):
    world.line(code="retainer", pricing="flat", unit_price=D(500))
    world.line(unit_price=D(1), minimum=D(100))
    world.use("30")
    world.use("7", on="2027-02-02")
    run_if_due()
    right = posted()
    wrong = datetime(2027, 4, 2, 3, tzinfo=UTC)
    run = watch.run(as_of=wrong.date(), now=wrong, database_now=wrong)
    assert posted() != right

    call_command("take_back_night", str(run.pk), "--because", "The clock said April.")
    tomorrow = TONIGHT + timedelta(days=1)
    run_if_due(tomorrow)

    assert posted() == right
    # When its day comes, all of it is owed after all.
    watch.run(as_of=wrong.date(), now=wrong, database_now=wrong)
    assert posted() == D("500") * 4 + D("100") * 3


def test_a_night_is_taken_back_with_those_after_it_and_once(world):
    first = run_if_due()
    second = run_if_due(TONIGHT + timedelta(days=1))

    taken = night.take_back(run_id=first.pk, because="Wrong.", now=TONIGHT)

    assert taken == [first, second]
    with pytest.raises(CommandError, match="taken back before"):
        call_command("take_back_night", str(first.pk), "--because", "Again.")
    assert not Statement.objects.exists()


def test_a_night_that_was_taken_back_is_not_how_far_an_agreement_is_rated(world):
    world.line(unit_price=D(1))
    world.use("30")
    right = run_if_due()
    wrong = datetime(2027, 4, 2, 3, tzinfo=UTC)
    world.use("7", on="2027-02-02")
    run = watch.run(as_of=wrong.date(), now=wrong, database_now=wrong)
    assert last_rated([world.agreement.pk])[world.agreement.pk].as_of == wrong.date()

    night.take_back(run_id=run.pk, because="The clock said April.", now=TONIGHT)

    last = last_rated([world.agreement.pk])[world.agreement.pk]
    assert (last.standing_run_id, last.as_of) == (right.pk, right.as_of)
