"""Approvals: what performers, or who decides for them, answer to a studio that asked.

Silence until the deadline is a veto, whoever records it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.facts.approvals import scope_answered, units_answered
from licensing.models import ApprovalAnswer, ApprovalPart, ApprovalRequest
from licensing.words import ApprovalAnswerKind, ApprovalState
from talent.consent.matrix import EVERYWHERE, Scope, common_scope, covers
from talent.errors import Refused
from talent.models import DigitalTwin, User
from talent.principals import deciders

from . import notices


class NotYours(Refused):
    """The user may not decide for this performer."""

    code = "not_yours_to_decide"


class NoPartOfTheTwin(Refused):
    """The performer is not in the twin any more."""

    code = "not_in_the_twin"


class TooLate(Refused):
    """The deadline has passed, so silence was the answer."""

    code = "answered_too_late"


class AnsweredBefore(Refused):
    """Another answer came first, and stands."""

    code = "answered_before"


class NotNarrower(Refused):
    """A narrower scope must lie within what was asked, and leave something of it."""

    code = "not_narrower"


@dataclass(frozen=True, slots=True)
class Narrower:
    """What an approver leaves of a request; None leaves it as it was asked."""

    territories: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    ends_at: datetime | None = None
    units: Mapping[str, Decimal] | None = None


@transaction.atomic
def answer(
    *,
    part_id: int,
    kind: ApprovalAnswerKind,
    by: User,
    at: datetime,
    replaces: int | None = None,
    narrower: Narrower | None = None,
    reason: str = "",
    reason_shown: bool = False,
) -> ApprovalAnswer:
    """Record what an approver says to their part; return the answer.

    `replaces` is the answer that the approver saw and means to change, so that of two sent at
    once the first stands. After the deadline only a veto is taken, in place of an approval.

    Raises NotYours, NoPartOfTheTwin, TooLate, AnsweredBefore, NotNarrower.
    """
    # Locked, so that of two answers at once, or an answer and the lapse, one is the first.
    part = (
        ApprovalPart.objects.select_for_update(of=("self",))
        .select_related("request__terms__licensee", "performer")
        .get(pk=part_id)
    )
    _refuse_strangers(part, by, at)
    _refuse_late(part, kind, replaces, at)
    values = _narrowed(part.request, narrower) if kind == ApprovalAnswerKind.NARROW else {}
    recorded = ApprovalAnswer.objects.create(
        part=part,
        kind=kind.value,
        answered_at=at,
        by=by,
        replaces_id=replaces,
        reason=reason.strip(),
        reason_shown=reason_shown and bool(reason.strip()),
        **values,
    )
    notices.answered(recorded, state=state_of(part.request, at=at).state, at=at)
    return recorded


def _refuse_strangers(part: ApprovalPart, by: User, at: datetime) -> None:
    if by not in deciders([part.performer_id], on=at.date())[part.performer_id]:
        raise NotYours(
            _("You may not decide for %(name)s. Ask the agency who may.")
            % {"name": part.performer.name}
        )
    twins = DigitalTwin.objects.of_performers([part.performer_id])
    if not twins.filter(pk=part.request.twin_id).exists():
        raise NoPartOfTheTwin(
            _("%(name)s is not in this twin any more, so there is nothing to answer.")
            % {"name": part.performer.name}
        )


def _refuse_late(
    part: ApprovalPart, kind: ApprovalAnswerKind, replaces: int | None, at: datetime
) -> None:
    standing = part.answers.standing().first()
    lapsed = standing is not None and standing.kind == ApprovalAnswerKind.LAPSED
    late = at >= part.request.due_at
    if lapsed or (late and (standing is None or kind != ApprovalAnswerKind.VETO)):
        raise TooLate(
            _("The time to answer is over, and silence is a veto. The studio may ask again.")
            if lapsed or standing is None
            else _("The time to answer is over. What was approved can still be vetoed.")
        )
    if (standing.pk if standing else None) != replaces:
        raise AnsweredBefore(
            _("This was answered before, and the first answer stands. Look at it, then change it.")
        )


def _narrowed(request: ApprovalRequest, narrower: Narrower | None) -> dict[str, Any]:
    if narrower is None:
        raise NotNarrower(_("Say what shall be narrower."))
    _refuse_wider_lists(request, narrower)
    if narrower.ends_at and not request.starts_at < narrower.ends_at <= request.ends_at:
        raise NotNarrower(_("The last day must lie within the term that was asked for."))
    _refuse_more(request, narrower)
    values = {
        "territories": _fewer(narrower.territories, request.territories),
        "languages": _fewer(narrower.languages, request.languages),
        "ends_at": narrower.ends_at if narrower.ends_at != request.ends_at else None,
        "units": _less(narrower.units, request.units),
    }
    if not any(values.values()):
        raise NotNarrower(_("Nothing here is narrower than what was asked. Approve it instead."))
    return values


def _refuse_wider_lists(request: ApprovalRequest, narrower: Narrower) -> None:
    for chosen, asked in (
        (narrower.territories, request.territories),
        (narrower.languages, request.languages),
    ):
        if chosen is None:
            continue
        if not chosen:
            raise NotNarrower(_("Nothing would be left of it. Veto it instead."))
        if asked is not None and not all(covers(frozenset(asked), code) for code in chosen):
            raise NotNarrower(_("That is more than the studio asked for."))


def _refuse_more(request: ApprovalRequest, narrower: Narrower) -> None:
    asked = units_answered(request)
    for meter, quantity in (narrower.units or {}).items():
        if meter not in asked or quantity > asked[meter]:
            raise NotNarrower(_("That is more than the studio asked for."))
        if quantity <= 0:
            raise NotNarrower(_("Nothing would be left of it. Veto it instead."))


def _fewer(chosen: Iterable[str] | None, asked: Iterable[str] | None) -> list[str] | None:
    if chosen is None or set(chosen) == set(asked or ()):
        return None
    return sorted(chosen)


def _less(chosen: Mapping[str, Decimal] | None, asked: Mapping[str, str]) -> dict | None:
    less = {
        meter: str(quantity)
        for meter, quantity in (chosen or {}).items()
        if quantity < Decimal(asked[meter])
    }
    return less or None


# Reading


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands, all its approvers together.

    `scope` and `units` are what all of them left of it, if all approved; `reasons` are those
    that an approver wants the studio to read.
    """

    state: ApprovalState
    once: bool = False
    scope: Scope | None = None
    units: Mapping[str, Decimal] | None = None
    reasons: tuple[str, ...] = ()


def state_of(request: ApprovalRequest, *, at: datetime) -> Standing:
    """Say where a request stands at an instant, and what its approvers left of it."""
    state = request.state_at(at)
    answers = list(ApprovalAnswer.objects.standing().filter(part__request=request).order_by("pk"))
    if state is ApprovalState.APPROVED:
        return _approved(request, answers)
    reasons = (given.reason for given in answers if given.reason_shown)
    return Standing(state, reasons=tuple(reasons) if state is ApprovalState.VETOED else ())


def _approved(request: ApprovalRequest, answers: Iterable[ApprovalAnswer]) -> Standing:
    scope, units, once = EVERYWHERE, units_answered(request), False
    for given in answers:
        scope = common_scope(scope, scope_answered(request, given))
        left = units_answered(request, given)
        units = {meter: min(quantity, left[meter]) for meter, quantity in units.items()}
        once = once or given.kind == ApprovalAnswerKind.ONCE
    return Standing(ApprovalState.APPROVED, once=once, scope=scope, units=units)
