"""Somebody who never saw the code judges random worlds by the specification, and agrees."""

from hypothesis import event, given, settings

from licensing.decision.decision import decide
from licensing.words import Outcome

from .by_another_hand import evaluate
from .cases import FACTS, MARCH, REQUEST
from .worlds import KNOWN_AT, farther_worlds, to_json

# A hundred worlds as a rule; `make test-deep` takes twenty thousand.
WORLDS = 20_000 if settings().max_examples >= 1_000 else settings().max_examples


@settings(max_examples=WORLDS)
@given(farther_worlds())
def test_another_hand_agrees_in_every_world(world):
    request, facts = world
    ours = decide(request, facts, KNOWN_AT)
    theirs = evaluate(to_json(request, facts))

    event(f"{ours.outcome}")
    assert (ours.outcome, ours.deciding.code) == (theirs, ours.deciding.code)


def test_another_hand_clears_what_passes_in_every_dimension():
    """Else both might agree on refusals only."""
    assert evaluate(to_json(REQUEST, FACTS, MARCH)) == Outcome.CLEARED
