"""Countries, their parts and groups: what lies in what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent.territories import (
    GROUPS,
    common_places,
    covers_place,
    is_known_place,
    is_known_territory,
    place_name,
    touches,
    uncovered,
)

CODES = ["FR", "DE", "US", "US-CA", "CA", "EU", "BENELUX", "NORDIC", "NL", "SE", "NO"]
places = st.none() | st.frozensets(st.sampled_from(CODES), max_size=4)
uses = st.sampled_from([code for code in CODES if code not in GROUPS])


def test_every_member_of_a_group_is_a_country_and_no_group_is_one():
    for code, members in GROUPS.items():
        assert all(map(is_known_territory, members)), code
        assert not is_known_territory(code)
        assert is_known_place(code)


@pytest.mark.parametrize(
    ("allowed", "code", "covered"),
    [
        ({"EU"}, "FR", True),
        ({"EU"}, "GB", False),
        ({"EEA"}, "EU", True),
        ({"EU"}, "EEA", False),
        ({"US"}, "US-CA", True),
        ({"US-CA"}, "US", False),
        (set(), "FR", False),
        ({"EU"}, None, False),
    ],
)
def test_a_place_covers_its_parts(allowed, code, covered):
    assert covers_place(frozenset(allowed), code) is covered


def test_a_use_of_a_country_has_part_in_what_is_left_out_of_it():
    assert touches(frozenset({"US-CA"}), "US")
    assert touches(frozenset({"EU"}), "FR")
    assert not touches(frozenset({"US-CA"}), "US-NY")


def test_groups_that_overlap_share_their_common_members():
    shared = common_places(frozenset({"EU"}), frozenset({"NORDIC"}))
    assert shared == {"DK", "FI", "SE", "AX"} - {"AX"}
    assert common_places(frozenset({"EU"}), frozenset({"EEA"})) == {"EU"}


@given(places, places, uses)
def test_what_lies_in_both_is_covered_by_what_they_share(first, second, code):
    shared = common_places(first, second)
    assert covers_place(shared, code) == (covers_place(first, code) and covers_place(second, code))


excepted = st.frozensets(st.sampled_from(CODES), max_size=2)


@given(places, excepted, places, excepted, uses)
def test_a_claim_without_anything_uncovered_allows_nothing_more(
    wanted, out, allowed, left_out, use
):
    outside = uncovered(wanted, out, allowed=allowed, excluded=left_out)
    claimed = covers_place(wanted, use) and not (out and touches(out, use))
    within = covers_place(allowed, use) and not (left_out and touches(left_out, use))
    if outside is not None and not outside and claimed:
        assert within


def test_places_go_by_their_names():
    assert [place_name(code) for code in ("EU", "FR", "US-CA", "XX")] == [
        "the European Union", "France", "California", "XX",
    ]  # fmt: skip
