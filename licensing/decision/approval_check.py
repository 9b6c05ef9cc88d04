"""The approval dimension: who must be asked first by consent, and what they answered.

An approval or veto is bound to what was described: scene, campaign and lines, by their digest.
"""

import hashlib
import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from licensing.words import Dimension, Finding
from talent.consent.matrix import CombinedCell, cell_name
from talent.words import Stance

from .case import Case, Step, breaches_of, case_of, failed_step, passed_step
from .request import ApprovalFacts, Contributor, Facts, Request

# What `ApprovalFacts.answer` says: an answer, or that the request for approval is still open.
APPROVED, VETOED, OPEN = "approved", "vetoed", "asked"

# Codes of this dimension's steps, beside those of the answers.
LAPSED = "lapsed"  # nobody answered in time
NEEDS_APPROVAL = "needs_approval"  # the one failure that is no refusal

WAIT, DESCRIBE = "wait for the approval", "describe the use and ask for its approval"


_WORST_FIRST = (VETOED, LAPSED, NEEDS_APPROVAL, APPROVED)


def digest_of_description(*, scene: str, campaign: str, lines: str) -> str:
    """Return the SHA-256 by which descriptions are compared; spaces and case do not count."""
    plain = [
        " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
        for text in (scene, campaign, lines)
    ]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def approval_check(case: Case) -> Step:
    """Return the worst answer of the contributors whose consent says to ask them first."""
    steps = [_step_of(case, *pair) for pair in case.cells if _asks_first(pair[1])]
    unneeded = passed_step(Dimension.APPROVAL, "not_needed", "No approval is needed for this use.")
    return min(steps, key=lambda step: _WORST_FIRST.index(step.code), default=unneeded)


def approvals_used(request: Request, facts: Facts, known_at: datetime) -> tuple[ApprovalFacts, ...]:
    """Return the approvals of the contributors whose consent says to ask them, one for each.

    Empty for a use without an instant and its time zone.
    """
    if request.at is None or request.at.tzinfo is None:
        return ()
    case = case_of(request, facts, request.at, known_at)
    answers = (_answer_of(case, person) for person, cell in case.cells if _asks_first(cell))
    return tuple(answer for answer in answers if answer and _has_room(answer, request))


def contributors_to_ask(
    request: Request, facts: Facts, known_at: datetime
) -> tuple[Contributor, ...]:
    """Return the contributors whose consent says to ask them and who have not approved this use.

    Empty for a use without an instant and its time zone.
    """
    if request.at is None or request.at.tzinfo is None:
        return ()
    case = case_of(request, facts, request.at, known_at)
    return tuple(
        person
        for person, cell in case.cells
        if _asks_first(cell) and _step_of(case, person, cell).code != APPROVED
    )


def _asks_first(cell: CombinedCell) -> bool:
    return cell.stance is Stance.ASK


# What one contributor said


def _step_of(case: Case, contributor: Contributor, cell: CombinedCell) -> Step:
    answer = _answer_of(case, contributor)
    if answer is None or _is_waiting(answer, case.known_at):
        described = bool(case.request.described or case.request.approval)
        return _unanswered(contributor, cell, answer, described=described)
    if answer.answer == OPEN:
        return _lapsed(contributor, cell, answer)
    name = cell_name(cell.right, cell.use)
    by = answer.decided_by or contributor.name
    if answer.answer == APPROVED and _has_room(answer, case.request):
        return _approved(name, by, answer)
    if answer.answer == APPROVED:
        return _used_up(name, contributor, cell, answer)
    return _vetoed(name, by, answer)


def _unanswered(
    contributor: Contributor,
    cell: CombinedCell,
    request: ApprovalFacts | None,
    *,
    described: bool,
) -> Step:
    """Say that an approval is needed, and until when it is waited for if it was asked for."""
    name = cell_name(cell.right, cell.use)
    due_at = request.due_at if request else None
    until = f" It is asked for until {_minute(due_at)}." if due_at else ""
    return failed_step(
        Dimension.APPROVAL,
        NEEDS_APPROVAL,
        f"{name} needs the approval of {contributor.name}.{until}",
        f"{name} needs an approval.{until}",
        source=cell.decided_by,
        change="wait for the approval"
        if described
        else "describe the use and ask for its approval",
    )


def _lapsed(contributor: Contributor, cell: CombinedCell, request: ApprovalFacts) -> Step:
    name = cell_name(cell.right, cell.use)
    until = f"by {_minute(request.due_at)}" if request.due_at else "in time"
    return failed_step(
        Dimension.APPROVAL,
        LAPSED,
        f"Nobody answered for {contributor.name} {until}; silence is a veto of {name}.",
        f"{name} was not approved {until}; silence is a veto.",
        source=cell.decided_by,
        change="ask for the approval again",
    )


def _used_up(
    name: str, contributor: Contributor, cell: CombinedCell, answer: ApprovalFacts
) -> Step:
    """Say that an approval has no room for the use: another one is needed, or fewer units."""
    left = {meter: units for meter, units in units_left(answer).items() if not answer.spent}
    much = ", ".join(f"{units.normalize():f} {meter}" for meter, units in sorted(left.items()))
    public = (
        f"The approval of {name} has room for {much}."
        if any(left.values())
        else f"The approval of {name} is used up."
    )
    return failed_step(
        Dimension.APPROVAL,
        NEEDS_APPROVAL,
        f"{public} More of it needs the approval of {contributor.name}.",
        public,
        source=cell.decided_by,
        change="ask for an approval of what is still missing",
    )


def _approved(name: str, by: str, answer: ApprovalFacts) -> Step:
    because = f" Reason: {answer.reason}" if answer.reason else ""
    rule, public = f"{by} approved {name}.{because}", f"{name} is approved."
    return Step(Dimension.APPROVAL, Finding.PASS, APPROVED, rule, public, by, answer.decided_at)


def _vetoed(name: str, by: str, answer: ApprovalFacts) -> Step:
    because = f" Reason: {answer.reason}" if answer.reason else ""
    public_because = f" Reason given: {answer.public_reason}" if answer.public_reason else ""
    rule, public = f"{by} vetoed {name}.{because}", f"{name} was not approved.{public_because}"
    # A veto is of what was described; something else may be asked about.
    return Step(
        Dimension.APPROVAL,
        Finding.FAIL,
        VETOED,
        rule,
        public,
        by,
        answer.decided_at,
        "ask for the approval of another use",
    )


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _is_waiting(approval: ApprovalFacts, known_at: datetime) -> bool:
    """Tell whether an answer may still come: the deadline decides, recorded as lapsed or not."""
    due_at = approval.due_at
    return approval.answer == OPEN and due_at is not None and known_at < due_at


def _answer_of(case: Case, contributor: Contributor) -> ApprovalFacts | None:
    """Return the answer that counts, or an open request for one; None if nobody was asked.

    Only answers to the description that the use comes with count. The last veto outweighs every
    answer before it; of two answers at one instant the veto counts. After the last veto any
    approval with room for the use counts, a lasting one rather than one given once; a request
    that is open or lapsed takes no approval away.
    """
    described = _described(case)
    about = [
        approval
        for approval in case.facts.approvals
        if approval.described in (None, described) and _is_about(approval, case, contributor)
    ]
    about.sort(key=lambda approval: (approval.decided_at, _is_veto(approval), approval.id))
    vetoes = [i for i, approval in enumerate(about) if _is_veto(approval)]
    since_veto = about[vetoes[-1] :] if vetoes else about
    approvals = [approval for approval in since_veto if _has_room(approval, case.request)]
    approvals.sort(key=lambda approval: approval.once)
    return next(iter(approvals), since_veto[-1] if since_veto else None)


def _described(case: Case) -> str:
    """Return the digest of the description that a use comes with; empty if with none.

    A use may name an approval instead of repeating its words.
    """
    request = case.request
    if request.described or request.approval is None:
        return request.described
    named = (one for one in case.facts.approvals if one.request == request.approval)
    return next((one.described for one in named if one.described), "")


def _is_veto(approval: ApprovalFacts) -> bool:
    """Tell whether an answer is a veto; one that the desk does not know counts as a veto."""
    return approval.answer not in (APPROVED, OPEN)


def _is_about(approval: ApprovalFacts, case: Case, contributor: Contributor) -> bool:
    """Tell whether an answer was known and speaks of this use by this contributor's likeness.

    Quantities do not matter: a veto of three lines is one of six.
    """
    request = case.request
    wanted = (contributor.id, request.right, request.use, request.licensee)
    return (
        (approval.contributor, approval.right, approval.use, approval.licensee) == wanted
        and approval.production in (None, request.production)
        and approval.channel in (None, request.channel)
        and approval.decided_at <= case.known_at
        and not breaches_of(approval.scope, _as_described(case))
    )


def _as_described(case: Case) -> Case:
    """Read a request that states no content as its description did: of none.

    Where a consent or a rule asks for content, silence has failed before.
    """
    if case.request.content is not None:
        return case
    return replace(case, request=replace(case.request, content=()))


def _has_room(approval: ApprovalFacts, request: Request) -> bool:
    """Tell whether an approval has what a use needs of it.

    The use states each limited quantity, and no more of it than is left.
    """
    if approval.answer != APPROVED or approval.spent:
        return False
    stated = {meter: quantity for meter, quantity in request.units if quantity.is_finite()}
    left = units_left(approval)
    return all(meter in stated and stated[meter] <= left[meter] for meter, _ in approval.units)


def units_left(approval: ApprovalFacts) -> dict[str, Decimal]:
    """Return how much of each limited meter one more use may have under an approval."""
    used = dict(approval.used) if approval.total else {}
    return {
        meter: max(Decimal(0), limit - used.get(meter, Decimal(0)))
        for meter, limit in approval.units
    }
