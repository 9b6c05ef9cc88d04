"""Whatever comes in, a decision comes out: refused where the desk can't judge, never an error."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.decision.decision import CHECKS, decide, is_failure, standing_of
from licensing.decision.request import Facts, Request
from licensing.words import Dimension, Finding, Outcome, Standing

from .cases import FACTS, JANUARY, MARCH, REQUEST, consenting, version

# None, wrong kinds, naive instants, unknown codes, huge numbers, no numbers, odd text.
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**30), max_value=10**30),
    st.floats(),
    st.decimals(),
    st.just(Decimal("1E+999999")),
    st.text(st.characters(codec=None), max_size=6),
    st.binary(max_size=4),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.dates(),
    st.lists(st.text(max_size=3), max_size=2),
    st.tuples(st.text(max_size=3), st.decimals()),
    st.builds(object),
)


def odd(sound):
    """Replace some fields of a sound value by anything."""
    names = [field.name for field in fields(sound)]
    wrong = st.dictionaries(st.sampled_from(names), ANYTHING, min_size=1, max_size=3)
    return wrong.map(lambda changes: replace(sound, **changes))


ODD_REQUESTS = odd(REQUEST)
ODD_FACTS = odd(FACTS) | st.one_of(
    odd(FACTS.twin).map(lambda twin: replace(FACTS, twin=twin)),
    odd(FACTS.agreement).map(lambda agreement: replace(FACTS, agreement=agreement)),
    odd(FACTS.contributors[0]).map(lambda person: replace(FACTS, contributors=(person,))),
    odd(version("performer", "allow")).map(consenting),
    odd(FACTS.caps[0]).map(lambda cap: replace(FACTS, caps=(cap,))),
    odd(FACTS.build).map(lambda build: replace(FACTS, build=build)),
)


@given(ODD_REQUESTS | st.just(REQUEST), ODD_FACTS | st.just(FACTS), st.just(MARCH) | ANYTHING)
def test_anything_gets_an_answer(request, facts, known_at):
    answer = decide(request, facts, known_at)
    assert answer.outcome in Outcome
    assert [step.dimension for step in answer.trace] == list(Dimension)
    assert answer.studio_text
    assert isinstance(standing_of(answer), Standing)
    if answer.outcome is Outcome.CLEARED:
        assert {step.finding for step in answer.trace} <= {Finding.PASS, Finding.NOT_KNOWN}


@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_question_at_all_is_refused(request, facts, known_at):
    answer = decide(request, facts, known_at)
    assert answer.outcome is Outcome.REFUSED
    assert is_failure(answer)


@pytest.mark.parametrize("dimension", list(Dimension))
def test_a_dimension_that_breaks_refuses_and_gives_a_reference(dimension, monkeypatch):
    def broken(_case):
        raise ZeroDivisionError

    monkeypatch.setitem(CHECKS, dimension, broken)
    answer = decide(REQUEST, FACTS, MARCH)
    assert answer.outcome is Outcome.REFUSED
    assert is_failure(answer)
    assert answer == decide(REQUEST, FACTS, MARCH)
    assert answer.studio_text.startswith("Refused: The desk could not decide this. Reference ")


@pytest.mark.parametrize(
    ("request_", "facts"),
    [
        (REQUEST, replace(FACTS, build=replace(FACTS.build, built_on=None))),
        (replace(REQUEST, content=7), FACTS),
        (replace(REQUEST, units=(("lines", "ten"),)), FACTS),
        (REQUEST, consenting(replace(version("twin", "allow"), in_force_from=date(2026, 1, 1)))),
        (REQUEST, consenting(version("twin", "allow", valid_to=datetime(2026, 5, 1)))),  # noqa: DTZ001
    ],
)
def test_what_can_not_be_read_is_refused_with_a_reference(request_, facts):
    assert is_failure(decide(request_, facts, MARCH))


def test_the_same_failure_has_the_same_reference_and_another_question_another():
    broken = replace(FACTS, contributors=None)
    texts = {decide(replace(REQUEST, at=at), broken, MARCH).studio_text for at in (JANUARY, MARCH)}
    assert len(texts) == 2


def test_an_empty_question_is_refused():
    assert decide(Request("", "", "", "", None), Facts(), MARCH).outcome is Outcome.REFUSED
