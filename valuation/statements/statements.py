"""Statements: drawn when a period has ended, reviewed, approved by another, issued, paid."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, Min, OuterRef

from licensing.news import announce
from licensing.words import Announcement
from talent import outbox
from talent.errors import Refused
from talent.locks import hold_lock
from talent.models import Agency, Beneficiary, User
from talent.periods import Days, label, local_day, next_period, period_containing
from talent.words import Period
from valuation.ledger.closed_periods import closed_until
from valuation.models import Posting, Statement, StatementLine, StatementStep
from valuation.statements.gathering import (
    Gathered,
    Whose,
    due_on,
    gather,
    is_late,
    unstated_entries,
    unstated_lines,
)
from valuation.statements.roll_up import parts, roll_up
from valuation.words import AccountKind, Section, StatementKind, StatementStepKind

from . import documents, snapshot
from .documents import Paper

logger = logging.getLogger(__name__)
ZERO = Decimal(0)
LONGEST_PREFIX = 24
STEPS = [
    StatementStepKind.DRAFT,
    StatementStepKind.REVIEWED,
    StatementStepKind.APPROVED,
    StatementStepKind.ISSUED,
    StatementStepKind.PAID,
]


class NotItsTurn(Refused):
    code = "not_its_turn"


class FourEyes(Refused):
    code = "four_eyes"


class PreviousNotIssued(Refused):
    code = "previous_not_issued"


class PartsNotIssued(Refused):
    code = "parts_not_issued"


# Drawing


def draw_due(*, as_of: date, now: datetime) -> list[Statement]:
    """Draw the statements of periods that had ended on a day, and redraw drafts with news.

    A draft whose content did not change is left alone, so the same night draws nothing twice.
    What cannot be drawn is logged, stops nothing else and is left to the next night; so is a
    document that cannot be stored: its figures are kept.
    """
    drawn = []
    for agency in Agency.objects.order_by("pk"):
        for whose in _due(agency):
            drawn += _kept_going(f"{whose}", lambda whose=whose: _draw_all(whose, as_of, now))
        for currency, days in _open_periods(agency):
            drawn += _kept_going(
                f"the roll-up of {agency}, {currency}, {days}",
                lambda agency=agency, currency=currency, days=days: _draw_roll_up(
                    agency, currency, days, now
                ),
            )
    for statement in Statement.objects.filter(pdf="").order_by("pk"):
        _paper(statement)
    return drawn


def _kept_going(what: str, draw: Callable[[], list[Statement]]) -> list[Statement]:
    try:
        return draw()
    except Exception:
        logger.exception("Not drawn: %s", what)
        return []


def _due(agency: Agency) -> Iterator[Whose]:
    """Yield for whom the agency has something that no issued statement has shown."""
    lines = unstated_lines().filter(agency=agency)
    owed = set(lines.values_list("beneficiary", "currency").distinct())
    moved = Posting.objects.filter(
        account__agency=agency,
        account__beneficiary__isnull=False,
        account__kind=AccountKind.PAYABLE.value,
    )
    owed |= set(moved.values_list("account__beneficiary", "currency").distinct())
    beneficiaries = Beneficiary.objects.select_related("user", "performer__user").in_bulk(
        {pk for pk, _ in owed}
    )
    for pk, currency in sorted(owed):
        yield Whose(agency, beneficiaries[pk], currency)


def _draw_all(whose: Whose, as_of: date, now: datetime) -> list[Statement]:
    """Draw the ended periods in their order, from the first that has something to state."""
    # Nobody issues a statement or a roll-up between reading what is open and writing the draft.
    with hold_lock(_issuing(whose.agency.pk)):
        first = _first_open_day_to_state(whose)
        if first is None:
            return []
        length = whose.agency.statement_period
        days, since, drawn = period_containing(first, length), None, []
        while days.ends_on <= as_of:
            drawn += _draw(whose, days, since, now)
            days = next_period(days.starts_on, length)
            since = days.starts_on
        return drawn


def _issuing(agency_id: int) -> str:
    return f"issue statements of agency {agency_id}"


def _first_open_day_to_state(whose: Whose) -> date | None:
    lines = unstated_lines().filter(
        agency=whose.agency, beneficiary=whose.beneficiary, currency=whose.currency
    )
    entries = unstated_entries(whose.beneficiary.pk).filter(
        agency=whose.agency,
        postings__account__beneficiary=whose.beneficiary,
        postings__currency=whose.currency,
    )
    days = [
        lines.aggregate(first=Min("period_on"))["first"],
        entries.aggregate(first=Min("effective_on"))["first"],
    ]
    closed = closed_until(
        agency_id=whose.agency.pk,
        currency=whose.currency,
        beneficiary_ids=[whose.beneficiary.pk],
    ).get(whose.beneficiary.pk, date.min)
    return min((max(day, closed) for day in days if day), default=None)


def _draw(whose: Whose, days: Days, since: date | None, now: datetime) -> list[Statement]:
    chain = {
        "kind": StatementKind.BENEFICIARY.value,
        "agency": whose.agency,
        "beneficiary": whose.beneficiary,
        "currency": whose.currency,
    }
    previous = _last_before(chain, days)
    gathered = gather(whose, days, previous, since=since)
    content = gathered.content
    if not (gathered.lines or gathered.entries):
        return []
    figures = {
        "opening": content.opening_balance,
        "earned": content.earned,
        "received": content.received,
        "deductions": content.deducted,
        "net": content.net - content.paid_out,
        "closing": content.closing_balance,
        "outstanding": content.closing_accrued,
        "due_on": content.payable_on,
    }
    return _stored(chain, days, previous, content, figures, gathered, now)


def _last_before(chain: Mapping[str, object], days: Days) -> Statement | None:
    earlier = Statement.objects.filter(**chain, period_on__lt=days.starts_on)
    return earlier.order_by("-period_on").first()


def _open_periods(agency: Agency) -> list[tuple[str, Days]]:
    """Return the currencies and periods with statements that no issued roll-up adds up."""
    rolled = Statement.objects.issued().filter(
        kind=StatementKind.ROLL_UP.value,
        agency=agency,
        currency=OuterRef("currency"),
        period_on=OuterRef("period_on"),
    )
    stated = Statement.objects.filter(
        ~Exists(rolled), kind=StatementKind.BENEFICIARY.value, agency=agency
    )
    periods = stated.values_list("currency", "period_on", "period_ends_on").distinct()
    return sorted((currency, Days(on, ends_on)) for currency, on, ends_on in periods)


def _draw_roll_up(agency: Agency, currency: str, days: Days, now: datetime) -> list[Statement]:
    chain = {
        "kind": StatementKind.ROLL_UP.value,
        "agency": agency,
        "beneficiary": None,
        "currency": currency,
    }
    previous = _last_before(chain, days)
    content = roll_up(agency, currency, days, previous)
    opening = previous.closing if previous else ZERO
    closing = content.total("closing_balance")
    figures = {
        "opening": opening,
        "earned": content.total("earned"),
        "received": content.total("received"),
        "deductions": content.total("commission") + content.total("other_deductions"),
        "net": closing - opening,
        "closing": closing,
        "outstanding": content.total("closing_accrued"),
        "due_on": due_on(agency, days),
    }
    return _stored(chain, days, previous, content, figures, None, now)


@transaction.atomic
def _stored(
    chain: Mapping[str, object],
    days: Days,
    previous: Statement | None,
    content: snapshot.Snapshot,
    figures: Mapping[str, object],
    gathered: Gathered | None,
    now: datetime,
) -> list[Statement]:
    """Write a draft and what it states, unless it stands so already or is issued."""
    key = {**chain, "period_on": days.starts_on}
    stored = Statement.objects.select_for_update().filter(**key).first()
    if stored and (stored.number or _stands(stored, previous, content)):
        return []
    old_paper = stored.pdf.name if stored else ""
    statement = stored or Statement(**key)
    statement.period_ends_on = days.ends_on
    statement.previous = previous
    statement.from_index, statement.to_index = content.proof.first_index, content.proof.end_index
    statement.content, statement.pdf, statement.pdf_sha256 = snapshot.to_json(content), "", ""
    for name, value in figures.items():
        setattr(statement, name, value)
    if previous:
        # A draft that followed it until now comes after this one, and is drawn next.
        following = Statement.objects.filter(previous=previous).exclude(pk=statement.pk)
        following.update(previous=None)
    statement.save()
    if gathered:
        _write_lines(statement, gathered)
    StatementStep.objects.create(statement=statement, kind=StatementStepKind.DRAFT.value, at=now)
    transaction.on_commit(lambda: documents.forget(old_paper))
    return [statement]


def _stands(stored: Statement, previous: Statement | None, content: snapshot.Snapshot) -> bool:
    """Tell whether a draft says the same as now, by whatever nights that have read on since."""
    same_chain = stored.previous_id == (previous.pk if previous else None)
    return same_chain and snapshot.same_news(snapshot.from_json(stored.content), content)


def _write_lines(statement: Statement, gathered: Gathered) -> None:
    statement.lines.all().delete()
    days = Days(statement.period_on, statement.period_ends_on)
    lines = [
        StatementLine(
            section=(Section.ADJUSTMENT if is_late(line, days) else Section.USAGE).value,
            residual_line=line,
            label=line.reading.rate_line.label,
            quantity=line.quantity,
            amount=line.amount,
        )
        for line in gathered.lines
    ]
    lines += [
        StatementLine(
            section=Section.RECEIPT.value,
            entry=entry,
            label=entry.description,
            amount=_moved(entry, statement),
        )
        for entry in gathered.entries
    ]
    for position, line in enumerate(lines, start=1):
        line.statement, line.position, line.currency = statement, position, statement.currency
    StatementLine.objects.bulk_create(lines)


def _moved(entry, statement: Statement) -> Decimal:
    return -sum(
        posting.amount
        for posting in entry.postings.all()
        if posting.account.beneficiary_id == statement.beneficiary_id
        and posting.account.kind == AccountKind.PAYABLE
    )


def _paper(statement: Statement) -> None:
    """Draw a draft's document; what stands in the way waits for the next night."""
    content = snapshot.from_json(statement.content)
    try:
        paper = documents.keep(statement, content)
    except Refused:
        logger.exception("The document of statement %s waits", statement.pk)
        return
    unchanged = Statement.objects.filter(pk=statement.pk, content=statement.content, pdf="")
    unchanged.update(pdf=paper.name, pdf_sha256=paper.sha256)


# Steps


def review(*, statement_id: int, by: User, at: datetime) -> Statement:
    """Record that a draft was read and found right. Raises NotItsTurn."""
    return _step(statement_id, StatementStepKind.REVIEWED, by, at)


def approve(*, statement_id: int, by: User, at: datetime) -> Statement:
    """Record a second person's approval. Raises NotItsTurn, FourEyes."""
    return _step(statement_id, StatementStepKind.APPROVED, by, at)


def mark_paid(*, statement_id: int, by: User, at: datetime) -> Statement:
    """Record that an issued statement's balance was paid. Raises NotItsTurn."""
    return _step(statement_id, StatementStepKind.PAID, by, at)


def issue(*, statement_id: int, by: User, at: datetime) -> Statement:
    """Number, redraw and freeze an approved statement, and tell its beneficiary.

    Numbers count up per agency and year without gaps. A roll-up is issued when everything it
    adds up is. Raises NotItsTurn, PreviousNotIssued, PartsNotIssued, and what keeping the
    document refuses; then the statement is as it was.
    """
    agency_id = Statement.objects.values_list("agency", flat=True).get(pk=statement_id)
    # The document is drawn between reading the last number and writing the next, outside any
    # transaction: so the agency's issues queue for a lock of the session instead.
    with hold_lock(_issuing(agency_id)):
        statement = Statement.objects.select_related("agency", "previous").get(pk=statement_id)
        _check_turn(statement, StatementStepKind.ISSUED)
        _check_chain(statement)
        number = _next_number(statement)
        content = replace(
            _final(statement),
            number=number,
            status=StatementStepKind.ISSUED,
            issued_on=local_day(at, statement.agency.time_zone),
            previous=(statement.previous.number or "") if statement.previous else "",
        )
        paper = documents.keep(statement, content)
        try:
            return _frozen(statement, content, number, paper, by, at)
        except BaseException:
            documents.forget(paper.name)
            raise


def _check_chain(statement: Statement) -> None:
    """Refuse to issue before an earlier one, or on a balance that has moved since."""
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
    if statement.opening != (last.closing if last else ZERO):
        raise NotItsTurn(
            "The balance brought forward is no longer the one carried forward before; "
            "the next night draws this statement again."
        )


def _final(statement: Statement) -> snapshot.Snapshot:
    """Return the content to issue: a roll-up now names the statements it adds up."""
    content = snapshot.from_json(statement.content)
    if statement.kind != StatementKind.ROLL_UP:
        return content
    days = Days(statement.period_on, statement.period_ends_on)
    waiting = parts(statement.agency, statement.currency, days).filter(number=None).count()
    if waiting:
        raise PartsNotIssued(
            f"{waiting} of the statements that this one adds up are not issued; issue them first."
        )
    now = roll_up(statement.agency, statement.currency, days, statement.previous)
    if not snapshot.same_news(content, now):
        raise NotItsTurn("What this roll-up adds up has changed; the next night draws it again.")
    return replace(content, beneficiaries=now.beneficiaries)


@transaction.atomic
def _frozen(
    read: Statement,
    content: snapshot.Snapshot,
    number: str,
    paper: Paper,
    by: User,
    at: datetime,
) -> Statement:
    statement = Statement.objects.select_for_update().get(pk=read.pk)
    _check_turn(statement, StatementStepKind.ISSUED)
    if statement.content != read.content:
        raise NotItsTurn("The draft changed while it was being issued; review it again.")
    draft = statement.pdf.name
    statement.number, statement.content = number, snapshot.to_json(content)
    statement.pdf, statement.pdf_sha256 = paper.name, paper.sha256
    statement.save()
    StatementStep.objects.create(
        statement=statement, kind=StatementStepKind.ISSUED.value, at=at, by=by
    )
    _tell(statement, at)
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
    transaction.on_commit(lambda: documents.forget(draft if draft != paper.name else ""))
    return statement


def _next_number(statement: Statement) -> str:
    """Number statements as NOR-2026-Q3-0007: agency, period, and a count within the year."""
    agency, day = statement.agency, statement.period_on
    issued = Statement.objects.issued().filter(agency=agency, period_on__year=day.year)
    part = {
        Period.MONTH: f"{day.month:02}",
        Period.QUARTER: f"Q{(day.month + 2) // 3}",
        Period.YEAR: "Y",
    }[Period(agency.statement_period)]
    return f"{_prefix(agency)}-{day.year}-{part}-{issued.count() + 1:04}"


def _prefix(agency: Agency) -> str:
    """Shorten a long slug to fit, and tell it from others that begin alike by the agency's key."""
    slug = agency.slug.upper()
    return slug if len(slug) <= LONGEST_PREFIX else f"{slug[:12]}-{agency.pk}"


def _tell(statement: Statement, at: datetime) -> None:
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
def _step(statement_id: int, kind: StatementStepKind, by: User, at: datetime) -> Statement:
    # Locked, so that two people cannot take the same step.
    statement = Statement.objects.select_for_update().get(pk=statement_id)
    _check_turn(statement, kind)
    if kind == StatementStepKind.APPROVED and _last_step(statement).by_id == by.pk:
        raise FourEyes("Who reviewed a statement cannot approve it; ask somebody else.")
    StatementStep.objects.create(statement=statement, kind=kind.value, at=at, by=by)
    return statement


def _check_turn(statement: Statement, kind: StatementStepKind) -> None:
    last = StatementStepKind(_last_step(statement).kind)
    before = STEPS[STEPS.index(kind) - 1]
    if last != before:
        raise NotItsTurn(
            f"{statement} is {last.label.lower()}; it can be {kind.label.lower()} only when it "
            f"is {before.label.lower()}."
        )


def _last_step(statement: Statement) -> StatementStep:
    return statement.steps.latest("pk")
