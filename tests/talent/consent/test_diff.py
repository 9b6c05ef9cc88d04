"""Differences between two versions, in words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent.consent.diff import LABELS, Kind, bounds_in_words, differences, field_in_words
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope
from tests.scopes import EACH_FIELD


def cell(use="dubbing", stance="allow", **scope):
    return Cell("voice", use, stance, Scope(**scope))


def words(change):
    return {field.field: (field.before, field.after) for field in change.fields}


def test_a_cell_is_added_removed_or_changed():
    before = [cell("game"), cell("dubbing"), cell("adr", "ask")]
    after = [cell("game"), cell("dubbing", "deny"), cell("live")]

    found = {change.name: (change.kind, words(change)) for change in differences(before, after)}

    assert found == {
        "Voice in Dubbing": (Kind.CHANGED, {"stance": ("allow", "deny")}),
        "Voice in ADR": (Kind.REMOVED, {"stance": ("ask", "inherits")}),
        "Voice in Live": (Kind.ADDED, {"stance": ("inherits", "allow")}),
    }


def test_changes_come_in_the_order_of_rights_and_uses():
    after = [Cell("voice", "feature", "ask"), Cell("face", "training", "ask"), cell("dubbing")]

    names = [change.name for change in differences([], after)]

    assert names == ["Face in Training", "Voice in Feature", "Voice in Dubbing"]


def test_each_field_says_what_it_was_and_is():
    before = [cell(territories=frozenset({"FR"}), limits=(Limit("seconds", Decimal(144000)),))]
    after = [
        Cell(
            "voice",
            "dubbing",
            "allow",
            Scope(
                territories=frozenset(),
                real_time=True,
                valid_to=datetime(2027, 7, 1, tzinfo=UTC),
                exclusions=frozenset({"political", "hate"}),
            ),
            overrules_agency=True,
        )
    ]

    (change,) = differences(before, after)

    assert words(change) == {
        "territories": ("France", "none at all"),
        "valid to": ("not said", "2027-07-01"),
        "content excluded": ("nothing", "hate, political content"),
        "real-time generation": ("not said", "allowed"),
        "at most": ("40 hours", "nothing"),
        "agency’s default overruled": ("no", "yes"),
    }


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("territories", None, "not said"),
        ("territories", frozenset(), "none at all"),
        ("licensees_excluded", frozenset(), "nothing"),
        ("languages", frozenset({"fr", "de"}), "French, German"),
        ("real_time", False, "not allowed"),
        ("notice_hours", 48, "48"),
        ("valid_to", datetime(2027, 7, 1, 9, 30, tzinfo=UTC), "2027-07-01 09:30"),
    ],
)
def test_an_empty_list_is_none_and_a_missing_one_says_nothing(field, value, text):
    assert field_in_words(field, value) == text


@pytest.mark.parametrize("name", EACH_FIELD)
def test_each_field_that_is_set_is_said(name):
    scope = Scope(**{name: EACH_FIELD[name].says})

    assert bounds_in_words(scope) == {LABELS[name]: EACH_FIELD[name].words}


cells = st.dictionaries(
    st.sampled_from(["dubbing", "game", "adr"]),
    st.builds(
        lambda stance, territories: (stance, territories),
        st.sampled_from(["allow", "ask", "deny"]),
        st.none() | st.frozensets(st.sampled_from(["FR", "US"])),
    ),
).map(lambda stances: [cell(use, stance, territories=t) for use, (stance, t) in stances.items()])


@given(cells, cells)
def test_nothing_differs_exactly_if_the_versions_say_the_same(before, after):
    assert (differences(before, after) == ()) == (set(before) == set(after))
    assert all(change.fields for change in differences(before, after))
