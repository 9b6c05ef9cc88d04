"""The decision: every dimension can refuse, nothing unknown is allowed, everything is explained."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.decision.decision import Decision, decide, from_json, standing_of, to_json
from licensing.decision.request import (
    ApprovalFacts,
    BrandFacts,
    BuildFacts,
    Contributor,
    Facts,
    HoldFacts,
    Request,
    UsedUnits,
)
from licensing.words import Dimension, Finding, Outcome, Standing
from talent.consent.matrix import Cell
from talent.consent.scope import LanguagesIn, Limit, Scope
from talent.words import Exclusion, Right, Use
from tests.scopes import EACH_FIELD

from .cases import (
    ADA,
    AGREEMENT,
    FACTS,
    GRANT,
    JANUARY,
    JUNE,
    MARCH,
    NEXT_YEAR,
    REQUEST,
    agreed,
    capped,
    consenting,
    granted,
    version,
)

TWIN, BUILD = FACTS.twin, FACTS.build
SECOND = timedelta(seconds=1)
LAST_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


def decided(facts=FACTS, known_at=MARCH, **request):
    return decide(replace(REQUEST, **request), facts, known_at)


def hold(starts_at=JANUARY, ends_at=None):
    return replace(FACTS, holds=(HoldFacts("strike", "SAG-AFTRA", starts_at, ends_at, "a strike"),))


def hours(used):
    """Facts of a consent to one hour, of which some seconds are used."""
    return consenting(
        version("performer", "allow", limits=(Limit("seconds", Decimal(3600)),)),
        used=None if used is None else (UsedUnits("seconds", "lantern", 2026, used),),
    )


SECONDS = {"units": (("lines", Decimal(1)), ("seconds", Decimal(10)))}


def approval(answer="approved", **fields):
    given = {
        "contributor": "1",
        "right": "voice",
        "use": "dubbing",
        "licensee": "lantern",
        "decided_at": JANUARY,
        "decided_by": "Ada Sample",
    }
    return ApprovalFacts(answer=answer, **(given | fields))


def asked(*approvals):
    return replace(consenting(version("performer", "ask")), approvals=approvals)


def test_a_use_inside_consent_and_contract_is_cleared():
    decision = decided()
    assert decision.outcome is Outcome.CLEARED
    assert [step.dimension for step in decision.trace] == list(Dimension)
    assert {step.finding for step in decision.trace} == {Finding.PASS}
    assert decision.studio_text == "Cleared: The consent covers Voice in Dubbing."
    assert decision.staff_text == (
        "Cleared: Voice in Dubbing is allowed for Ada Sample. Set by Performer Performer Sample, "
        "version 1, recorded by Gil Example since 2026-01-01."
    )
    assert decision.nearest_change == ""


@pytest.mark.parametrize(
    ("facts", "request_", "code"),
    [
        (FACTS, {"build": None}, "no_build"),
        (replace(FACTS, build=replace(BUILD, contaminated=None)), {}, "unproven"),
    ],
)
def test_provenance_that_nobody_recorded_is_not_known_here_and_not_passed(facts, request_, code):
    decision = decided(facts, **request_)

    step = next(step for step in decision.trace if step.dimension is Dimension.PROVENANCE)
    assert (step.finding, step.code) == (Finding.NOT_KNOWN, code)
    assert decision.outcome is Outcome.CLEARED


def scope_step(name, **request):
    """What the scope says of a use where the performer narrowed one field."""
    facts = consenting(version("performer", "allow", **{name: EACH_FIELD[name].says}))
    decision = decided(replace(facts, brand=BrandFacts("fizz")), **request)
    return next(step for step in decision.trace if step.dimension is Dimension.SCOPE)


@pytest.mark.parametrize("name", EACH_FIELD)
def test_each_field_of_a_consents_scope_judges_the_use(name):
    one = EACH_FIELD[name]

    assert scope_step(name, **one.inside).finding is Finding.PASS
    if one.outside is not None:
        refused = scope_step(name, **(one.inside | one.outside))
        assert (refused.finding, refused.code) == (Finding.FAIL, name)


REFUSALS = [
    # Twin status
    ("twin", "unknown_twin", replace(FACTS, twin=None), {}),
    ("twin", "inactive_twin", replace(FACTS, twin=replace(TWIN, status="suspended")), {}),
    ("twin", "inactive_twin", replace(FACTS, twin=replace(TWIN, status="who knows")), {}),
    ("twin", "unknown_tier", replace(FACTS, twin=replace(TWIN, tier="holographic")), {}),
    (
        "twin",
        "scripted_only",
        replace(FACTS, twin=replace(TWIN, tier="passive_static_replica")),
        {"prompt_class": "free"},
    ),
    # Consent
    ("matrix", "no_contributor", replace(FACTS, contributors=()), {}),
    ("matrix", "denied", consenting(version("performer", "deny")), {}),
    ("matrix", "unset", consenting(), {}),
    ("matrix", "unset", FACTS, {"use": "advertising"}),
    ("matrix", "unset", FACTS, {"right": "aura"}),
    ("matrix", "unset", FACTS, {"at": JANUARY - SECOND}),
    ("matrix", "unset", consenting(version("performer", "allow", recorded_at=JUNE)), {}),
    ("matrix", "undated", FACTS, {"at": None}),
    ("matrix", "undated", FACTS, {"at": datetime(2026, 3, 1)}),  # noqa: DTZ001 (naive on purpose)
    (
        "matrix",
        "denied",
        replace(
            FACTS,
            contributors=(ADA, Contributor("2", "Bo", versions=(version("performer", "deny"),))),
        ),
        {},
    ),
    # Scope of the consent
    (
        "scope",
        "territories",
        consenting(version("twin", "allow", territories=frozenset({"DE"}))),
        {},
    ),
    ("scope", "territories", consenting(version("twin", "allow", territories=frozenset())), {}),
    ("scope", "valid_to", consenting(version("twin", "allow", valid_to=MARCH)), {}),
    (
        "scope",
        "exclusions",
        consenting(version("twin", "allow", exclusions=frozenset({"hate"}))),
        {"content": ("hate",)},
    ),
    ("scope", "real_time", granted(real_time=True), {"real_time": True}),
    ("scope", "unknown_code", FACTS, {"territory": "XX"}),
    ("scope", "unknown_code", FACTS, {"language": "zz-nope"}),
    ("scope", "unknown_code", FACTS, {"content": ("boredom",)}),
    # Agreement
    ("agreement", "unknown_agreement", replace(FACTS, agreement=None), {}),
    ("agreement", "no_agreement", replace(FACTS, agreement=None), {"agreement": None}),
    ("agreement", "other_licensee", agreed(licensee="harbor"), {}),
    ("agreement", "other_twin", agreed(twin="8"), {}),
    ("agreement", "other_production", FACTS, {"production": "6"}),
    ("agreement", "no_production", FACTS, {"production": None}),
    ("agreement", "unsigned", agreed(status="draft"), {}),
    ("agreement", "unsigned", agreed(status="imagined"), {}),
    ("agreement", "unsigned", agreed(signed_at=JUNE), {}),
    ("agreement", "before_term", agreed(starts_at=MARCH + SECOND), {}),
    ("agreement", "after_term", agreed(ends_at=MARCH), {}),
    ("agreement", "after_term", agreed(status="ended", ends_at=None), {}),
    ("agreement", "not_granted", agreed(grants=()), {}),
    ("agreement", "territory", granted(territories=frozenset({"DE"})), {}),
    ("agreement", "territory", granted(territories=frozenset()), {}),
    ("agreement", "language", granted(languages=frozenset({"de"})), {}),
    ("agreement", "territory", granted(territories_excluded=frozenset({"FR"})), {}),
    ("agreement", "language", granted(languages_in=(LanguagesIn("FR", frozenset({"de"})),)), {}),
    ("agreement", "brand", granted(brands=frozenset({"fizz"})), {}),
    (
        "agreement",
        "content",
        granted(exclusions=frozenset({"hate"})),
        {"content": ("hate",)},
    ),
    ("agreement", "content", granted(exclusions=frozenset({"hate"})), {"content": None}),
    ("agreement", "channel", FACTS, {"channel": "cinema"}),
    ("agreement", "channel", FACTS, {"channel": None}),
    ("agreement", "unknown_channel", granted(channels=None), {"channel": "telepathy"}),
    (
        "agreement",
        "real_time",
        consenting(version("twin", "allow", real_time=True)),
        {"real_time": True},
    ),
    # Approval
    ("approval", "vetoed", asked(approval("vetoed")), {}),
    ("approval", "vetoed", asked(approval(), approval("vetoed")), {}),
    ("approval", "vetoed", asked(approval("mumbled")), {}),
    # Cap
    ("cap", "over_cap", capped(used=Decimal(91)), {}),
    ("cap", "over_cap", capped(reserved=Decimal(91)), {}),
    ("cap", "not_measurable", FACTS, {"units": (("words", Decimal(10)),)}),
    ("cap", "not_measurable", FACTS, {"units": ()}),
    ("cap", "not_measurable", FACTS, {"units": (("lines", Decimal("NaN")),)}),
    ("cap", "not_measurable", FACTS, {"units": (("lines", Decimal(-1)),)}),
    ("cap", "over_cap", capped(used=Decimal(91), channels=frozenset({"streaming"})), {}),
    (
        "cap",
        "over_cap",
        replace(
            granted(channels=None), caps=capped(used=Decimal(91), channels=frozenset({"live"})).caps
        ),
        {"channel": None},
    ),
    ("cap", "over_cap", hours(used=Decimal(3591)), SECONDS),
    ("cap", "over_cap", hours(used=None), SECONDS),
    ("cap", "not_measurable", hours(used=Decimal(0)), {}),
    # Provenance
    ("provenance", "unknown_build", replace(FACTS, build=None), {}),
    ("provenance", "unknown_build", replace(FACTS, build=replace(BUILD, twin="8")), {}),
    ("provenance", "contaminated", replace(FACTS, build=replace(BUILD, contaminated=True)), {}),
    (
        "provenance",
        "retired_build",
        replace(FACTS, build=replace(BUILD, retired_on=date(2026, 3, 1))),
        {},
    ),
    (
        "provenance",
        "retired_build",
        replace(FACTS, build=replace(BUILD, destroy_by=date(2026, 3, 1))),
        {},
    ),
    (
        "provenance",
        "not_yet_built",
        replace(FACTS, build=replace(BUILD, built_on=date(2026, 3, 2))),
        {},
    ),
    # Holds
    ("hold", "held", hold(), {}),
    ("hold", "held", hold(ends_at=MARCH + SECOND), {}),
    # Absolute rules
    (
        "absolute",
        "minor",
        consenting(version("performer", "allow"), life="minor", born_on=date(2010, 1, 1)),
        {"content": ("sexual",)},
    ),
    (
        "absolute",
        "minor",
        consenting(version("performer", "allow"), life="nobody knows"),
        {"content": ("sexual",)},
    ),
    (
        "absolute",
        "minor",
        consenting(version("performer", "allow"), born_on=date(2008, 3, 2)),
        {"content": ("nudity",)},
    ),
    *(
        (
            "absolute",
            "minor",
            consenting(version("performer", "allow"), life="deceased", **dates),
            {"content": ("sexual",)},
        )
        for dates in (
            {"born_on": date(1990, 1, 1), "died_on": date(2001, 5, 5)},
            {"born_on": date(1990, 1, 1)},
            {"died_on": date(2001, 5, 5)},
        )
    ),
]


def test_who_died_of_age_is_no_minor():
    grown = {"born_on": date(1940, 1, 1), "died_on": date(2001, 5, 5)}
    facts = consenting(version("performer", "allow"), life="deceased", **grown)
    assert decided(facts, content=("nudity",)).outcome is Outcome.CLEARED


@pytest.mark.parametrize(
    ("agency", "performer", "outcome", "code"),
    [
        (True, None, Outcome.REFUSED, "real_time"),
        (True, True, Outcome.CLEARED, "allow"),
        (None, True, Outcome.CLEARED, "allow"),
        (False, True, Outcome.REFUSED, "real_time"),
    ],
)
def test_an_agency_allows_no_real_time_that_the_performer_has_not(agency, performer, outcome, code):
    facts = consenting(
        version("agency", "allow", real_time=agency),
        version("performer", "allow", real_time=performer),
    )
    grants = tuple(replace(one, real_time=True) for one in facts.agreement.grants)
    facts = replace(facts, agreement=replace(facts.agreement, grants=grants))
    answer = decide(replace(REQUEST, real_time=True), facts, MARCH)

    assert (answer.outcome, answer.deciding.code) == (outcome, code)


SESSIONS_IN_ALL = Limit("sessions", Decimal(10))


@pytest.mark.parametrize(
    ("limit", "room"),
    [
        (SESSIONS_IN_ALL, 0),
        (replace(SESSIONS_IN_ALL, per_year=True), 3),
        (replace(SESSIONS_IN_ALL, per_licensee=True), 4),
        (replace(SESSIONS_IN_ALL, per_year=True, per_licensee=True), 6),
        (Limit("lines", Decimal(10)), 9),
    ],
)
def test_a_limit_counts_its_meter_in_all_or_by_year_and_licensee(limit, room):
    used = (
        UsedUnits("sessions", "lantern", 2026, Decimal(3), Decimal(1)),
        UsedUnits("sessions", "lantern", 2025, Decimal(2)),
        UsedUnits("sessions", "saltmarsh", 2026, Decimal(0), Decimal(3)),
        UsedUnits("sessions", "saltmarsh", 2025, Decimal(1)),
        UsedUnits("lines", "saltmarsh", 2025, Decimal(1)),
    )
    facts = consenting(version("performer", "allow", limits=(limit,)), used=used)
    facts = replace(facts, caps=())

    def outcome(quantity):
        units = ((limit.meter, Decimal(quantity)),)
        return decide(replace(REQUEST, units=units), facts, MARCH).outcome

    assert (outcome(room), outcome(room + 1)) == (Outcome.CLEARED, Outcome.REFUSED)


@pytest.mark.parametrize(
    ("at", "cleared"),
    [
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), False),
    ],
)
def test_a_limits_year_begins_at_midnight_in_utc(at, cleared):
    limit = Limit("lines", Decimal(10), per_year=True)
    consent = replace(version("performer", "allow", limits=(limit,)), in_force_from=LAST_YEAR)
    facts = consenting(consent, used=(UsedUnits("lines", "lantern", 2025, Decimal(1)),))
    deal = replace(facts.agreement, starts_at=LAST_YEAR)
    facts = replace(facts, agreement=deal, caps=(), build=None)

    answer = decide(replace(REQUEST, at=at, build=None), facts, MARCH)
    assert (answer.outcome is Outcome.CLEARED) is cleared


@pytest.mark.parametrize("right", ["voice", "training_data"])
def test_the_door_to_training_limits_what_all_rights_are_trained_on(right):
    """Found by an evaluator written from the specification: each right had the limit anew."""
    limits = (Limit("sessions", Decimal(10)),)
    cells = (
        Cell("voice", "training", "allow"),
        Cell("training_data", "training", "allow", Scope(limits=limits)),
    )
    used = (
        UsedUnits("sessions", "lantern", 2026, Decimal(4)),
        UsedUnits("sessions", "lantern", 2026, Decimal(5), right="face"),
    )
    facts = consenting(replace(version("performer", "allow"), cells=cells), used=used)
    grants = (replace(facts.agreement.grants[0], right=right, use="training"),)
    facts = replace(facts, agreement=replace(facts.agreement, grants=grants), caps=())

    def outcome(sessions):
        units = (("sessions", Decimal(sessions)),)
        request = replace(REQUEST, right=right, use="training", units=units)
        return decide(request, facts, MARCH).outcome

    assert (outcome(1), outcome(2)) == (Outcome.CLEARED, Outcome.REFUSED)


def test_a_guilds_floor_and_an_agencys_default_clear_nothing_for_the_dead():
    facts = consenting(version("guild", "allow"), version("agency", "allow"), life="deceased")
    assert decided(facts).deciding.code == "unset"


@pytest.mark.parametrize(("dimension", "code", "facts", "request_"), REFUSALS)
def test_each_dimension_refuses_and_says_so(dimension, code, facts, request_):
    decision = decided(facts, **request_)
    assert (decision.outcome, decision.deciding.dimension, decision.deciding.code) == (
        Outcome.REFUSED,
        dimension,
        code,
    )
    before, after = _around(decision.trace, dimension)
    assert {step.finding for step in before} <= {Finding.PASS, Finding.FAIL}
    assert all(step.code == "needs_approval" for step in before if step.finding is Finding.FAIL)
    assert {step.finding for step in after} <= {Finding.NOT_REACHED}
    assert decision.nearest_change


def _around(trace, dimension):
    assert [step.dimension for step in trace] == list(Dimension)
    place = list(Dimension).index(Dimension(dimension))
    return trace[:place], trace[place + 1 :]


@pytest.mark.parametrize(
    ("facts", "request_"),
    [
        (FACTS, {"territory": "FR-IDF"}),
        (FACTS, {"prompt_class": "free"}),
        (agreed(ends_at=MARCH + SECOND), {}),
        (agreed(starts_at=MARCH, status="ended"), {}),
        (agreed(productions=()), {"production": None}),
        (capped(used=Decimal(90)), {}),
        (capped(used=Decimal(500), hard=False), {}),
        (hours(used=Decimal(3590)), SECONDS),
        (capped(used=Decimal(500), channels=frozenset({"cinema"})), {}),
        (replace(FACTS, build=None), {"build": None}),
        (hold(ends_at=MARCH), {}),
        (hold(starts_at=MARCH + SECOND), {}),
        (asked(approval()), {}),
        (asked(approval("vetoed"), approval(decided_at=JANUARY + SECOND)), {}),
        (asked(approval(), approval("vetoed", use="advertising")), {}),
        (asked(approval(), approval("vetoed", decided_at=JUNE)), {}),
        (asked(approval(production="5")), {}),
        (
            consenting(version("performer", "allow"), born_on=date(2008, 3, 1)),
            {"content": ("nudity",)},
        ),
        (
            consenting(version("twin", "allow", notice_hours=48)),
            {"noticed_at": MARCH - timedelta(hours=48)},
        ),
    ],
)
def test_what_is_just_inside_is_cleared(facts, request_):
    assert decided(facts, **request_).outcome is Outcome.CLEARED


@pytest.mark.parametrize(
    "approvals",
    [
        (),
        (approval(decided_at=JUNE),),
        (approval(contributor="2"),),
        (approval(production="6"),),
        (approval(licensee="harbor"),),
        (approval(scope=version("twin", "allow", valid_to=MARCH).cells[0].scope),),
    ],
)
def test_a_consent_that_asks_waits_for_an_approval_of_this_use(approvals):
    decision = decided(asked(*approvals))
    assert decision.outcome is Outcome.NEEDS_APPROVAL
    assert decision.deciding.dimension is Dimension.APPROVAL
    assert Finding.NOT_REACHED not in {step.finding for step in decision.trace}
    assert decision.nearest_change == "Describe the use and ask for its approval."
    assert "Ada" in decision.staff_text
    assert "Ada" not in decision.studio_text


TRAIN, DOOR = ("voice", "training"), ("training_data", "training")


def training(own="allow", door="allow", **bounds):
    """Facts of a performer who says something about training with the voice, and of the door."""
    said = [Cell(*TRAIN, own)] if own else []
    said += [Cell(*DOOR, door, Scope(**bounds))] if door else []
    one = replace(version("performer", "allow"), cells=tuple(said))
    grant = replace(GRANT, use="training")
    return replace(consenting(one), agreement=replace(AGREEMENT, grants=(grant,)))


@pytest.mark.parametrize(
    ("own", "door", "outcome"),
    [
        ("allow", "allow", Outcome.CLEARED),
        ("allow", "ask", Outcome.NEEDS_APPROVAL),
        ("ask", "allow", Outcome.NEEDS_APPROVAL),
        ("allow", "deny", Outcome.REFUSED),
        ("allow", "", Outcome.REFUSED),
        ("", "allow", Outcome.REFUSED),
        ("deny", "allow", Outcome.REFUSED),
    ],
)
def test_training_with_a_right_goes_through_its_own_cell_and_the_one_door(own, door, outcome):
    assert decided(training(own, door), use="training").outcome is outcome


def test_what_the_door_is_bounded_to_bounds_training_with_every_right():
    decision = decided(training(territories=frozenset({"DE"})), use="training")

    assert (decision.outcome, decision.deciding.dimension) == (Outcome.REFUSED, Dimension.SCOPE)
    wide = training(territories=frozenset({"FR"}))
    assert decided(wide, use="training").outcome is Outcome.CLEARED


def test_a_version_without_the_door_closes_training_from_its_day_on():
    facts = training()
    (given,) = facts.contributors[0].versions
    closed = replace(given, id="2", number=2, in_force_from=MARCH, cells=given.cells[:1])
    facts = consenting(given, closed)
    facts = replace(facts, agreement=training().agreement)

    assert decided(facts, use="training").outcome is Outcome.REFUSED
    assert decided(facts, use="training", at=MARCH - SECOND).outcome is Outcome.CLEARED


def test_every_source_of_a_composite_must_approve():
    other = replace(ADA, id="2", name="Bo Sample", versions=(version("performer", "ask"),))
    facts = asked(approval())
    facts = replace(facts, contributors=(*facts.contributors, other))
    assert decided(facts).outcome is Outcome.NEEDS_APPROVAL
    both = replace(facts, approvals=(approval(), approval(contributor="2")))
    assert decided(both).outcome is Outcome.CLEARED
    vetoed = replace(facts, approvals=(approval("vetoed", contributor="2"),))
    assert decided(vetoed).deciding.code == "vetoed"


@pytest.mark.parametrize(
    "facts",
    [
        replace(asked(), caps=capped(used=Decimal(100)).caps),
        replace(asked(), holds=hold().holds),
        replace(asked(), build=None),
    ],
)
def test_a_refusal_found_later_outranks_an_approval_waited_for(facts):
    assert decided(facts).outcome is Outcome.REFUSED


def test_sexual_content_at_a_changed_age_is_refused_though_consented():
    cell = replace(version("performer", "allow").cells[0], use="age_change")
    facts = replace(
        FACTS,
        contributors=(
            replace(ADA, versions=(replace(version("performer", "allow"), cells=(cell,)),)),
        ),
        agreement=granted(use="age_change").agreement,
    )
    assert decided(facts, use="age_change").outcome is Outcome.CLEARED
    refused = decided(facts, use="age_change", content=("nudity",))
    assert refused.deciding.code == "age_changed"
    assert refused.nearest_change == "Leave out: nudity."
    silent = decided(facts, use="age_change", content=None)
    assert silent.deciding.code == "content_not_stated"


def test_notice_counts_from_the_request_or_from_the_agreement_that_names_the_use():
    facts = consenting(version("twin", "allow", notice_hours=48))
    late = replace(facts, agreement=agreed(signed_at=MARCH).agreement)
    assert decided(late).deciding.code == "notice_hours"
    assert decided(late, noticed_at=MARCH - timedelta(hours=48)).outcome is Outcome.CLEARED


def test_the_nearest_change_names_everything_in_the_way():
    facts = replace(
        consenting(version("twin", "allow", territories=frozenset({"DE", "FR"}))),
        caps=capped(used=Decimal(95)).caps,
    )
    decision = decided(facts, territory="US")
    assert decision.deciding.code == "territories"
    assert decision.nearest_change == (
        "Use one of these: France, Germany; ask for at most 5 lines."
    )
    changed = decided(facts, territory="DE", units=(("lines", Decimal(5)),))
    assert changed.outcome is Outcome.CLEARED


def test_the_studio_learns_neither_names_nor_other_parties_caps():
    secret = capped(
        subject="performer Ada Sample", shown_to_licensee=False, used=Decimal("99.000000")
    )
    decision = decided(secret)
    assert decision.studio_text == "Refused: A cap is reached."
    assert "Ada Sample has 1 of 100 lines left" in decision.staff_text
    denied = decided(consenting(version("performer", "deny")))
    assert denied.studio_text == "Refused: The consent does not allow Voice in Dubbing."
    assert "Ada Sample" in denied.staff_text


@pytest.mark.parametrize(
    ("facts", "request_", "how"),
    [
        (FACTS, {}, Standing.CLEARED),
        (consenting(), {}, Standing.UNCLEARED),
        (asked(), {}, Standing.UNCLEARED),
        (replace(FACTS, agreement=None), {}, Standing.OUT_OF_SCOPE),
        (FACTS, {"at": NEXT_YEAR}, Standing.OUT_OF_SCOPE),
        (FACTS, {"territory": "US"}, Standing.OUT_OF_SCOPE),
        (
            consenting(version("twin", "allow", languages=frozenset({"de"}))),
            {},
            Standing.OUT_OF_SCOPE,
        ),
        (capped(used=Decimal(99)), {}, Standing.OVER_CAP),
        (FACTS, {"units": ()}, Standing.UNCLEARED),
        (hold(), {}, Standing.ON_HOLD),
        (replace(FACTS, build=None), {}, Standing.UNCLEARED),
    ],
)
def test_a_decided_use_stands_as_the_log_says_it(facts, request_, how):
    assert standing_of(decided(facts, **request_)) is how


# Laws

instants = st.none() | st.datetimes(timezones=st.none() | st.just(UTC))
words = st.text(max_size=8)
known_instants = st.sampled_from([JANUARY, MARCH, JUNE, NEXT_YEAR])
requests = st.builds(
    Request,
    twin=words,
    right=st.sampled_from(Right.codes()) | words,
    use=st.sampled_from(Use.codes()) | words,
    licensee=st.sampled_from(["lantern", "harbor"]) | words,
    at=instants | known_instants,
    agreement=st.none() | words,
    territory=st.none() | st.sampled_from(["FR", "US-CA"]) | words,
    language=st.none() | st.sampled_from(["fr", "fr-CA"]) | words,
    channel=st.none() | st.sampled_from(["streaming", "cinema"]) | words,
    production=st.none() | st.sampled_from(["5", "6"]),
    build=st.none() | st.sampled_from(["9"]),
    prompt_class=words,
    real_time=st.booleans(),
    content=st.lists(st.sampled_from(Exclusion.codes()) | words, max_size=3).map(tuple),
    units=st.lists(st.tuples(st.just("lines"), st.decimals()), max_size=2).map(tuple),
    noticed_at=instants,
)
stances = st.sampled_from(["allow", "ask", "deny", "?"])
versions = st.lists(
    st.builds(
        version,
        st.sampled_from(["guild", "agency", "performer", "twin"]),
        stances,
        number=st.integers(1, 3),
        recorded_at=known_instants,
        territories=st.none() | st.frozensets(st.sampled_from(["FR", "US"])),
        valid_to=st.none() | known_instants,
        notice_hours=st.none() | st.integers(0, 2**31 - 1),
    ),
    max_size=4,
).map(tuple)
all_facts = st.builds(
    Facts,
    twin=st.none() | st.just(TWIN),
    contributors=st.lists(
        st.builds(
            Contributor,
            words,
            words,
            st.sampled_from(["living", "minor", "deceased", "?"]),
            st.none() | st.dates(),
            versions,
        ),
        max_size=3,
    ).map(tuple),
    agreement=st.none() | st.sampled_from([agreed().agreement, agreed(status="draft").agreement]),
    approvals=st.lists(st.builds(approval, words, decided_at=known_instants), max_size=2).map(
        tuple
    ),
    caps=st.sampled_from([(), capped().caps, capped(used=Decimal(1000)).caps]),
    build=st.none()
    | st.builds(BuildFacts, st.just("9"), words, st.just("7"), st.dates(), st.none() | st.dates()),
    holds=st.sampled_from([(), hold().holds]),
)
knowns = known_instants | st.datetimes(timezones=st.none() | st.just(UTC))


@given(requests, all_facts, knowns)
def test_any_question_gets_an_explained_answer_and_always_the_same(request, facts, known_at):
    decision = decide(request, facts, known_at)
    assert decision == decide(request, facts, known_at)
    assert [step.dimension for step in decision.trace] == list(Dimension)
    assert decision.deciding.rule
    assert decision.studio_text
    assert isinstance(standing_of(decision), Standing)
    if decision.outcome is Outcome.CLEARED:
        assert {step.finding for step in decision.trace} == {Finding.PASS}


@given(requests, all_facts, knowns)
def test_what_is_stored_replays_to_the_same_bytes(request, facts, known_at):
    decision = decide(request, facts, known_at)
    written = [to_json(request), to_json(facts), to_json(decision)]
    stored = json.loads(json.dumps(written))
    assert stored == written
    replayed = decide(from_json(Request, stored[0]), from_json(Facts, stored[1]), known_at)
    assert json.dumps(to_json(replayed)) == json.dumps(stored[2])
    assert from_json(Decision, stored[2]) == decision


ORDER = [Outcome.CLEARED, Outcome.NEEDS_APPROVAL, Outcome.REFUSED]


@given(versions, stances, st.none() | st.frozensets(st.sampled_from(["FR", "US"])))
def test_no_added_version_of_another_owner_loosens_a_decision(present, stance, territories):
    added = replace(version("guild", stance, territories=territories), owner="Another guild")
    before = decided(consenting(version("performer", "allow"), *present))
    after = decided(consenting(version("performer", "allow"), *present, added))
    assert ORDER.index(after.outcome) >= ORDER.index(before.outcome)


@given(requests, all_facts, knowns)
def test_what_nobody_set_is_never_cleared(request, facts, known_at):
    silent = tuple(replace(person, versions=()) for person in facts.contributors)
    decision = decide(request, replace(facts, contributors=silent), known_at)
    assert decision.outcome is Outcome.REFUSED
