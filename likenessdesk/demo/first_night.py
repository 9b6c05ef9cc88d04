"""The demo's first night, and the morning after: one agency's staff see its statements out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from likenessdesk.demo.corrections import correct_what_was_paid, was_corrected
from talent.models import Agency, User
from talent.words import Role
from valuation import night
from valuation.models import NightRun, Statement
from valuation.statements import steps
from valuation.words import StatementKind, StatementStepKind

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
    return Issued(new, most_earned(agency))


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
