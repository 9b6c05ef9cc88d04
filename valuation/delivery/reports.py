"""Reports that are sent again and again: read with what their owner may see when they read them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from licensing import recipients
from talent import four_eyes, outbox
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import local_day, months_later, previous_period
from talent.words import Role
from valuation.models import (
    BankLine,
    PayoutPayment,
    Posting,
    Remittance,
    ScheduledReport,
    Statement,
)
from valuation.words import Cadence, ReportKind

from . import links

AT_ONCE = 2_000
DAYS = {Cadence.DAILY: 1, Cadence.WEEKLY: 7}


class HasEnded(Refused):
    """The report is not sent any more."""

    code = "report_has_ended"


@dataclass(frozen=True, slots=True)
class _Report:
    """What a report reads: the permission it takes, its columns, its rows and what each says."""

    permission: str
    columns: tuple[str, ...]
    rows: Callable[[User, Agency, str, date], QuerySet[Any, Any]]
    told: Callable[[Any], list[object]]


def _statements(user: User, agency: Agency, currency: str, today: date) -> QuerySet[Any, Any]:
    days = previous_period(today, agency.statement_period)
    rows = Statement.objects.visible_to(user).with_status().filter(period_on=days.starts_on)
    return rows.select_related("beneficiary").order_by("kind", "number", "pk")


def _bank_lines(user: User, agency: Agency, currency: str, today: date) -> QuerySet[Any, Any]:
    rows: Any = BankLine.objects.visible_to(user).with_state()
    return rows.filter(is_open=True).order_by("booked_on", "pk")  # type: ignore[no-any-return]


def _receipts(user: User, agency: Agency, currency: str, today: date) -> QuerySet[Any, Any]:
    rows = Remittance.objects.visible_to(user).with_unmatched()
    return rows.select_related("licensee").order_by("received_on", "pk")


def _payments(user: User, agency: Agency, currency: str, today: date) -> QuerySet[Any, Any]:
    rows = PayoutPayment.objects.visible_to(user).in_transit()
    return rows.select_related("beneficiary", "run").order_by("pk")


def _journal(user: User, agency: Agency, currency: str, today: date) -> QuerySet[Any, Any]:
    days = previous_period(today, agency.statement_period)
    rows = Posting.objects.visible_to(user).filter(
        entry__effective_on__gte=days.starts_on, entry__effective_on__lt=days.ends_on
    )
    related = ("entry", "account__licensee", "account__beneficiary")
    return rows.select_related(*related).order_by("entry__effective_on", "entry_id", "pk")


REPORTS: dict[ReportKind, _Report] = {
    ReportKind.STATEMENTS: _Report(
        "valuation.view_statement",
        ("number", "for", "status", "earned", "received", "closing", "currency"),
        _statements,
        lambda row: [row.number, row.beneficiary or "", row.status, row.earned, row.received,
                     row.closing, row.currency],
    ),
    ReportKind.BANK_LINES: _Report(
        "valuation.view_bankline",
        ("booked_on", "counterparty", "text", "amount", "currency"),
        _bank_lines,
        lambda row: [row.booked_on, row.counterparty, row.text, row.amount, row.currency],
    ),
    ReportKind.RECEIPTS: _Report(
        "valuation.view_remittance",
        ("received_on", "licensee", "reference", "amount", "unmatched", "currency"),
        _receipts,
        lambda row: [row.received_on, row.licensee, row.reference, row.amount, row.unmatched,
                     row.currency],
    ),
    ReportKind.PAYMENTS: _Report(
        "valuation.view_payoutpayment",
        ("run", "for", "reference", "amount", "currency"),
        _payments,
        lambda row: [row.run.reference, row.beneficiary, row.end_to_end, row.amount, row.currency],
    ),
    ReportKind.JOURNAL: _Report(
        "valuation.view_posting",
        ("effective_on", "entry", "account", "amount", "currency"),
        _journal,
        lambda row: [row.entry.effective_on, row.entry.description, row.account, row.amount,
                     row.currency],
    ),
}  # fmt: skip
# What narrows a model's rows to one agency.
AGENCY = {Posting: "account__agency", PayoutPayment: "run__agency"}


def may_read(report: ScheduledReport) -> bool:
    """Tell whether the owner's seat at the agency gives them the report's rows today."""
    permission = REPORTS[ReportKind(report.report)].permission
    able = four_eyes.could_approve(permission, report.agency_id)
    return able.filter(pk=report.owner_id).exists()


def rows_of(report: ScheduledReport, *, now: datetime) -> QuerySet[Any, Any]:
    """Return what a report has for its owner now."""
    found = REPORTS[ReportKind(report.report)]
    today = local_day(now, report.agency.time_zone)
    rows = found.rows(report.owner, report.agency, report.currency, today)
    rows = rows.filter(**{AGENCY.get(rows.model, "agency"): report.agency_id})
    return rows.filter(currency=report.currency) if report.currency else rows


def table_of(report: ScheduledReport, *, now: datetime) -> tuple[list[str], Iterator[list[object]]]:
    """Return the header and the rows of a report, read as they are asked for."""
    found = REPORTS[ReportKind(report.report)]
    rows: Iterable[Any] = rows_of(report, now=now).iterator(AT_ONCE)
    return list(found.columns), (found.told(row) for row in rows)


def send_due(*, now: datetime) -> int:
    """Send the reports whose day has come, each in its own transaction; return how many.

    One that was missed is sent once. One whose owner may not read it any more ends, and they and
    the agency's accounting are told.
    """
    day = now.date() + timedelta(days=1)  # The furthest that any zone is ahead.
    due = ScheduledReport.objects.running().filter(next_on__lte=day).order_by("pk")
    return sum(_send(pk, now) for pk in list(due.values_list("pk", flat=True)))


@transaction.atomic
def end(*, report_id: int, because: str, at: datetime) -> None:
    """Have a report sent no more, and its links open nothing. Raises HasEnded."""
    report = _locked(report_id)
    if report is None or report.ended_at:
        raise HasEnded(_("This report has ended."))
    _end(report, because, at)


@transaction.atomic
def _send(report_id: int, now: datetime) -> bool:
    report = _locked(report_id)
    if report is None or report.ended_at:
        return False  # Another worker has it, or somebody ended it.
    today = local_day(now, report.agency.time_zone)
    if report.next_on > today:
        return False
    if not may_read(report):
        _end(report, _("%s may not read it any more.") % report.owner, now)
        _tell(report, now)
        return False
    links.send_report(report=report, rows=rows_of(report, now=now).count(), at=now)
    report.next_on = next_day(report, today)
    report.save(update_fields=["next_on"])
    return True


def next_day(report: ScheduledReport, today: date) -> date:
    """Return the first day after today on which a report is due: what was missed is not made up."""
    cadence, day = Cadence(report.cadence), report.next_on
    if cadence is Cadence.MONTHLY:
        later = months_later(today.replace(day=1), 1)
        wanted = later + timedelta(days=day.day - 1)
        return wanted if wanted.month == later.month else months_later(later, 1) - timedelta(days=1)
    length = DAYS[cadence]
    missed = (today - day).days // length
    return day + timedelta(days=length * (missed + 1))


def _locked(report_id: int) -> ScheduledReport | None:
    rows = ScheduledReport.objects.select_for_update(of=["self"], skip_locked=True)
    return rows.select_related("agency", "owner").filter(pk=report_id).first()


def _end(report: ScheduledReport, because: str, at: datetime) -> None:
    report.ended_at, report.ended_because = at, because[:300]
    report.save(update_fields=["ended_at", "ended_because"])
    report.links.good(at).update(revoked_at=at)


def _tell(report: ScheduledReport, at: datetime) -> None:
    """Tell the owner, if they still sign in, and the agency's accounting."""
    told = {user.email for user in recipients.staff_of([report.agency_id], Role.ACCOUNTING)}
    if report.owner.is_active:
        told.add(report.owner.email)
    for email in sorted(told):
        outbox.post(
            recipient=email,
            subject=_("Not sent any more: %s") % report,
            body=_(
                "%(report)s was sent to %(owner)s, who may not read it any more. Nothing was sent, "
                "and its links open nothing. Whoever needs it sets up a report of their own.\n"
            )
            % {"report": report, "owner": report.owner},
            at=at,
        )
