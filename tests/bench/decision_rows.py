"""P9: a decision with its full trace, against Cedar's engine with all policies parsed before."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import cedarpy

from licensing.decision.decision import decide
from licensing.decision.request import Facts, Request
from licensing.words import Outcome
from talent.consent.matrix import Cell
from talent.words import Right, Use
from tests.bench.harness import Row, at_least, in_turn
from tests.licensing.decision import cases, cedar

DECIDED = 20_000
ASKED_OF_CEDAR = 200


def decision() -> Row:
    """Both answer the same questions on the same facts: whole matrices of four layers."""
    facts, asked = _facts(), _requests()
    policies = cedarpy.PolicySet.from_str(cedar.policies(facts, cases.MARCH))
    entities = cedarpy.Entities.from_json_str("[]")
    questions = [[cedar.put(request, action) for action in ("use", "ask")] for request in asked]

    def ours() -> float:
        rounds = DECIDED // len(asked)
        assert decide(asked[0], facts, cases.MARCH).outcome is Outcome.CLEARED
        return cpu_seconds(lambda: [_all_decided(asked, facts) for _ in range(rounds)]) / DECIDED

    def outcome(question: list[dict]) -> bool:
        """Cedar knows yes and no: what it refuses is asked again, whether it may be asked for."""
        return any(cedarpy.is_authorized(put, policies, entities).allowed for put in question)

    def theirs() -> float:
        answers = []
        rounds = ASKED_OF_CEDAR // len(questions)
        taken = cpu_seconds(
            lambda: answers.extend(outcome(question) for question in questions * rounds)
        )
        assert answers[0]
        return taken / len(answers)

    name = "P9 a decision with its trace, by Cedar, policies parsed"
    return at_least(name, 100, *in_turn(ours, theirs))


def cpu_seconds(step: Callable[[], object]) -> float:
    """Neither side waits for anything, so what neighbours of the machine take is left out."""
    begun = time.process_time()
    step()
    return time.process_time() - begun


def _all_decided(asked: list[Request], facts: Facts) -> None:
    for request in asked:
        decide(request, facts, cases.MARCH)


def _facts() -> Facts:
    """A clearance that passes, where every layer says something about every right and use."""
    layers = tuple(
        replace(
            cases.version(owner, "allow"),
            cells=tuple(
                Cell(right, use, "allow") for right in Right.codes() for use in Use.codes()
            ),
        )
        for owner in ("guild", "agency", "performer", "twin")
    )
    return cases.consenting(*layers)


def _requests() -> list[Request]:
    """The use that is cleared, later and later, and what nearly is it."""
    cleared = [replace(cases.REQUEST, at=cases.MARCH + timedelta(hours=n)) for n in range(15)]
    return [
        *cleared,
        replace(cases.REQUEST, territory="US"),
        replace(cases.REQUEST, use="game"),
        replace(cases.REQUEST, licensee="saltmarsh"),
        replace(cases.REQUEST, channel="cinema"),
        replace(cases.REQUEST, real_time=True),
    ]
