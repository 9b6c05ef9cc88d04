"""A plan becomes questions: a clearance for each right of each part by a twin, and approvals.

A plan clears nothing by itself: each question is decided, stored and answered as any licensee's.
Asked again, nothing is asked twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.approvals.description import Description
from licensing.approvals.requests import open_request
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import ApprovalRequest, ClearanceDecision, LicenseeTerms
from licensing.wire.names import Prefix, name_of
from licensing.words import Outcome
from talent.errors import Refused
from talent.models import User
from valuation.models import PlanClearance, PlanResult, PlanTwin
from valuation.schedule.breakdown import Breakdown, Part, Scene
from valuation.schedule.options import IN_PERSON
from valuation.schedule.plans import gathering
from valuation.schedule.plans.computation import solution_of
from valuation.schedule.plans.described import begins_at, description_of, units_of
from valuation.schedule.solution import PlannedPart, input_from_json


class NothingToAsk(Refused):
    """A solved plan has nothing to ask, or is not what the plan is by now; the text says which."""

    code = "nothing_to_ask"


@dataclass(frozen=True, slots=True)
class Question:
    """One right of one part, played by a twin: what is sent, and how it is described."""

    part: PlannedPart
    scene: Scene
    right: str
    sent: SentRequest
    description: Description


def questions(result: PlanResult) -> list[Question]:
    """Return all that a solved plan asks for, in the script's order."""
    plan = result.plan
    breakdown = input_from_json(result.inputs).breakdown
    rows = {name_of(Prefix.TWIN, row.twin_id): row for row in gathering.twins_of(plan)}
    return [
        question
        for part in solution_of(result).parts
        if part.choice != IN_PERSON and part.choice in rows
        for question in _of_part(part, breakdown, rows[part.choice])
    ]


def _of_part(part: PlannedPart, breakdown: Breakdown, row: PlanTwin) -> Iterator[Question]:
    plan = row.plan
    scene = next(one for one in breakdown.scenes if one.key == part.scene)
    said = next(one for one in scene.parts if one.character == part.character)
    character = next(one.name for one in breakdown.characters if one.key == part.character)
    description = description_of(scene, said, character=character, row=row, plan=plan)
    for right in row.rights:
        yield Question(part, scene, right, _sent(row, right, scene, said, description), description)


def _sent(
    row: PlanTwin, right: str, scene: Scene, said: Part, description: Description
) -> SentRequest:
    plan = row.plan
    return SentRequest(
        twin=name_of(Prefix.TWIN, row.twin_id),
        right=right,
        use=plan.use,
        at=begins_at(plan),
        agreement=row.agreement.reference if row.agreement else None,
        territory=plan.territory or None,
        language=plan.language or None,
        channel=plan.channel,
        production=plan.screenplay.production.title,
        content=tuple(plan.content),
        units=units_of(scene, said),
        described=description.digest,
    )


@dataclass(frozen=True, slots=True)
class LeftOver:
    """What was asked for an earlier solution and still waits; whether the newest needs it, too."""

    asked: PlanClearance
    is_needed: bool


def left_over(result: PlanResult, *, at: datetime) -> list[LeftOver]:
    """Return the approvals that earlier solutions of a plan asked for and that still wait.

    What the newest one needs, too, is not asked a second time: the same request goes on.
    """
    played = {(part.scene, part.character): part.choice for part in solution_of(result).parts}
    earlier = (
        PlanClearance.objects.filter(
            result__plan=result.plan_id,
            result__lt=result.pk,
            request__in=ApprovalRequest.objects.waiting(at),
        )
        .exclude(request__in=result.clearances.exclude(request=None).values("request"))
        .select_related("scene", "character", "request__twin")
        .order_by("request", "-pk")
        .distinct("request")
    )
    return [
        LeftOver(
            asked,
            played.get((str(asked.scene_id), str(asked.character_id)))
            == name_of(Prefix.TWIN, asked.request.twin_id),
        )
        for asked in earlier
        if asked.request
    ]


def ask_for(*, result: PlanResult, by: User, at: datetime) -> list[PlanClearance]:
    """Ask for all that a solved plan needs and was not asked yet; return the answers.

    Raises NothingToAsk.
    """
    plan = result.plan
    newest = plan.results.order_by("-pk").values_list("pk", flat=True).first()
    if newest != result.pk:
        raise NothingToAsk(_("The plan was solved anew since. Ask for its newest solution."))
    if not gathering.is_as_solved(plan, input_from_json(result.inputs), at=at):
        raise NothingToAsk(
            _("The script, its scores, the cast or the plan changed since. Solve it again first.")
        )
    terms = LicenseeTerms.objects.filter(
        agency=plan.screenplay.agency_id, licensee=plan.screenplay.production.licensee_id
    ).select_related("licensee", "agency").first()  # fmt: skip
    asked = questions(result)
    if terms is None or not asked:
        raise NothingToAsk(
            _("No part of this solution is played by a twin that could be asked for.")
        )
    known = set(result.clearances.values_list("scene", "character", "right"))
    return [
        _ask(question, result, terms, by=by, at=at)
        for question in asked
        if (int(question.part.scene), int(question.part.character), question.right) not in known
    ]


@transaction.atomic
def _ask(
    question: Question, result: PlanResult, terms: LicenseeTerms, *, by: User, at: datetime
) -> PlanClearance:
    part = question.part
    key = f"plan {result.pk} {part.scene} {part.character} {question.right}"
    decision = ask(question.sent, terms=terms, asked_at=at, idempotency_key=key)
    request, remark = _approval(decision, question, at)
    return PlanClearance.objects.create(
        result=result,
        scene_id=int(part.scene),
        character_id=int(part.character),
        right=question.right,
        decision=decision,
        request=request,
        remark=remark,
        asked_at=at,
        asked_by=by,
    )


def _approval(
    decision: ClearanceDecision, question: Question, at: datetime
) -> tuple[ApprovalRequest | None, str]:
    """Ask for the approval that a clearance waits for; say why where that is impossible."""
    if decision.outcome != Outcome.NEEDS_APPROVAL.value:
        return None, ""
    try:
        with transaction.atomic():
            return open_request(decision=decision, description=question.description, at=at), ""
    except Refused as refusal:
        return None, str(refusal)[:500]
