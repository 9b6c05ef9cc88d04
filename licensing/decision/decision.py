"""The decision: may this twin be used for this? A request and facts in, an answer out.

`decide` looks at the dimensions of `licensing.words.Dimension` in their order and never raises:
what it can't judge it refuses. A refusal found later outranks an approval still waited for.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar, cast

import msgspec

from licensing.words import Dimension, Finding, Outcome, Standing

from .approval_check import APPROVED, NEEDS_APPROVAL, approval_check
from .case import Case, Step, case_of, failed_step
from .dimensions import (
    absolute_check,
    agreement_check,
    cap_check,
    hold_check,
    matrix_check,
    provenance_check,
    scope_check,
    twin_check,
    twin_step,
)
from .request import Facts, Request

logger = logging.getLogger(__name__)

NOT_DECIDED = "not_decided"

CHECKS: dict[Dimension, Callable[[Case], Step]] = {
    Dimension.TWIN: twin_check,
    Dimension.MATRIX: matrix_check,
    Dimension.SCOPE: scope_check,
    Dimension.AGREEMENT: agreement_check,
    Dimension.APPROVAL: approval_check,
    Dimension.CAP: cap_check,
    Dimension.PROVENANCE: provenance_check,
    Dimension.HOLD: hold_check,
    Dimension.ABSOLUTE: absolute_check,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with the finding of every dimension (`trace`) and the one that decided it.

    `nearest_change` names all that stands in the way, as one sentence for the licensee.
    """

    outcome: Outcome
    trace: tuple[Step, ...]
    deciding: Step
    studio_text: str
    staff_text: str
    nearest_change: str


def decide(request: Request, facts: Facts, known_at: datetime) -> Decision:
    """Decide a request on facts, as far as they were known at an instant.

    Always answers: what is missing, unknown or contradictory is refused, and so is what the
    desk fails to judge (`is_failure`).
    """
    try:
        return _decision_from(_steps(request, facts, known_at))
    except Exception:
        reference = _reference(request, known_at)
        logger.exception("Clearance %s could not be decided", reference)
        return refusal_for_failure(reference)


def refusal_for_failure(reference: str) -> Decision:
    """Return the refusal of a request that the desk failed to decide."""
    failure = failed_step(
        Dimension.TWIN,
        NOT_DECIDED,
        f"The desk could not decide this. Reference {reference}.",
        change="ask again later, with the reference",
    )
    return _decision_from([failure])


def is_failure(decision: Decision) -> bool:
    """Tell whether the desk itself failed to decide, so that staff must look into it."""
    return decision.deciding.code == NOT_DECIDED


def standing_of(decision: Decision) -> Standing:
    """Return the standing of a usage event whose use got this decision."""
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
    """Return a request, facts or a decision as JSON values, the same bytes for the same value."""
    plain = msgspec.json.decode(msgspec.json.encode(value, order="deterministic"))
    return cast(dict[str, Any], plain)


def from_json(kind: type[Kind], plain: Mapping[str, Any]) -> Kind:
    """Read back what `to_json` wrote. Raises `msgspec.ValidationError` for anything else."""
    return msgspec.convert(plain, kind)


# How the findings become an answer.


def _decision_from(steps: Sequence[Step]) -> Decision:
    failures = [step for step in steps if step.finding is Finding.FAIL]
    deciding = _deciding(steps, failures)
    outcome = _outcome(deciding)
    return Decision(
        outcome,
        _trace(steps, deciding) if outcome is Outcome.REFUSED else tuple(steps),
        deciding,
        studio_text=f"{outcome.label}: {deciding.public or deciding.rule}",
        staff_text=f"{outcome.label}: {deciding.rule}{_provenance_of(deciding)}",
        nearest_change=_nearest_change(failures),
    )


def _reference(request: Request, known_at: datetime) -> str:
    """Number a failure by what the request says, so that a replay gives the same bytes."""
    fields = (getattr(request, name, "") for name in ("twin", "right", "use", "licensee", "at"))
    text = " ".join(map(str, (*fields, known_at)))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]


def _steps(request: Request, facts: Facts, known_at: datetime) -> list[Step]:
    """Check every dimension, also after a refusal, so that the nearest change is complete."""
    if request.at is None or request.at.tzinfo is None or known_at.tzinfo is None:
        return [twin_step(request, facts), _UNDATED]
    case = case_of(request, facts, request.at, known_at)
    return [check(case) for check in CHECKS.values()]


_UNDATED = failed_step(
    Dimension.MATRIX,
    "undated",
    "The request names no instant with a time zone, so no consent can be found for it.",
    change="state when the use takes place",
)


def _deciding(steps: Sequence[Step], failures: Sequence[Step]) -> Step:
    """Return the first refusal, else the approval that is missing or given, else the consent."""
    refusals = (step for step in failures if step.code != NEEDS_APPROVAL)
    approval = (step for step in steps if step.code == APPROVED)
    consent = (step for step in steps if step.dimension is Dimension.MATRIX)
    return next(chain(refusals, failures, approval, consent))


def _outcome(deciding: Step) -> Outcome:
    if deciding.finding is Finding.PASS:
        return Outcome.CLEARED
    return Outcome.NEEDS_APPROVAL if deciding.code == NEEDS_APPROVAL else Outcome.REFUSED


def _trace(steps: Sequence[Step], deciding: Step) -> tuple[Step, ...]:
    """Return the steps up to the deciding one; those after it as not reached."""
    reached = steps[: steps.index(deciding) + 1]
    return (*reached, *(_NOT_REACHED[dimension] for dimension in list(Dimension)[len(reached) :]))


_NOT_REACHED = {
    dimension: Step(
        dimension,
        Finding.NOT_REACHED,
        "not_reached",
        "Not looked at.",
        f"{dimension.label} was not looked at, since the use is refused already.",
    )
    for dimension in Dimension
}


def _nearest_change(failures: Sequence[Step]) -> str:
    if not failures:
        return ""
    if not all(step.change for step in failures):
        return "No change of the request would allow this use."
    changes = "; ".join(dict.fromkeys(step.change for step in failures))
    return f"{changes[0].upper()}{changes[1:]}."


def _provenance_of(step: Step) -> str:
    by = f" Set by {step.set_by}" if step.set_by else ""
    since = f" since {step.since.date()}" if step.since and by else ""
    return f"{by}{since}." if by else ""
