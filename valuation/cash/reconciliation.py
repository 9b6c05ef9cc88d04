"""A client account reconciled: what the bank holds, what the books say, and whose money it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from licensing.money import rounded
from talent.models import Agency
from talent.periods import starts_at
from valuation.ledger import trial_balance
from valuation.ledger.trial_balance import Period, Row
from valuation.models import BankBalance, BankLine, Posting
from valuation.models.ledger import FIRST_DAY
from valuation.words import AccountKind, CashDifference, CashShare, EntryKind

from .disputed import left
from .paid_out import payable

ZERO = Decimal(0)
K = AccountKind

# Whose the money in a client account is, by the accounts of the books. What licensees owe and what
# is earned of it are equal, but for contributions and tax that they have not paid yet.
SHARES: dict[CashShare, tuple[AccountKind, ...]] = {
    CashShare.HELD: (K.HELD,),
    CashShare.IN_TRANSIT: (K.IN_TRANSIT,),
    CashShare.COMMISSION: (K.COMMISSION,),
    CashShare.WITHHOLDING: (K.WITHHOLDING,),
    CashShare.MINOR_TRUST: (K.MINOR_TRUST,),
    CashShare.RESERVE: (K.RESERVE,),
    CashShare.CONTRIBUTIONS: (K.CONTRIBUTIONS,),
    CashShare.TAX: (K.TAX,),
    CashShare.SELF_BILLED_TAX: (K.SELF_BILLED_TAX,),
    CashShare.CREDITS: (K.UNMATCHED,),
    CashShare.NOT_RECEIVED: (K.RECEIVABLE, K.ACCRUED, K.DISPUTED, K.PASSED_TAX),
    CashShare.AGENCY_MONEY: (K.AGENCY_MONEY, K.ADVANCES),
    CashShare.EXCHANGE: (K.EXCHANGE, K.EXCHANGE_DIFFERENCE),
    CashShare.OPENING: (K.OPENING,),
    CashShare.SETTLED: (K.SOURCE_TAX, K.WRITTEN_OFF),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the money in the account, and the accounts of the books that make it up."""

    share: CashShare
    amount: Decimal
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One agency's client accounts in one currency at the end of a day.

    `bank` is what the newest statements until then close with; null: there is none. The parts come
    to the trust cash, the differences to what the bank holds beyond it. `on_hold` is the part of
    what is payable that holds of a dispute kept at the end of the day; what disputes of a line
    hold is a part of its own.
    """

    on: date
    currency: str
    balances: tuple[BankBalance, ...]
    bank: Decimal | None
    trust_cash: Decimal
    cash_accounts: tuple[int, ...]
    parts: tuple[Part, ...]
    differences: tuple[tuple[CashDifference, Decimal], ...]
    on_hold: Decimal

    @property
    def difference(self) -> Decimal:
        """What the bank holds beyond the books."""
        return ZERO if self.bank is None else self.bank - self.trust_cash


def reconcile(*, agency: Agency, currency: str, on: date, now: datetime) -> Reconciliation:
    """Compare bank and books at the end of a day, as known now. A fixed number of queries."""
    period = Period(FIRST_DAY, on, now)
    rows = trial_balance.trial_balance(agency_id=agency.pk, period=period, currency=currency)
    cash = [row for row in rows if row.kind is K.TRUST_CASH]
    trust_cash = sum((row.figures.closing for row in cash), ZERO)
    balances = _balances(agency, currency, on)
    return Reconciliation(
        on=on,
        currency=currency,
        balances=tuple(balances),
        bank=sum((one.closing for one in balances), ZERO) if balances else None,
        trust_cash=trust_cash,
        cash_accounts=tuple(row.account_id for row in cash),
        parts=tuple(_parts(rows)),
        differences=tuple(_differences(agency, currency, on, balances, trust_cash)),
        on_hold=_on_hold(agency, currency, on, now),
    )


def _parts(rows: Sequence[Row]) -> Iterable[Part]:
    payables = [row for row in rows if row.kind is K.PAYABLE and row.figures.closing]
    yield _part(CashShare.PAYABLE, [row for row in payables if row.figures.closing < 0])
    yield _part(CashShare.OWED_BACK, [row for row in payables if row.figures.closing > 0])
    for share, kinds in SHARES.items():
        yield _part(share, [row for row in rows if row.kind in kinds and row.figures.closing])


def _part(share: CashShare, rows: Sequence[Row]) -> Part:
    return Part(share, -sum((row.figures.closing for row in rows), ZERO), tuple(rows))


def _balances(agency: Agency, currency: str, on: date) -> list[BankBalance]:
    """Return with what the newest statement of each account until a day closes."""
    known = BankBalance.objects.filter(agency=agency, currency=currency, closed_on__lte=on)
    return list(known.order_by("account", "-closed_on", "-pk").distinct("account"))


def _differences(
    agency: Agency,
    currency: str,
    on: date,
    balances: Sequence[BankBalance],
    trust_cash: Decimal,
) -> Iterable[tuple[CashDifference, Decimal]]:
    """Yield why the bank holds another amount than the books say; the reasons come to it."""
    if not balances:
        return
    of_accounts = Q()
    for one in balances:
        of_accounts |= Q(account=one.account, booked_on__lte=one.closed_on)
    lines = BankLine.objects.filter(of_accounts, agency=agency, currency=currency).with_state()
    sums = lines.aggregate(
        moved=Sum("amount", default=ZERO),
        waits=Sum("amount", filter=Q(is_open=True), default=ZERO),
        aside=Sum("amount", filter=Q(was_set_aside=True), default=ZERO),
    )
    moved, waits, aside = (rounded(sums[name], currency) for name in ("moved", "waits", "aside"))
    firsts = BankBalance.objects.filter(
        agency=agency, currency=currency, account__in=[one.account for one in balances]
    ).order_by("account", "closed_on", "pk")
    opening = sum((one.opening for one in firsts.distinct("account")), ZERO)
    bank = sum((one.closing for one in balances), ZERO)
    taken_over = _cash_taken_over(agency, currency, on)
    found = {
        CashDifference.WAITS: waits,
        CashDifference.SET_ASIDE: aside,
        CashDifference.BEFORE: opening - taken_over,
        CashDifference.MISSING: bank - opening - moved,
        CashDifference.BOOKS_ONLY: moved - waits - aside - (trust_cash - taken_over),
    }
    yield from ((reason, amount) for reason, amount in found.items() if amount)


def _cash_taken_over(agency: Agency, currency: str, on: date) -> Decimal:
    """Return the trust cash of opening balances until a day: it came before the books began."""
    postings = Posting.objects.filter(
        Q(entry__kind=EntryKind.OPENING.value) | Q(entry__reverses__kind=EntryKind.OPENING.value),
        account__agency=agency,
        account__kind=K.TRUST_CASH.value,
        account__currency=currency,
        entry__effective_on__lte=on,
    )
    return rounded(postings.aggregate(sum=Sum("amount", default=ZERO))["sum"], currency)


def _on_hold(agency: Agency, currency: str, on: date, now: datetime) -> Decimal:
    """Return what was payable at the end of a day and kept by a hold; of today, as of now."""
    ended = starts_at(on + timedelta(days=1), agency.time_zone) - timedelta(microseconds=1)
    agreements, payees = payable.disputes(agency, min(ended, now))
    if not agreements and not payees:
        return ZERO
    found = left.open_items(agency_id=agency.pk, currency=currency, on=on)
    return sum(
        (
            item.amount
            for payee, items in found.items()
            for item in items
            if item.amount > 0 and (payee in payees or item.agreement_id in agreements)
        ),
        ZERO,
    )
