"""The matrix: which version counts, how layers combine, what a grant may not exceed."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent.consent.bounds import GrantSought, excesses
from talent.consent.matrix import (
    VOICES_IN_A_COMPOSITE,
    Cell,
    Version,
    blanket_reason,
    combined_cell,
    combined_limit,
    in_force,
)
from talent.consent.scope import (
    EVERYWHERE,
    LanguagesIn,
    Limit,
    Scope,
    breaches,
    common_scope,
    covers,
)
from talent.words import Exclusion, Stance, Use
from tests.scopes import EACH_FIELD

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
STRICTNESS = [Stance.ALLOW, Stance.ASK, Stance.DENY]


def version(owner_kind, *cells, number=1, in_force_from=JANUARY, recorded_at=JANUARY):
    return Version(
        id=f"{owner_kind}-{number}",
        number=number,
        owner_kind=owner_kind,
        owner=f"the {owner_kind}",
        in_force_from=in_force_from,
        recorded_at=recorded_at,
        cells=cells,
    )


def voice(stance, **scope):
    return Cell("voice", "dubbing", stance, Scope(**scope))


def dubbing(*layers):
    return combined_cell(layers, "voice", "dubbing")


class TestWhichVersionCounts:
    def test_the_latest_in_force_wins(self):
        old, new = version("twin"), version("twin", number=2, in_force_from=MARCH)
        assert in_force([old, new], at=JUNE, known_at=JUNE) is new

    def test_a_version_starts_at_its_instant(self):
        old, new = version("twin"), version("twin", number=2, in_force_from=MARCH)
        assert in_force([old, new], at=MARCH, known_at=JUNE) is new
        assert in_force([old, new], at=MARCH - timedelta(seconds=1), known_at=JUNE) is old

    def test_a_paper_consent_entered_late_counts_only_once_known(self):
        late = version("twin", in_force_from=JANUARY, recorded_at=JUNE)
        assert in_force([late], at=MARCH, known_at=MARCH) is None
        assert in_force([late], at=MARCH, known_at=JUNE) is late

    def test_of_two_that_start_together_the_higher_number_wins(self):
        first, second = version("twin"), version("twin", number=2)
        assert in_force([second, first], at=JUNE, known_at=JUNE) is second

    def test_a_correction_of_the_past_does_not_undo_what_came_after(self):
        later = version("twin", in_force_from=MARCH)
        correction = version("twin", number=2, in_force_from=JANUARY)
        assert in_force([later, correction], at=JUNE, known_at=JUNE) is later

    def test_before_the_first_version_there_is_none(self):
        assert in_force([version("twin", in_force_from=MARCH)], JANUARY, JUNE) is None


class TestHowLayersCombine:
    @pytest.mark.parametrize(
        ("guild", "performer", "outcome", "decider"),
        [
            ("allow", "allow", "allow", "guild"),
            ("allow", "ask", "ask", "performer"),
            ("ask", "allow", "ask", "guild"),
            ("deny", "allow", "deny", "guild"),
            ("ask", "deny", "deny", "performer"),
            (None, "allow", "allow", "performer"),
        ],
    )
    def test_the_strictest_stance_wins(self, guild, performer, outcome, decider):
        layers = [
            version(kind, *([voice(stance)] if stance else []))
            for kind, stance in (("guild", guild), ("performer", performer))
        ]
        cell = dubbing(*layers)
        assert (cell.stance, cell.decided_by.owner_kind) == (outcome, decider)

    def test_what_nobody_set_is_denied(self):
        cell = dubbing(version("guild"), version("performer", Cell("voice", "game", "allow")))
        assert cell.stance is Stance.DENY
        assert cell.decided_by is None

    @pytest.mark.parametrize("stance", ["allow", "ask"])
    @pytest.mark.parametrize("kinds", [("guild",), ("agency",), ("guild", "agency")])
    def test_a_rule_alone_allows_nothing(self, kinds, stance):
        rules = [version(kind, voice(stance)) for kind in kinds]
        assert dubbing(*rules).stance is Stance.DENY
        assert dubbing(*rules).decided_by is None
        assert combined_limit(rules, "voice", "dubbing").stance == stance

    def test_a_rule_that_denies_is_named_even_where_nobody_else_spoke(self):
        assert dubbing(version("guild", voice("deny"))).decided_by.owner_kind == "guild"

    def test_a_composites_matrix_speaks_for_none_of_its_sources(self):
        layers = [version("twin", voice("allow")), version("performer", voice("ask"))]
        spoken = {
            count: combined_cell(
                layers[:count], "voice", "dubbing", voices=VOICES_IN_A_COMPOSITE
            ).stance
            for count in (1, 2)
        }
        assert spoken == {1: Stance.DENY, 2: Stance.ASK}

    def test_no_layer_at_all_is_denied(self):
        assert dubbing().stance is Stance.DENY

    def test_an_unknown_stance_denies(self):
        assert dubbing(version("twin", voice("perhaps"))).stance is Stance.DENY

    def test_the_order_in_which_layers_come_does_not_matter(self):
        guild = version("guild", voice("ask", notice_hours=48))
        twin = version("twin", voice("ask", notice_hours=24))
        assert dubbing(guild, twin) == dubbing(twin, guild)

    def test_lists_and_dates_intersect_and_exclusions_unite(self):
        cell = dubbing(
            version(
                "agency",
                voice(
                    "allow",
                    territories=frozenset({"FR", "DE"}),
                    languages=frozenset({"fr"}),
                    licensees_allowed=frozenset({"lantern", "harbor"}),
                    licensees_excluded=frozenset({"smokeco"}),
                    valid_from=JANUARY,
                    valid_to=JUNE,
                    notice_hours=24,
                    exclusions=frozenset({"tobacco"}),
                    real_time=True,
                    limits=(Limit("seconds", 10),),
                ),
            ),
            version(
                "performer",
                voice(
                    "allow",
                    territories=frozenset({"DE", "AT"}),
                    languages=frozenset({"fr-CA", "de"}),
                    licensees_allowed=frozenset({"lantern"}),
                    licensees_excluded=frozenset({"betco"}),
                    valid_from=MARCH,
                    notice_hours=48,
                    exclusions=frozenset({"gambling"}),
                    real_time=False,
                    limits=(Limit("seconds", 20), Limit("lines", 5)),
                ),
            ),
        )
        assert cell.scope == Scope(
            territories=frozenset({"DE"}),
            languages=frozenset({"fr-CA"}),
            licensees_allowed=frozenset({"lantern"}),
            licensees_excluded=frozenset({"smokeco", "betco"}),
            valid_from=MARCH,
            valid_to=JUNE,
            notice_hours=48,
            exclusions=frozenset({"tobacco", "gambling"}),
            real_time=False,
            limits=(Limit("lines", 5), Limit("seconds", 10)),
        )
        assert cell.source_of("notice_hours").owner_kind == "performer"
        assert cell.source_of("limits").owner_kind == "performer"

    def test_no_field_of_a_scope_is_forgotten(self):
        assert EACH_FIELD.keys() == {one.name for one in fields(Scope)}

    @pytest.mark.parametrize("name", EACH_FIELD)
    def test_each_field_of_two_layers_comes_to_what_both_allow(self, name):
        one = EACH_FIELD[name]
        layers = [
            version("agency", voice("allow", **{name: one.says})),
            version("performer", voice("allow", **{"real_time": True, name: one.also})),
        ]

        cell = dubbing(*layers)

        expected = replace(Scope(real_time=True), **{name: one.together})
        assert cell.scope == dubbing(*reversed(layers)).scope == expected
        assert cell.source_of(name).owner_kind in ("agency", "performer")

    def test_lists_without_a_common_member_leave_none(self):
        cell = dubbing(
            version("guild", voice("allow", territories=frozenset({"FR"}))),
            version("twin", voice("allow", territories=frozenset({"DE"}))),
        )
        assert cell.scope.territories == frozenset()

    def test_a_performer_may_overrule_the_agency_on_the_record(self):
        agency = version("agency", voice("deny", territories=frozenset({"FR"})))
        plain = version("performer", voice("allow"))
        overruling = version("performer", Cell("voice", "dubbing", "allow", overrules_agency=True))
        assert dubbing(agency, plain).stance is Stance.DENY
        assert dubbing(agency, overruling).stance is Stance.ALLOW
        assert dubbing(agency, overruling).scope == EVERYWHERE

    def test_a_performer_never_overrules_a_guild(self):
        guild = version("guild", voice("deny"))
        overruling = version("performer", Cell("voice", "dubbing", "allow", overrules_agency=True))
        assert dubbing(guild, overruling).stance is Stance.DENY

    def test_an_agency_never_overrules_itself(self):
        agency = version("agency", Cell("voice", "dubbing", "deny", overrules_agency=True))
        assert dubbing(agency, version("performer", voice("allow"))).stance is Stance.DENY


class TestWhatIsInsideAScope:
    INSIDE = {"at": MARCH, "licensee": "lantern", "territory": "FR", "language": "fr"}

    def fields(self, scope, **request):
        found = breaches(Scope(**scope), **(self.INSIDE | request))
        return [breach.field for breach in found]

    @pytest.mark.parametrize(
        ("scope", "request_", "outside"),
        [
            ({}, {}, []),
            ({"territories": frozenset({"FR"})}, {}, []),
            ({"territories": frozenset({"DE"})}, {}, ["territories"]),
            ({"territories": frozenset()}, {}, ["territories"]),
            ({"territories": frozenset({"FR"})}, {"territory": None}, ["territories"]),
            ({}, {"territory": None}, []),
            ({"languages": frozenset({"fr"})}, {"language": "fr-CA"}, []),
            ({"languages": frozenset({"fr-CA"})}, {"language": "fr"}, ["languages"]),
            ({"languages": frozenset({"fr"})}, {"language": "frr"}, ["languages"]),
            ({"licensees_allowed": frozenset({"harbor"})}, {}, ["licensees_allowed"]),
            ({"licensees_allowed": frozenset()}, {}, ["licensees_allowed"]),
            ({"licensees_excluded": frozenset({"lantern"})}, {}, ["licensees_excluded"]),
            ({"valid_from": JUNE}, {}, ["valid_from"]),
            ({"valid_from": MARCH}, {}, []),
            ({"valid_to": MARCH}, {}, ["valid_to"]),
            ({"valid_to": JUNE}, {}, []),
            ({"exclusions": frozenset({"tobacco"})}, {"content": ("tobacco",)}, ["exclusions"]),
            ({"exclusions": frozenset({"tobacco"})}, {"content": ("hate",)}, []),
            ({"real_time": True}, {"real_time": True}, []),
            ({"real_time": False}, {"real_time": True}, ["real_time"]),
            ({}, {"real_time": True}, ["real_time"]),
            ({"notice_hours": 48}, {}, ["notice_hours"]),
            ({"notice_hours": 48}, {"noticed_at": MARCH - timedelta(hours=48)}, []),
            ({"notice_hours": 48}, {"noticed_at": MARCH - timedelta(hours=47)}, ["notice_hours"]),
        ],
    )
    def test_each_field_of_a_scope_holds(self, scope, request_, outside):
        assert self.fields(scope, **request_) == outside


class TestTheSubsetRule:
    def exceeding(self, scope=None, stance="allow", **grant):
        cell = dubbing(version("performer", voice(stance, **(scope or {}))))
        terms = {"valid_from": JANUARY, "valid_to": JUNE} | grant
        sought = Scope(licensees_allowed=frozenset({"lantern"}), **terms)
        return excesses(GrantSought("voice", "dubbing", sought), cell)

    def test_a_grant_within_the_consent_passes(self):
        scope = {"territories": frozenset({"FR", "DE"}), "valid_to": JUNE}
        assert self.exceeding(scope, territories=frozenset({"FR"})) == ()

    @pytest.mark.parametrize(
        ("scope", "grant"),
        [
            ({"territories": frozenset({"EU"})}, {"territories": frozenset({"BENELUX", "FR"})}),
            (
                {"territories": frozenset({"EEA"}), "territories_excluded": frozenset({"FR"})},
                {"territories": frozenset({"EU"}), "territories_excluded": frozenset({"FR"})},
            ),
            (
                {"languages_in": (LanguagesIn("CA", frozenset({"fr"})),)},
                {
                    "territories": frozenset({"CA", "DE"}),
                    "languages_in": (LanguagesIn("CA", frozenset({"fr-CA"})),),
                },
            ),
            (
                {"languages": frozenset({"fr"})},
                {
                    "territories": frozenset({"CA"}),
                    "languages_in": (LanguagesIn("CA", frozenset({"fr"})),),
                },
            ),
            ({"brands_excluded": frozenset({"fizz"}), "exclusions": frozenset({"hate"})}, {}),
        ],
    )
    def test_groups_exceptions_and_languages_by_place_are_within(self, scope, grant):
        assert self.exceeding(scope, **grant) == ()

    def test_a_cell_that_asks_may_be_granted(self):
        assert self.exceeding(stance="ask") == ()

    @pytest.mark.parametrize(
        ("scope", "grant", "word"),
        [
            ({"territories": frozenset({"FR"})}, {}, "all of them"),
            (
                {"territories": frozenset({"FR"})},
                {"territories": frozenset({"FR", "US"})},
                "United States: only France is allowed",
            ),
            (
                {"territories": frozenset()},
                {"territories": frozenset({"FR"})},
                "France: none is allowed",
            ),
            (
                {"languages": frozenset({"fr"})},
                {"languages": frozenset({"de"})},
                "German: only French is allowed",
            ),
            ({"licensees_excluded": frozenset({"lantern"})}, {}, "this licensee is not allowed"),
            ({"valid_from": MARCH}, {}, "start before"),
            ({"valid_to": MARCH}, {}, "go on after"),
            ({"valid_to": JUNE}, {"valid_to": None}, "go on after"),
            ({}, {"real_time": True}, "real-time generation is not allowed"),
            (
                {"territories": frozenset({"EU"}), "territories_excluded": frozenset({"FR"})},
                {"territories": frozenset({"EU"})},
                "France: only the European Union except France is allowed",
            ),
            (
                {"territories_excluded": frozenset({"US-CA"})},
                {},
                "California: only the world except California",
            ),
            (
                {"languages_in": (LanguagesIn("CA", frozenset({"fr"})),)},
                {"territories": frozenset({"CA"})},
                "in Canada no language is named",
            ),
            (
                {"channels_excluded": frozenset({"social"})},
                {},
                "channels excluded are not left out",
            ),
            (
                {"channels_allowed": frozenset({"cinema"})},
                {"channels_allowed": frozenset({"cinema", "social"})},
                "channel Social is not allowed",
            ),
            ({"productions_allowed": frozenset({"P5"})}, {}, "no production is named"),
            (
                {"productions_excluded": frozenset({"P6"})},
                {"productions_allowed": frozenset({"P5", "P6"})},
                "production P6 is not allowed",
            ),
            (
                {"licensees_allowed": frozenset({"harbor"})},
                {},
                "this licensee is not allowed",
            ),
            ({"brands_allowed": frozenset({"fizz"})}, {}, "no brand is named"),
            (
                {"brands_excluded": frozenset({"fizz"})},
                {"brands_allowed": frozenset({"fizz"})},
                "brand fizz is not allowed",
            ),
        ],
    )
    def test_a_grant_beyond_the_consent_says_which_cell_and_why(self, scope, grant, word):
        (reason,) = self.exceeding(scope, **grant)
        assert reason.startswith("Voice in Dubbing")
        assert word in reason

    def test_a_denied_cell_can_not_be_granted_and_says_by_whom(self):
        (reason,) = self.exceeding(stance="deny")
        assert reason == "Voice in Dubbing is denied by Performer the performer, version 1."


class TestBlanketConsent:
    def test_every_use_allowed_without_bounds_is_refused(self):
        cells = [Cell("voice", use, "allow") for use in Use.codes()]
        assert "Voice is allowed in every use" in blanket_reason(cells)

    def test_one_bound_or_one_question_makes_it_specific(self):
        cells = [Cell("voice", use, "allow") for use in Use.codes()]
        bounded = [*cells[:-1], Cell("voice", "training", "allow", Scope(valid_to=JUNE))]
        asking = [*cells[:-1], Cell("voice", "training", "ask")]
        assert blanket_reason(bounded) == blanket_reason(asking) == blanket_reason([]) == ""


# Laws

codes = st.frozensets(st.sampled_from(["FR", "DE", "US", "US-CA", "fr", "fr-CA"]), max_size=4)
instants = st.integers(0, 730 * 24).map(lambda hours: JANUARY + timedelta(hours=hours - 8760))
scopes = st.builds(
    Scope,
    territories=st.none() | codes,
    languages=st.none() | codes,
    licensees_allowed=st.none() | st.frozensets(st.sampled_from(["lantern", "harbor"])),
    licensees_excluded=st.frozensets(st.sampled_from(["lantern", "harbor"])),
    valid_from=st.none() | instants,
    valid_to=st.none() | instants,
    notice_hours=st.none() | st.integers(0, 200),
    exclusions=st.frozensets(st.sampled_from(Exclusion.codes()), max_size=3),
    real_time=st.none() | st.booleans(),
    limits=st.just(()) | st.integers(0, 100).map(lambda most: (Limit("seconds", most),)),
)
cells = st.builds(Cell, st.just("voice"), st.just("dubbing"), st.sampled_from(STRICTNESS), scopes)
layers = st.lists(
    st.builds(version, st.sampled_from(["guild", "agency", "performer", "twin"]), cells), max_size=5
)
uses = st.fixed_dictionaries(
    {
        "at": instants,
        "licensee": st.sampled_from(["lantern", "harbor"]),
        "territory": st.none() | st.sampled_from(["FR", "US", "US-CA"]),
        "language": st.none() | st.sampled_from(["fr", "fr-CA"]),
        "content": st.lists(st.sampled_from(Exclusion.codes()), max_size=2),
        "real_time": st.booleans(),
        "noticed_at": st.none() | instants,
    }
)


@given(layers, st.builds(version, st.just("performer"), cells), uses)
def test_adding_a_layer_never_loosens_anything(present, added, use):
    before, after = dubbing(*present), dubbing(*present, added)
    if before.decided_by:
        assert STRICTNESS.index(after.stance) >= STRICTNESS.index(before.stance)
        fields = {breach.field for breach in breaches(before.scope, **use)}
        if before.scope.real_time is None:
            fields -= {"real_time"}  # unset inherits, like a stance that nobody set
        assert fields <= {breach.field for breach in breaches(after.scope, **use)}


@given(scopes, scopes, scopes, uses)
def test_narrowing_knows_no_order(one, two, three, use):
    assert common_scope(one, two) == common_scope(two, one)
    assert common_scope(common_scope(one, two), three) == common_scope(
        one, common_scope(two, three)
    )
    assert common_scope(one, one) == one


@given(scopes, scopes, uses)
def test_a_use_is_inside_two_scopes_together_only_if_inside_each(one, two, use):
    apart = {breach.field for scope in (one, two) for breach in breaches(scope, **use)}
    together = {breach.field for breach in breaches(common_scope(one, two), **use)}
    if use["real_time"]:
        apart, together = apart - {"real_time"}, together - {"real_time"}
    assert together == apart


@given(st.lists(st.sampled_from(["guild", "agency", "performer", "twin"])), uses)
def test_an_empty_list_is_none_whatever_else_is_said(kinds, use):
    empty = version("performer", voice("allow", territories=frozenset()))
    others = [version(kind, voice("allow")) for kind in kinds]
    found = breaches(dubbing(empty, *others).scope, **use)
    assert "territories" in {breach.field for breach in found}


@given(st.none() | codes, st.text(max_size=6))
def test_a_list_left_open_covers_every_code(allowed, code):
    assert covers(None, code)
    assert not covers(frozenset(), code)
