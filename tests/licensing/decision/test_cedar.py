"""Cedar's engine, asked the same questions in its own language, gives the same answers."""

from hypothesis import event, given, settings

from licensing.decision.decision import decide
from licensing.words import Outcome

from . import cedar
from .cases import FACTS, MARCH, REQUEST
from .worlds import KNOWN_AT, requests, varied, worlds


@settings(deadline=None)
@given(worlds, requests)
def test_cedar_agrees_in_every_case(facts, request):
    """A hundred worlds with 30 questions each; `make test-deep` takes a thousand worlds."""
    asked = list(varied(request))
    ours = [decide(one, facts, KNOWN_AT) for one in asked]
    theirs = cedar.outcomes(asked, facts, KNOWN_AT)

    event(f"{len({decision.outcome for decision in ours})} outcomes")
    event(f"first: {ours[0].outcome}")
    assert [
        (decision.outcome, decision.deciding.code, outcome, one)
        for decision, outcome, one in zip(ours, theirs, asked, strict=True)
        if decision.outcome is not outcome
    ] == []


def test_cedar_clears_what_passes_in_every_dimension():
    """Else both might agree on refusals only."""
    assert cedar.outcomes([REQUEST], FACTS, MARCH) == [Outcome.CLEARED]
