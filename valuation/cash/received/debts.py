"""What a licensee owes, as a receipt may pay it: readings, by agreement and by invoice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from valuation.cash.released.matching import matched_by
from valuation.invoices.settled import open_by_invoice
from valuation.models import Invoice, Reading, Remittance

ZERO = Decimal(0)


@dataclass(frozen=True)
class Debts:
    """What a licensee owes an agency in one currency, but for what one receipt pays by now.

    `open` is by reading, oldest period first; `invoiced` what each issued invoice still asks for
    each reading.
    """

    open: Mapping[Reading, Decimal]
    invoiced: Mapping[Invoice, Mapping[int, Decimal]]

    @property
    def by_agreement(self) -> dict[int, Decimal]:
        sums: dict[int, Decimal] = defaultdict(Decimal)
        for reading, amount in self.open.items():
            sums[reading.agreement_id] += amount
        return sums

    @property
    def in_all(self) -> Decimal:
        return sum(self.open.values(), ZERO)


def debts_for(remittance: Remittance) -> Debts:
    """Return what a receipt could pay if it paid nothing yet. A fixed number of queries."""
    own = _paid_by(remittance)
    readings = (
        Reading.objects.filter(
            agreement__agency=remittance.agency_id,
            agreement__licensee=remittance.licensee_id,
            currency=remittance.currency,
            gross__gt=0,
        )
        .select_related("agreement", "rate_line", "advance")
        .with_received()
        .order_by("period_on", "pk")
    )
    found = {one: one.owed + own.get(one.pk, ZERO) for one in readings}
    open_now = {one: amount for one, amount in found.items() if amount > 0}
    invoiced = open_by_invoice(
        agency_id=remittance.agency_id,
        licensee_id=remittance.licensee_id,
        currency=remittance.currency,
        but=remittance.pk,
    )
    invoices = Invoice.objects.filter(pk__in=invoiced).order_by("issued_on", "pk")
    return Debts(open_now, {one: invoiced[one.pk] for one in invoices})


def _paid_by(remittance: Remittance) -> dict[int, Decimal]:
    """Return what a receipt pays by reading, with what settles differences beside it."""
    paid: dict[int, Decimal] = defaultdict(Decimal)
    settlements = Remittance.objects.standing().filter(origin=remittance, taken=None)
    for one in (remittance, *settlements):
        for reading, amount in matched_by(one).items():
            paid[reading.pk] += amount
    return paid


def spread(
    amount: Decimal, over: Sequence[Reading], left: dict[int, Decimal], most: Mapping[int, Decimal]
) -> dict[Reading, Decimal]:
    """Spread an amount over readings in their order, and take it from what is `left` of each.

    `most` are the most that each may get. What finds no room is not spread.
    """
    parts: dict[Reading, Decimal] = {}
    for reading in over:
        part = min(amount, left[reading.pk], most.get(reading.pk, left[reading.pk]))
        if part > 0:
            parts[reading] = part
            left[reading.pk] -= part
            amount -= part
    return parts
