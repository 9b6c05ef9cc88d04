"""Permits that events carry: what they clear, what they draw, and where `decide` speaks instead."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from licensing.caps import reservations
from licensing.clearance import heartbeat
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import Brand, Cap, CapYear, ReservedUnits, UsageEvent
from licensing.permits import claims, keys, revocations
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.words import Door
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = NOON + 2 * HOUR


def consented(performer, stance, at, scope=None):
    record(
        matrix=matrix_of(performer=performer),
        cells=[Cell("voice", "dubbing", stance, scope or Scope())],
        in_force_from=at,
        recorded_at=at,
        by=None,
        evidence=Evidence("For the tests."),
    )


@pytest.fixture
def cap(agreement, performer):
    consented(performer, "allow", datetime(2026, 1, 1, tzinfo=UTC))
    return Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")


@pytest.fixture
def permit(cap, twin, agreement, terms):
    def make(lines, **other):
        asked = SentRequest(
            **{
                "twin": twin.name,
                "right": "voice",
                "use": "dubbing",
                "at": NOON,
                "agreement": agreement.reference,
                "territory": "FR",
                "language": "fr",
                "channel": "cinema",
                "units": (("lines", D(lines)),),
                "reserve": True,
                **other,
            }
        )
        return ask(asked, terms=terms, asked_at=asked.at)

    return make


@pytest.fixture
def report(use, terms):
    """Report lines under a permit; return how the event was kept."""

    def make(lines, token, *, key="take", at=LATER, time="2026-06-01T12:30:00Z", **data):
        quantities = {"lines": str(lines)} if lines is not None else {"words": "1"}
        sent = {"quantities": quantities, "permit": token, **data}
        (outcome,) = record_events(
            [use(key, data=sent, time=time)], BatchOrigin(terms, Door.API, at, actor="key test")
        )
        return UsageEvent.objects.get(pk=outcome.event_id)

    return make


def year():
    found = CapYear.objects.get()
    return found.used, found.reserved


def test_a_permit_clears_its_use_and_moves_its_units(permit, report, performer):
    given = permit(8)
    # A consent that is withdrawn since does not reach back into the permit.
    consented(performer, "deny", NOON + timedelta(minutes=1))

    event = report(5, given.permit.token)

    assert (event.standing, event.permit_id) == ("cleared", given.pk)
    assert event.standing_reason == f"Cleared by permit C{given.pk}."
    assert year() == (5, 3)
    assert report(3, given.permit.token, key="b").permit_id == given.pk
    assert year() == (8, 0)


def test_beyond_its_units_decide_speaks_and_what_was_left_is_drawn(permit, report):
    given = permit(8)
    event = report(9, given.permit.token)
    assert (event.standing, event.permit_id, event.over) == ("cleared", None, None)
    assert "too few units left" in event.standing_reason
    assert year() == (9, 0)
    over = report(2, given.permit.token, key="b")
    assert (over.standing, over.over) == ("over_cap", D(1))
    assert "no units left" in over.standing_reason


def test_confirmed_units_are_not_counted_twice(permit, report, terms):
    given = permit(8)
    reservations.confirm(decision_id=given.pk, terms=terms, at=NOON, quantities={"lines": D(6)})
    assert year() == (6, 0)
    late = report(4, given.permit.token, at=NOON + timedelta(days=3))
    assert late.permit_id == given.pk
    assert year() == (6, 0)
    assert report(3, given.permit.token, key="b").permit_id is None
    assert year() == (7, 0)
    assert ReservedUnits.objects.get().drawn == 6


def test_a_full_cap_still_clears_what_was_reserved_of_it(permit, report):
    given = permit(10)
    outside = report(4, None, key="a")
    assert (outside.standing, outside.over) == ("over_cap", D(4))
    inside = report(10, given.permit.token, key="b")
    assert (inside.standing, inside.over) == ("cleared", None)
    assert year() == (14, 0)


def test_overage_that_was_granted_is_told_apart(permit, report):
    Cap.objects.update(hard=False)
    given = permit(13)
    assert report(9, given.permit.token, key="a").over is None
    event = report(4, given.permit.token, key="b")
    assert (event.standing, event.permit_id, event.over) == ("cleared", given.pk, D(3))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"territory": "DE"}, "territory"),
        ({"language": "de"}, "language"),
        ({"channel": "game"}, "channel"),
        ({"time": "2026-06-01T11:59:59Z"}, "time"),
        ({"time": "2026-06-02T12:00:00Z"}, "time"),
        ({"real_time": True}, "real_time"),
    ],
)
def test_for_another_use_decide_speaks_and_nothing_is_drawn(permit, report, change, why):
    given = permit(8)
    event = report(1, given.permit.token, **change)
    assert event.permit_id is None
    assert f"({why})" in event.standing_reason
    assert ReservedUnits.objects.get().drawn == 0
    assert year() == (1, 8)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"content": ["violence"], "brand": "fizz"}, "brand"),
        ({"content": ["violence", "hate"], "brand": "Pop"}, "content"),
        ({"brand": "pop"}, "content"),
    ],
    ids=["another brand", "more content", "silent about content"],
)
def test_of_another_brand_or_content_decide_speaks_and_nothing_is_drawn(
    permit, report, performer, change, why
):
    """The consent that was looser when the permit was given leaves out hate and Fizz since."""
    for name in ("Fizz", "Pop"):
        Brand.objects.create(name=name, slug=name.lower(), categories=["alcohol"])
    given = permit(8, content=("violence",), brand="pop")
    scope = Scope(exclusions=frozenset({"hate"}), brands_excluded=frozenset({"fizz"}))
    consented(performer, "allow", NOON + timedelta(minutes=1), scope)

    like_it = report(1, given.permit.token, key="a", content=["violence"], brand="Pop")
    other = report(1, given.permit.token, key="b", **change)

    assert (like_it.standing, like_it.permit_id) == ("cleared", given.pk)
    assert (other.standing, other.permit_id) == ("out_of_scope", None)
    assert f"({why})" in other.standing_reason
    assert ReservedUnits.objects.get().drawn == 1


def test_a_wrong_signature_clears_nothing(permit, report, performer):
    token = permit(8).permit.token
    consented(performer, "deny", NOON + timedelta(minutes=1))
    flipped = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
    event = report(1, flipped)
    assert (event.standing, event.permit_id) == ("uncleared", None)
    assert "(not verified)" in event.standing_reason


def test_what_the_desk_signed_and_did_not_issue_clears_nothing(permit, report):
    given = permit(2)
    key = keys.current_key(at=NOON)
    public = keys.public_halves({key.kid})
    more = replace(claims.read_permit(given.permit.token, public), units=(("lines", D(9)),))

    event = report(1, claims.sign(more, keys.private_half(key), kid=key.kid))

    assert event.permit_id is None
    assert "(not issued)" in event.standing_reason


def test_a_permit_clears_nothing_of_a_cap_it_has_no_units_of(permit, report, agreement):
    token = permit(8).permit.token
    Cap.objects.create(agreement=agreement, meter="words", limit=3, starts_on="2026-01-01")

    event = report(1, token, quantities={"lines": "1", "words": "4"})

    assert (event.standing, event.permit_id) == ("over_cap", None)
    assert (event.over, event.over_meter) == (D(1), "words")


def test_of_what_expired_only_the_units_not_yet_reported_are_free(permit, report):
    given = permit(8, reserve_minutes=60)
    report(5, given.permit.token, at=NOON + HOUR / 2)

    assert permit(6, at=NOON + HOUR).outcome == "refused"
    assert permit(5, at=NOON + HOUR).outcome == "cleared"


def test_no_less_is_confirmed_than_was_reported(permit, report, terms):
    given = permit(8)
    report(5, given.permit.token)
    confirming = {"decision_id": given.pk, "terms": terms, "at": LATER}

    with pytest.raises(reservations.NotTheReservedUnits, match="the 5 lines reported"):
        reservations.confirm(quantities={"lines": D(4)}, **confirming)
    reservations.confirm(quantities={"lines": D(5)}, **confirming)
    assert year() == (5, 0)


def test_the_heartbeat_of_a_permit_whose_units_are_used_says_so(permit, report):
    given = permit(8)
    report(8, given.permit.token)

    beat = heartbeat.heartbeat(permit=given.permit, at=LATER)

    assert (beat.status, beat.reason) == ("expired", "All of its units are used.")


def test_a_permit_that_was_taken_back_clears_what_came_before(permit, report):
    given = permit(8)
    revocations.revoke(decision_id=given.pk, at=NOON + HOUR, by=None, reason="A mistake.")
    assert report(1, given.permit.token, key="a").permit_id == given.pk
    after = report(1, given.permit.token, key="b", time="2026-06-01T13:00:00Z")
    assert after.permit_id is None
    assert "(revoked)" in after.standing_reason


def test_a_permit_that_was_taken_back_frees_what_it_holds_at_once(permit, report):
    given = permit(8)
    report(3, given.permit.token)
    revocations.revoke(decision_id=given.pk, at=NOON + HOUR, by=None, reason="A mistake.")

    assert year() == (3, 0)
    assert permit(7, at=NOON + HOUR).outcome == "cleared"
    # A use of before that is reported late is cleared by it still, and consumes the cap.
    late = report(5, given.permit.token, key="late", at=NOON + 2 * HOUR)
    assert (late.standing, late.permit_id) == ("cleared", given.pk)
    assert year() == (8, 7)


def test_zero_of_a_meter_neither_withdraws_a_permit_nor_bars_a_use_of_zero(
    permit, report, agreement
):
    none = (("lines", D(0)), ("tokens", D(500)))
    given = permit(0, units=none)
    beat = heartbeat.heartbeat(permit=given.permit, at=NOON + timedelta(seconds=1))

    assert (beat.status, beat.reason) == ("valid", "")
    event = report(0, given.permit.token, quantities={"lines": "0", "tokens": "200"})
    assert (event.standing, event.permit_id) == ("cleared", given.pk)
    Cap.objects.create(agreement=agreement, meter="words", limit=3, starts_on="2026-01-01")
    assert heartbeat.heartbeat(permit=given.permit, at=NOON + HOUR).status == "valid"


def test_a_meter_that_a_permit_does_not_name_is_zero_of_it(permit, report):
    given = permit(8)
    event = report(1, given.permit.token, quantities={"lines": "1", "seconds": "40000"})

    assert event.permit_id is None
    assert "too few units left" in event.standing_reason
    assert report(1, given.permit.token, key="b").permit_id == given.pk


def test_after_release_or_expiry_no_units_are_left(permit, report, terms):
    released, expired = permit(2), permit(3, reserve_minutes=60)
    reservations.release(decision_id=released.pk, terms=terms, at=NOON)
    assert report(1, released.permit.token, key="a").permit_id is None
    assert report(1, expired.permit.token, key="b", at=NOON + HOUR).permit_id is None
    assert year() == (2, 3)
    reservations.expire(at=NOON + HOUR)
    assert year() == (2, 0)


def test_a_use_without_the_caps_meter_is_not_measurable(permit, report):
    event = report(None, permit(8).permit.token)
    assert (event.standing, event.permit_id) == ("uncleared", None)
    assert "A cap counts lines" in event.standing_reason


def test_permits_add_a_fixed_number_of_queries(permit, use, terms):
    Cap.objects.update(limit=1000)
    token = permit(1).permit.token
    origin = BatchOrigin(terms, Door.API, LATER, actor="key test")

    def queries(count):
        sent = [
            use(f"{count}-{n}", data={"permit": token}, time="2026-06-01T12:30:00Z")
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            record_events(sent, origin)
        return len(captured)

    assert queries(1) == queries(20)
