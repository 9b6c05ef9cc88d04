"""What is paid of invoices: told by the money that was matched to what they ask for."""

from datetime import date
from decimal import Decimal

from django.db.models import DecimalField, F, Value
from django.db.models.expressions import RawSQL

from licensing.money import rounded
from talent.database.sql import sql_file
from valuation.models import Invoice
from valuation.models.invoices import InvoiceQuerySet
from valuation.words import InvoicePaid

PAID = sql_file(__file__, "paid.sql", on="%s")
ZERO = Decimal(0)


def with_paid(invoices: InvoiceQuerySet, on: date) -> InvoiceQuerySet:
    """Annotate invoices with `paid` by the end of a day, and `left`, what is left to pay.

    Of a credit note both are below zero: what of it was used up, and what can still be.
    """
    money = DecimalField(max_digits=20, decimal_places=4)
    paid = RawSQL(PAID, [on, on], output_field=money)  # noqa: S611 (a file of our own)
    return invoices.annotate(paid=paid).annotate(left=F("total") - F("paid"), on=Value(on))


def standing(invoice: Invoice, left: Decimal, on: date) -> InvoicePaid:
    """Tell how far an issued invoice is paid on a day, by what is left to pay of it."""
    left, total = rounded(left, invoice.currency), rounded(invoice.total, invoice.currency)
    if not left:
        return InvoicePaid.PAID
    if invoice.due_on is None:
        return InvoicePaid.CREDIT
    if on > invoice.due_on:
        return InvoicePaid.OVERDUE
    return InvoicePaid.OPEN if left == total else InvoicePaid.PARTLY
