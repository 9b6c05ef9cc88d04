"""What is open of invoices by reading, from what receipts were matched to.

Matches pay readings, and several invoices may ask for one reading, each for what was posted since:
the oldest is paid first, as `invoices/paid.sql` tells it for any day.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db.models import Sum

from valuation.models import Invoice, InvoiceLine, Reading

ZERO = Decimal(0)
# Amounts by reading.
ByReading = dict[int, Decimal]


def open_by_invoice(invoices: Iterable[Invoice]) -> dict[int, ByReading]:
    """Return by invoice what is still to be paid of each reading that it asks for.

    All issued invoices of a licensee, agency and currency are to be given together, since they
    share readings; those that are settled are left out. Two queries.
    """
    invoices = list(invoices)
    asked = asked_by(invoices)
    readings = {reading for parts in asked.values() for reading in parts}
    rows = Reading.objects.filter(pk__in=readings).with_received()
    return shared_out(invoices, asked, {one.pk: one.owed for one in rows})


def shared_out(
    invoices: Iterable[Invoice], asked: Mapping[int, ByReading], owed: Mapping[int, Decimal]
) -> dict[int, ByReading]:
    """Share what is owed of readings out over the invoices that ask for them, the newest first."""
    left = {reading: max(amount, ZERO) for reading, amount in owed.items()}
    found: dict[int, ByReading] = {}
    for invoice in sorted(invoices, key=lambda one: (one.issued_on, one.pk), reverse=True):
        parts = {}
        for reading, amount in asked.get(invoice.pk, {}).items():
            part = min(amount, left.get(reading, ZERO))
            if part > 0:
                parts[reading] = part
                left[reading] -= part
        if parts:
            found[invoice.pk] = parts
    return found


def asked_by(invoices: Iterable[Invoice]) -> dict[int, ByReading]:
    """Return what invoices ask for of each reading; a credit note asks for less than nothing."""
    asked: dict[int, ByReading] = defaultdict(dict)
    lines = InvoiceLine.objects.filter(invoice__in=list(invoices), reading__isnull=False)
    sums = lines.order_by().values_list("invoice", "reading").annotate(Sum("amount"))
    for invoice, reading, amount in sums:
        asked[invoice][reading] = amount
    return asked
