"""The agency's roll-up: its beneficiaries' nets, its receivables by licensee, its productions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from licensing.models import Production
from licensing.money import allocate, rounded
from talent.models import Agency
from talent.periods import Days
from valuation.cash import reconciliation
from valuation.invoices.ageing import ageing, newest_day
from valuation.models import Posting, Reading, Statement, StatementLine
from valuation.statements import snapshot
from valuation.statements.gathering import index_read_to, party, productions_of, title_of
from valuation.words import AccountKind, EntryKind, Section, StatementKind, StatementStepKind

ZERO = Decimal(0)
UNTITLED = {("", ""): Decimal(1)}


@dataclass(slots=True)
class EarnedAndReceived:
    """Money earned and money received, with the production's EIDR if it has one."""

    earned: Decimal = ZERO
    received: Decimal = ZERO
    eidr: str = ""


@dataclass(slots=True)
class RollUpSums:
    """Earned and received by licensee, and by (licensee, production)."""

    licensees: dict[str, EarnedAndReceived] = field(
        default_factory=lambda: defaultdict(EarnedAndReceived)
    )
    productions: dict[tuple[str, str], EarnedAndReceived] = field(
        default_factory=lambda: defaultdict(EarnedAndReceived)
    )

    def add(self, licensee: str, production: str, eidr: str = "", **amounts: Decimal) -> None:
        for own in (self.licensees[licensee], self.productions[licensee, production]):
            own.earned += amounts.get("earned", ZERO)
            own.received += amounts.get("received", ZERO)
            own.eidr = own.eidr or eidr


def parts(agency: Agency, currency: str, days: Days) -> QuerySet[Statement]:
    """Return the statements that a period's roll-up adds up."""
    return Statement.objects.filter(
        kind=StatementKind.BENEFICIARY.value,
        agency=agency,
        currency=currency,
        period_on=days.starts_on,
    )


def opened_with(agency: Agency, currency: str, days: Days) -> Decimal:
    """Return what the statements of a period began with: the opening of an agency's first one."""
    opened = parts(agency, currency, days).aggregate(sum=Sum("opening", default=ZERO))["sum"]
    return rounded(opened, currency)


def roll_up(
    agency: Agency, currency: str, days: Days, before: Statement | None, *, now: datetime
) -> snapshot.RollUpSnapshot:
    """Add up an agency's statements of one period and currency, drafts included.

    `before` is the previous roll-up. Beneficiaries without a statement in this period are listed
    with the balances of their last one. The client account is shown as at the period's end, what
    licensees owe as of now.
    """
    aged_on = newest_day(now, agency.time_zone)
    statements = list(parts(agency, currency, days).order_by("beneficiary__name", "pk"))
    sums = _earned_and_received(statements, currency)
    return snapshot.RollUpSnapshot(
        previous=(before.number or "") if before else "",
        status=StatementStepKind.DRAFT,
        agency=party(agency.name, agency.address),
        period_starts_on=days.starts_on,
        period_ends_on=days.ends_on,
        currency=currency,
        beneficiaries=(
            *map(_beneficiary_row, statements),
            *map(_row_of_last_statement, _last_statements_of_others(agency, currency, days)),
        ),
        licensees=tuple(_licensee_rows(agency, currency, days, sums, before)),
        productions=tuple(
            snapshot.ProductionRow(
                title=title,
                licensee=licensee,
                eidr=own.eidr,
                earned=own.earned,
                received=own.received,
            )
            for (licensee, title), own in sorted(sums.productions.items())
        ),
        proof=snapshot.Proof(
            first_index=before.to_index if before else 0, end_index=index_read_to()
        ),
        paper=agency.paper_format,
        ageing=tuple(_ageing(agency, currency, aged_on)),
        ageing_on=aged_on,
        trust=_trust(agency, currency, days.ends_on - timedelta(days=1), now),
    )


def _trust(agency: Agency, currency: str, on: date, now: datetime) -> snapshot.TrustStanding:
    """Return the client account at the end of a day: whose its money is, and what the bank says."""
    found = reconciliation.reconcile(agency=agency, currency=currency, on=on, now=now)
    return snapshot.TrustStanding(
        on=on,
        bank=None if found.bank is None else rounded(found.bank, currency),
        trust_cash=rounded(found.trust_cash, currency),
        shares=tuple(
            snapshot.TrustShare(share=part.share, amount=rounded(part.amount, currency))
            for part in found.parts
            if part.amount
        ),
        differences=tuple(
            snapshot.TrustDifference(reason=reason, amount=rounded(amount, currency))
            for reason, amount in found.differences
        ),
    )


def _last_statements_of_others(agency: Agency, currency: str, days: Days) -> Iterator[Statement]:
    """Yield the last statement of each beneficiary without one in this period, if not zero."""
    stated = parts(agency, currency, days).filter(beneficiary=OuterRef("beneficiary"))
    earlier = Statement.objects.filter(
        ~Exists(stated),
        kind=StatementKind.BENEFICIARY.value,
        agency=agency,
        currency=currency,
        period_on__lt=days.starts_on,
    )
    last = earlier.order_by("beneficiary", "-period_on").distinct("beneficiary")
    rows = last.select_related("beneficiary")
    for statement in sorted(rows, key=lambda row: (_name_in(row), row.pk)):
        if statement.closing or statement.outstanding:
            yield statement


def _name_in(statement: Statement) -> str:
    """Return the beneficiary's name; empty for a roll-up."""
    return statement.beneficiary.name if statement.beneficiary else ""


def _row_of_last_statement(statement: Statement) -> snapshot.BeneficiaryRow:
    return snapshot.BeneficiaryRow(
        name=_name_in(statement),
        closing_balance=rounded(statement.closing, statement.currency),
        closing_accrued=rounded(statement.outstanding, statement.currency),
    )


def _beneficiary_row(statement: Statement) -> snapshot.BeneficiaryRow:
    content = snapshot.statement_from_json(statement.content)
    return snapshot.BeneficiaryRow(
        name=content.beneficiary.name,
        statement=statement.number or "",
        earned=content.earned,
        received=content.received,
        commission=content.commission,
        other_deductions=content.deducted - content.commission,
        closing_balance=content.closing_balance,
        closing_accrued=content.closing_accrued,
    )


def _earned_and_received(statements: Sequence[Statement], currency: str) -> RollUpSums:
    sums = RollUpSums()
    lines = StatementLine.objects.filter(statement__in=statements).select_related(
        "residual_line__agreement__licensee",
        "entry__remittance__licensee",
        "entry__agreement__licensee",
        "statement",
    )
    stated = [line.residual_line for line in lines if line.residual_line]
    productions = productions_of(stated)
    for line in stated:
        title, eidr = title_of(line.explanation.get("production_ids", []), productions)
        amount = rounded(line.amount, currency)
        sums.add(line.agreement.licensee.name, title, eidr, earned=amount)
    payers = {
        line.entry.pk: line.entry.remittance.licensee.name
        for line in lines
        if line.entry and line.entry.remittance
    }
    paid = _paid_by_production(payers)
    for (entry_id, _), amount in _released_by_entry(statements, payers, currency).items():
        # A corrected share moves money between people, and pays no production.
        titles, weights = zip(*paid.get(entry_id, UNTITLED).items(), strict=True)
        for (title, eidr), part in zip(titles, allocate(amount, weights, currency), strict=True):
            sums.add(payers[entry_id], title, eidr, received=part)
    _add_paid_back(sums, lines, statements, currency)
    return sums


def _add_paid_back(
    sums: RollUpSums,
    lines: Iterable[StatementLine],
    statements: Sequence[Statement],
    currency: str,
) -> None:
    """Take what use paid back of advances off what was earned: it is not owed in money."""
    payers = {
        line.entry.pk: line.entry.agreement.licensee.name
        for line in lines
        if line.entry and line.entry.agreement and line.section == Section.RECOUPMENT
    }
    paid = _paid_by_production(payers)
    for (entry_id, _), amount in _released_by_entry(statements, payers, currency).items():
        titles, weights = zip(*paid.get(entry_id, UNTITLED).items(), strict=True)
        for (title, eidr), part in zip(titles, allocate(amount, weights, currency), strict=True):
            sums.add(payers[entry_id], title, eidr, earned=-part)


def _released_by_entry(
    statements: Sequence[Statement], entries: Iterable[int], currency: str
) -> dict[tuple[int, int], Decimal]:
    """Return the amounts that entries released to the statements' beneficiaries.

    The keys are (entry id, beneficiary id).
    """
    postings = Posting.objects.filter(
        entry__in=entries,
        account__kind=AccountKind.ACCRUED.value,
        account__beneficiary__in=[statement.beneficiary_id for statement in statements],
        account__currency=currency,
    )
    sums = postings.values_list("entry", "account__beneficiary").annotate(Sum("amount"))
    return {(entry, payee): rounded(amount, currency) for entry, payee, amount in sums}


def _paid_by_production(entries: Iterable[int]) -> dict[int, dict[tuple[str, str], Decimal]]:
    """Return the amounts that entries paid of readings, by entry id and (title, EIDR)."""
    postings = Posting.objects.filter(
        entry__in=entries, account__kind=AccountKind.RECEIVABLE.value, reading__isnull=False
    )
    rows = list(postings.values_list("entry", "amount", "reading__summary"))
    productions = Production.objects.in_bulk(
        {pk for _, _, summary in rows for pk in summary["production_ids"]}
    )
    paid: dict[int, dict[tuple[str, str], Decimal]] = {}
    for entry_id, amount, summary in rows:
        by_title = paid.setdefault(entry_id, {})
        key = title_of(summary["production_ids"], productions)
        by_title[key] = by_title.get(key, ZERO) + abs(amount)
    return paid


def _licensee_rows(
    agency: Agency, currency: str, days: Days, sums: RollUpSums, before: Statement | None
) -> Iterator[snapshot.LicenseeRow]:
    opening = _receivables_taken_over(agency, currency, days, before)
    if before:
        for row in snapshot.roll_up_from_json(before.content).licensees:
            opening[row.name] = opening.get(row.name, ZERO) + row.closing_receivable
    oldest = _oldest_debts(agency, currency)
    for name in sorted(opening.keys() | sums.licensees.keys()):
        own = sums.licensees[name]
        yield snapshot.LicenseeRow(
            name=name,
            opening_receivable=opening.get(name, ZERO),
            earned=own.earned,
            received=own.received,
            oldest_due_on=oldest.get(name),
        )


def _receivables_taken_over(
    agency: Agency, currency: str, days: Days, before: Statement | None
) -> dict[str, Decimal]:
    """Return by licensee what was owed in the old system, or corrected of it, as of a period."""
    postings = Posting.objects.filter(
        Q(entry__kind=EntryKind.OPENING.value) | Q(entry__reverses__kind=EntryKind.OPENING.value),
        account__agency=agency,
        account__kind=AccountKind.RECEIVABLE.value,
        account__currency=currency,
        entry__effective_on__gte=before.period_ends_on if before else date.min,
        entry__effective_on__lt=days.ends_on,
    ).order_by()
    sums = postings.values_list("account__licensee__name").annotate(Sum("amount"))
    return {name: rounded(amount, currency) for name, amount in sums}


def _oldest_debts(agency: Agency, currency: str) -> dict[str, date]:
    """Return the day by which each licensee should have paid its oldest unpaid reading."""
    readings = Reading.objects.filter(agreement__agency=agency, currency=currency, gross__gt=0)
    wait = timedelta(days=agency.payment_days - 1)
    oldest: dict[str, date] = {}
    figures = readings.with_received().only("gross", "period_ends_on", "agreement__licensee__name")
    for reading in figures.select_related("agreement__licensee"):
        if reading.owed > 0:
            name = reading.agreement.licensee.name
            oldest[name] = min(oldest.get(name, date.max), reading.period_ends_on + wait)
    return oldest


def _ageing(agency: Agency, currency: str, on: date) -> Iterator[snapshot.AgeingRow]:
    """Yield what each licensee owes at the end of a day, by how late its invoices are."""
    for row in ageing(agency=agency, on=on):
        if row.currency == currency and (row.receivable or row.by_age):
            yield snapshot.AgeingRow(
                name=row.licensee.name,
                not_invoiced=rounded(row.not_invoiced + row.interest, currency),
                **{age.value: rounded(amount, currency) for age, amount in row.by_age.items()},
            )
