"""Reservations: units of caps held, confirmed, released and expired, exactly."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, transaction

from licensing.caps import reservations
from licensing.caps.reservations import (
    AlreadySettled,
    NotReserved,
    NotTheReservedUnits,
    ReservationExpired,
)
from licensing.caps.years import raise_alerts_of_new_limits
from licensing.clearance.ask import ask, ask_batch
from licensing.clearance.replays import replays_of
from licensing.clearance.sent_request import SentRequest
from licensing.clearance.store import store_where_room
from licensing.idempotency import KeyConflict
from licensing.models import Cap, CapAlert, CapReservation, CapYear, ReservedUnits
from talent.models import OutboxMessage
from tests.factories import make_agency, make_member

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def consented(consent, performer):
    return consent(performer=performer)


@pytest.fixture
def cap(agreement):
    return Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")


@pytest.fixture
def asked(twin, agreement):
    def make(lines, **other):
        return SentRequest(
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
                "reserve_minutes": 60,
                **other,
            }
        )

    return make


@pytest.fixture
def reserve(asked, terms):
    def make(lines, *, at=NOON, **other):
        return ask(asked(lines, at=at, **other), terms=terms, asked_at=at)

    return make


def year():
    found = CapYear.objects.get()
    return found.used, found.reserved


def test_a_cleared_request_holds_its_units_until_its_time(reserve, cap):
    row = reserve(6)
    assert year() == (0, 6)
    assert row.reservation.expires_at == NOON + HOUR
    refused = reserve(5)
    assert (refused.outcome, refused.decision["deciding"]["code"]) == ("refused", "over_cap")
    assert year() == (0, 6)
    assert reserve(4).outcome == "cleared"
    assert year() == (0, 10)


@pytest.mark.django_db(transaction=True)
def test_what_others_took_since_the_caps_were_read_is_not_granted_again(reserve, cap, monkeypatch):
    reserve(1)

    def after_others_took_all(rows):
        CapYear.objects.update(used=9)
        store_where_room(rows)

    monkeypatch.setattr("licensing.clearance.ask.store_where_room", after_others_took_all)
    row = reserve(1)
    assert (row.outcome, row.decision["deciding"]["code"]) == ("refused", "over_cap")
    assert (row.facts["caps"][0]["used"], year()) == ("9.000000", (9, 1))


@pytest.mark.parametrize(("lines", "locked"), [(7, False), (8, True)])
def test_years_are_locked_only_where_an_alert_may_follow(
    reserve, cap, lines, locked, django_assert_max_num_queries
):
    reserve(D("0.5"))
    with django_assert_max_num_queries(40) as queries:
        reserve(lines - D("0.5"))
    assert any("ON CONFLICT (cap_id, starts_on)" in one["sql"] for one in queries) is locked


def test_a_question_that_does_not_reserve_holds_nothing(reserve, cap):
    assert reserve(6, reserve=False).outcome == "cleared"
    assert not CapYear.objects.exists()
    assert not CapReservation.objects.exists()


def test_an_expired_reservation_is_free_at_once_before_the_sweep(reserve, cap):
    reserve(10)
    assert reserve(10, at=NOON + HOUR - timedelta(seconds=1)).outcome == "refused"
    assert reserve(10, at=NOON + HOUR).outcome == "cleared"
    assert year() == (0, 20)  # the sweep has not come by yet
    assert reservations.expire(at=NOON + HOUR) == 1
    assert year() == (0, 10)
    assert reservations.expire(at=NOON + HOUR) == 0
    assert {row.state for row in CapReservation.objects.all()} == {"expired", "open"}


def test_a_confirmed_reservation_counts_as_used_and_the_rest_is_free(reserve, cap, terms):
    row = reserve(8)
    reservations.confirm(decision_id=row.pk, terms=terms, at=NOON, quantities={"lines": D(5)})
    assert year() == (5, 0)
    assert reserve(5).outcome == "cleared"


def test_a_replayed_confirmation_gets_the_first_answer(reserve, cap, terms):
    row = reserve(8)
    first = reservations.confirm(decision_id=row.pk, terms=terms, at=NOON)
    again = reservations.confirm(decision_id=row.pk, terms=terms, at=NOON + 5 * HOUR)
    assert again.settled_at == first.settled_at == NOON
    assert year() == (8, 0)


def test_a_confirmation_under_the_same_key_with_other_units_is_refused(reserve, cap, terms):
    row = reserve(8)
    by = {"decision_id": row.pk, "terms": terms, "at": NOON, "idempotency_key": "k"}
    reservations.confirm(quantities={"lines": D(5)}, **by)
    with pytest.raises(KeyConflict):
        reservations.confirm(quantities={"lines": D(6)}, **by)
    with pytest.raises(AlreadySettled):
        reservations.confirm(quantities={"lines": D(6)}, **{**by, "idempotency_key": "other"})
    assert year() == (5, 0)


def test_what_expired_or_was_released_is_not_confirmed(reserve, cap, terms):
    late, released = reserve(2), reserve(3)
    reservations.release(decision_id=released.pk, terms=terms, at=NOON)
    with pytest.raises(AlreadySettled, match="released"):
        reservations.confirm(decision_id=released.pk, terms=terms, at=NOON)
    for _swept in range(2):
        with pytest.raises(ReservationExpired):
            reservations.confirm(decision_id=late.pk, terms=terms, at=NOON + HOUR)
        reservations.expire(at=NOON + HOUR)
    assert year() == (0, 0)


def test_no_more_is_confirmed_than_was_reserved_and_of_no_other_meter(reserve, cap, terms):
    row = reserve(2)
    for quantities in ({"lines": D(3)}, {"words": D(1)}):
        with pytest.raises(NotTheReservedUnits):
            reservations.confirm(decision_id=row.pk, terms=terms, at=NOON, quantities=quantities)
    assert year() == (0, 2)


def test_a_reservation_of_others_is_not_there(reserve, cap, agency, licensee):
    row = reserve(2)
    other = type(licensee).objects.create(name="Other", slug="other", kind="studio", country="US")
    theirs = row.terms.__class__.objects.create(agency=agency, licensee=other)
    with pytest.raises(NotReserved):
        reservations.confirm(decision_id=row.pk, terms=theirs, at=NOON)


def test_a_soft_cap_grants_past_its_limit_and_says_how_much(reserve, cap):
    Cap.objects.update(hard=False)
    reserve(8)
    row = reserve(5)
    assert row.outcome == "cleared"
    assert [(units.units, units.over) for units in row.reservation.units.all()] == [(5, 3)]
    assert year() == (0, 13)


def test_every_cap_that_counts_is_held(reserve, cap, performer, twin):
    Cap.objects.create(performer=performer, meter="lines", limit=9, starts_on="2026-01-01")
    Cap.objects.create(twin=twin, meter="lines", limit=3, starts_on="2026-01-01", channels=["game"])
    reserve(6)
    assert sorted(CapYear.objects.values_list("cap__limit", "reserved")) == [(9, 6), (10, 6)]
    assert reserve(4).outcome == "refused"  # the performer's has 3 left


def test_questions_of_a_batch_are_decided_in_order(asked, terms, cap):
    rows = ask_batch({seat: asked(4) for seat in range(3)}, sent=[], terms=terms, asked_at=NOON)
    assert [row.outcome for row in rows.values()] == ["cleared", "cleared", "refused"]
    assert year() == (0, 8)
    assert all(one.same for one in replays_of(list(rows.values()), terms=terms))


def test_a_batch_under_one_key_gets_its_first_answers(asked, terms, cap):
    sent = {"sent": [{"lines": "4"}], "terms": terms, "idempotency_key": "k"}
    first = ask_batch({0: asked(4)}, asked_at=NOON, **sent)
    again = ask_batch({0: asked(4)}, asked_at=NOON + HOUR, **sent)
    assert again[0].pk == first[0].pk
    assert again[0].permit.token == first[0].permit.token
    with pytest.raises(KeyConflict):
        ask_batch({0: asked(5)}, asked_at=NOON, **{**sent, "sent": [{"lines": "5"}]})
    assert year() == (0, 4)


@pytest.mark.parametrize(
    ("at", "note"),
    [
        (NOON - HOUR, "use of the past"),
        (NOON + timedelta(days=40), "at most 31 days ahead"),
        (NOON - timedelta(minutes=4), ""),
        (NOON + timedelta(days=30), ""),
    ],
)
def test_only_a_use_of_now_or_soon_is_reserved(asked, terms, cap, at, note):
    from licensing.clearance.reserve import why_nothing_reserved

    row = ask(asked(1, at=at), terms=terms, asked_at=NOON)
    assert row.outcome == "cleared"
    assert note in why_nothing_reserved(row)
    assert bool(why_nothing_reserved(row)) == bool(note)
    assert CapReservation.objects.exists() == (not note)


def test_a_permit_ends_with_the_fiscal_year_of_its_cap(asked, terms, cap, agreement):
    agreement.time_zone, agreement.ends_at = "Europe/Paris", None
    agreement.save()
    evening = datetime(2026, 12, 31, 20, tzinfo=UTC)

    row = ask(asked(1, at=evening, reserve_minutes=1440), terms=terms, asked_at=evening)

    assert row.permit.expires_at == datetime(2026, 12, 31, 23, tzinfo=UTC)


def test_a_reservation_changes_only_by_being_settled_once(reserve, cap, terms):
    row = reserve(2)
    for change in (
        lambda: CapReservation.objects.update(expires_at=NOON + 9 * HOUR),
        lambda: ReservedUnits.objects.update(units=9),
        lambda: ReservedUnits.objects.update(drawn=3),
        lambda: CapReservation.objects.all().delete(),
        lambda: CapReservation.objects.update(state="released"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    reservations.release(decision_id=row.pk, terms=terms, at=NOON)
    with pytest.raises(DatabaseError), transaction.atomic():
        CapReservation.objects.update(state="open", settled_at=None)


class TestAlerts:
    @pytest.fixture
    def staff(self, agency):
        for role in ("agent", "business_affairs", "accounting"):
            make_member(agency, role)

    def told(self):
        return sorted(OutboxMessage.objects.values_list("recipient", "subject"))

    def test_eighty_and_a_hundred_percent_are_told_once_each(self, reserve, cap, staff, terms):
        reserve(7)
        assert self.told() == []
        row = reserve(1)
        assert [to for to, _ in self.told()] == [
            "agent@northlight.example",
            "business_affairs@northlight.example",
        ]
        assert {subject[:4] for _, subject in self.told()} == {"80 %"}
        reservations.release(decision_id=row.pk, terms=terms, at=NOON)
        reserve(1)
        assert len(self.told()) == 2
        reserve(2)
        assert sorted(CapAlert.objects.values_list("percent", flat=True)) == [80, 100]
        assert len(self.told()) == 4

    def test_one_that_crosses_both_is_told_as_the_higher(self, reserve, cap, staff):
        reserve(10)
        assert {subject[:5] for _, subject in self.told()} == {"100 %"}
        assert CapAlert.objects.count() == 2

    def test_a_limit_lowered_below_what_is_gone_is_told_once(self, reserve, cap, staff):
        reserve(6)
        CapYear.objects.create(cap=cap, starts_on="2025-01-01", used=9)  # That year is over.
        for limit, alerts in ((9, 0), (5, 2), (4, 2)):
            Cap.objects.update(limit=limit)
            raise_alerts_of_new_limits([cap.pk], at=NOON)
            assert CapAlert.objects.count() == alerts
        assert {subject[:5] for _, subject in self.told()} == {"100 %"}
        assert len(self.told()) == 2

    def test_staff_of_another_agency_are_not_told(self, reserve, cap, staff):
        other = make_agency("meridian")
        make_member(other, "agent")
        reserve(8)
        assert {to.partition("@")[2] for to, _ in self.told()} == {"northlight.example"}

    def test_a_performers_cap_is_told_to_the_agencies_that_represent_them(
        self, reserve, performer, staff
    ):
        Cap.objects.create(performer=performer, meter="lines", limit=5, starts_on="2026-01-01")
        reserve(4)
        assert len(self.told()) == 2
