"""Receipts, corrections, advances and reserves in any order come to what they come to at once."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal as D
from functools import partial

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.models import Advance, Agreement, Guarantee, UsageEvent
from tests.valuation.world import JULY, TONIGHT, make_composite
from valuation import night
from valuation.cash.received import remittances
from valuation.models import Account, Posting, Reading, Remittance, ResidualLine

pytestmark = pytest.mark.usefixtures("without_statements")

NIGHT = "night"
USES = st.tuples(st.just("use"), st.integers(1, 300), st.sampled_from(["07-10", "09-30", "11-05"]))
CORRECTIONS = st.tuples(st.just("amend"), st.integers(0, 300), st.integers(0, 9))
RECEIPTS = st.tuples(st.just("receive"), st.integers(1, 60_000), st.integers(1, 20))
ADVANCES = st.tuples(
    st.just("advance"), st.integers(1, 40_000), st.sampled_from(["gross", "net", "nothing"])
)
HISTORIES = st.lists(
    st.one_of(USES, CORRECTIONS, RECEIPTS, ADVANCES, st.just((NIGHT, 0, 0))),
    min_size=3,
    max_size=12,
)


def happen(world, kind, amount, how):
    if kind == "use":
        world.use(str(D(amount) / 10), on=f"2026-{how}")
    elif kind == "amend":
        replaced = UsageEvent.objects.filter(kind="amendment").values_list("about", flat=True)
        events = UsageEvent.objects.exclude(pk__in=list(replaced)).order_by("pk")
        if events:
            world.amend(events[how % len(events)], str(D(amount) / 10))
    elif kind == "receive":
        remittances.record(
            agency_id=world.agency.pk,
            licensee_id=world.licensee.pk,
            amount=D(amount) / 100,
            currency="USD",
            received_on=date(2026, 11, how),
            reference=f"WIRE-{Remittance.objects.count()}",
            by=None,
            now=TONIGHT,
        )
    elif kind == "advance":
        Advance.objects.create(
            agreement=world.agreement,
            label="Ahead",
            amount=D(amount) / 100,
            due_on=JULY,
            paid_back_from=how,
        )
    else:
        run_night()


def run_night():
    run = night.run_night(as_of=date(2027, 1, 2), now=datetime(2027, 1, 2, 3, tzinfo=UTC))
    assert run.status == "finished", run.detail


@pytest.fixture
def promised(world):
    """A guarantee a quarter, and a fifth held for a quarter, to at most 50."""
    Agreement.objects.update(reserve_percent=D(20), reserve_periods=1, reserve_cap=D(50))
    Guarantee.objects.create(agreement=world.agreement, amount=D("100.01"), period="quarter")
    world.line(("10", "3"), (None, "1.333"))
    return world


@pytest.fixture
def shared(promised):
    """The same about two sources."""
    make_composite(promised, Bo="1", Cy="2")
    return promised


def balances():
    key = ("kind", "beneficiary__name", "licensee__name")
    sums = Account.objects.with_balances().values_list(*key, "balance").order_by(*key)
    return {tuple(row[:-1]): row[-1] for row in sums if row[-1]}


def check_the_books():
    assert not Posting.objects.aggregate(sum=Sum("amount"))["sum"]
    for reading in Reading.objects.with_received():
        lines = ResidualLine.objects.filter(reading=reading).aggregate(sum=Sum("amount"))["sum"]
        assert (lines or D(0)) == reading.gross
        assert D(0) <= reading.recouped <= reading.gross
        assert D(0) <= reading.received <= reading.gross - reading.recouped
    for account in Account.objects.with_balances().filter(kind__in=["reserve", "payable"]):
        assert account.balance <= 0


class _Undone(Exception):
    """Carries a result out of a transaction that it undoes."""


def in_vain(act: Callable[[], object]) -> object:
    try:
        with transaction.atomic():
            raise _Undone(act())
    except _Undone as undone:
        return undone.args[0]


def one_by_one(world, history, last):
    for happening in [*history, *last]:
        happen(world, *happening)
    run_night()
    check_the_books()
    return balances()


def at_once(world, history, last):
    for happening in [*history, *last]:
        if happening[0] != NIGHT:
            happen(world, *happening)
    run_night()
    return balances()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=settings().max_examples if settings().max_examples >= 1_000 else 6,
)
@given(history=HISTORIES)
def test_any_order_gives_the_balances_of_everything_at_once(promised, history):
    roads = (in_vain(partial(road, promised, history, ())) for road in (one_by_one, at_once))
    assert next(roads) == next(roads)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=settings().max_examples if settings().max_examples >= 1_000 else 6,
)
@given(history=HISTORIES)
def test_sources_of_a_composite_have_the_same_in_any_order_once_all_is_paid(shared, history):
    """Before that, whose cent is rounded up depends on which reading was paid first."""
    enough = [("receive", 100_000_000, 20)]

    roads = (in_vain(partial(road, shared, history, enough)) for road in (one_by_one, at_once))
    assert next(roads) == next(roads)
