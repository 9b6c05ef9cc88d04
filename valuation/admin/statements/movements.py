"""A statement from its opening to its closing balance: each figure leads to what makes it."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.columns import html_table
from valuation.models import Account, Statement
from valuation.words import AccountKind, Section, StatementKind

ASKED = {"statement__id__exact", "section__in"}
# What moves what is payable; and what was earned of use, and what changes it.
MOVED = (Section.RECEIPT, Section.DEDUCTION, Section.PAYOUT)
EARNED = (
    Section.USAGE,
    Section.ADJUSTMENT,
    Section.TRUE_UP,
    Section.ADVANCE,
    Section.INTEREST,
    Section.RECOUPMENT,
)


def table(statement: Statement) -> str:
    """Return the figures of a statement as a table with links. One query."""
    rows = _of_roll_up(statement) if _adds_up(statement) else _of_payee(statement)
    told = [
        (what, _money(amount, statement.currency), _link(url, text))
        for what, amount, url, text in rows
    ]
    return html_table(_("From opening to closing"), [_("What"), _("Amount"), _("Made of")], told)


def _adds_up(statement: Statement) -> bool:
    return statement.kind == StatementKind.ROLL_UP


def _of_payee(statement: Statement) -> Iterator[tuple]:
    accounts = dict(
        Account.objects.filter(
            agency=statement.agency_id,
            currency=statement.currency,
            beneficiary=statement.beneficiary_id,
            kind__in=[AccountKind.PAYABLE.value, AccountKind.ACCRUED.value],
        ).values_list("kind", "pk")
    )
    paid = statement.received + statement.deductions - statement.net
    yield _("Opening"), statement.opening, _before(statement), _("the statement before")
    released, lines = _lines(statement, Section.RECEIPT), _("its lines")
    yield _("Received"), statement.received, released, _("its receipts, each less what was kept")
    kept = _lines(statement, Section.RECEIPT, Section.DEDUCTION)
    yield _("Kept"), statement.deductions, kept, lines
    yield _("Paid out"), -paid, _lines(statement, Section.PAYOUT), lines
    yield _("Net"), statement.net, _lines(statement, *MOVED), lines
    payable = _postings(accounts.get(AccountKind.PAYABLE.value), statement)
    yield _("Closing"), statement.closing, payable, _("all postings until then")
    yield _("Earned"), statement.earned, _lines(statement, *EARNED), lines
    accrued = _postings(accounts.get(AccountKind.ACCRUED.value), statement)
    yield _("Not yet received"), statement.outstanding, accrued, _("all postings until then")


def _of_roll_up(statement: Statement) -> Iterator[tuple]:
    asked = {
        "agency__id__exact": statement.agency_id,
        "currency__exact": statement.currency,
        "period_on__exact": statement.period_on,
        "kind__exact": StatementKind.BENEFICIARY.value,
    }
    parts = f"{reverse('admin:valuation_statement_changelist')}?{urlencode(asked)}"
    yield _("Opening"), statement.opening, _before(statement), _("the roll-up before")
    named = {
        "received": _("Received"), "net": _("Net"), "closing": _("Closing"),
        "earned": _("Earned"), "outstanding": _("Not yet received"),
    }  # fmt: skip
    for name, what in named.items():
        yield what, getattr(statement, name), parts, _("the statements that it adds up")


def _before(statement: Statement) -> str:
    if statement.previous_id is None:
        return ""
    return reverse("admin:valuation_statement_change", args=[statement.previous_id])


def _lines(statement: Statement, *sections: Section) -> str:
    named = ",".join(section.value for section in sections)
    asked = {"statement__id__exact": statement.pk, "section__in": named}
    return f"{reverse('admin:valuation_statementline_changelist')}?{urlencode(asked)}"


def _postings(account_id: int | None, statement: Statement) -> str:
    if account_id is None:
        return ""
    asked = {
        "account__id__exact": account_id,
        "entry__effective_on__lt": statement.period_ends_on,
    }
    return f"{reverse('admin:valuation_posting_changelist')}?{urlencode(asked)}"


def _money(amount, currency: str) -> str:
    return format_html(
        '<span class="desk-amount">{}</span>', locales.money(amount, currency, locale_of_reader())
    )


def _link(url: str, text: str) -> str:
    return format_html('<a class="desk-link" href="{}">{}</a>', url, text) if url else "–"
