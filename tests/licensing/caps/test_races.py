"""Caps under load: sixteen connections at once, and never a unit too many or too few."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.db.models import F, Sum

from licensing.caps import reservations
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import (
    Cap,
    CapAlert,
    CapReservation,
    CapYear,
    ClearanceDecision,
    ReservedUnits,
    SigningKey,
)
from licensing.permits import keys
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.words import Door

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CALLERS = 16
LIMIT = 50

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def consented(consent, performer):
    return consent(performer=performer)


@pytest.fixture
def asked(twin, agreement):
    return SentRequest(
        twin=twin.name,
        right="voice",
        use="dubbing",
        at=NOON,
        agreement=agreement.reference,
        territory="FR",
        channel="cinema",
        units=(("lines", D(1)),),
        reserve=True,
    )


@pytest.fixture
def cap(agreement):
    return Cap.objects.create(
        agreement=agreement, meter="lines", limit=LIMIT, starts_on="2026-01-01"
    )


def at_once(work, callers=CALLERS):
    """Run work(caller) in so many threads, each with a connection of its own; raise what failed."""
    start = threading.Barrier(callers)

    def call(caller):
        try:
            start.wait()
            work(caller)
        finally:
            connection.close()

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(call, range(callers)))


def test_sixteen_callers_get_all_of_a_cap_and_no_more(asked, terms, cap):
    """None is refused while units are free: the refusals begin when all of them are taken."""

    def ask_often(caller):
        for _ in range(5):
            row = ask(asked, terms=terms, asked_at=NOON)
            if row.outcome == "cleared" and row.pk % 2:
                reservations.confirm(decision_id=row.pk, terms=terms, at=NOON)

    at_once(ask_often)

    year = CapYear.objects.get()
    assert year.used + year.reserved == LIMIT
    assert year.used == CapReservation.objects.filter(state="confirmed").count() > 0
    outcomes = ClearanceDecision.objects.values_list("outcome", flat=True)
    assert sorted(outcomes) == ["cleared"] * LIMIT + ["refused"] * (5 * CALLERS - LIMIT)
    for row in ClearanceDecision.objects.filter(outcome="refused"):
        (seen,) = row.facts["caps"]
        assert D(seen["used"]) + D(seen["reserved"]) == LIMIT
    assert CapAlert.objects.count() == 2
    assert SigningKey.objects.count() == 1


def test_one_key_sent_sixteen_times_at_once_gets_one_answer(asked, terms, cap, caplog):
    """Also where the first alert is due, so that the cap is locked before the answer is kept."""
    ask(replace(asked, units=(("lines", D(LIMIT * 8 // 10 - 1)),)), terms=terms, asked_at=NOON)
    answers = []
    at_once(
        lambda _caller: answers.append(
            ask(asked, terms=terms, asked_at=NOON, idempotency_key="once").pk
        )
    )
    assert len(set(answers)) == 1
    assert CapYear.objects.get().reserved == LIMIT * 8 // 10
    assert CapAlert.objects.get().percent == 80
    assert not caplog.records


def test_what_is_released_is_granted_again_and_never_twice(asked, terms, cap):
    """The sum never passes the limit on the way: every decision stored what it saw."""

    def take_and_give(caller):
        for round_ in range(4):
            row = ask(asked, terms=terms, asked_at=NOON)
            if row.outcome == "cleared" and (caller + round_) % 2:
                reservations.release(decision_id=row.pk, terms=terms, at=NOON)

    Cap.objects.update(limit=20)
    at_once(take_and_give)

    held = ReservedUnits.objects.filter(reservation__state="open")
    year = CapYear.objects.get()
    assert (year.used, year.reserved) == (0, held.aggregate(sum=Sum("units"))["sum"])
    assert year.reserved <= 20
    seen = [row.facts["caps"][0] for row in ClearanceDecision.objects.all()]
    assert all(D(one["used"]) + D(one["reserved"]) <= 20 for one in seen)


def test_recording_reserving_confirming_and_the_sweep_never_lock_each_other_out(
    asked, terms, cap, performer, use
):
    """Two caps, taken in one order by everybody; PostgreSQL would raise a deadlock."""
    Cap.objects.create(performer=performer, meter="lines", limit=1000, starts_on="2026-01-01")
    Cap.objects.update(limit=1000)

    def work(caller):
        for round_ in range(3):
            if caller % 4 == 0:
                reservations.expire(at=NOON + timedelta(days=2))
                continue
            row = ask(asked, terms=terms, asked_at=NOON)
            record_events([use(f"{caller}-{round_}", row.permit.token)], origin)
            if caller % 4 == 3:
                with contextlib.suppress(reservations.ReservationExpired):
                    reservations.confirm(decision_id=row.pk, terms=terms, at=NOON)

    origin = BatchOrigin(terms, Door.API, NOON + timedelta(hours=1), actor="key test")
    at_once(work)

    for year in CapYear.objects.all():
        own = ReservedUnits.objects.filter(cap_year=year)
        assert year.used == 12 * 3 + total(own.exclude(confirmed=None), F("confirmed") - F("drawn"))
        still = own.filter(reservation__state="open")
        assert year.reserved == total(still, F("units") - F("drawn"))


def total(rows, units):
    return rows.aggregate(sum=Sum(units, default=D(0)))["sum"]


@pytest.fixture
def use(twin, agreement):
    def make(key, permit):
        data = {
            "twin": twin.name,
            "agreement": agreement.reference,
            "right": "voice",
            "use": "dubbing",
            "territory": "FR",
            "channel": "cinema",
            "quantities": {"lines": "1"},
            "permit": permit,
        }
        time = "2026-06-01T12:30:00Z"
        return Envelope(id=key, source="//race", type=USAGE_TYPE, time=time, data=data)

    return make


def test_the_first_key_is_made_once(db):
    kids = []
    at_once(lambda _caller: kids.append(keys.current_key(at=NOON).kid), callers=8)
    assert len(set(kids)) == 1
    at_once(lambda _caller: keys.rotate(at=NOON), callers=4)
    assert SigningKey.objects.filter(retired_at=None).count() == 1


def test_one_confirmation_of_many_at_once_counts(asked, terms, cap):
    row = ask(asked, terms=terms, asked_at=NOON)
    at_once(lambda _caller: reservations.confirm(decision_id=row.pk, terms=terms, at=NOON))
    year = CapYear.objects.get()
    assert (year.used, year.reserved) == (1, 0)
