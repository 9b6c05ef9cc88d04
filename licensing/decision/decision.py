"""The decision: may this twin be used for this? Pure: a request and facts in, an answer out.

`decide` looks at the dimensions of `licensing.words.Dimension` in their order and never raises:
what it can't judge it refuses. A refusal found later outranks an approval still waited for.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar, cast

import msgspec

from licensing.words import Dimension, Finding, Outcome, Standing

from .dimensions import ASKS, CHECKS, Step, case_of, failing, twin_step
from .request import Facts, Request

logger = logging.getLogger(__name__)

NOT_DECIDED = "not_decided"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with the finding of every dimension and the step that decided."""

    outcome: Outcome
    trace: tuple[Step, ...]
    deciding: Step
    studio_text: str
    staff_text: str
    nearest_change: str


def decide(request: Request, facts: Facts, known_at: datetime) -> Decision:
    """Decide a request on facts, as far as they were known at an instant.

    Always answers: what is missing, unknown or contradictory is refused, and so is what the
    desk fails to judge. The nearest change names all that stands in the way, not only the first.
    """
    try:
        return _decision(_looked_at(request, facts, known_at))
    except Exception:
        reference = _reference(request, known_at)
        logger.exception("Clearance %s could not be decided", reference)
        return undecided(reference)


def undecided(reference: str) -> Decision:
    """Return the refusal for a question that the desk failed to answer."""
    failure = failing(Dimension.TWIN)(
        NOT_DECIDED,
        f"The desk could not decide this. Reference {reference}.",
        change="ask again later, with the reference",
    )
    return _decision([failure])


def failed(decision: Decision) -> bool:
    """Tell whether the desk failed to decide, so that somebody has to look."""
    return decision.deciding.code == NOT_DECIDED


def standing(decision: Decision) -> Standing:
    """Say how a use that was decided stands, the way a usage event records it."""
    step = decision.deciding
    if decision.outcome is Outcome.CLEARED:
        return Standing.CLEARED
    if step.code == "over_cap":
        return Standing.OVER_CAP
    return _STANDINGS.get(step.dimension, Standing.UNCLEARED)


_STANDINGS = {
    Dimension.SCOPE: Standing.OUT_OF_SCOPE,
    Dimension.AGREEMENT: Standing.OUT_OF_SCOPE,
    Dimension.HOLD: Standing.ON_HOLD,
}


# JSON: sets are sorted and decimals are text, so that the same facts give the same bytes.

Kind = TypeVar("Kind", Request, Facts, Decision)


def to_json(value: Request | Facts | Decision) -> dict[str, Any]:
    """Return a request, facts or a decision as plain JSON values in a stable order."""
    plain = msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))
    return cast(dict[str, Any], plain)


def from_json(kind: type[Kind], plain: Mapping[str, Any]) -> Kind:
    """Read back what `to_json` wrote. Raises `msgspec.ValidationError` for anything else."""
    return msgspec.convert(plain, kind)


# How the findings become an answer.


def _decision(steps: Sequence[Step]) -> Decision:
    failed = [step for step in steps if step.finding is Finding.FAIL]
    deciding = _deciding(steps, failed)
    outcome = _outcome(deciding)
    return Decision(
        outcome,
        _trace(steps, deciding) if outcome is Outcome.REFUSED else tuple(steps),
        deciding,
        studio_text=f"{outcome.label}: {deciding.public or deciding.rule}",
        staff_text=f"{outcome.label}: {deciding.rule}{_provenance_of(deciding)}",
        nearest_change=_nearest_change(failed),
    )


def _reference(request: Request, known_at: datetime) -> str:
    """Name a failure by what was asked, so that a replay gives the same bytes."""
    asked = (getattr(request, name, "") for name in ("twin", "right", "use", "licensee", "at"))
    text = " ".join(map(str, (*asked, known_at)))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


def _looked_at(request: Request, facts: Facts, known_at: datetime) -> list[Step]:
    """Look at every dimension, also past a refusal, so that the nearest change is the whole one."""
    if request.at is None or request.at.tzinfo is None or known_at.tzinfo is None:
        return [twin_step(request, facts), _UNDATED]
    case = case_of(request, facts, request.at, known_at)
    return [check(case) for check in CHECKS.values()]


_UNDATED = failing(Dimension.MATRIX)(
    "undated",
    "The request names no instant with a time zone, so no consent can be found for it.",
    change="state when the use takes place",
)


def _deciding(steps: Sequence[Step], failed: Sequence[Step]) -> Step:
    refused = (step for step in failed if step.code != ASKS)
    consent = (step for step in steps if step.dimension is Dimension.MATRIX)
    return next(chain(refused, failed, consent))


def _outcome(deciding: Step) -> Outcome:
    if deciding.finding is Finding.PASS:
        return Outcome.CLEARED
    return Outcome.NEEDS_APPROVAL if deciding.code == ASKS else Outcome.REFUSED


def _trace(steps: Sequence[Step], deciding: Step) -> tuple[Step, ...]:
    """Keep the steps up to a refusal; what comes after it was not reached."""
    reached = steps[: steps.index(deciding) + 1]
    return (*reached, *(_NOT_REACHED[dimension] for dimension in list(Dimension)[len(reached) :]))


_NOT_REACHED = {
    dimension: Step(dimension, Finding.NOT_REACHED, "not_reached", "Not looked at.")
    for dimension in Dimension
}


def _nearest_change(failed: Sequence[Step]) -> str:
    if not failed:
        return ""
    if not all(step.change for step in failed):
        return "No change of the request would allow this use."
    changes = "; ".join(dict.fromkeys(step.change for step in failed))
    return f"{changes[0].upper()}{changes[1:]}."


def _provenance_of(step: Step) -> str:
    by = f" Set by {step.set_by}" if step.set_by else ""
    since = f" since {step.since.date()}" if step.since and by else ""
    return f"{by}{since}." if by else ""
