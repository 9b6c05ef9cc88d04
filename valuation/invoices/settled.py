"""What is paid of invoices: told by the money that was matched to what they ask for.

One derivation, `paid_parts.sql`, says it of each reading on each invoice: lists and ageing add it
up by invoice for any day, receipts read what is left by reading.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Case, DecimalField, F, Value, When
from django.db.models.expressions import RawSQL

from licensing.money import rounded
from talent.database.sql import sql_file
from valuation.models import Invoice
from valuation.models.invoices import InvoiceQuerySet
from valuation.models.ledger import LAST_DAY
from valuation.words import InvoicePaid

# Amounts by reading.
ByReading = dict[int, Decimal]


def paid_by(on: str) -> str:
    """Return the SQL of what is paid of the row of an invoice; `on` is the day's place in it."""
    parts = sql_file(__file__, "paid_parts.sql", on=on, but="NULL")
    return sql_file(__file__, "paid.sql", parts=parts)


PAID = paid_by("%s")
OPEN_PARTS = sql_file(
    __file__,
    "open_parts.sql",
    parts=sql_file(__file__, "paid_parts.sql", on="%(on)s", but="%(but)s"),
)


def with_paid(invoices: InvoiceQuerySet, on: date) -> InvoiceQuerySet:
    """Annotate invoices with `paid` by the end of a day, and `left`, what is left to pay.

    Of a credit note both are below zero: what of it was used up, and what can still be. What a
    payee asks or owes is settled with their statements, and nothing is left of it.
    """
    money = DecimalField(max_digits=20, decimal_places=4)
    matched = RawSQL(PAID, [on, on], output_field=money)  # noqa: S611 (a file of our own)
    paid = Case(When(beneficiary__isnull=False, then=F("total")), default=matched)
    return invoices.annotate(paid=paid).annotate(left=F("total") - F("paid"), on=Value(on))


def left_of(invoice: Invoice, on: date) -> Decimal:
    """Return what is left to pay of an issued invoice at the end of a day."""
    row: Any = with_paid(Invoice.objects.filter(pk=invoice.pk), on).get()
    return rounded(row.left, invoice.currency)


def open_by_invoice(
    *,
    agency_id: int,
    licensee_id: int | None = None,
    currency: str = "",
    but: int | None = None,
    on: date = LAST_DAY,
) -> dict[int, ByReading]:
    """Return by issued invoice what is left to pay of each reading that it asks for.

    `but` is a receipt that counts as if it paid nothing yet, `on` the day at whose end it counts.
    Settled invoices are left out. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            OPEN_PARTS,
            {
                "agency": agency_id,
                "licensee": licensee_id,
                "currency": currency,
                "but": but,
                "on": on,
            },
        )
        found: dict[int, ByReading] = defaultdict(dict)
        for invoice_id, reading_id, left in cursor.fetchall():
            found[invoice_id][reading_id] = left
    return dict(found)


def standing(invoice: Invoice, left: Decimal, on: date) -> InvoicePaid:
    """Tell how far an issued invoice is paid on a day, by what is left to pay of it."""
    if invoice.beneficiary_id:
        return InvoicePaid.STATEMENT
    left, total = rounded(left, invoice.currency), rounded(invoice.total, invoice.currency)
    if not left:
        return InvoicePaid.PAID
    if invoice.due_on is None:
        return InvoicePaid.CREDIT
    if on > invoice.due_on:
        return InvoicePaid.OVERDUE
    return InvoicePaid.OPEN if left == total else InvoicePaid.PARTLY
