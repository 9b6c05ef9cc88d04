"""The whole of a receipt, allocated by a person: to invoices, agreements, lines, or on account.

An allocation says it all anew, and the newest counts: matches move by what differs. So a receipt
is taken off what it paid (unmatched) by one that puts all of it on account.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.money import rounded
from talent import locales
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import local_day, period_containing
from valuation.cash.released.matching import matched_by, rematch, undo_receipt
from valuation.models import (
    CashAllocation,
    CashAllocationItem,
    Reading,
    Remittance,
)
from valuation.words import AllocationTarget, Discrepancy, ReceiptMeans

from . import remittances
from .debts import Debts, debts_for, spread

ZERO = Decimal(0)
# A difference for these reasons is settled; for any other it stays owed.
SETTLED_BY = {
    Discrepancy.SOURCE_TAX: ReceiptMeans.SOURCE_TAX,
    Discrepancy.BANK_FEE: ReceiptMeans.BANK_FEE,
}


class NotAllocatable(Refused):
    """What was said does not fit the receipt or what is owed; the sentence says where."""

    code = "not_allocatable"


class LooksOtherwise(Refused):
    """What an allocation would do has changed since the person saw it."""

    code = "looks_otherwise"


@dataclass(frozen=True)
class Said:
    """What a person says of one target: what it gets, and what is missing of it, and why.

    `key` is the id of the invoice, agreement or reading; none for what is put on account.
    """

    target: AllocationTarget
    key: int | None
    amount: Decimal
    reason: str = ""
    difference: Decimal = ZERO
    note: str = ""


@dataclass(frozen=True)
class Paid:
    """What one target gets, by reading: in money, and by what settles its difference."""

    said: Said
    label: str
    money: Mapping[Reading, Decimal]
    settled: Mapping[Reading, Decimal]
    means: ReceiptMeans | None


@dataclass(frozen=True)
class Plan:
    """What an allocation would do. `digest` is of all that a person saw of it."""

    remittance: Remittance
    paid: tuple[Paid, ...]
    on_account: Decimal
    taken_back: Decimal
    digest: str


def spendable(remittance: Remittance) -> Decimal:
    """Return how much of a receipt there is to allocate: all but what was refunded or exchanged."""
    found = Remittance.objects.with_left().get(pk=remittance.pk)
    if found.unmatched == 0 and Remittance.objects.filter(pk=remittance.pk).standing().count() == 0:
        return ZERO
    return rounded(remittance.amount - found.spent, remittance.currency)


def proposed(remittance: Remittance) -> list[Said]:
    """Propose what a receipt pays: invoices and agreements that it names, then the oldest debts.

    The rest is put on account.
    """
    debts, left = debts_for(remittance), spendable(remittance)
    open_now = {reading.pk: amount for reading, amount in debts.open.items()}
    asked = set(remittance.invoices.values_list("pk", flat=True))
    found: list[Said] = []
    for invoice, parts in debts.invoiced.items():
        if invoice.pk in asked:
            over = [one for one in debts.open if one.pk in parts]
            # What it pays of an agreement is no more to be proposed for that.
            amount = sum(spread(left, over, open_now, parts).values(), ZERO)
            if amount > 0:
                found.append(Said(AllocationTarget.INVOICE, invoice.pk, amount))
                left -= amount
    owed: dict[int, Decimal] = defaultdict(Decimal)
    for reading in debts.open:
        owed[reading.agreement_id] += open_now[reading.pk]
    named = set(remittance.agreements.values_list("pk", flat=True))
    for agreement in sorted(owed, key=lambda pk: pk not in named):
        amount = min(left, owed[agreement])
        if amount > 0:
            found.append(Said(AllocationTarget.AGREEMENT, agreement, amount))
            left -= amount
    if left:
        found.append(Said(AllocationTarget.ON_ACCOUNT, None, left))
    return found


def plan(remittance: Remittance, said: Sequence[Said]) -> Plan:
    """Return what an allocation would do. Raises NotAllocatable."""
    if remittance.means != ReceiptMeans.MONEY and remittance.means != ReceiptMeans.EXCHANGED:
        raise NotAllocatable(_("It is no money. Allocate the receipt that it came with."))
    currency, whole = remittance.currency, spendable(remittance)
    if not whole:
        raise NotAllocatable(_("Nothing of this receipt is left: it was taken back or spent."))
    for one in said:
        _check(one, currency)
    debts = debts_for(remittance)
    left = {reading.pk: amount for reading, amount in debts.open.items()}
    paid = [
        _paid(one, debts, left, currency)
        for one in said
        if one.target is not AllocationTarget.ON_ACCOUNT
    ]
    on_account = sum((one.amount for one in said if one.key is None), ZERO)
    allocated = sum((one.amount for one in said), ZERO)
    if allocated != whole:
        text = _("%(allocated)s of %(whole)s is allocated. The whole amount has its place: put the"
                 " rest on account.")  # fmt: skip
        raise NotAllocatable(text % {"allocated": _money(allocated, currency),
                                     "whole": _money(whole, currency)})  # fmt: skip
    before = matched_by(remittance)
    wanted = _in_money(paid)
    back = sum((max(ZERO, amount - wanted.get(one, ZERO)) for one, amount in before.items()), ZERO)
    told = [
        remittance.pk, str(whole), str(back), [_told(one) for one in paid], str(on_account),
        [[one.pk, str(amount)] for one, amount in debts.open.items()],
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    return Plan(remittance, tuple(paid), on_account, back, digest)


@transaction.atomic
def allocate(
    *,
    remittance: Remittance,
    said: Sequence[Said],
    seen: str,
    by: User,
    at: datetime,
    reason: str = "",
) -> CashAllocation:
    """Have a receipt pay what a person said and saw. Raises NotAllocatable, LooksOtherwise."""
    _lock(remittance)
    found = plan(remittance, said)
    if found.digest != seen:
        raise LooksOtherwise(_("What it would do has changed. Look at the preview again."))
    return _carry_out(found, said, by, at, reason)


@transaction.atomic
def unmatch(*, remittance: Remittance, reason: str, by: User, at: datetime) -> CashAllocation:
    """Take a receipt off all that it paid, and keep it on account until it is allocated anew.

    What settled a difference beside it is taken back, too. Raises NotAllocatable.
    """
    _lock(remittance)
    if not reason.strip():
        raise NotAllocatable(_("Say why: whoever allocates it anew reads it."))
    said = [Said(AllocationTarget.ON_ACCOUNT, None, spendable(remittance))]
    return _carry_out(plan(remittance, said), said, by, at, reason)


def _lock(remittance: Remittance) -> None:
    # The agency first, as everywhere: two people and a night come one after the other.
    Agency.objects.select_for_update(no_key=True).get(pk=remittance.agency_id)
    Remittance.objects.select_for_update().get(pk=remittance.pk)


def _carry_out(
    found: Plan, said: Sequence[Said], by: User, at: datetime, reason: str
) -> CashAllocation:
    remittance = found.remittance
    on = _day_of(remittance, at)
    settlements = Remittance.objects.standing().filter(origin=remittance, taken=None)
    for settlement in settlements.order_by("-pk"):
        undo_receipt(settlement, on=on, now=at, by=by, reason=_("Allocated anew"))
    rematch(remittance, _in_money(found.paid), on=on, now=at)
    spent = Remittance.objects.with_left().get(pk=remittance.pk).spent
    allocation = CashAllocation.objects.create(
        remittance=remittance, held=found.on_account, spent_before=spent, at=at, by=by,
        reason=reason.strip(),
    )  # fmt: skip
    items = [_item(allocation, one) for one in found.paid]
    for place, (item, one) in enumerate(zip(items, found.paid, strict=True), start=1):
        if one.means:
            item.settlement = _settle(allocation, place, one, one.means, by, on, at)
    items += [_item(allocation, Paid(one, "", {}, {}, None)) for one in said if one.key is None]
    CashAllocationItem.objects.bulk_create(items)
    return allocation


def _day_of(remittance: Remittance, at: datetime) -> date:
    """Return the day on which it counts: in the statement period that shows the receipt."""
    period = period_containing(remittance.received_on, remittance.agency.statement_period)
    return min(local_day(at, remittance.agency.time_zone), period.ends_on - timedelta(days=1))


def _settle(
    allocation: CashAllocation,
    place: int,
    paid: Paid,
    means: ReceiptMeans,
    by: User,
    on: date,
    at: datetime,
) -> Remittance:
    """Settle a difference without money, and have that pay what it is missing of."""
    remittance = allocation.remittance
    note = f" ({paid.said.note})" if paid.said.note else ""
    settlement = remittances.settle(
        remittance=remittance,
        means=means,
        amount=sum(paid.settled.values(), ZERO),
        reference=f"{means.label}{note}"[:80] + f", {allocation.pk}-{place}",
        by=by,
        now=at,
    )
    rematch(settlement, paid.settled, on=on, now=at)
    return settlement


def _item(allocation: CashAllocation, paid: Paid) -> CashAllocationItem:
    said = paid.said
    parts: dict[int, Decimal] = defaultdict(Decimal)
    for amounts in (paid.money, paid.settled):
        for reading, amount in amounts.items():
            parts[reading.pk] += amount
    return CashAllocationItem(
        allocation=allocation,
        target=said.target.value,
        invoice_id=said.key if said.target is AllocationTarget.INVOICE else None,
        agreement_id=said.key if said.target is AllocationTarget.AGREEMENT else None,
        reading_id=said.key if said.target is AllocationTarget.LINE else None,
        amount=said.amount,
        reason=said.reason,
        difference=said.difference,
        note=said.note,
        parts=[[pk, str(amount)] for pk, amount in parts.items()],
    )


def _check(said: Said, currency: str) -> None:
    for amount in (said.amount, said.difference):
        if amount < 0 or amount != rounded(amount, currency):
            raise NotAllocatable(_("%s is no amount that can be paid.") % amount)
    if said.difference and not said.reason:
        raise NotAllocatable(_("Say why %s differs.") % _money(said.difference, currency))
    settles = said.reason and Discrepancy(said.reason) in SETTLED_BY
    if settles and not said.difference:
        raise NotAllocatable(_("Say how much “%s” comes to.") % Discrepancy(said.reason).label)
    if settles and said.key is None:
        raise NotAllocatable(_("What is put on account settles nothing."))
    if said.reason == Discrepancy.SOURCE_TAX and not said.note.strip():
        raise NotAllocatable(
            _("Name the certificate of the tax withheld, or write that it is asked for: the payees"
              " need it for their credit.")
        )  # fmt: skip


def _paid(said: Said, debts: Debts, left: dict[int, Decimal], currency: str) -> Paid:
    """Spread what a target gets over its readings. Raises NotAllocatable."""
    over, most, label = _readings_of(said, debts, left)
    room = sum((min(left[one.pk], most.get(one.pk, left[one.pk])) for one in over), ZERO)
    means = SETTLED_BY.get(Discrepancy(said.reason)) if said.reason else None
    settled = said.difference if means else ZERO
    if said.amount + settled > room:
        text = _("%(what)s: only %(owed)s is owed. Put the rest on account.")
        raise NotAllocatable(text % {"what": label, "owed": _money(room, currency)})
    most = dict(most)
    in_money = spread(said.amount, over, left, most)
    for reading, amount in in_money.items():
        if reading.pk in most:
            most[reading.pk] -= amount
    return Paid(said, label, in_money, spread(settled, over, left, most), means)


def _readings_of(
    said: Said, debts: Debts, left: Mapping[int, Decimal]
) -> tuple[list[Reading], Mapping[int, Decimal], str]:
    """Return the open readings of a target, the most that each may get by it, and its name."""
    if said.target is AllocationTarget.INVOICE:
        for invoice, parts in debts.invoiced.items():
            if invoice.pk == said.key:
                return [one for one in debts.open if one.pk in parts], parts, str(invoice)
        raise NotAllocatable(_("Nothing is open of this invoice any more. Look again."))
    if said.target is AllocationTarget.AGREEMENT:
        over = [one for one in debts.open if one.agreement_id == said.key]
        label = str(over[0].agreement) if over else ""
    else:
        over = [one for one in debts.open if one.pk == said.key]
        label = str(over[0]) if over else ""
    if not over:
        raise NotAllocatable(_("Nothing is owed there any more. Look again."))
    return over, {}, label


def _in_money(paid: Iterable[Paid]) -> dict[Reading, Decimal]:
    sums: dict[Reading, Decimal] = defaultdict(Decimal)
    for one in paid:
        for reading, amount in one.money.items():
            sums[reading] += amount
    return sums


def _told(paid: Paid) -> list[object]:
    said = paid.said
    return [
        said.target.value, said.key, str(said.amount), said.reason, str(said.difference), said.note,
        [[one.pk, str(amount)] for one, amount in paid.money.items()],
        [[one.pk, str(amount)] for one, amount in paid.settled.items()],
    ]  # fmt: skip


def _money(amount: Decimal, currency: str) -> str:
    return locales.money(amount, currency, "en")
