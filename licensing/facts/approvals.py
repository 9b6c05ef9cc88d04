"""Answers: what performers said to requests, as the facts that a decision stands on."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Prefetch

from licensing.decision.approval_check import APPROVED, OPEN, VETOED
from licensing.decision.request import ApprovalFacts
from licensing.models import ApprovalAnswer, ApprovalPart, ApprovalRequest, LicenseeTerms
from licensing.wire.names import Prefix, name_of
from licensing.words import ApprovalAnswerKind
from talent.consent.matrix import Scope, common_scope
from talent.words import Exclusion

# A twin, an agreement, a right and a use: what a request for approval is about.
Question = tuple[int, int, str, str]

ANSWERS = {
    ApprovalAnswerKind.APPROVE.value: APPROVED,
    ApprovalAnswerKind.ONCE.value: APPROVED,
    ApprovalAnswerKind.NARROW.value: APPROVED,
    ApprovalAnswerKind.VETO.value: VETOED,
}


def parts_asked(
    *,
    terms: LicenseeTerms,
    twins: Collection[int],
    cells: Collection[tuple[str, str]],
    known_at: datetime,
) -> dict[Question, list[ApprovalPart]]:
    """Return what was asked about these twins with its answers, by question, in two queries."""
    answered = (
        ApprovalAnswer.objects.filter(answered_at__lte=known_at)
        .exclude(kind=ApprovalAnswerKind.LAPSED.value)
        .select_related("by", "spending")
        .order_by("answered_at", "pk")
    )
    parts = (
        ApprovalPart.objects.filter(
            request__terms__agency=terms.agency_id,
            request__terms__licensee=terms.licensee_id,
            request__twin__in=twins,
            request__right__in={right for right, _ in cells},
            request__use__in={use for _, use in cells},
            request__opened_at__lte=known_at,
        )
        .select_related("request__terms__licensee")
        .prefetch_related(Prefetch("answers", answered, to_attr="given"))
        .order_by("pk")
    )
    found: dict[Question, list[ApprovalPart]] = defaultdict(list)
    for part in parts:
        request = part.request
        key = (request.twin_id, request.agreement_id, request.right, request.use)
        found[key].append(part)
    return dict(found)


def approvals_known(
    parts: Iterable[ApprovalPart], *, known_at: datetime, once: bool
) -> tuple[ApprovalFacts, ...]:
    """Return the last answers that were known at an instant, and the questions without one.

    An approval given once is among them only where `once`, and only until a clearance has spent
    it: reported use never stands on one.
    """
    asked = (part for part in parts if part.request.opened_at <= known_at)
    answers = ((part, _last(part, known_at)) for part in asked)
    return tuple(
        _approval(part, answer)
        for part, answer in answers
        if answer is None
        or answer.kind != ApprovalAnswerKind.ONCE
        or (once and not _spent(answer, known_at))
    )


def scope_of(request: ApprovalRequest) -> Scope:
    """Return the scope that a request describes: what it does not name, it does not ask for."""
    return Scope(
        territories=frozenset(request.territories),
        languages=None if request.languages is None else frozenset(request.languages),
        valid_from=request.starts_at,
        valid_to=request.ends_at,
        exclusions=frozenset(Exclusion.codes()) - frozenset(request.content),
        real_time=request.real_time,
    )


def scope_answered(request: ApprovalRequest, answer: ApprovalAnswer) -> Scope:
    """Return the scope of a request as far as its answer did not narrow it."""
    narrower = Scope(
        territories=None if answer.territories is None else frozenset(answer.territories),
        languages=None if answer.languages is None else frozenset(answer.languages),
        valid_to=answer.ends_at,
    )
    return common_scope(scope_of(request), narrower)


def units_answered(
    request: ApprovalRequest, answer: ApprovalAnswer | None = None
) -> dict[str, Decimal]:
    """Return the most that one use may have by meter, as far as the answer left it."""
    units = request.units | ((answer.units if answer else None) or {})
    return {meter: Decimal(quantity) for meter, quantity in units.items()}


def _last(part: ApprovalPart, known_at: datetime) -> ApprovalAnswer | None:
    given = [answer for answer in part.given if answer.answered_at <= known_at]
    return given[-1] if given else None


def _approval(part: ApprovalPart, answer: ApprovalAnswer | None) -> ApprovalFacts:
    """Return a part's answer, or its question where nobody answered."""
    request = part.request
    return ApprovalFacts(
        contributor=str(part.performer_id),
        right=request.right,
        use=request.use,
        licensee=request.terms.licensee.slug,
        answer=ANSWERS[answer.kind] if answer else OPEN,
        decided_at=answer.answered_at if answer else request.opened_at,
        decided_by=str(answer.by) if answer else "",
        production=name_of(Prefix.PRODUCTION, request.production_id),
        scope=scope_answered(request, answer) if answer else scope_of(request),
        id=str(answer.pk if answer else part.pk),
        channel=request.channel,
        units=tuple(sorted(units_answered(request, answer).items())),
        once=bool(answer) and answer.kind == ApprovalAnswerKind.ONCE.value,
        due_at=None if answer else request.due_at,
        reason=answer.reason if answer else "",
        public_reason=answer.reason if answer and answer.reason_shown else "",
    )


def _spent(answer: ApprovalAnswer, known_at: datetime) -> bool:
    spending = getattr(answer, "spending", None)
    return spending is not None and spending.spent_at < known_at
