"""A line of an invoice: what a reading came to for somebody, in words and figures."""

from decimal import Decimal
from typing import NamedTuple

from licensing.money import rounded
from licensing.quantities import measured
from valuation.models import InvoiceLine, Reading
from valuation.words import InvoiceLineKind

from . import rates
from .content import DAY, LineTold


class Part(NamedTuple):
    """What is told of a reading: an amount, the quantity behind it, and whether it was recouped."""

    amount: Decimal
    currency: str
    quantity: Decimal | None
    recouped: bool


def line_told(
    reading: Reading,
    part: Part,
    before: InvoiceLine | None,
    *,
    kind: InvoiceLineKind,
    label: str,
    locale: str,
) -> LineTold:
    """Return the line; one that corrects a line `before` names its invoice, and no rates."""
    told = part.quantity if reading.rate_line else None
    return LineTold(
        kind=kind.value,
        agreement=reading.agreement.reference,
        agreement_id=reading.agreement_id,
        label=label,
        period_on=reading.period_on,
        last_day=reading.period_ends_on - DAY,
        amount=rounded(part.amount, part.currency),
        quantity=told,
        quantity_told=in_words(reading, told, locale),
        reading_id=reading.pk,
        corrects_id=before.pk if before else None,
        corrects=(before.invoice.number or "") if before else "",
        rates=()
        if before or part.recouped
        else rates.in_words(reading.explanation, part.amount, part.currency, locale),
    )


def in_words(reading: Reading, quantity: Decimal | None, locale: str) -> str:
    """Return a quantity with what its meter counts; empty where nothing is counted."""
    if quantity is None or reading.rate_line is None:
        return ""
    return str(measured(quantity, reading.rate_line.meter, locale))
