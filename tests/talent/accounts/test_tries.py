"""How often one may try: what is guessed is stopped, and nobody is kept out by somebody else."""

from datetime import UTC, datetime, timedelta

import pytest

from talent.accounts import tries
from talent.accounts.tries import ACCOUNT, ACCOUNT_FROM_ADDRESS, ADDRESS, NEIGHBOURHOOD, QUARTER
from talent.models import TryCount

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HERE = "198.51.100.7"

pytestmark = pytest.mark.django_db


def attempt(email, address=HERE, *, browser="", at=NOW):
    """Try a password, wrongly; tell whether it was looked at."""
    try:
        tries.count(tries.sign_in_counts(email=email, address=address, browser=browser), at=at)
    except tries.TooManyTries:
        return False
    return True


def test_a_password_is_guessed_eight_times_and_no_more_in_a_quarter_of_an_hour():
    looked_at = [attempt("ada@desk.example") for _try in range(ACCOUNT_FROM_ADDRESS.tries + 3)]

    assert looked_at == [True] * ACCOUNT_FROM_ADDRESS.tries + [False] * 3
    assert not attempt("Ada@Desk.example ", at=NOW + QUARTER - timedelta(seconds=1))
    assert attempt("ada@desk.example", at=NOW + QUARTER)


def test_one_password_for_everybody_is_stopped_by_where_it_comes_from():
    looked_at = [attempt(f"p{number}@desk.example") for number in range(ADDRESS.tries + 5)]

    assert sum(looked_at) == ADDRESS.tries
    assert attempt("p1@desk.example", "203.0.113.9"), "others come in meanwhile"


@pytest.mark.parametrize("network", ["198.51.100.{}", "2001:db8:1:{:x}::1"])
def test_changing_the_address_within_a_network_does_not_help(network):
    looked_at = [
        attempt(f"p{number}@desk.example", network.format(number % 250 + 1))
        for number in range(NEIGHBOURHOOD.tries + 5)
    ]

    assert sum(looked_at) == NEIGHBOURHOOD.tries


def test_a_subscriber_of_ipv6_is_one_whatever_address_they_take():
    looked_at = [
        attempt(f"p{number}@desk.example", f"2001:db8:1:1::{number + 1:x}")
        for number in range(ADDRESS.tries + 5)
    ]

    assert sum(looked_at) == ADDRESS.tries


def test_guessing_from_all_over_the_world_does_not_keep_the_owner_out():
    looked_at = [
        attempt("ada@desk.example", f"{first}.{second}.0.1")
        for first in range(11, 71)
        for second in (1, 2)
    ]

    assert sum(looked_at) == ACCOUNT.tries
    assert attempt("ada@desk.example", browser="the one at home")
    assert attempt("ben@desk.example"), "and nobody else either"


def test_a_neighbour_who_guesses_does_not_keep_out_who_is_known():
    for number in range(ADDRESS.tries + 1):
        attempt(f"p{number}@desk.example")

    assert not attempt("ada@desk.example")
    assert attempt("ada@desk.example", browser="the one at work")


def test_a_known_browser_guesses_no_more_than_others():
    looked_at = [attempt("ada@desk.example", browser="stolen") for _try in range(12)]

    assert sum(looked_at) == tries.KNOWN_BROWSER.tries


def test_only_what_goes_wrong_counts():
    counts = tries.sign_in_counts(email="ada@desk.example", address=HERE)
    for _sign_in in range(3 * ADDRESS.tries):
        tries.count(counts, at=NOW)
        tries.take_back(counts)

    assert set(TryCount.objects.values_list("tries", flat=True)) == {0}


def test_what_cannot_be_an_address_is_one_network():
    assert tries.networks_of("") == tries.networks_of("a socket") == ("unknown", "unknown")


def test_old_counts_are_forgotten():
    attempt("ada@desk.example")

    assert tries.forget_old(at=NOW + QUARTER - timedelta(seconds=1)) == 0
    assert tries.forget_old(at=NOW + QUARTER) == 4
    assert not TryCount.objects.exists()
