"""What permits hold counts for the limits of consents: reserved and confirmed, exactly."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection

from licensing.caps import reservations
from licensing.clearance.ask import ask, ask_batch
from licensing.clearance.heartbeat import heartbeat
from licensing.clearance.replays import replays_of
from licensing.clearance.sent_request import SentRequest
from licensing.decision.request import Request, UsedUnits
from licensing.facts.facts import facts_for
from licensing.models import Agreement, UsageEvent
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.words import Door
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope
from tests import factories

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def asked(consent, performer, twin, agreement):
    """Of a consent to one hour: reserve some seconds of it."""
    consent(performer=performer, scope=Scope(limits=(Limit("seconds", D(3600)),)))
    return SentRequest(
        twin=twin.name,
        right="voice",
        use="dubbing",
        at=NOON,
        agreement=agreement.reference,
        territory="FR",
        language="fr",
        channel="cinema",
        units=(("seconds", D(2000)),),
        reserve=True,
    )


@pytest.fixture
def reserve(asked, terms):
    def make(seconds, *, at=NOON, **other):
        sent = replace(asked, at=at, units=(("seconds", D(seconds)),), **other)
        return ask(sent, terms=terms, asked_at=at)

    return make


@pytest.fixture
def report(use, terms):
    def make(key, seconds, permit=None):
        data = {"quantities": {"seconds": str(seconds)}, "permit": permit}
        envelope = use(key, data=data, time="2026-06-01T12:30:00Z")
        origin = BatchOrigin(terms, Door.API, NOON + 2 * HOUR, actor="key test")
        (outcome,) = record_events([envelope], origin)
        return UsageEvent.objects.get(pk=outcome.event_id)

    return make


def test_what_is_reserved_is_gone_for_the_next_until_it_is_released_or_expires(reserve, terms):
    first, second = reserve(2000), reserve(1601)
    assert (first.outcome, second.outcome) == ("cleared", "refused")
    assert second.decision["deciding"]["code"] == "over_cap"
    assert reserve(1600).outcome == "cleared"
    reservations.release(decision_id=first.pk, terms=terms, at=NOON)
    assert reserve(2000).outcome == "cleared"
    assert reserve(3600, at=NOON + timedelta(days=2)).outcome == "cleared"
    for found in replays_of([first, second], terms=terms):
        assert (found.same, found.differences) == (True, ())


def test_what_is_confirmed_stays_used(reserve, terms):
    row = reserve(2000)
    reservations.confirm(decision_id=row.pk, terms=terms, at=NOON, quantities={"seconds": D(1500)})
    later = NOON + timedelta(days=2)
    assert reserve(2101, at=later).outcome == "refused"
    assert reserve(2100, at=later).outcome == "cleared"


@pytest.mark.parametrize("meter", ["lines", "sessions"])
def test_of_a_years_limit_for_each_licensee_what_others_and_other_years_hold_is_no_part(
    meter, consent, performer, agency, twin, asked, terms, use
):
    """Reserved, confirmed and reported, in any meter; the year is that of the use, in UTC."""
    limit = Limit(meter, D(10), per_year=True, per_licensee=True)
    consent(performer=performer, scope=Scope(limits=(limit,)), at=NOON - timedelta(days=100))
    rival = factories.make_licensee("other-moon")
    factories.make_agreement(agency, rival, twin, reference="NA-9")
    Agreement.objects.update(ends_at=None)
    others = factories.make_terms(agency, rival)
    at = {"old": datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)}
    at["new"] = at["old"] + SECOND

    def outcome(quantity, year, **other):
        sent = replace(
            asked, at=at[year], units=((meter, D(quantity)),), **({"reserve": False} | other)
        )
        who = others if sent.agreement == "NA-9" else terms
        return ask(sent, terms=who, asked_at=at["old"])

    kept = outcome(6, "old", reserve=True)
    assert kept.outcome == "cleared"
    assert [outcome(n, "old").outcome for n in (4, 5)] == ["cleared", "refused"]
    assert [outcome(n, "new").outcome for n in (10, 11)] == ["cleared", "refused"]
    assert outcome(10, "old", agreement="NA-9").outcome == "cleared"
    reservations.confirm(decision_id=kept.pk, terms=terms, at=at["old"], quantities={meter: D(5)})
    assert [outcome(n, "old").outcome for n in (5, 6)] == ["cleared", "refused"]
    assert outcome(10, "new").outcome == "cleared"
    reported = use("z", data={"quantities": {meter: "2"}}, time="2026-12-31T23:59:58Z")
    record_events([reported], BatchOrigin(terms, Door.API, at["old"] - SECOND, actor="key test"))
    assert [outcome(n, "old").outcome for n in (3, 4)] == ["cleared", "refused"]
    assert [outcome(n, "new").outcome for n in (10, 11)] == ["cleared", "refused"]


def test_training_with_another_right_counts_at_the_door_that_all_share(performer, twin, terms, use):
    door = Scope(limits=(Limit("sessions", D(9), per_year=True),))
    record(
        matrix=matrix_of(performer=performer),
        cells=[Cell("training_data", "training", "allow", door)],
        in_force_from=NOON - timedelta(days=100),
        recorded_at=NOON - timedelta(days=100),
        by=None,
        evidence=Evidence("Nine sessions a year."),
    )
    data = {"right": "face", "use": "training", "quantities": {"sessions": "4"}}
    origin = BatchOrigin(terms, Door.API, NOON, actor="key test")
    record_events([use("a", data=data, time="2026-06-01T11:30:00Z")], origin)
    request = Request(f"T{twin.pk}", "voice", "training", terms.licensee.slug, NOON)

    (facts,) = facts_for([request], terms=terms, known_at=NOON + HOUR)
    assert facts.contributors[0].used == (
        UsedUnits("sessions", terms.licensee.slug, 2026, D(4), right="face"),
    )


def test_it_counts_for_all_twins_of_the_performer_also_in_one_batch(
    reserve, asked, terms, performer, licensee, agency
):
    other = factories.make_twin(performer, name="Another voice")
    factories.make_agreement(agency, licensee, other, reference="NA-2")
    there = replace(asked, twin=other.name, agreement="NA-2")
    batch = {0: asked, 1: there, 2: replace(there, units=(("seconds", D(1600)),))}
    rows = ask_batch(batch, sent=[], terms=terms, asked_at=NOON)

    assert [row.outcome for row in rows.values()] == ["cleared", "refused", "cleared"]


def test_a_permits_own_units_are_no_hindrance_to_it(reserve, report):
    row = reserve(3000)
    assert heartbeat(permit=row.permit, at=NOON + HOUR).status == "valid"
    outside = report("a", 700)
    assert outside.standing == "over_cap"
    inside = report("b", 3000, row.permit.token)
    assert (inside.standing, inside.permit_id) == ("cleared", row.pk)


def test_what_a_permit_does_not_cover_is_decided_on_what_others_have_left(reserve, report):
    row = reserve(2000)
    event = report("a", 3600, row.permit.token)

    assert (event.standing, event.permit_id) == ("cleared", None)
    assert "too few units left" in event.standing_reason


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_second_is_granted_twice(reserve):
    outcomes, start = [], threading.Barrier(6)

    def run():
        start.wait()
        outcomes.append(reserve(1000).outcome)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["cleared"] * 3 + ["refused"] * 3
