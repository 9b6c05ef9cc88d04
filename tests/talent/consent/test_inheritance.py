"""What stands above a cell, and when a cell would be looser than that."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talent.consent.inheritance import inherited_cell, layers_above, loosenings
from talent.consent.matrix import Cell, Version, combined_cell
from talent.consent.scope import LanguagesIn, Limit, Scope, covers
from talent.words import Stance

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def layer(owner_kind, stance, **scope):
    cells = (Cell("voice", "dubbing", stance, Scope(**scope)),) if stance else ()
    return Version(f"{owner_kind}-2", 2, owner_kind, "Sample", MARCH, MARCH, cells)


def own(stance, *, overrules=False, **scope):
    return Cell("voice", "dubbing", stance, Scope(**scope), overrules)


def test_an_owner_inherits_from_those_before_it():
    layers = [layer(kind, "ask") for kind in ("twin", "performer", "agency", "guild")]

    assert [version.owner_kind for version in layers_above(layers, "performer")] == [
        "agency",
        "guild",
    ]
    assert layers_above(layers, "guild") == ()


def test_nothing_is_inherited_where_nobody_said_anything():
    assert inherited_cell([layer("guild", None)], "voice", "dubbing") is None
    assert inherited_cell([layer("guild", "ask")], "voice", "dubbing").stance is Stance.ASK


@pytest.mark.parametrize("stance", ["allow", "ask"])
def test_what_a_guild_denies_nobody_loosens(stance):
    assert loosenings(own(stance), [layer("guild", "deny")]) == (
        "Voice in Dubbing is denied by Guild Sample, version 2; that can't be loosened here.",
    )


def test_a_guilds_rule_is_not_overruled():
    assert loosenings(own("allow", overrules=True), [layer("guild", "ask")])


def test_an_agencys_default_is_overruled_on_the_record_only():
    assert loosenings(own("allow"), [layer("agency", "ask")])
    assert loosenings(own("allow", overrules=True), [layer("agency", "ask")]) == ()


def test_stricter_or_equal_is_no_loosening():
    assert loosenings(own("deny"), [layer("guild", "ask")]) == ()
    assert loosenings(own("ask"), [layer("guild", "ask")]) == ()
    assert loosenings(own("allow"), [layer("guild", None)]) == ()


@pytest.mark.parametrize(
    ("limit", "said", "reason"),
    [
        ({"territories": {"FR"}}, {"territories": {"FR", "DE"}}, "Germany: only France is allowed"),
        ({"territories": set()}, {"territories": {"FR"}}, "France: none is allowed"),
        (
            {"languages": {"fr-CA"}},
            {"languages": {"fr"}},
            "French: only French (Canada) is allowed",
        ),
        (
            {"languages_in": (LanguagesIn("CA", frozenset({"fr"})),)},
            {"languages_in": (LanguagesIn("CA", frozenset({"de"})),)},
            "German in Canada: only French is allowed",
        ),
        (
            {"licensees_allowed": {"a"}},
            {"licensees_allowed": {"a", "b"}},
            "licensee b is not allowed",
        ),
        ({"licensees_excluded": {"b"}}, {"licensees_allowed": {"b"}}, "licensee b is not allowed"),
        ({"valid_from": JUNE}, {"valid_from": MARCH}, "would start before 2026-06-01"),
        ({"valid_to": MARCH}, {"valid_to": JUNE}, "would go on after 2026-03-01"),
        ({"notice_hours": 48}, {"notice_hours": 24}, "shorter than 48 hours"),
        ({"real_time": False}, {"real_time": True}, "real-time generation is not allowed"),
        (
            {"limits": (Limit("seconds", Decimal(36000)),)},
            {"limits": (Limit("seconds", Decimal(36001)),)},
            "more than 10 hours",
        ),
    ],
)
def test_a_scope_that_claims_more_says_which_field_and_whose(limit, said, reason):
    (found,) = loosenings(own("allow", **frozen(said)), [layer("guild", "allow", **frozen(limit))])

    assert reason in found
    assert "Guild Sample, version 2" in found
    assert loosenings(own("allow"), [layer("guild", "allow", **frozen(limit))]) == ()


def frozen(scope):
    return {k: frozenset(v) if isinstance(v, set) else v for k, v in scope.items()}


codes = st.none() | st.frozensets(st.sampled_from(["FR", "US", "US-CA"]))
scopes = st.builds(
    Scope,
    territories=codes,
    notice_hours=st.none() | st.integers(0, 3),
    real_time=st.sampled_from([None, True, False]),
    limits=st.just(()) | st.integers(0, 3).map(lambda most: (Limit("lines", Decimal(most)),)),
    valid_to=st.sampled_from([None, MARCH, JUNE]),
)
stances = st.sampled_from(["allow", "ask", "deny"])


@given(stances, scopes, stances, scopes)
@example("allow", Scope(frozenset(["US"])), "allow", Scope(frozenset(["US", "US-CA"])))
def test_a_cell_that_is_not_looser_means_what_it_says(stance, scope, limit, bounds):
    """What it says of a field holds; where it is silent, what is above it does.

    But the guild above permits no real time by itself.
    """
    above_it = (Cell("voice", "dubbing", limit, bounds),)
    guild = Version("guild-2", 2, "guild", "Sample", MARCH, MARCH, above_it)
    cell = Cell("voice", "dubbing", stance, scope)
    if loosenings(cell, [guild]):
        return

    twin = Version("t", 1, "twin", "Sample", MARCH, MARCH, (cell,))
    together = combined_cell([guild, twin], "voice", "dubbing")
    assert together.stance == stance
    if stance != "deny":
        assert bool(together.scope.real_time) is bool(scope.real_time)
        for field in ("notice_hours", "valid_to"):
            expected = getattr(scope, field)
            expected = getattr(bounds, field) if expected is None else expected
            assert getattr(together.scope, field) == expected, field
        if scope.territories is not None:
            assert means_the_same(together.scope.territories, scope.territories)


def means_the_same(one, other):
    """A list that names US and US-CA says no more than one that names US."""
    return all(covers(one, code) for code in other) and all(covers(other, code) for code in one)
