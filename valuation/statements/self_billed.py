"""What a statement says of the invoice that the agency, as the buyer, writes for its payee."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal

from django.utils import translation
from django.utils.translation import gettext as _

from talent import locales
from talent.models import Agency, Beneficiary
from talent.periods import Days
from valuation.einvoices import rules
from valuation.invoices import exports
from valuation.invoices.content import Content
from valuation.self_billing import purchases
from valuation.self_billing.issuing import numbered
from valuation.self_billing.purchases import Part, Sold
from valuation.self_billing.refusals import SomethingIsMissing
from valuation.statements.snapshot import StatementSnapshot
from valuation.words import AccountKind, InvoiceLineKind

ZERO = Decimal(0)


def drafted(
    content: StatementSnapshot, agency: Agency, beneficiary: Beneficiary, *, on: date
) -> StatementSnapshot:
    """Return a draft with the invoice that would be issued with it on a day.

    Where something is missing for it, the draft has none, and its issue says what.
    """
    with suppress(SomethingIsMissing):
        return replace(content, self_billed=written(content, agency, beneficiary, on=on))
    return content


def written(
    content: StatementSnapshot, agency: Agency, beneficiary: Beneficiary, *, on: date
) -> Content | None:
    """Return the invoice that goes with a statement that is issued on a day, without a number.

    None: none is agreed, or there is nothing to invoice. Raises SomethingIsMissing.
    """
    with translation.override(locales.known(content.locale).language):
        sold = Sold(
            agency=agency,
            beneficiary=beneficiary,
            currency=content.currency,
            locale=content.locale,
            days=Days(content.period_starts_on, content.period_ends_on),
            payable_on=content.payable_on,
            parts=tuple(_parts(content)),
            taken_back=_("Taken back of what was paid before invoices were self-billed"),
        )
        return purchases.invoice_of(sold, on=on)


def faults(invoice: Content, on: date) -> str:
    """Return what the norm misses of an invoice, in sentences with its rules; empty: nothing."""
    document = exports.document_of(numbered(invoice, number="–", on=on))
    return " ".join(f"{fault.sentence} ({fault.rule})" for fault in rules.faults(document))


def _parts(content: StatementSnapshot) -> Iterator[Part]:
    """Yield what makes up the price: what came in by agreement, less what the agency keeps."""
    for (licensee, agreement), amount in _received(content).items():
        if amount:
            label = _("Licensed on to %s, by what it paid") % licensee
            yield Part(InvoiceLineKind.RECEIPT.value, label, agreement, amount)
    for one in content.deductions:
        if one.kind == AccountKind.COMMISSION:
            label = _("Less the agency’s part")
            if one.percent is not None:
                label = f"{label}, {locales.percent(one.percent, content.locale)}"
            yield Part(InvoiceLineKind.COMMISSION.value, label, "", one.amount)
        elif one.kind == AccountKind.WRITTEN_OFF:
            yield Part(InvoiceLineKind.RECEIPT.value, _("Written off, not paid"), "", one.amount)


def _received(content: StatementSnapshot) -> dict[tuple[str, str], Decimal]:
    """Return what came in by licensee and agreement; the latter is empty where it is not known."""
    received: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for receipt in content.receipts:
        for part in receipt.parts:
            received[receipt.licensee, part.agreement] += part.amount
        if not receipt.parts:
            received[receipt.licensee, ""] += receipt.amount
    return received
