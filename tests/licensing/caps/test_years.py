"""A cap's year: how units come and go, and which indexes its statements are served by."""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from django.db import connection

from licensing.caps import reservations, years
from licensing.caps.years import Balance
from licensing.models.caps import lapsed_units
from tests.plans import indexes_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def balance(*, used=0, reserved=0):
    return Balance(1, D(10), D(used), D(reserved), D(used), D(reserved))


@pytest.mark.parametrize(
    ("used", "reserved", "units", "past"),
    [(0, 0, 10, 0), (0, 0, 11, 1), (4, 5, 2, 1), (10, 0, 3, 3), (12, 0, 3, 3), (0, 12, 3, 3)],
)
def test_only_the_part_past_the_limit_is_over(used, reserved, units, past):
    year = balance(used=used, reserved=reserved)
    assert year.past_limit(D(units)) == past
    assert year.reserve(D(units)) == past
    assert (year.used, year.reserved) == (used, reserved + units)


def test_what_a_confirmation_has_counted_before_is_not_counted_twice():
    assert balance(used=8).past_limit(D(4)) == 2
    assert balance(used=8).past_limit(D(4), used_already=D(4)) == 0


def test_a_use_that_is_given_back_takes_no_more_than_was_used():
    """A cap that was drawn up after the use never counted it."""
    year = balance(used=3)
    year.give_back(D(2))
    assert year.used == 1
    year.give_back(D(2))
    assert year.used == 0


def test_a_year_that_ends_where_it_began_is_not_written():
    year = balance(reserved=3)
    year.free(D(2))
    assert year.is_changed
    year.reserve(D(2))
    assert not year.is_changed


@pytest.fixture
def many_years():
    """As many years as a desk has, of caps that are none, so that no plan is one for few rows.

    They are gone again before the database asks for their caps.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO licensing_capyear (cap_id, starts_on, reserved, used)"
            " SELECT cap, '2026-01-01', 0, 0 FROM generate_series(1, 5000) AS cap"
        )
        cursor.execute("ANALYZE licensing_capyear")
        yield
        cursor.execute("DELETE FROM licensing_capyear")


@pytest.mark.django_db
@pytest.mark.usefixtures("many_years")
class TestPlans:
    def test_years_are_locked_and_moved_by_their_keys(self):
        wanted = {"caps": [1], "days": ["2026-01-01"], "pks": [2], "at": NOON}
        make, lock, read = years.LOCK.split(";\n\n")
        assert "cap_year_once" in indexes_of(make, wanted)
        assert {"cap_year_once", "licensing_capyear_pkey"} <= indexes_of(lock, wanted)
        assert {"cap_year_once", "licensing_capyear_pkey"} <= indexes_of(read, wanted)
        moves = {"ids": [1], "used": [D(1)], "reserved": [D(1)]}
        assert indexes_of(years.MOVE, moves) == {"licensing_capyear_pkey"}

    def test_lapsed_units_are_found_without_reading_every_reservation(self):
        found = indexes_of(f"SELECT {lapsed_units('%(year)s', '%(at)s')}", {"year": 1, "at": NOON})
        assert len(found) == 2, found

    def test_a_reservation_is_settled_by_its_key(self):
        settling = {
            "id": 1, "terms": 1, "at": NOON, "state": "confirmed", "key": "", "digest": b"",
            "quantities": None,
        }  # fmt: skip
        served = {"licensing_capreservation_pkey", "reserved_units_once"}
        assert served <= indexes_of(reservations.SETTLE, settling)
        assert served <= indexes_of(
            reservations.EXPIRE, {"ids": [1], "state": "expired", "at": None}
        )
