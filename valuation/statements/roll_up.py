"""The agency's roll-up: its beneficiaries' nets, its receivables by licensee, its productions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet, Sum

from licensing.models import Production
from licensing.money import allocate, rounded
from talent.models import Agency
from talent.periods import Days
from valuation.models import Posting, Reading, Statement, StatementLine
from valuation.statements import snapshot
from valuation.statements.gathering import last_index, party, productions, title_of
from valuation.words import AccountKind, StatementKind, StatementStepKind

ZERO = Decimal(0)


@dataclass(slots=True)
class Sums:
    """What came to be earned and what came in."""

    earned: Decimal = ZERO
    received: Decimal = ZERO
    eidr: str = ""


@dataclass(slots=True)
class Books:
    """Earned and received by licensee, and by (licensee, production)."""

    licensees: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    productions: dict[tuple[str, str], Sums] = field(default_factory=lambda: defaultdict(Sums))

    def add(self, licensee: str, production: str, eidr: str = "", **amounts: Decimal) -> None:
        for sums in (self.licensees[licensee], self.productions[licensee, production]):
            sums.earned += amounts.get("earned", ZERO)
            sums.received += amounts.get("received", ZERO)
            sums.eidr = sums.eidr or eidr


def parts(agency: Agency, currency: str, days: Days) -> QuerySet[Statement]:
    """Return the statements that a period's roll-up adds up."""
    return Statement.objects.filter(
        kind=StatementKind.BENEFICIARY.value,
        agency=agency,
        currency=currency,
        period_on=days.starts_on,
    )


def roll_up(agency: Agency, currency: str, days: Days, before: Statement | None) -> snapshot.RollUp:
    """Sum an agency's statements of one period and currency, as they are drawn.

    `before` is the roll-up before this one. Who has no statement in this period is listed with
    the balance of the last one.
    """
    statements = list(parts(agency, currency, days).order_by("beneficiary__name", "pk"))
    books = _books(statements, currency)
    return snapshot.RollUp(
        previous=(before.number or "") if before else "",
        status=StatementStepKind.DRAFT,
        agency=party(agency.name, agency.address),
        period_starts_on=days.starts_on,
        period_ends_on=days.ends_on,
        currency=currency,
        beneficiaries=(
            *map(_beneficiary_row, statements),
            *map(_carried_row, _carried(agency, currency, days)),
        ),
        licensees=tuple(_licensee_rows(agency, currency, books, before)),
        productions=tuple(
            snapshot.ProductionRow(
                title=title,
                licensee=licensee,
                eidr=sums.eidr,
                earned=sums.earned,
                received=sums.received,
            )
            for (licensee, title), sums in sorted(books.productions.items())
        ),
        proof=snapshot.Proof(first_index=before.to_index if before else 0, end_index=last_index()),
    )


def _carried(agency: Agency, currency: str, days: Days) -> Iterator[Statement]:
    """Yield the last statements of those who have none in this period and are owed something."""
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
    for one in sorted(rows, key=lambda row: (row.beneficiary.name, row.pk)):
        if one.closing or one.outstanding:
            yield one


def _carried_row(statement: Statement) -> snapshot.BeneficiaryRow:
    return snapshot.BeneficiaryRow(
        name=statement.beneficiary.name,
        closing_balance=rounded(statement.closing, statement.currency),
        closing_accrued=rounded(statement.outstanding, statement.currency),
    )


def _beneficiary_row(statement: Statement) -> snapshot.BeneficiaryRow:
    content = snapshot.from_json(statement.content)
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


def _books(statements: Sequence[Statement], currency: str) -> Books:
    books = Books()
    lines = StatementLine.objects.filter(statement__in=statements).select_related(
        "residual_line__agreement__licensee", "entry__remittance__licensee", "statement"
    )
    stated = [line.residual_line for line in lines if line.residual_line]
    titles = productions(stated)
    for line in stated:
        title, eidr = title_of(line, titles)
        amount = rounded(line.amount, currency)
        books.add(line.agreement.licensee.name, title, eidr, earned=amount)
    entries = {line.entry_id: line.entry for line in lines if line.entry and line.entry.remittance}
    splits = _splits(entries)
    for (entry_id, _), amount in _released(statements, entries, currency).items():
        licensee = entries[entry_id].remittance.licensee.name
        shown, weights = zip(*splits[entry_id].items(), strict=True)
        for (title, eidr), part in zip(shown, allocate(amount, weights, currency), strict=True):
            books.add(licensee, title, eidr, received=part)
    return books


def _released(
    statements: Sequence[Statement], entries: Iterable[int], currency: str
) -> dict[tuple[int, int], Decimal]:
    """Return what each entry released to each beneficiary of the statements."""
    postings = Posting.objects.filter(
        entry__in=entries,
        account__kind=AccountKind.ACCRUED.value,
        account__beneficiary__in=[statement.beneficiary_id for statement in statements],
        account__currency=currency,
    )
    sums = postings.values_list("entry", "account__beneficiary").annotate(Sum("amount"))
    return {(entry, payee): rounded(amount, currency) for entry, payee, amount in sums}


def _splits(entries: Mapping[int, object]) -> dict[int, dict[tuple[str, str], Decimal]]:
    """Return what each entry paid of each production's readings."""
    paid = Posting.objects.filter(
        entry__in=entries, account__kind=AccountKind.RECEIVABLE.value, reading__isnull=False
    ).select_related("reading")
    paid = list(paid)
    ids = {pk for one in paid for pk in one.reading.summary["production_ids"]}
    titles = Production.objects.in_bulk(ids)
    splits: dict[int, dict[tuple[str, str], Decimal]] = {}
    for one in paid:
        used = [titles[pk] for pk in one.reading.summary["production_ids"]]
        key = (", ".join(title.title for title in used), used[0].eidr if len(used) == 1 else "")
        split = splits.setdefault(one.entry_id, {})
        split[key] = split.get(key, ZERO) + abs(one.amount)
    return splits


def _licensee_rows(
    agency: Agency, currency: str, books: Books, before: Statement | None
) -> Iterator[snapshot.LicenseeRow]:
    opening = {}
    if before:
        rows = snapshot.from_json(before.content).licensees
        opening = {row.name: row.closing_receivable for row in rows}
    oldest = _oldest_debts(agency, currency)
    for name in sorted(opening.keys() | books.licensees.keys()):
        sums = books.licensees[name]
        yield snapshot.LicenseeRow(
            name=name,
            opening_receivable=opening.get(name, ZERO),
            earned=sums.earned,
            received=sums.received,
            oldest_due_on=oldest.get(name),
        )


def _oldest_debts(agency: Agency, currency: str) -> dict[str, date]:
    """Return by when each licensee should have paid its oldest open reading."""
    readings = Reading.objects.filter(agreement__agency=agency, currency=currency, gross__gt=0)
    wait = timedelta(days=agency.payment_days - 1)
    oldest: dict[str, date] = {}
    for name, ends_on, gross, received in readings.with_received().values_list(
        "agreement__licensee__name", "period_ends_on", "gross", "received"
    ):
        if received < gross:
            oldest[name] = min(oldest.get(name, date.max), ends_on + wait)
    return oldest
