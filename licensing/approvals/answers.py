"""Answers: what performers, or who decides for them, say to a request for approval.

Silence until the deadline is a veto, whether or not the sweep has recorded it yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.facts.approvals import approved_scope, unit_limits
from licensing.models import ApprovalAnswer, ApprovalPart, ApprovalRequest
from licensing.words import ApprovalAnswerKind, ApprovalState
from talent.consent.scope import EVERYWHERE, Scope, common_scope, covers
from talent.errors import Refused
from talent.models import DigitalTwin, User
from talent.principals import deciders

from . import notices


class MayNotDecide(Refused):
    """The user may not decide for this performer."""

    code = "not_yours_to_decide"


class NotInTheTwin(Refused):
    """The performer is not in the twin any more."""

    code = "not_in_the_twin"


class AnsweredTooLate(Refused):
    """The deadline has passed, so silence was the answer."""

    code = "answered_too_late"


class AnsweredBefore(Refused):
    """Another answer came first, and stands."""

    code = "answered_before"


class NotNarrower(Refused):
    """A narrower scope must lie within what was asked, and leave something of it."""

    code = "not_narrower"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What an approver narrows a request to; a field that is None stays as requested.

    `units` are the most that all uses may have together, by meter.
    """

    territories: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    ends_at: datetime | None = None
    units: Mapping[str, Decimal] | None = None


class _NarrowerFields(TypedDict, total=False):
    territories: list[str] | None
    languages: list[str] | None
    ends_at: datetime | None
    units: dict[str, str] | None


@transaction.atomic
def record_answer(
    *,
    part_id: int,
    kind: ApprovalAnswerKind,
    by: User,
    at: datetime,
    replaces: int | None = None,
    narrowing: Narrowing | None = None,
    reason: str = "",
    reason_shown: bool = False,
    each_use: bool = False,
) -> ApprovalAnswer:
    """Record what an approver says to their part, and notify agents and studio; return it.

    `replaces` is the id of the answer that the approver saw and means to change, so that of two
    answers sent at once the first stands. After the deadline only a veto is taken, in place of an
    approval. The units count in total over all uses, unless it is approved for `each_use`.

    Raises MayNotDecide, NotInTheTwin, AnsweredTooLate, AnsweredBefore, NotNarrower.
    """
    # Locked, so that of two answers at once, or an answer and the lapse, one is the first.
    part = (
        ApprovalPart.objects.select_for_update(of=("self",))
        .select_related("request__terms__licensee", "performer")
        .get(pk=part_id)
    )
    _refuse_strangers(part, by, at)
    _refuse_late(part, kind, replaces, at)
    narrower: _NarrowerFields = {}
    if kind == ApprovalAnswerKind.NARROW:
        narrower = _narrower_fields(part.request, narrowing)
    answer = ApprovalAnswer.objects.create(
        part=part,
        kind=kind.value,
        answered_at=at,
        by=by,
        replaces_id=replaces,
        reason=reason.strip(),
        reason_shown=reason_shown and bool(reason.strip()),
        each_use=each_use and kind in (ApprovalAnswerKind.APPROVE, ApprovalAnswerKind.NARROW),
        **narrower,
    )
    notices.notify_of_answer(answer, state=joint_answer(part.request, at=at).state, at=at)
    return answer


def _refuse_strangers(part: ApprovalPart, by: User, at: datetime) -> None:
    if by not in deciders([part.performer_id], on=at.date())[part.performer_id]:
        raise MayNotDecide(
            _("You may not decide for %(name)s. Ask the agency who may.")
            % {"name": part.performer.name}
        )
    twins = DigitalTwin.objects.of_performers([part.performer_id])
    if not twins.filter(pk=part.request.twin_id).exists():
        raise NotInTheTwin(
            _("%(name)s is not in this twin any more, so there is nothing to answer.")
            % {"name": part.performer.name}
        )


def _refuse_late(
    part: ApprovalPart, kind: ApprovalAnswerKind, replaces: int | None, at: datetime
) -> None:
    current = part.answers.current().first()
    lapsed = current is not None and current.kind == ApprovalAnswerKind.LAPSED
    late = at >= part.request.due_at
    if lapsed or (late and (current is None or kind != ApprovalAnswerKind.VETO)):
        raise AnsweredTooLate(
            _("The time to answer is over, and silence is a veto. The studio may ask again.")
            if lapsed or current is None
            else _("The time to answer is over. What was approved can still be vetoed.")
        )
    if (current.pk if current else None) != replaces:
        raise AnsweredBefore(
            _("This was answered before, and the first answer stands. Look at it, then change it.")
        )


def _narrower_fields(request: ApprovalRequest, narrowing: Narrowing | None) -> _NarrowerFields:
    """Return what the answer's row says of a narrowing: null where it leaves the request as it is.

    Raises NotNarrower where it is wider in anything, or narrower in nothing.
    """
    if narrowing is None:
        raise NotNarrower(_("Say what shall be narrower."))
    _refuse_wider_lists(request, narrowing)
    if narrowing.ends_at and not request.starts_at < narrowing.ends_at <= request.ends_at:
        raise NotNarrower(_("The last day must lie within the term that was asked for."))
    _refuse_more_units(request, narrowing)
    fields: _NarrowerFields = {
        "territories": _fewer(narrowing.territories, request.territories),
        "languages": _fewer(narrowing.languages, request.languages),
        "ends_at": narrowing.ends_at if narrowing.ends_at != request.ends_at else None,
        "units": _less(narrowing.units, request.units),
    }
    if not any(fields.values()):
        raise NotNarrower(_("Nothing here is narrower than what was asked. Approve it instead."))
    return fields


def _refuse_wider_lists(request: ApprovalRequest, narrowing: Narrowing) -> None:
    for chosen, requested in (
        (narrowing.territories, request.territories),
        (narrowing.languages, request.languages),
    ):
        if chosen is None:
            continue
        if not chosen:
            raise NotNarrower(_("Nothing would be left of it. Veto it instead."))
        if requested is not None and not all(covers(frozenset(requested), code) for code in chosen):
            raise NotNarrower(_("That is more than the studio asked for."))


def _refuse_more_units(request: ApprovalRequest, narrowing: Narrowing) -> None:
    requested = unit_limits(request)
    for meter, quantity in (narrowing.units or {}).items():
        if meter not in requested or quantity > requested[meter]:
            raise NotNarrower(_("That is more than the studio asked for."))
        if quantity <= 0:
            raise NotNarrower(_("Nothing would be left of it. Veto it instead."))


def _fewer(chosen: Iterable[str] | None, requested: Iterable[str] | None) -> list[str] | None:
    if chosen is None or set(chosen) == set(requested or ()):
        return None
    return sorted(chosen)


def _less(
    chosen: Mapping[str, Decimal] | None, requested: Mapping[str, str]
) -> dict[str, str] | None:
    less = {
        meter: str(quantity)
        for meter, quantity in (chosen or {}).items()
        if quantity < Decimal(requested[meter])
    }
    return less or None


# All parts together


@dataclass(frozen=True, slots=True)
class JointAnswer:
    """What all approvers of a request together say to it.

    If all approved, `scope` is what every one of them allows, and `units` the most, by meter, that
    all uses together may have, or each where all of them say `each_use`; else both are None.
    `reasons` are those that approvers let the studio read.
    """

    state: ApprovalState
    once: bool = False
    each_use: bool = False
    scope: Scope | None = None
    units: Mapping[str, Decimal] | None = None
    reasons: tuple[str, ...] = ()


def joint_answer(request: ApprovalRequest, *, at: datetime) -> JointAnswer:
    """Return the joint answer of all approvers of a request, as it stands at an instant."""
    state = request.state_at(at)
    answers = list(ApprovalAnswer.objects.current().filter(part__request=request).order_by("pk"))
    if state is ApprovalState.APPROVED:
        return _joint_approval(request, answers)
    reasons = tuple(answer.reason for answer in answers if answer.reason_shown)
    return JointAnswer(state, reasons=reasons if state is ApprovalState.VETOED else ())


def _joint_approval(request: ApprovalRequest, answers: Iterable[ApprovalAnswer]) -> JointAnswer:
    scope, units, once, each_use = EVERYWHERE, unit_limits(request), False, True
    for answer in answers:
        scope = common_scope(scope, approved_scope(request, answer))
        left = unit_limits(request, answer)
        units = {meter: min(quantity, left[meter]) for meter, quantity in units.items()}
        once = once or answer.kind == ApprovalAnswerKind.ONCE
        each_use = each_use and answer.each_use
    return JointAnswer(
        ApprovalState.APPROVED, once=once, each_use=each_use, scope=scope, units=units
    )
