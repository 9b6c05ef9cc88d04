"""The night: what it reads, what it posts, and that it posts nothing twice."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from licensing.models import Agreement, DeadLetter, RateCard, UsageEvent
from licensing.usage import rulings
from licensing.words import Treatment
from talent.models import (
    Beneficiary,
    EstateShare,
    Performer,
    User,
)
from tests.valuation.world import JULY, OCTOBER, TONIGHT, issue_july_statement, make_composite
from valuation import night
from valuation.models import (
    Account,
    NightRun,
    NightShard,
    Posting,
    Reading,
    ResidualLine,
    UsageTotal,
)
from valuation.residuals import chunks
from valuation.words import RunStatus, ShardStatus

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night(as_of=date(2026, 11, 22), now=TONIGHT):
    return night.run_night(as_of=as_of, now=now)


def posted():
    return sum(ResidualLine.objects.values_list("amount", flat=True))


def balances():
    return {account.kind: account.balance for account in Account.objects.with_balances()}


def test_usage_is_priced_by_the_brackets_of_its_period(world):
    world.line(("100", "60"), (None, "45"), meter="lines")
    world.use("90", "46")

    run = run_night()

    # 100 × 60 + 36 × 45 = 6,000 + 1,620
    assert posted() == D("7620")
    assert (run.events_read, run.events_rated, run.events_held, run.events_zero) == (2, 2, 0, 0)
    assert run.amounts == {"USD": "7620.00"}


def test_the_licensee_owes_what_the_beneficiary_earned(world):
    world.line(unit_price=D("3.90"))
    world.use("10")

    run_night()

    assert balances() == {"receivable": D("39"), "accrued": D("-39")}


def test_the_class_of_a_prompt_chooses_the_rate(world):
    scripted, free = ["scripted", "revision"], ["free"]
    world.line(unit_price=D("2"), code="scripted", prompt_classes=scripted)
    world.line(unit_price=D("5"), code="free", prompt_classes=free)
    for prompt_class in ("scripted", "free", "conversation"):
        world.use("10", prompt_class=prompt_class)

    run = run_night()

    amounts = dict(ResidualLine.objects.values_list("reading__rate_line__code", "amount"))
    assert amounts == {"scripted": D("20"), "free": D("50")}
    assert (run.events_rated, run.events_zero) == (2, 1)


def test_a_second_night_posts_nothing(world):
    world.line(unit_price=D("3.90"))
    world.use("10")
    run_night()

    again = run_night()

    assert (again.events_read, again.amounts) == (0, {})
    assert posted() == D("39")


def test_later_usage_posts_only_the_difference(world):
    world.line(("100", "60"), (None, "45"))
    world.use("90")
    run_night()
    world.use("46")

    run_night()

    # 90 × 60 = 5,400 the first night; then 7,620 − 5,400.
    amounts = ResidualLine.objects.order_by("pk").values_list("amount", flat=True)
    assert list(amounts) == [D("5400"), D("2220")]


def test_many_nights_post_what_one_would(world):
    world.line(unit_price=D("0.333"))
    for _ in range(7):
        world.use("1")
        run_night()

    # 7 × 0.333 = 2.331, rounded once; seven roundings of 0.33 would make 2.31.
    assert posted() == D("2.33")


def test_each_factor_climbs_the_brackets_by_itself(world):
    world.line(("10", "2"), (None, "1"))
    world.factor("territory", "JP", "1.5")
    world.use("12")
    world.use("12", territory="JP")

    run_night()

    # (10 × 2 + 2 × 1) = 22 at factor 1, and 22 × 1.5 = 33.
    readings = Reading.objects.order_by("factor").values_list("factor", "gross")
    assert list(readings) == [(D("1"), D("22")), (D("1.5"), D("33"))]


def test_a_change_of_rates_in_mid_period_ends_the_period_there(world):
    world.line(("10", "2"), (None, "1"))
    old, world.card = (
        world.card,
        RateCard.objects.create(agreement=world.agreement, effective_from=date(2026, 9, 1)),
    )
    world.line(("10", "4"), (None, "3"))
    world.use("12", on="2026-08-31")
    world.use("12", on="2026-09-01")

    run_night()

    # 22 under the old card; 10 × 4 + 2 × 3 = 46 under the new, from the first bracket again.
    assert old != world.card
    assert posted() == D("68")
    ends = Reading.objects.order_by("period_on").values_list("period_on", "period_ends_on")
    assert list(ends) == [(JULY, date(2026, 9, 1)), (date(2026, 9, 1), OCTOBER)]


def test_the_period_follows_the_day_in_the_agreements_zone(world):
    Agreement.objects.update(time_zone="Pacific/Auckland")
    world.line(unit_price=D(1))
    # Noon UTC on 30 September is already October in Auckland.
    world.use("1", on="2026-09-30")

    run_night()

    assert Reading.objects.get().period_on == OCTOBER


def test_use_outside_the_consent_is_held_without_an_unlicensed_rate(world):
    world.line(unit_price=D(1))
    world.use("5", standing="out_of_scope")

    run = run_night()

    assert (run.events_held, run.events_rated) == (1, 0)
    assert posted() == 0


def test_use_outside_the_consent_is_charged_at_the_unlicensed_rate(world):
    world.line(unit_price=D(1))
    world.line(unit_price=D(25), code="unlicensed", unlicensed=True)
    world.use("5", standing="out_of_scope")

    run_night()

    assert posted() == D("125")


def test_use_without_an_agreement_is_held(world):
    world.use("5", agreement=None)

    run = run_night()

    assert (run.events_read, run.events_held) == (1, 1)


def test_use_that_no_line_meters_costs_nothing_and_is_counted(world):
    world.line(unit_price=D(1))
    world.use("5", meter="frames")

    run = run_night()

    assert (run.events_zero, posted()) == (1, 0)


def test_every_leaf_read_is_rated_held_or_zero(world):
    world.line(unit_price=D(1))
    world.use("1", "2", "3")
    world.use("1", standing="uncleared")
    world.use("1", meter="shots")
    world.use("1", agreement=None)

    run = run_night()

    assert run.events_read == 6
    assert run.events_read == run.events_rated + run.events_held + run.events_zero


def test_events_are_rounded_one_by_one_where_the_line_says_so(world):
    world.line(unit_price=D("0.40"), meter="seconds", round_quantity="per_event_up", round_to=D(60))
    world.use("61", "61", "59", meter="seconds")

    run_night()

    # 120 + 120 + 60 seconds at 0.40; the sum of 181 would round to 240.
    assert posted() == D("120")


def test_a_flat_price_is_owed_by_a_silent_agreement_once_a_period(world):
    world.line(code="retainer", pricing="flat", unit_price=D(500))

    run_night(as_of=date(2026, 8, 1))
    run_night(as_of=date(2026, 9, 30))
    run_night(as_of=date(2026, 10, 1))

    assert posted() == D("1000")


def test_a_minimum_is_topped_up_when_the_period_has_ended(world):
    world.line(unit_price=D(1), minimum=D(100))
    world.use("30")

    run_night(as_of=date(2026, 9, 30), now=datetime(2026, 9, 30, 3, tzinfo=UTC))
    before = posted()
    run_night(as_of=date(2026, 10, 1))

    assert (before, posted()) == (D("30"), D("100"))


def test_a_composite_splits_to_the_cent(world):
    twin = make_composite(world, Ann="1", Bea="1", Cat="1")
    world.line(unit_price=D("0.10"))
    world.use("1", twin=twin)

    run_night()

    # 0.10 in three: 0.04, 0.03, 0.03.
    shares = ResidualLine.objects.order_by("beneficiary").values_list("amount", flat=True)
    assert list(shares) == [D("0.04"), D("0.03"), D("0.03")]


def test_shares_follow_the_sum_and_not_the_differences(world):
    twin = make_composite(world, Ann="1", Bea="1", Cat="1")
    world.line(unit_price=D("0.10"))
    for _ in range(3):
        world.use("1", twin=twin)
        run_night()

    # Splitting each 0.10 would give Ann 0.12 of 0.30.
    for beneficiary in Beneficiary.objects.exclude(pk=world.beneficiary.pk):
        lines = ResidualLine.objects.filter(beneficiary=beneficiary)
        assert sum(lines.values_list("amount", flat=True)) == D("0.10")


def test_the_heirs_of_a_deceased_performer_are_paid(world):
    Performer.objects.update(life="deceased", died_on=date(2020, 1, 1))
    for name, weight in [("Heir One", "2"), ("Heir Two", "1")]:
        heir = Beneficiary.objects.create(name=name)
        EstateShare.objects.create(performer=world.performer, beneficiary=heir, weight=D(weight))
    world.line(unit_price=D(1))
    world.use("90")

    run_night()

    paid = ResidualLine.objects.order_by("-amount").values_list("beneficiary__name", "amount")
    assert list(paid) == [("Heir One", D("60")), ("Heir Two", D("30"))]


def test_late_usage_of_a_closed_period_adjusts_the_open_one(world):
    world.line(("100", "60"), (None, "45"))
    world.use("98")
    run_night()
    first = ResidualLine.objects.get()
    issue_july_statement(world)
    world.use("6", on="2026-09-30")

    run_night()

    # 2 × 60 + 4 × 45, across the bracket's edge.
    late = ResidualLine.objects.latest("pk")
    assert (late.amount, late.period_on, late.adjusts) == (D("300"), OCTOBER, first)


def test_an_agreement_that_fails_stops_no_other_and_is_tried_again(world, monkeypatch):
    world.line(unit_price=D(1))
    world.use("10")
    other = another_agreement(world)
    rate = chunks.rate_and_post

    def fail_first(*, run, shard_ids, now):
        if NightShard.objects.filter(pk__in=shard_ids, agreement=world.agreement).exists():
            raise RuntimeError("out of luck")
        return rate(run=run, shard_ids=shard_ids, now=now)

    monkeypatch.setattr(night, "rate_and_post", fail_first)
    run = run_night()
    monkeypatch.undo()
    monkeypatch.setattr(night.draw, "draw_due", lambda **_: [])

    assert run.status == RunStatus.INCOMPLETE
    assert {line.agreement for line in ResidualLine.objects.all()} == {other}

    run_night()

    assert posted() == D("20")


def another_agreement(world):
    other = Agreement.objects.get(pk=world.agreement.pk)
    other.pk, other.reference = None, "HAR-2"
    other.save()
    card = RateCard.objects.create(agreement=other, effective_from=JULY)
    kept, world.card = world.card, card
    world.line(unit_price=D(1))
    world.card = kept
    world.use("10", agreement=other)
    return other


def test_a_night_that_was_killed_is_finished_by_the_next(world, monkeypatch):
    world.line(unit_price=D(1))
    world.use("10")
    monkeypatch.setattr(night, "_rate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_night()
    monkeypatch.undo()
    monkeypatch.setattr(night.draw, "draw_due", lambda **_: [])
    assert NightRun.objects.get().status == RunStatus.RUNNING

    run_night()

    assert posted() == D("10")
    assert not NightRun.objects.filter(status=RunStatus.RUNNING.value).exists()
    assert set(NightShard.objects.values_list("status", flat=True)) == {ShardStatus.DONE}


def test_leaves_sealed_after_the_days_end_wait(world):
    world.line(unit_price=D(1))
    world.use("10")

    early = run_night(as_of=TONIGHT.date() - timedelta(days=1))
    later = run_night(as_of=TONIGHT.date())

    assert (early.events_read, later.events_read) == (0, 1)


def test_a_day_before_the_last_night_is_refused(world):
    run_night()

    with pytest.raises(night.NightIsPast):
        run_night(as_of=date(2026, 11, 21))


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_once_are_one(world):
    """The lock is the session's, so another connection must hold it."""
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('the night', 0))")
        with pytest.raises(night.NightIsRunning):
            run_night()
    finally:
        other.close()


def test_the_totals_can_be_rebuilt_from_the_log(world):
    world.line(unit_price=D(1))
    for quantity in ("3", "4"):
        world.use(quantity)
        run_night()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(lines) FROM licensing_usageevent")
        from_events = cursor.fetchone()

    totals = UsageTotal.objects.values_list("events", "lines")
    assert from_events == tuple(sum(column) for column in zip(*totals, strict=True))


def test_what_was_not_understood_is_counted(world):
    DeadLetter.objects.create(
        terms=world.terms,
        received_at=TONIGHT - timedelta(hours=1),
        door="api",
        source="s",
        key="k",
        digest=bytes(32),
        envelope={},
        code="unknown_twin",
        detail="No such twin.",
    )

    assert run_night().rejected == 1


def test_an_entry_names_the_reading_it_stands_on(world):
    world.line(unit_price=D(1))
    world.use("10")

    run_night()

    assert set(Posting.objects.values_list("reading", flat=True)) == {Reading.objects.get().pk}


def test_a_card_that_an_amendment_brings_is_rated_by_the_next_night_without_new_leaves(world):
    """Ten lines of July and ten of November at 2; from October on at 3, as was agreed later."""
    world.line(unit_price=D("2"))
    world.use("10", on="2026-07-15")
    world.use("10", on="2026-11-02")
    run_night()
    card = RateCard.objects.create(agreement=world.agreement, effective_from=OCTOBER, proposed=True)
    world.card = card
    world.line(unit_price=D("3"))
    next_night = {"as_of": date(2026, 11, 23), "now": TONIGHT + timedelta(days=1)}
    run_night(**next_night)
    assert posted() == D("40")

    RateCard.objects.filter(pk=card.pk).update(
        proposed=False, agreed_at=TONIGHT + timedelta(days=1)
    )
    run_night(as_of=date(2026, 11, 24), now=TONIGHT + timedelta(days=2))
    assert posted() == D("50")
    run_night(as_of=date(2026, 11, 25), now=TONIGHT + timedelta(days=3))
    assert posted() == D("50")


def test_uses_without_a_price_wait_until_somebody_changes_the_rates(world):
    line = world.line(unit_price=D(1))
    world.use("5", meter="frames")
    run = run_night()

    # Nobody has changed a rate since: the night of this test is not the database's now.
    NightRun.objects.update(started_at=timezone.now() + timedelta(hours=1))
    (shard,) = NightShard.objects.unpriced()
    assert (shard.run, shard.events_unpriced) == (run, 1)
    line.save()
    assert NightShard.objects.unpriced().exists()
    NightRun.objects.update(started_at=timezone.now() - timedelta(hours=1))
    assert not NightShard.objects.unpriced().exists()


def test_what_a_ruling_makes_free_waits_for_no_price(world):
    world.line(unit_price=D(1))
    world.use("5", standing="uncleared")
    rulings.rule(
        event_id=UsageEvent.objects.get().pk,
        treatment=Treatment.ZERO,
        reason="A trial.",
        by=User.objects.create_user("counsel@example.com"),
        role="operator",
        at=TONIGHT,
    )
    run_night()

    assert sum(NightShard.objects.values_list("events_unpriced", flat=True)) == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_nights_that_begin_at_once_with_new_leaves_one_posts_them(world):
    world.line(unit_price=D(1))
    world.use("10")
    meet = threading.Barrier(2)

    def begin():
        try:
            meet.wait()
            return run_night().events_read
        except night.NightIsRunning:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        read = [begun.result() for begun in [pool.submit(begin) for _ in range(2)]]

    # The second was refused, or came after the first and found nothing new.
    assert sorted(read) == [0, 1]
    assert posted() == D(10)


def test_clocks_that_change_as_a_month_begins_count_each_use_in_the_month_of_its_day(world):
    """In Los Angeles it is 1:30 twice on 1 November 2026: at 8:30 and at 9:30 UTC."""
    Agreement.objects.update(time_zone="America/Los_Angeles", rating_period="month")
    world.line(("2", "2"), (None, "1"))
    for at in ("06:59:59", "07:00:00", "08:30:00", "09:30:00"):
        world.use("1", occurred_at=datetime.fromisoformat(f"2026-11-01T{at}+00:00"))

    run_night()

    readings = Reading.objects.order_by("period_on").values_list("period_on", "quantity", "gross")
    # Two of November's three at 2, the third at 1.
    assert list(readings) == [(date(2026, 10, 1), 1, 2), (date(2026, 11, 1), 3, 5)]
    call_command("night", "--verify", stdout=StringIO())
