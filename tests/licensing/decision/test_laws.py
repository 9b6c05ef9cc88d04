"""Laws of the decision: what holds for any question and any facts."""

import json
from dataclasses import replace
from datetime import UTC
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from licensing.decision.decision import Decision, decide, from_json, standing_of, to_json
from licensing.decision.request import (
    BuildFacts,
    Contributor,
    Facts,
    Request,
)
from licensing.words import Dimension, Finding, Outcome, Standing
from talent.words import Exclusion, Right, Use

from .cases import (
    JANUARY,
    JUNE,
    MARCH,
    NEXT_YEAR,
    TWIN,
    agreed,
    approval,
    capped,
    consenting,
    decided,
    hold,
    version,
)

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
