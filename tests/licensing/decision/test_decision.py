"""The decision: every dimension can refuse, nothing unknown is allowed, everything is explained."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from licensing.decision.decision import decide, standing_of
from licensing.decision.request import (
    BrandFacts,
    Contributor,
)
from licensing.words import Dimension, Finding, Outcome, Standing
from talent.consent.scope import LanguagesIn
from tests.scopes import EACH_FIELD

from .cases import (
    ADA,
    AGREEMENT,
    BUILD,
    FACTS,
    JANUARY,
    JUNE,
    MARCH,
    NEXT_YEAR,
    REQUEST,
    SECOND,
    SECONDS,
    TWIN,
    agreed,
    approval,
    asked,
    capped,
    consenting,
    decided,
    granted,
    hold,
    hours,
    version,
)


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
        (
            # What is spoken elsewhere asks for no language here.
            consenting(
                version("twin", "allow", languages_in=(LanguagesIn("US", frozenset({"en"})),))
            ),
            {"language": None},
        ),
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


def test_what_nothing_would_help_is_said_to_be_so_whatever_else_is_in_the_way():
    retired = replace(FACTS, twin=replace(TWIN, status="retired"), agreement=None)

    assert decided(retired).nearest_change == "No change of the request would allow this use."


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


def test_a_wrong_reference_is_said_to_be_wrong_and_a_missing_one_to_be_missing():
    unknown = replace(FACTS, agreement=None)

    assert "of this reference is known" in decided(unknown).studio_text
    assert "is named" in decided(unknown, agreement=None).studio_text


def test_a_brand_that_the_desk_does_not_know_is_in_no_list_whatever_it_calls_itself():
    facts = consenting(version("performer", "allow", brands_allowed=frozenset({"spark"})))

    known = replace(facts, brand=BrandFacts("spark"))
    assert decided(known, brand="spark").outcome is Outcome.CLEARED
    assert decided(facts, brand="spark").deciding.code == "brands_allowed"


@pytest.mark.parametrize(
    ("facts", "change"),
    [
        (consenting(), "Ask the agency whether Voice in Dubbing may be consented to."),
        (agreed(status="draft"), "Ask the agency to sign it."),
        (
            replace(FACTS, agreement=replace(AGREEMENT, grants=())),
            "Ask the agency for a grant of it.",
        ),
    ],
)
def test_what_a_studio_cannot_change_leads_it_to_the_agency(facts, change):
    assert decided(facts).nearest_change == change


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


def test_an_approved_use_was_decided_by_its_approval():
    decision = decided(asked(approval()))

    assert decision.deciding.dimension is Dimension.APPROVAL
    assert decision.deciding.set_by == "Ada Sample"
