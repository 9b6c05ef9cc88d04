"""A cap that is added counts from the log all that is in force since its start."""

import threading
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction

from licensing.agreements.counted_caps import begin_to_count
from licensing.caps.burn_down import burn_downs
from licensing.models import Cap, CapAlert, CapYear, Replacement, UsageEvent
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.words import Door
from tests.factories import NOW, make_persona, make_twin, make_uses

pytestmark = pytest.mark.django_db

MAY = datetime(2026, 5, 4, tzinfo=UTC)
YEAR = date(2026, 1, 1)


def added(**fields):
    cap = Cap.objects.create(**{"meter": "lines", "limit": 330, "starts_on": YEAR, **fields})
    begin_to_count([cap.pk], at=NOW)
    return cap


def used(cap):
    return dict(CapYear.objects.filter(cap=cap).values_list("starts_on", "used"))


@pytest.fixture
def report(use, origin):
    """Report lines; return how the event was kept."""

    def send(key, lines, **data):
        envelope = use(key, data={"quantities": {"lines": lines}, **data})
        (outcome,) = record_events([envelope], origin)
        return UsageEvent.objects.get(pk=outcome.event_id)

    return send


def test_a_cap_added_in_mid_year_begins_at_what_the_log_holds(
    consent, performer, agreement, report, affairs
):
    """Case g02: 320 of 330 are used; then 9.9 and 0.1 fill it, and the rest is over."""
    consent(performer=performer)
    report("before", "320")
    cap = added(agreement=agreement)

    (burnt,) = burn_downs([Cap.objects.get(pk=cap.pk)], at=NOW)
    assert (burnt.used, burnt.limit, burnt.left) == (320, 330, 10)
    assert list(CapAlert.objects.values_list("percent", flat=True)) == [80]
    events = [report(str(n), lines) for n, lines in enumerate(["9.9", "0.1", "0.000001", "15"])]
    assert [event.standing for event in events] == ["cleared", "cleared", "over_cap", "over_cap"]
    assert [event.over for event in events] == [None, None, D("0.000001"), D(15)]


def test_what_is_not_its_own_does_not_count(agreement, terms, twin, performer):
    about = {"agreement": agreement, "at": MAY}
    make_uses(terms, twin, 5, **about)
    make_uses(terms, twin, 7, **(about | {"channel": "game"}))
    make_uses(terms, twin, 11, **(about | {"at": datetime(2025, 12, 31, 23, tzinfo=UTC)}))
    make_uses(terms, twin, 13, at=MAY)  # under no agreement
    (replaced,) = make_uses(terms, twin, 17, **about)
    (by,) = make_uses(terms, twin, 2, **about, kind="amendment", about=replaced.pk)
    Replacement.objects.create(event_id=replaced.pk, amendment_id=by.pk, replaced_at=NOW)
    make_uses(terms, make_twin(performer, name="Another"), 19, at=MAY)

    assert used(added(agreement=agreement)) == {YEAR: 14}
    assert used(added(agreement=agreement, channels=["cinema"])) == {YEAR: 7}
    assert used(added(agreement=agreement, starts_on=date(2026, 5, 5))) == {YEAR: 0}
    assert used(added(twin=twin)) == {YEAR: 27}
    assert used(added(twin=twin, starts_on=date(2025, 1, 1))) == {date(2025, 1, 1): 11, YEAR: 27}
    assert used(added(performer=performer)) == {YEAR: 46}
    april = added(performer=performer, year_start_month=5)
    assert used(april) == {date(2026, 5, 1): 46}


def test_a_performers_cap_counts_composites_of_which_they_are_a_source(agency, terms, performer):
    persona = make_persona(agency)
    persona.sources.create(performer=performer, weight=1)
    make_uses(terms, persona, 3, at=MAY)

    assert used(added(performer=performer)) == {YEAR: 3}


def test_days_are_those_of_the_agreement_of_the_use(agreement, terms, twin):
    agreement.time_zone = "America/Los_Angeles"
    agreement.save()
    new_year = datetime(2026, 1, 1, 3, tzinfo=UTC)  # still New Year's Eve in Los Angeles
    make_uses(terms, twin, 3, at=new_year, agreement=agreement)

    assert used(added(agreement=agreement)) == {YEAR: 0}
    assert used(added(twin=twin)) == {YEAR: 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [("meter", "words"), ("channels", ["game"]), ("starts_on", date(2026, 2, 1))],
)
def test_once_it_counts_it_keeps_what_it_counts(agreement, name, value):
    cap = added(agreement=agreement)
    with pytest.raises(DatabaseError, match="a cap that counts"), transaction.atomic():
        Cap.objects.filter(pk=cap.pk).update(**{name: value})
    Cap.objects.filter(pk=cap.pk).update(limit=9, hard=False)


def test_a_cap_that_counts_already_is_left_as_it_is(agreement, terms, twin):
    cap = added(agreement=agreement)
    make_uses(terms, twin, 5, at=MAY, agreement=agreement)
    begin_to_count([cap.pk], at=NOW)

    assert used(cap) == {YEAR: 0}


@pytest.mark.django_db(transaction=True)
def test_no_use_falls_between_a_cap_and_what_is_recorded_at_the_same_time(
    consent, performer, agreement, terms, use
):
    """Sixty uses on four connections, and a cap that is added amid them."""
    consent(performer=performer)
    start = threading.Barrier(5)
    caps = []

    def report(worker):
        start.wait()
        for n in range(15):
            envelope = use(f"{worker}-{n}", data={"quantities": {"lines": "1"}})
            record_events([envelope], BatchOrigin(terms, Door.API, NOW, actor="key test"))
        connection.close()

    def add():
        start.wait()
        with transaction.atomic():
            caps.append(added(agreement=agreement))
        connection.close()

    threads = [threading.Thread(target=report, args=[worker]) for worker in range(4)]
    threads.append(threading.Thread(target=add))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert used(caps[0]) == {YEAR: 60}
