"""Steps: a statement is reviewed, approved by somebody else and issued, in this order."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet, Sum

from licensing.news import announce
from licensing.words import Announcement
from talent import four_eyes, installation, outbox
from talent.database.locks import hold_lock
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import Days, label, local_day
from talent.words import Period
from valuation.models import Statement, StatementStep
from valuation.self_billing import agreements
from valuation.self_billing import issuing as self_billing
from valuation.statements import documents, self_billed, snapshot
from valuation.statements.documents import StoredDocument
from valuation.statements.draw import issuing
from valuation.statements.roll_up import opened_with, parts, roll_up
from valuation.words import Section, StatementKind, StatementStepKind

APPROVES = "valuation.approve_statement"
ZERO = Decimal(0)
LONGEST_PREFIX = 24
STEPS = [
    StatementStepKind.DRAFT,
    StatementStepKind.REVIEWED,
    StatementStepKind.APPROVED,
    StatementStepKind.ISSUED,
]


class NotItsTurn(Refused):
    """A step was tried that is not the statement's next one, or on a draft that has changed."""

    code = "not_its_turn"


class PeriodNotOver(Refused):
    """A step was tried with a statement whose period has not ended."""

    code = "period_not_over"


class PreviousNotIssued(Refused):
    """A statement was to be issued before an earlier one of its chain."""

    code = "previous_not_issued"


class PartsNotIssued(Refused):
    """A roll-up was to be issued before the statements that it adds up."""

    code = "parts_not_issued"


def review(*, statement_id: int, by: User, at: datetime, note: str = "") -> Statement:
    """Record that somebody reviewed a draft and found it correct; somebody else approves it.

    Raises NotItsTurn, four_eyes.NobodyToApprove.
    """
    return _take_step(statement_id, StatementStepKind.REVIEWED, by, at, note)


def approve(*, statement_id: int, by: User, at: datetime, note: str = "") -> Statement:
    """Record a second person's approval. Raises NotItsTurn, four_eyes.FourEyes."""
    return _take_step(statement_id, StatementStepKind.APPROVED, by, at, note)


def issue(*, statement_id: int, by: User, at: datetime, note: str = "") -> Statement:
    """Number, draw, sign and freeze an approved statement, and tell its beneficiary.

    Numbers count up per agency and year without gaps. The number is kept for the statement first;
    it is drawn and signed outside the lock, so that several of an agency can be at once; then it
    is frozen. Whatever fails between leaves it approved, and the number is its own for the next
    try. A roll-up can only be issued after all statements it adds up. Raises NotItsTurn,
    PeriodNotOver, PreviousNotIssued, PartsNotIssued, and what `documents.store_issued` raises.
    """
    agency_id = Statement.objects.values_list("agency", flat=True).get(pk=statement_id)
    with hold_lock(issuing(agency_id)):
        read, content = _reserve(statement_id, at)
    document = documents.store_issued(read, content, at=at)
    try:
        with hold_lock(issuing(agency_id)):
            return _freeze(read, content, document, by, at, note)
    except BaseException:
        documents.remove(document.name)
        raise


@transaction.atomic
def _reserve(statement_id: int, at: datetime) -> tuple[Statement, snapshot.Snapshot]:
    """Keep a number for a statement, and return it as it is read and with what is to be issued."""
    statement = Statement.objects.select_for_update(of=["self"]).get(pk=statement_id)
    _check_turn(statement, StatementStepKind.ISSUED)
    _check_period(statement, at)
    _check_chain(statement)
    content = _content_to_issue(statement, at)
    if statement.reserved is None:
        statement.reserved = _next_number(statement)
        statement.save(update_fields=["reserved"])
    today = local_day(at, statement.agency.time_zone)
    content = replace(
        content,
        number=statement.reserved,
        status=StatementStepKind.ISSUED,
        issued_on=today,
        previous=(statement.previous.number or "") if statement.previous else "",
    )
    if isinstance(content, snapshot.StatementSnapshot):
        _check_self_billed(statement, content, today)
        if content.self_billed:
            number = self_billing.reserve(statement)
            invoice = self_billing.numbered(content.self_billed, number=number, on=today)
            content = replace(content, self_billed=invoice)
    return statement, content


def _check_self_billed(statement: Statement, content: snapshot.Snapshot, today: date) -> None:
    """Raise if another invoice is to go with it than was approved, or it says too little."""
    if not isinstance(content, snapshot.StatementSnapshot):
        return
    if statement.beneficiary is None or content.interim:
        return
    now = self_billed.written(content, statement.agency, statement.beneficiary, on=today)
    approved = content.self_billed
    if now != approved:
        raise NotItsTurn(
            "What is agreed on self-billing has changed since this was drawn, or a party’s "
            "details have; the next night draws it again."
        )
    if now and (found := self_billed.faults(now, today)):
        raise NotItsTurn(f"Its self-billed invoice would be none by EN 16931. {found}")


def _check_chain(statement: Statement) -> None:
    """Raise if an earlier statement is not issued, or its closing balance has changed."""
    earlier = Statement.objects.filter(
        kind=statement.kind,
        agency=statement.agency_id,
        beneficiary=statement.beneficiary_id,
        currency=statement.currency,
        period_on__lt=statement.period_on,
    )
    waiting = earlier.filter(number=None).order_by("period_on").first()
    if waiting:
        raise PreviousNotIssued(
            f"The statement before this one, of {waiting.period_on:%B %Y}, is not issued; "
            "issue it first."
        )
    last = earlier.order_by("-period_on").first()
    if statement.opening != (last.closing if last else _taken_over(statement)):
        raise NotItsTurn(
            "The balance brought forward is no longer the one carried forward before; "
            "the next night draws this statement again."
        )


def _taken_over(statement: Statement) -> Decimal:
    """Return with what the first statement of a chain begins: what an old system carried."""
    if statement.kind == StatementKind.ROLL_UP:
        days = Days(statement.period_on, statement.period_ends_on)
        return opened_with(statement.agency, statement.currency, days)
    opening = statement.lines.filter(section=Section.OPENING.value)
    carried: Decimal = opening.aggregate(sum=Sum("amount", default=ZERO))["sum"]
    return carried


def _content_to_issue(statement: Statement, at: datetime) -> snapshot.Snapshot:
    """Return the content to issue; a roll-up gets the numbers of the statements it adds up."""
    if statement.kind != StatementKind.ROLL_UP:
        return snapshot.from_json(statement.content)
    content = snapshot.roll_up_from_json(statement.content)
    days = Days(statement.period_on, statement.period_ends_on)
    waiting = parts(statement.agency, statement.currency, days).filter(number=None).count()
    if waiting:
        raise PartsNotIssued(
            f"{waiting} of the statements that this one adds up are not issued; issue them first."
        )
    now = roll_up(statement.agency, statement.currency, days, statement.previous, now=at)
    if not snapshot.is_same_news(content, now):
        raise NotItsTurn("What this roll-up adds up has changed; the next night draws it again.")
    return replace(
        content,
        beneficiaries=now.beneficiaries,
        ageing=now.ageing,
        ageing_on=now.ageing_on,
        trust=now.trust,
    )


@transaction.atomic
def _freeze(
    read: Statement,
    content: snapshot.Snapshot,
    document: StoredDocument,
    by: User,
    at: datetime,
    note: str,
) -> Statement:
    """Store number, content and PDF of an approved statement, unless it changed since `read`."""
    # Locked, so that what is checked here still holds when it is written.
    statement = Statement.objects.select_for_update(of=["self"]).get(pk=read.pk)
    _check_turn(statement, StatementStepKind.ISSUED)
    _check_chain(statement)
    kept = (statement.content, statement.reserved, statement.self_billed_number)
    if kept != (read.content, read.reserved, read.self_billed_number):
        raise NotItsTurn("The draft changed while it was being issued; review it again.")
    if isinstance(content, snapshot.StatementSnapshot) and content.issued_on:
        # Locked, so that nothing agreed on self-billing is withdrawn before this is written.
        agreements.lock(agency_id=statement.agency_id, beneficiary_id=statement.beneficiary_id)
        approved = snapshot.from_json(statement.content)
        _check_self_billed(statement, approved, content.issued_on)
    if statement.kind == StatementKind.ROLL_UP:
        _content_to_issue(statement, at)  # The night may have drawn another part of it meanwhile.
    number = content.number
    draft = statement.pdf.name
    statement.number, statement.content = number, snapshot.to_json(content)
    statement.pdf, statement.pdf_sha256 = document.name, document.sha256
    statement.seal_level = document.level.value
    statement.save()
    StatementStep.objects.create(
        statement=statement, kind=StatementStepKind.ISSUED.value, at=at, by=by, note=note
    )
    if isinstance(content, snapshot.StatementSnapshot) and content.self_billed:
        self_billing.keep(statement, content.self_billed, by=by, at=at)
    _notify_beneficiary(statement, at)
    announce(
        kind=Announcement.STATEMENT_ISSUED,
        agency_id=statement.agency_id,
        data={
            "statement": number,
            "kind": statement.kind,
            "period_on": statement.period_on.isoformat(),
            "currency": statement.currency,
            "link": f"/api/v1/statements/{statement.pk}",
        },
        at=at,
    )
    transaction.on_commit(lambda: documents.remove(draft if draft != document.name else ""))
    return statement


def _next_number(statement: Statement) -> str:
    """Return a number such as NOR-2026-Q3-0007: agency, period, and a count in the year."""
    agency, day = statement.agency, statement.period_on
    taken = Statement.objects.filter(agency=agency, period_on__year=day.year).exclude(
        number=None, reserved=None
    )
    part = {
        Period.MONTH: f"{day.month:02}",
        Period.QUARTER: f"Q{(day.month + 2) // 3}",
        Period.YEAR: "Y",
    }[Period(agency.statement_period)]
    # After a restore, numbers given out since the backup are not known here any more.
    restores = installation.restores()
    again = f"R{restores}-" if restores else ""
    return f"{_prefix(agency)}-{day.year}-{part}-{again}{taken.count() + 1:04}"


def _prefix(agency: Agency) -> str:
    """Return the agency's slug in capitals; a long one is cut, and the agency's id added."""
    slug = agency.slug.upper()
    return slug if len(slug) <= LONGEST_PREFIX else f"{slug[:12]}-{agency.pk}"


def _notify_beneficiary(statement: Statement, at: datetime) -> None:
    beneficiary = statement.beneficiary
    reader = beneficiary and (
        beneficiary.user or (beneficiary.performer and beneficiary.performer.user)
    )
    if not reader:
        return
    period = label(Days(statement.period_on, statement.period_ends_on))
    outbox.post(
        recipient=reader.email,
        subject=f"Your statement for {period}",
        body=(
            f"Your statement {statement.number} for {period} is ready.\n"
            "Sign in to the portal to read or download it.\n"
        ),
        at=at,
    )


@transaction.atomic
def _take_step(
    statement_id: int, kind: StatementStepKind, by: User, at: datetime, note: str
) -> Statement:
    # Locked, so that two people cannot take the same step.
    statement = Statement.objects.select_for_update().get(pk=statement_id)
    _check_turn(statement, kind)
    _check_period(statement, at)
    if kind == StatementStepKind.REVIEWED:
        four_eyes.refuse_without_approver(
            asked_by=by, permission=APPROVES, agency_id=statement.agency_id
        )
    if kind == StatementStepKind.APPROVED:
        four_eyes.refuse_same_person(by=by, before=_reviewers(statement))
    StatementStep.objects.create(statement=statement, kind=kind.value, at=at, by=by, note=note)
    return statement


def _reviewers(statement: Statement) -> QuerySet[StatementStep, int | None]:
    """Return who reviewed the draft that stands; of one that was drawn again, nobody did."""
    drawn = statement.steps.filter(kind=StatementStepKind.DRAFT.value).latest("pk")
    reviewed = statement.steps.filter(kind=StatementStepKind.REVIEWED.value, pk__gt=drawn.pk)
    return reviewed.values_list("by", flat=True)


def _check_turn(statement: Statement, kind: StatementStepKind) -> None:
    last = StatementStepKind(_last_step(statement).kind)
    before = STEPS[STEPS.index(kind) - 1]
    if last != before:
        raise NotItsTurn(
            f"{statement} is {last.label.lower()}; it can be {kind.label.lower()} only when it "
            f"is {before.label.lower()}."
        )


def _check_period(statement: Statement, at: datetime) -> None:
    """Raise if the period goes on: a night as of a wrong day drew the draft."""
    if statement.period_ends_on > local_day(at, statement.agency.time_zone):
        raise PeriodNotOver(
            f"{statement} is of a period that ends on {statement.period_ends_on}; it is drawn anew "
            "then."
        )


def _last_step(statement: Statement) -> StatementStep:
    return statement.steps.latest("pk")
