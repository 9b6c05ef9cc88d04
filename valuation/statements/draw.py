"""Drawing: drafts of statements for periods that have ended, redrawn when content changes."""

import logging
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, Min, OuterRef

from talent.database.locks import hold_lock
from talent.errors import Refused
from talent.models import Agency, Beneficiary
from talent.periods import Days, local_day, next_period, period_containing
from valuation.ledger.closed_periods import closed_until
from valuation.models import JournalEntry, Posting, Statement, StatementLine, StatementStep
from valuation.statements import documents, self_billed, snapshot
from valuation.statements.gathering import (
    Draft,
    Series,
    due_on,
    gather,
    section_of,
    unstated_entries,
    unstated_lines,
)
from valuation.statements.roll_up import opened_with, roll_up
from valuation.words import AccountKind, EntryKind, Section, StatementKind, StatementStepKind

logger = logging.getLogger(__name__)
ZERO = Decimal(0)
ENTRY_SECTIONS = {
    EntryKind.ADVANCE: Section.ADVANCE,
    EntryKind.RECOUPMENT: Section.RECOUPMENT,
    EntryKind.RESERVE: Section.DEDUCTION,
    EntryKind.PAYOUT: Section.PAYOUT,
    EntryKind.OPENING: Section.OPENING,
    EntryKind.SOURCE_TAX: Section.DEDUCTION,
    EntryKind.WRITE_OFF: Section.DEDUCTION,
    EntryKind.DIRECTION: Section.DEDUCTION,
    EntryKind.SELF_BILLED_TAX: Section.DEDUCTION,
    EntryKind.PASSED_TAX: Section.DEDUCTION,
    EntryKind.INVOICED_TAX: Section.DEDUCTION,
}

# The fields that all statements of one chain share: kind, agency, beneficiary, currency.
Chain = dict[str, Any]


def draw_due(*, as_of: date, now: datetime, failed: list[str] | None = None) -> list[Statement]:
    """Draw all statements for periods that ended by `as_of`, and redraw drafts that changed.

    A draft whose content did not change is left alone, so a second call draws nothing. A failure is
    logged, added to `failed` by name, stops nothing else, and is tried again the next night. If
    only the PDF fails, the draft's figures are kept.
    """
    drawn: list[Statement] = []
    failed = [] if failed is None else failed
    for agency in Agency.objects.order_by("pk"):
        for series in _series_with_news(agency):
            drawn += _logged(failed, f"{series}", _draw_series, series, as_of, now)
        for currency, days in _periods_to_roll_up(agency):
            name = f"the roll-up of {agency}, {currency}, {days}"
            drawn += _logged(failed, name, _draw_roll_up, agency, currency, days, now)
    for statement in Statement.objects.filter(pdf="").order_by("pk"):
        _draw_document(statement, failed)
    return drawn


def issuing(agency_id: int) -> str:
    """Return the name of the lock under which an agency's statements are drawn and issued."""
    return f"issue statements of agency {agency_id}"


def _logged(
    failed: list[str], name: str, draw: Callable[..., list[Statement]], *given: Any
) -> list[Statement]:
    """Draw something; log what goes wrong, so that it stops nothing else."""
    try:
        return draw(*given)
    except Exception:
        logger.exception("Not drawn: %s", name)
        failed.append(name)
        return []


# Finding what to draw


def _series_with_news(agency: Agency) -> Iterator[Series]:
    """Yield (beneficiary, currency) series that may have something to state.

    They have residual lines that no issued statement shows, or postings of payable money.
    """
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
        yield Series(agency, beneficiaries[pk], currency)


def first_open_day_to_state(series: Series) -> date | None:
    """Return the first open day that has something no issued statement shows; None: nothing."""
    lines = unstated_lines().filter(
        agency=series.agency, beneficiary=series.beneficiary, currency=series.currency
    )
    entries = unstated_entries(series.beneficiary.pk).filter(
        agency=series.agency,
        postings__account__beneficiary=series.beneficiary,
        postings__currency=series.currency,
    )
    days = [
        lines.aggregate(first=Min("period_on"))["first"],
        entries.aggregate(first=Min("effective_on"))["first"],
    ]
    closed = closed_until(
        agency_id=series.agency.pk,
        currency=series.currency,
        beneficiary_ids=[series.beneficiary.pk],
    ).get(series.beneficiary.pk, date.min)
    return min((max(day, closed) for day in days if day), default=None)


def _periods_to_roll_up(agency: Agency) -> list[tuple[str, Days]]:
    """Return currencies and periods that have statements but no issued roll-up."""
    rolled_up = Statement.objects.issued().filter(
        kind=StatementKind.ROLL_UP.value,
        agency=agency,
        currency=OuterRef("currency"),
        period_on=OuterRef("period_on"),
    )
    stated = Statement.objects.filter(
        ~Exists(rolled_up), kind=StatementKind.BENEFICIARY.value, agency=agency
    )
    periods = stated.values_list("currency", "period_on", "period_ends_on").distinct()
    return sorted((currency, Days(on, ends_on)) for currency, on, ends_on in periods)


# Drafts


def _draw_series(series: Series, as_of: date, now: datetime) -> list[Statement]:
    """Draw the periods ended by `as_of`, in order, from the first with something to state."""
    # So nobody issues a statement between reading which periods are open and writing the draft.
    with hold_lock(issuing(series.agency.pk)):
        first = first_open_day_to_state(series)
        if first is None:
            return []
        length = series.agency.statement_period
        days, since, drawn = period_containing(first, length), None, []
        while days.ends_on <= as_of:
            drawn += _draw_statement(series, days, since, now)
            days = next_period(days.starts_on, length)
            since = days.starts_on
        return drawn


def _draw_statement(
    series: Series, days: Days, since: date | None, now: datetime
) -> list[Statement]:
    chain: Chain = {
        "kind": StatementKind.BENEFICIARY.value,
        "agency": series.agency,
        "beneficiary": series.beneficiary,
        "currency": series.currency,
    }
    previous = _last_before(chain, days)
    draft = gather(series, days, previous, since=since)
    if not (draft.lines or draft.entries):
        return []
    today = local_day(now, series.agency.time_zone)
    content = self_billed.drafted(draft.content, series.agency, series.beneficiary, on=today)
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
    with transaction.atomic():
        statement = _store_draft(chain, days, previous, content, figures, now)
        if statement is None:
            return []
        _store_lines(statement, draft)
    return [statement]


def _draw_roll_up(agency: Agency, currency: str, days: Days, now: datetime) -> list[Statement]:
    chain: Chain = {
        "kind": StatementKind.ROLL_UP.value,
        "agency": agency,
        "beneficiary": None,
        "currency": currency,
    }
    previous = _last_before(chain, days)
    content = roll_up(agency, currency, days, previous, now=now)
    opening = previous.closing if previous else opened_with(agency, currency, days)
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
    statement = _store_draft(chain, days, previous, content, figures, now)
    return [statement] if statement else []


def _last_before(chain: Chain, days: Days) -> Statement | None:
    earlier = Statement.objects.filter(**chain, period_on__lt=days.starts_on)
    return earlier.order_by("-period_on").first()


@transaction.atomic(savepoint=False)
def _store_draft(
    chain: Chain,
    days: Days,
    previous: Statement | None,
    content: snapshot.Snapshot,
    figures: dict[str, Any],
    now: datetime,
) -> Statement | None:
    """Store a period's draft; None if it is already issued, or its content did not change."""
    key = {**chain, "period_on": days.starts_on}
    # Locked, so that no step is taken with the draft while it changes.
    stored = Statement.objects.select_for_update().filter(**key).first()
    if stored and (stored.number or _says_the_same(stored, previous, content)):
        return None
    old_document = stored.pdf.name if stored else ""
    statement = stored or Statement(**key)
    statement.period_ends_on = days.ends_on
    statement.previous = previous
    statement.from_index, statement.to_index = snapshot.log_range(content)
    statement.content, statement.pdf, statement.pdf_sha256 = snapshot.to_json(content), "", ""
    for name, value in figures.items():
        setattr(statement, name, value)
    if previous:
        # A draft that followed `previous` until now comes after this one, and is drawn next.
        following = Statement.objects.filter(previous=previous).exclude(pk=statement.pk)
        following.update(previous=None)
    statement.save()
    StatementStep.objects.create(statement=statement, kind=StatementStepKind.DRAFT.value, at=now)
    # The old file is deleted on commit: after a rollback the row still refers to it.
    transaction.on_commit(lambda: documents.remove(old_document))
    return statement


def _says_the_same(
    stored: Statement, previous: Statement | None, content: snapshot.Snapshot
) -> bool:
    """Tell whether a draft is unchanged, apart from how far the log was read."""
    same_chain = stored.previous_id == (previous.pk if previous else None)
    return same_chain and snapshot.is_same_news(snapshot.from_json(stored.content), content)


def _store_lines(statement: Statement, draft: Draft) -> None:
    """Replace a statement's lines with those of the draft."""
    statement.lines.all().delete()
    days = Days(statement.period_on, statement.period_ends_on)
    lines = [
        StatementLine(
            section=section_of(line, days).value,
            residual_line=line,
            label=line.reading.label,
            quantity=line.quantity,
            amount=line.amount,
        )
        for line in draft.lines
    ]
    lines += [
        StatementLine(
            section=_section_of(entry).value,
            entry=entry,
            label=entry.description,
            amount=_amount_of(entry, statement),
        )
        for entry in draft.entries
    ]
    for position, line in enumerate(lines, start=1):
        line.statement, line.position, line.currency = statement, position, statement.currency
    StatementLine.objects.bulk_create(lines)


def _section_of(entry: JournalEntry) -> Section:
    """Return where an entry stands; what reverses an opening balance stands beside it."""
    if entry.reverses and entry.reverses.kind == EntryKind.OPENING:
        return Section.OPENING
    return ENTRY_SECTIONS.get(EntryKind(entry.kind), Section.RECEIPT)


def _amount_of(entry: JournalEntry, statement: Statement) -> Decimal:
    """Return what an entry made payable to the beneficiary, or what use paid back by it."""
    kind = AccountKind.ACCRUED if entry.kind == EntryKind.RECOUPMENT else AccountKind.PAYABLE
    amounts = (
        posting.amount
        for posting in entry.postings.all()
        if posting.account.beneficiary_id == statement.beneficiary_id
        and posting.account.kind == kind
    )
    return -sum(amounts, ZERO)


def _draw_document(statement: Statement, failed: list[str]) -> None:
    """Draw and store a draft's PDF; a failure is logged and tried again the next night."""
    content = snapshot.from_json(statement.content)
    try:
        document = documents.store(statement, content)
    except Refused:
        logger.exception("The document of statement %s waits", statement.pk)
        failed.append(f"the PDF of {statement}")
        return
    # Only if nobody redrew the draft meanwhile: the document was drawn outside any transaction.
    unchanged = Statement.objects.filter(pk=statement.pk, content=statement.content, pdf="")
    unchanged.update(pdf=document.name, pdf_sha256=document.sha256)
