"""The demo's first night, and the morning after: one agency's staff see its statements out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from likenessdesk.demo.corrections import correct_what_was_paid, was_corrected
from talent.beneficiaries import reader_of
from talent.models import Agency, User
from talent.words import Role
from valuation import night
from valuation.cash.disputed import deciding, raising
from valuation.models import NightRun, Statement
from valuation.statements import steps
from valuation.words import DisputeReason, StatementKind, StatementStepKind

# The other agency's statements stay drafts, so that there is something to do.
ISSUING = "meridian"


@dataclass(frozen=True)
class Issued:
    """What was issued now, and the statement most worth looking at."""

    new: Sequence[Statement]
    shown: Statement | None


def rate_and_correct(*, as_of: date, now: datetime) -> list[NightRun]:
    """Rate the summer and match what was paid, correct what was paid for, and run the night.

    So the statements show money that was given back. Once that is done, it is a night like any.
    """
    runs = []
    if not was_corrected():
        runs.append(night.rate_and_match(as_of=as_of, now=now))
        correct_what_was_paid(now)
    return [*runs, night.run_night(as_of=as_of, now=now)]


def issue_statements(*, at: datetime) -> Issued:
    """Review, approve and issue the agency's drafts; one who reviews never approves.

    Beneficiaries' statements go first, then the roll-ups that add them up. Running again
    issues what is still a draft.
    """
    agency = Agency.objects.get(slug=ISSUING)
    reviewer, approver = accountants(agency)
    drafts = Statement.objects.with_status().filter(
        agency=agency, status=StatementStepKind.DRAFT.value
    )
    new = [
        see_out(statement, reviewer, approver, at)
        for statement in drafts.order_by("kind", "period_on", "currency", "pk")
    ]
    shown = most_earned(agency)
    _claim(shown, reviewer, at)
    return Issued(new, shown)


def _claim(statement: Statement | None, by: User, at: datetime) -> None:
    """Have a payee miss a use on their statement, and the agency answer: no money waits for it."""
    person = statement and reader_of(statement.beneficiary)
    if statement is None or person is None or statement.disputes.exists():
        return
    claim = raising.raise_on_statement(
        statement_id=statement.pk,
        reading_id=None,
        reason=DisputeReason.MISSING,
        text="The trailer that ran in the last week of the period is on no line.",
        by=person,
        at=at,
    )
    deciding.write(
        dispute_id=claim.pk,
        text="We have asked the studio for its schedule, and write again when we have it.",
        by=by,
        at=at,
        from_agency=True,
    )


def see_out(statement: Statement, reviewer: User, approver: User, at: datetime) -> Statement:
    steps.review(statement_id=statement.pk, by=reviewer, at=at)
    steps.approve(statement_id=statement.pk, by=approver, at=at)
    return steps.issue(statement_id=statement.pk, by=approver, at=at)


def accountants(agency: Agency) -> list[User]:
    seats = agency.memberships.current().filter(role=Role.ACCOUNTING.value)
    return [seat.user for seat in seats.select_related("user").order_by("pk")[:2]]


def most_earned(agency: Agency) -> Statement | None:
    """Return the issued statement with the most on it."""
    issued = Statement.objects.issued().filter(agency=agency, kind=StatementKind.BENEFICIARY.value)
    return issued.order_by("-earned", "pk").first()
