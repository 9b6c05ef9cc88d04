"""Precedents: a question that differs from another in nothing that counts is decided like it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter

from .decision import Decision, decide, failed
from .request import Facts, Request
from .turns import scopes, turns_of

_ASKED = attrgetter(
    "twin", "right", "use", "licensee", "agreement", "territory", "language", "channel",
    "production", "build", "prompt_class", "real_time", "content",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Ground:
    """Facts that questions share, their caps taken away, and when what they say turns.

    Without turns, an answer holds for its one question only.
    """

    shared: Facts
    roomy: Facts
    turns: Sequence[datetime] | None


class Precedents:
    """Decides a batch's questions as they were known at an instant, each distinct one once.

    Facts count as the same only if they are one object, as `facts_for` gives them out.
    """

    def __init__(self, known_at: datetime):
        self._known_at = known_at
        self._grounds: dict[int, _Ground] = {}
        self._decided: dict[tuple[object, ...], Decision] = {}

    def without_caps(self, request: Request, facts: Facts) -> Decision:
        """Return what `decide` says of a request on these facts as if no cap lay on it."""
        ground = self._ground(facts)
        if ground.turns is None or request.at is None or request.noticed_at is not None:
            return decide(request, ground.roomy, self._known_at)
        question = (
            id(facts),
            _ASKED(request),
            bisect_right(ground.turns, request.at),
            # Builds and ages are a matter of days.
            request.at.date() if facts.build or request.content else None,
        )
        decision = self._decided.get(question)
        if decision is None:
            decision = decide(request, ground.roomy, self._known_at)
            if not failed(decision):  # A failure names its own question.
                self._decided[question] = decision
        return decision

    def _ground(self, facts: Facts) -> _Ground:
        # What it keeps of the facts also keeps their id theirs.
        ground = self._grounds.get(id(facts))
        if ground is None:
            lasting = not (counts_hours(facts) or any(one.units for one in facts.approvals))
            ground = self._grounds[id(facts)] = _Ground(
                facts,
                replace(facts, caps=()),
                sorted(turns_of(facts, noticed_at=None)) if lasting else None,
            )
        return ground


def counts_hours(facts: Facts) -> bool:
    """Tell whether some consent bounds the hours of a use."""
    return any(scope.maximum_hours is not None for scope in scopes(facts))
