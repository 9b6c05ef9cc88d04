"""The payee's tax: charged to the studio once it issued, taken off by a credit or a cancelling."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from talent.models import User
from valuation.invoices.content import DAY, ZERO, Content
from valuation.invoices.deciding import tax_by_agreement
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Invoice, InvoiceLine, Reading
from valuation.self_billing.refusals import NotItsTurn
from valuation.words import (
    AccountKind,
    EntryKind,
    InvoiceLineKind,
    ReadingKind,
)


def charge_tax(invoice: Invoice, content: Content, at: datetime, by: User | None) -> None:
    """Charge the studio the payee's tax, a reading for each agreement; a credit takes it off."""
    moved: list[tuple[int | None, Decimal]] = []
    lines: list[InvoiceLine] = []
    for agreement_id, part in tax_by_agreement(content):
        for reading, amount in _tax_readings(invoice, agreement_id, part, content):
            moved.append((reading.pk, amount))
            lines.append(
                InvoiceLine(
                    invoice=invoice,
                    position=len(content.lines) + len(lines) + 1,
                    kind=InvoiceLineKind.PASSED_TAX.value,
                    agreement_id=agreement_id,
                    payees_reading=reading,
                    label=InvoiceLineKind.PASSED_TAX.label,
                    period_on=reading.period_on,
                    period_ends_on=reading.period_ends_on,
                    amount=amount,
                    currency=content.currency,
                    tax_category=content.tax.category,
                    tax_percent=content.tax.percent,
                )
            )
    InvoiceLine.objects.bulk_create(lines)
    assert content.issued_on is not None  # noqa: S101 (`numbered` came before)
    move_tax(invoice, moved, on=content.issued_on, at=at, by=by)


def _tax_readings(
    invoice: Invoice, agreement_id: int, part: Decimal, content: Content
) -> Iterator[tuple[Reading, Decimal]]:
    """Yield what a part of tax is charged to: one of its own, or the newest, taken off it."""
    left = part
    if part < 0:
        own = Reading.objects.filter(
            agreement=agreement_id,
            kind=ReadingKind.PASSED_TAX.value,
            gross__gt=0,
            pk__in=InvoiceLine.objects.filter(
                invoice__in=Invoice.objects.by_studios().filter(beneficiary=invoice.beneficiary_id)
            ).values("payees_reading"),
        )
        # Locked, so that two credit notes do not take off the same.
        for reading in own.select_for_update().order_by("-pk"):
            if not left:
                return
            amount = max(left, -reading.gross)
            left -= amount
            yield reading, amount
    if left:
        yield _new_reading(agreement_id, content), left


def _new_reading(agreement_id: int, content: Content) -> Reading:
    return Reading.objects.create(
        agreement_id=agreement_id,
        kind=ReadingKind.PASSED_TAX.value,
        factor=Decimal(1),
        period_on=content.starts_on,
        period_ends_on=content.last_day + DAY,
        quantity=ZERO,
        events=0,
        gross=ZERO,
        currency=content.currency,
        summary={"production_ids": []},
        explanation=[],
        first_index=0,
        last_index=0,
    )


def move_tax(
    invoice: Invoice,
    moved: Sequence[tuple[int | None, Decimal]],
    *,
    on: date,
    at: datetime,
    by: User | None,
) -> None:
    """Post how much more or less tax a studio owes for a payee. Raises NotItsTurn."""
    readings = Reading.objects.select_for_update().in_bulk([pk for pk, _amount in moved if pk])
    sides = []
    for pk, amount in moved:
        reading = readings[pk or 0]
        reading.gross += amount
        if reading.gross < 0:
            raise NotItsTurn(_("A credit note took of it. Record first what became of that."))
        reading.save(update_fields=["gross"])
        sides += [
            Side(AccountKind.RECEIVABLE, amount, licensee_id=invoice.licensee_id, reading_id=pk),
            Side(AccountKind.PASSED_TAX, -amount, beneficiary_id=invoice.beneficiary_id,
                 reading_id=pk),
        ]  # fmt: skip
    journal.post(
        agency_id=invoice.agency_id,
        kind=EntryKind.CLAIMED_TAX,
        currency=invoice.currency,
        sides=sides,
        effective_on=on,
        recorded_at=at,
        description=f"Tax on {invoice.number or 'what a studio wrote'}",
        by=by,
    )
