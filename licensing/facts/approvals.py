"""What performers answered to requests for approval, as facts for a decision."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch

from licensing.decision.approval_check import APPROVED, OPEN, VETOED, digest_of_description
from licensing.decision.request import ApprovalFacts
from licensing.models import (
    ApprovalAnswer,
    ApprovalPart,
    ApprovalRequest,
    ApprovalSpending,
    CapReservation,
    LicenseeTerms,
    PermitRevocation,
    ReservedUnits,
)
from licensing.wire.names import Prefix, name_of
from licensing.words import ApprovalAnswerKind, ReservationState
from talent.consent.matrix import Version
from talent.consent.scope import Scope, common_scope
from talent.database.sql import sql_file
from talent.words import Exclusion, Stance

# What a request for approval is about: a twin, an agreement, a right and a use.
ApprovalSubject = tuple[int, int, str, str]

Units = Mapping[str, Decimal]  # by meter

APPROVED_UNITS = sql_file(__file__, "approved_units.sql")

ANSWERS = {
    ApprovalAnswerKind.APPROVE.value: APPROVED,
    ApprovalAnswerKind.ONCE.value: APPROVED,
    ApprovalAnswerKind.NARROW.value: APPROVED,
    ApprovalAnswerKind.VETO.value: VETOED,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What has been taken of approvals: units by part, and the answers given once that are spent.

    A spent answer comes with the clearance that spent it; None where a reported use did. One whose
    reservation ended with nothing reported is spent no more.
    """

    units: Mapping[int, Units] = field(default_factory=dict)
    spent: Mapping[int, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Approvals:
    """Parts of requests for approval with their answers, by what they are about."""

    parts: Mapping[ApprovalSubject, list[ApprovalPart]]
    taken: Taken
    known_at: datetime

    def facts_about(self, subject: ApprovalSubject) -> tuple[ApprovalFacts, ...]:
        """Return the answers about a subject, as facts."""
        parts = self.parts.get(subject, ())
        return approval_facts(parts, self.taken, known_at=self.known_at)


def load_approvals(
    twins: Collection[int],
    versions: Iterable[Version],
    *,
    terms: LicenseeTerms,
    known_at: datetime,
    own: int | None = None,
) -> Approvals:
    """Load the answers about some twins, and what has been taken of what they approve.

    Four queries; none if no version says to ask. `own` is the decision whose permit is looked at,
    which takes nothing from itself.
    """
    parts = _approval_parts(twins, versions, terms=terms, known_at=known_at)
    ids = [part.pk for of_subject in parts.values() for part in of_subject]
    return Approvals(parts, taken_of(ids, at=known_at, own=own), known_at)


def taken_of(parts: Collection[int], *, at: datetime, own: int | None = None) -> Taken:
    """Return what has been taken of parts by now. Two queries; none without parts."""
    if not parts:
        return Taken()
    units: dict[int, dict[str, Decimal]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(APPROVED_UNITS, {"parts": list(parts), "at": at, "own": own})
        for part, meter, quantity in cursor.fetchall():
            units[part][meter] = quantity
    once = ApprovalSpending.objects.filter(~Exists(_UNUSED), answer__part__in=parts, once=True)
    spent = once.order_by("pk").values_list("answer", "decision")
    return Taken(
        dict(units),
        {answer: by for answer, by in spent if own is None or by != own},
    )


# A reservation that ended with nothing reported under its permit, and nothing that still can be: a
# permit that was taken back covers what happened before. What it spent is free again.
_UNUSED = CapReservation.objects.filter(
    ~Exists(ReservedUnits.objects.filter(reservation=OuterRef("pk"), drawn__gt=0)),
    ~Exists(
        PermitRevocation.objects.filter(permit=OuterRef("pk"), revoked_at=OuterRef("settled_at"))
    ),
    pk=OuterRef("decision"),
    state__in=[ReservationState.RELEASED.value, ReservationState.EXPIRED.value],
)


def with_taken(approval: ApprovalFacts, taken: Taken) -> ApprovalFacts:
    """Return an answer with what has been taken of it so far."""
    if approval.answer != APPROVED:
        return approval
    used = taken.units.get(int(approval.part), {})
    limited = {meter for meter, _ in approval.units}
    return replace(
        approval,
        used=tuple(sorted((meter, units) for meter, units in used.items() if meter in limited)),
        spent=approval.once and int(approval.id) in taken.spent,
    )


def _approval_parts(
    twins: Collection[int],
    versions: Iterable[Version],
    *,
    terms: LicenseeTerms,
    known_at: datetime,
) -> dict[ApprovalSubject, list[ApprovalPart]]:
    """Return the parts of requests for approval about some twins, with answers, by subject.

    Only rights and uses are looked up that one of `versions` says to ask about. Two queries; none
    if no version says so.
    """
    cells = {
        (cell.right, cell.use)
        for version in versions
        for cell in version.cells
        if cell.stance == Stance.ASK
    }
    if not cells:
        return {}
    answers = (
        ApprovalAnswer.objects.filter(answered_at__lte=known_at)
        .exclude(kind=ApprovalAnswerKind.LAPSED.value)
        .select_related("by")
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
        .select_related("request__terms__licensee", "performer")
        .prefetch_related(Prefetch("answers", answers))
        .order_by("pk")
    )
    by_subject: dict[ApprovalSubject, list[ApprovalPart]] = defaultdict(list)
    for part in parts:
        request = part.request
        subject = (request.twin_id, request.agreement_id, request.right, request.use)
        by_subject[subject].append(part)
    return dict(by_subject)


def approval_facts(
    parts: Iterable[ApprovalPart], taken: Taken, *, known_at: datetime
) -> tuple[ApprovalFacts, ...]:
    """Return the last answers that were known at an instant, and the requests without one."""
    opened = (part for part in parts if part.request.opened_at <= known_at)
    return tuple(with_taken(_facts(part, _last_answer(part, known_at)), taken) for part in opened)


def requested_scope(request: ApprovalRequest) -> Scope:
    """Return the scope that a request for approval describes; what it leaves out is not in it."""
    return Scope(
        territories=frozenset(request.territories),
        languages=None if request.languages is None else frozenset(request.languages),
        valid_from=request.starts_at,
        valid_to=request.ends_at,
        exclusions=frozenset(Exclusion.codes()) - frozenset(request.content),
        real_time=request.real_time,
    )


def approved_scope(request: ApprovalRequest, answer: ApprovalAnswer) -> Scope:
    """Return the scope that was asked for, narrowed by what its answer says."""
    narrower = Scope(
        territories=None if answer.territories is None else frozenset(answer.territories),
        languages=None if answer.languages is None else frozenset(answer.languages),
        valid_to=answer.ends_at,
    )
    return common_scope(requested_scope(request), narrower)


def unit_limits(
    request: ApprovalRequest, answer: ApprovalAnswer | None = None
) -> dict[str, Decimal]:
    """Return the most that is approved, by meter: as requested, or less where answered so."""
    units = request.units | ((answer.units if answer else None) or {})
    return {meter: Decimal(quantity) for meter, quantity in units.items()}


def _last_answer(part: ApprovalPart, known_at: datetime) -> ApprovalAnswer | None:
    answers = [answer for answer in part.answers.all() if answer.answered_at <= known_at]
    return answers[-1] if answers else None


def _who_answered(part: ApprovalPart, answer: ApprovalAnswer | None) -> str:
    """Return the name of who answered, never their login; empty is the performer themself."""
    if answer is None or answer.by is None or answer.by_id == part.performer.user_id:
        return ""
    return answer.by.get_full_name() or f"somebody who decides for {part.performer.name}"


def _facts(part: ApprovalPart, answer: ApprovalAnswer | None) -> ApprovalFacts:
    """Return a part of a request as facts: its answer, or that it is open where there is none."""
    request = part.request
    return ApprovalFacts(
        contributor=str(part.performer_id),
        right=request.right,
        use=request.use,
        licensee=request.terms.licensee.slug,
        answer=ANSWERS[answer.kind] if answer else OPEN,
        decided_at=answer.answered_at if answer else request.opened_at,
        decided_by=_who_answered(part, answer),
        production=name_of(Prefix.PRODUCTION, request.production_id),
        scope=approved_scope(request, answer) if answer else requested_scope(request),
        id=str(answer.pk if answer else part.pk),
        channel=request.channel,
        units=tuple(sorted(unit_limits(request, answer).items())),
        once=answer is not None and answer.kind == ApprovalAnswerKind.ONCE.value,
        due_at=None if answer else request.due_at,
        reason=answer.reason if answer else "",
        public_reason=answer.reason if answer and answer.reason_shown else "",
        request=name_of(Prefix.APPROVAL, request.pk),
        part=str(part.pk),
        described=digest_of_description(
            scene=request.scene, campaign=request.campaign, lines=request.lines
        ),
        total=answer is not None and not answer.each_use,
    )
