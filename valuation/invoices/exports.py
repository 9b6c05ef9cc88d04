"""An invoice as data: its lines and uses as CSV, and the whole by EN 16931."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from talent import safe_csv
from talent.locales import percent
from valuation.einvoices import (
    Document,
    Line,
    Party,
    PayTo,
    Preceding,
    Tax,
    TypeCode,
    cii,
    rules,
    ubl,
)
from valuation.words import EInvoiceFormat, InvoiceKind, InvoiceLineKind, TaxPoint

from .content import ZERO, Content, LineTold, PartyTold
from .refusals import BreaksTheNorm

TYPE_CODES = {
    InvoiceKind.INVOICE: TypeCode.INVOICE,
    InvoiceKind.CREDIT_NOTE: TypeCode.CREDIT_NOTE,
    InvoiceKind.COMMISSION: TypeCode.INVOICE,
    InvoiceKind.COMMISSION_CREDIT: TypeCode.CREDIT_NOTE,
    InvoiceKind.SELF_BILLED: TypeCode.SELF_BILLED,
    InvoiceKind.SELF_BILLED_CREDIT: TypeCode.SELF_BILLED_CREDIT,
}
OF_COMMISSION = {InvoiceKind.COMMISSION.value, InvoiceKind.COMMISSION_CREDIT.value}
SELF_BILLED = {InvoiceKind.SELF_BILLED.value, InvoiceKind.SELF_BILLED_CREDIT.value}
LINE_COLUMNS = [
    "invoice", "position", "kind", "agreement", "label", "period_starts_on", "period_last_day",
    "quantity", "quantity_in_words", "rates", "net", "currency", "tax_category", "tax_percent",
    "corrects",
]  # fmt: skip
USE_COLUMNS = [
    "invoice", "agreement", "label", "month", "uses", "productions", "languages", "territories",
    "quantity", "quantity_in_words", "amount", "currency",
]  # fmt: skip


def lines_csv(content: Content) -> Iterator[str]:
    """Yield the lines of an invoice as CSV: amounts net of tax, as plain numbers."""
    return safe_csv.lines(
        LINE_COLUMNS,
        (
            (
                content.number, position, InvoiceLineKind(line.kind).label, line.agreement,
                line.label, line.period_on.isoformat(), line.last_day.isoformat(), line.quantity,
                line.quantity_told, "; ".join(line.rates), line.amount, content.currency,
                content.tax.category, content.tax.percent, line.corrects,
            )
            for position, line in enumerate(content.lines, start=1)
        ),
    )  # fmt: skip


def uses_csv(content: Content) -> Iterator[str]:
    """Yield the months of use that an invoice rests on, as CSV."""
    return safe_csv.lines(
        USE_COLUMNS,
        (
            (
                content.number, use.agreement, use.label, use.month_on.isoformat()[:7],
                "; ".join(use.uses), "; ".join(use.productions), "; ".join(use.languages),
                "; ".join(use.territories), use.quantity, use.quantity_told, use.amount,
                content.currency,
            )
            for use in content.uses
        ),
    )  # fmt: skip


def xml(content: Content) -> bytes:
    """Return an issued invoice by EN 16931, in the syntax that its licensee takes.

    Raises BreaksTheNorm, with what is missing.
    """
    document = document_of(content)
    if found := rules.faults(document):
        told = " ".join(f"{fault.sentence} ({fault.rule})" for fault in found)
        raise BreaksTheNorm(_("It is no invoice by EN 16931 yet. %s") % told)
    write = cii.write if content.format == EInvoiceFormat.CII else ubl.write
    return write(document)


def document_of(content: Content) -> Document:
    """Return what an invoice says by EN 16931; what a credit note takes back is above zero."""
    sign = -1 if content.is_credit else 1
    settled = sign * content.total if content.kind in OF_COMMISSION else ZERO
    tax = Tax(content.tax.category, content.tax.percent, content.tax.reason)
    lines = tuple(
        Line(
            name=", ".join(filter(None, [line.label, line.agreement])),
            amount=sign * line.amount,
            tax=tax,
            note=_note(line),
            starts_on=line.period_on,
            last_day=line.last_day,
        )
        for line in content.lines
    )
    to = content.pay_to
    assert content.issued_on is not None  # noqa: S101 (only issued invoices are written)
    point = TaxPoint(content.tax_point) if content.tax_point else None
    return Document(
        type_code=TYPE_CODES[InvoiceKind(content.kind)],
        number=content.number,
        issued_on=content.issued_on,
        currency=content.currency,
        seller=_party(content.seller),
        buyer=_party(content.buyer),
        lines=lines,
        due_on=content.due_on,
        starts_on=content.starts_on,
        last_day=content.last_day,
        buyer_reference=content.buyer_reference,
        # The norm asks for terms of a credit note, too (BR-CO-25).
        payment_terms=terms_in_words(content) or _("It is taken off what is owed next."),
        pay_to=PayTo(to.account, to.bic, to.holder) if to else None,
        preceding=tuple(Preceding(number) for number in content.corrects),
        note="\n".join(content.wording),
        paid=settled,
        tax_point_on=content.tax_point_on,
        tax_due_when_paid=point is TaxPoint.PAYMENT,
    )


def terms_in_words(content: Content) -> str:
    """Return in a sentence by when it is paid; empty for a credit note."""
    if content.is_credit:
        return ""
    if content.kind in OF_COMMISSION:
        return _("Settled: your statements have taken it off what was received for you")
    if content.prepared_by:
        return _("Paid to %(agency)s for the supplier, as it asks for it (%(source)s)") % {
            "agency": content.prepared_by, "source": content.terms.source
        }  # fmt: skip
    if content.kind in SELF_BILLED:
        return _("Paid by the statement that it goes with (%s)") % content.terms.source
    days = {"days": content.terms.days}
    if content.terms.end_of_month:
        return _("%(days)s days, to the end of the month (%(why)s)") % {
            **days, "why": content.terms.source
        }  # fmt: skip
    return _("%(days)s days (%(why)s)") % {**days, "why": content.terms.source}


def tax_in_words(content: Content) -> str:
    """Return how it is taxed: the rate, or why there is none."""
    if content.tax.percent:
        return _("Tax, %s") % percent(content.tax.percent, content.locale)
    return content.tax.reason or _("Tax at zero")


def _note(line: LineTold) -> str:
    corrects = _("corrects %s") % line.corrects if line.corrects else ""
    return ", ".join(filter(None, [line.quantity_told, "; ".join(line.rates), corrects]))


def _party(told: PartyTold) -> Party:
    return Party(
        name=told.name,
        country=told.country,
        street=told.street,
        postcode=told.postcode,
        town=told.town,
        vat_number=told.vat_number,
        registration=told.registration,
        electronic_scheme=told.electronic_scheme,
        electronic_address=told.electronic_address,
    )
