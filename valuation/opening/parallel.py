"""A parallel run: an old system's figures beside the desk's, line by line. Nothing is posted.

A file is CSV in UTF-8 with the columns payee, period, currency, line and amount. `period` is the
first day of a statement period. `line` is the reference of an agreement, for what it earned, or one
of the words opening, earned, received, deducted, paid_out and closing, for a figure of the whole
statement. Payees are named as the desk names them, or by their number.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from licensing.money import rounded
from talent import locales
from talent.models import Agency
from talent.periods import period_containing
from valuation.models import Statement
from valuation.statements import snapshot
from valuation.words import Compared, StatementKind

from .told import FAULTS_TOLD, LARGEST, NotReadable, only_one, payees_by_name, rows_of

COLUMNS = ("payee", "period", "currency", "line", "amount")
ZERO = Decimal(0)

# What a statement says as a whole, by its word in a file. Deductions are below zero, as on paper.
FIGURES: Mapping[str, Callable[[snapshot.StatementSnapshot], Decimal]] = {
    "opening": lambda content: content.opening_balance,
    "earned": lambda content: content.earned,
    "received": lambda content: content.received,
    "deducted": lambda content: content.deducted,
    "paid_out": lambda content: content.paid_out,
    "closing": lambda content: content.closing_balance,
}


class Key(NamedTuple):
    """Whose figure it is: a payee's, of the period that begins on a day, of one line."""

    payee: int
    period_on: date
    currency: str
    line: str


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both systems. None: the system does not have it."""

    payee: str
    period_on: date
    currency: str
    line: str
    there: Decimal | None
    here: Decimal | None
    statement_id: int | None

    @property
    def difference(self) -> Decimal:
        """What the desk says beyond the old system; what one does not have is nothing there."""
        return (self.here or ZERO) - (self.there or ZERO)

    @property
    def standing(self) -> Compared:
        if self.here is None:
            return Compared.MISSING_HERE
        if self.there is None:
            return Compared.MISSING_THERE
        return Compared.DIFFERS if self.difference else Compared.EQUAL


@dataclass(frozen=True, slots=True)
class Total:
    """What rows of one currency come to, those of agreements together, each figure by itself."""

    currency: str
    line: str
    there: Decimal
    here: Decimal
    counts: Mapping[Compared, int]

    @property
    def difference(self) -> Decimal:
        return self.here - self.there


def compare(agency: Agency, content: bytes) -> list[Row]:
    """Compare a file with what the statements of its periods say, drafts included.

    A fixed number of queries. A statement that the file says nothing of stands there with what it
    earned, and an agreement that the file leaves out of a payee's lines by itself. Raises
    NotReadable, naming each bad line.
    """
    names = payees_by_name(agency)
    told = dict(_read(agency, content, names))
    statements = Statement.objects.filter(
        kind=StatementKind.BENEFICIARY.value,
        agency=agency,
        period_on__in={key.period_on for key in told},
        currency__in={key.currency for key in told},
    ).select_related("beneficiary")
    here: dict[Key, Decimal] = {}
    ids: dict[tuple[int | None, date, str], int] = {}
    payees = {payee.pk: payee.name for rows in names.values() for payee in rows}
    for statement in statements:
        whose = statement.beneficiary_id, statement.period_on, statement.currency
        ids[whose] = statement.pk
        payees[whose[0]] = statement.beneficiary.name if statement.beneficiary else ""
        here |= _said(whose, snapshot.statement_from_json(statement.content), told)
    return [
        Row(
            payee=payees[key.payee],
            period_on=key.period_on,
            currency=key.currency,
            line=key.line,
            there=told.get(key),
            here=here.get(key),
            statement_id=ids.get(key[:3]),
        )
        for key in sorted({*told, *here}, key=lambda key: (key.period_on, payees[key.payee], key))
    ]


def totals(rows: Iterable[Row]) -> list[Total]:
    """Return what both systems come to, by currency: agreements together, each figure alone."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row.currency, row.line if row.line in FIGURES else ""].append(row)
    return [
        Total(
            currency=currency,
            line=line,
            there=sum((row.there or ZERO for row in group), ZERO),
            here=sum((row.here or ZERO for row in group), ZERO),
            counts={
                standing: sum(row.standing is standing for row in group) for standing in Compared
            },
        )
        for (currency, line), group in sorted(found.items())
    ]


def _said(
    whose: tuple[Any, date, str], content: snapshot.StatementSnapshot, told: Mapping[Key, Decimal]
) -> dict[Key, Decimal]:
    """Return what a statement says of what the file asks, and of what it leaves out."""
    asked = {key.line for key in told if key[:3] == whose}
    if not asked:
        return {Key(*whose, "earned"): content.earned} if content.earned else {}
    said = {Key(*whose, line): figure(content) for line, figure in FIGURES.items() if line in asked}
    if asked - FIGURES.keys():
        earned: dict[str, Decimal] = defaultdict(Decimal)
        for line in content.lines:
            earned[line.agreement] += line.amount
        said |= {
            Key(*whose, agreement): rounded(amount, whose[2])
            for agreement, amount in earned.items()
            if amount or agreement in asked
        }
    return said


# Reading


def _read(
    agency: Agency, content: bytes, names: Mapping[str, Sequence[Any]]
) -> Iterator[tuple[Key, Decimal]]:
    seen, faults = dict[Key, Decimal](), []
    for number, row in enumerate(rows_of(content, COLUMNS), start=2):
        try:
            key, amount = _read_row(agency, row, names)
            if key in seen:
                raise NotReadable(_("the same payee, period and line stand there twice."))
            seen[key] = amount
        except NotReadable as fault:
            faults.append(_("Line %(number)d: %(fault)s") % {"number": number, "fault": fault})
    if faults:
        raise NotReadable(" ".join(faults[:FAULTS_TOLD]))
    yield from seen.items()


def _read_row(
    agency: Agency, row: Mapping[str, str], names: Mapping[str, Sequence[Any]]
) -> tuple[Key, Decimal]:
    given = {name: (row.get(name) or "").strip() for name in COLUMNS}
    try:
        period_on = date.fromisoformat(given["period"])
    except ValueError as failure:
        raise NotReadable(
            _("“%s” is no day; write it as 2026-07-01.") % given["period"]
        ) from failure
    if period_containing(period_on, agency.statement_period).starts_on != period_on:
        raise NotReadable(_("No statement period of the agency begins on %s.") % period_on)
    currency = given["currency"].upper()
    if currency not in dict(locales.currencies("en")):
        raise NotReadable(_("“%s” is no currency.") % given["currency"])
    if not given["line"]:
        raise NotReadable(_("It names no line: an agreement, or a word such as “earned”."))
    try:
        amount = Decimal(given["amount"])
    except InvalidOperation as failure:
        raise NotReadable(
            _("“%s” is no amount; write it as 1234.56.") % given["amount"]
        ) from failure
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise NotReadable(_("“%s” is no amount; write it as 1234.56.") % given["amount"])
    payee = only_one(names, given["payee"])
    word = given["line"].lower()
    return Key(payee.pk, period_on, currency, word if word in FIGURES else given["line"]), amount
