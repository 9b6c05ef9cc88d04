"""What is left to be paid, by receipt: after payments, and after what disputes hold."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from licensing.money import rounded
from valuation.cash.beside_use.plan_money import is_payable
from valuation.models import DisputeMove, PayoutPayment, Posting
from valuation.words import EntryKind

ZERO = Decimal(0)

# What came of one agreement's receipts of one day; an agreement may be unknown.
Source = tuple[date, int | None]


@dataclass(frozen=True, slots=True)
class Item:
    """What is left to be paid of what one agreement brought on a day. Below zero: owed back."""

    received_on: date
    agreement_id: int | None
    amount: Decimal

    @property
    def source(self) -> Source:
        return self.received_on, self.agreement_id

    def to_json(self) -> dict[str, Any]:
        return {
            "received_on": self.received_on.isoformat(),
            "agreement": self.agreement_id,
            "amount": f"{self.amount:f}",
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Item":
        day = date.fromisoformat(told["received_on"])
        return cls(day, told["agreement"], Decimal(told["amount"]))


def left_of(sums: Mapping[Source, Decimal], paid: Iterable[Item]) -> tuple[Item, ...]:
    """Return what is left of sums by source once payments are taken off, the oldest first.

    A fall of an agreement takes of the same agreement first, then of what is oldest. What nothing
    covers is one item below zero. Sums less payments are what the items come to.
    """
    left = defaultdict(Decimal, sums)
    for item in paid:
        left[item.source] -= item.amount
    order = sorted(left, key=lambda source: (source[0], source[1] or 0))
    missing = []
    for source in order:
        if left[source] < 0:
            own = [one for one in order if one[1] == source[1]]
            short = _cover(left, own, -left[source])
            left[source] = ZERO
            missing.append((source, short))
    short = _cover(left, order, sum((amount for _source, amount in missing), ZERO))
    items = [Item(*source, left[source]) for source in order if left[source]]
    if short:
        (first, _amount) = next(one for one in missing if one[1])
        items.append(Item(*first, -short))
    return tuple(items)


def _cover(left: dict[Source, Decimal], sources: Sequence[Source], short: Decimal) -> Decimal:
    """Take what is short of what is above zero, in order; return what is still short."""
    for source in sources:
        taken = min(max(left[source], ZERO), short)
        left[source] -= taken
        short -= taken
    return short


def cut(items: Sequence[Item], amount: Decimal) -> tuple[Item, ...]:
    """Return what an amount pays of items, the oldest first."""
    paid = []
    for item in sorted(items, key=lambda one: (one.received_on, one.agreement_id or 0)):
        part = min(item.amount, amount)
        if part > 0:
            paid.append(Item(item.received_on, item.agreement_id, part))
            amount -= part
    return tuple(paid)


def open_items(
    *, agency_id: int, currency: str, but: int | None = None, on: date | None = None
) -> dict[int, tuple[Item, ...]]:
    """Return by beneficiary what is left to be paid, neither held by a dispute nor planned.

    `but` is a run whose plan is left out. With a day it is what was left at its end, whatever was
    planned. Whoever has nothing is left out. Four queries.
    """
    of = Whose(agency_id=agency_id, currency=currency)
    taken = _paid(of, on)
    _add(taken, _held(of, on))
    if on is None:
        _add(taken, _planned(of, but))
    return {key.payee: items for key, items in _left(_brought(of, on), taken).items()}


def unpaid_items(
    *, agency_id: int, currency: str, beneficiary_ids: Collection[int]
) -> dict[int, tuple[Item, ...]]:
    """Return by beneficiary what did not leave yet, held, planned or not. Two queries."""
    of = Whose(agency_id=agency_id, currency=currency, beneficiary_ids=beneficiary_ids)
    return {key.payee: items for key, items in _left(_brought(of, None), _paid(of, None)).items()}


def items_of_payees(beneficiary_ids: Collection[int]) -> dict["Books", tuple[Item, ...]]:
    """Return what payees are still to get, by agency and currency; what is held is left out.

    Three queries, however many agencies pay them.
    """
    of = Whose(beneficiary_ids=beneficiary_ids)
    taken = _paid(of, None)
    _add(taken, _held(of, None))
    return _left(_brought(of, None), taken)


class Books(NamedTuple):
    """Where money is owed: an agency's books in a currency, and to whom."""

    agency_id: int
    currency: str
    payee: int


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose money is asked for; what is not told is not narrowed."""

    agency_id: int | None = None
    currency: str = ""
    beneficiary_ids: Collection[int] | None = None

    def narrow(self, agency: str, currency: str, beneficiary: str) -> Q:
        """Return the condition, for a model that names these by such paths."""
        condition = Q()
        if self.agency_id is not None:
            condition &= Q(**{agency: self.agency_id})
        if self.currency:
            condition &= Q(**{currency: self.currency})
        if self.beneficiary_ids is not None:
            condition &= Q(**{f"{beneficiary}__in": self.beneficiary_ids})
        return condition


def _left(
    brought: Mapping[Books, Mapping[Source, Decimal]], taken: Mapping[Books, Sequence[Item]]
) -> dict[Books, tuple[Item, ...]]:
    found = {key: left_of(sums, taken.get(key, ())) for key, sums in brought.items()}
    return {key: items for key, items in found.items() if items}


def _add(taken: dict[Books, list[Item]], more: Mapping[Books, Sequence[Item]]) -> None:
    for key, items in more.items():
        taken[key] += items


def _brought(of: Whose, on: date | None) -> dict[Books, dict[Source, Decimal]]:
    """Return what became payable to payees and plans; payments and disputes left out."""
    postings = Posting.objects.filter(
        Q(entry__reverses=None) | Q(entry__reverses__payout_payment=None),
        of.narrow("account__agency", "account__currency", "account__beneficiary"),
        is_payable(),
        entry__payout_payment=None,
    ).exclude(entry__kind=EntryKind.DISPUTE.value)
    if on is not None:
        postings = postings.filter(entry__effective_on__lte=on)
    sums = (
        postings.values_list(
            "account__agency",
            "account__currency",
            "account__beneficiary",
            Coalesce("entry__happened_on", "entry__effective_on"),
            Coalesce("reading__agreement", "entry__agreement"),
        )
        .annotate(Sum("amount"))
        .order_by()
    )
    brought: dict[Books, dict[Source, Decimal]] = defaultdict(dict)
    for agency, currency, payee, day, agreement, amount in sums:
        brought[Books(agency, currency, payee)][day, agreement] = -rounded(amount, currency)
    return brought


def _held(of: Whose, on: date | None) -> dict[Books, list[Item]]:
    """Return what disputes hold of what is payable, today or at the end of a day."""
    moves = DisputeMove.objects.filter(
        of.narrow("dispute__agency", "currency", "beneficiary"), received_on__isnull=False
    )
    if on is not None:
        moves = moves.filter(entry__effective_on__lte=on)
    key = ("dispute__agency", "currency", "beneficiary", "received_on", "entry__agreement")
    held: dict[Books, list[Item]] = defaultdict(list)
    for agency, currency, payee, day, agreement, amount in (
        moves.order_by().values_list(*key).annotate(Sum("amount"))
    ):
        held[Books(agency, currency, payee)].append(Item(day, agreement, rounded(amount, currency)))
    return held


def _paid(of: Whose, on: date | None) -> dict[Books, list[Item]]:
    """Return what payments took that has not come back, today or at the end of a day."""
    payments = PayoutPayment.objects.filter(of.narrow("run__agency", "currency", "beneficiary"))
    if on is None:
        return _items(payments.live())
    still = Q(entry__reversed_by=None) | Q(entry__reversed_by__effective_on__gt=on)
    return _items(payments.filter(still, entry__effective_on__lte=on))


def _planned(of: Whose, but: int | None) -> dict[Books, list[Item]]:
    planned = PayoutPayment.objects.planned().exclude(run=but)
    return _items(planned.filter(of.narrow("run__agency", "currency", "beneficiary")))


def _items(payments: QuerySet[PayoutPayment]) -> dict[Books, list[Item]]:
    found: dict[Books, list[Item]] = defaultdict(list)
    rows = payments.values_list("run__agency", "currency", "beneficiary", "items")
    for agency, currency, payee, items in rows:
        found[Books(agency, currency, payee)] += map(Item.from_json, items)
    return found
