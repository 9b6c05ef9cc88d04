"""Issuing what the agency buys: numbered without gaps, kept as a row, its tax posted."""

from dataclasses import replace
from datetime import date, datetime

from talent import installation
from talent.models import User
from valuation.invoices.content import Content, to_json
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Invoice, InvoiceLine, InvoiceStep, Statement
from valuation.words import AccountKind, EntryKind, InvoiceStepKind, TaxPoint

from .rules import Law, tax_point_of

LONGEST_PREFIX = 20


def reserve(statement: Statement) -> str:
    """Return the number of a statement's self-billed invoice, and keep it for that.

    Such as MERIDIAN-SB-2026-0007: agency, year of the period, and the lowest count that no other
    statement has or gets. A number is free again once its statement has no invoice any more.
    The caller holds the lock under which the agency's statements are issued.
    """
    of_year = Statement.objects.filter(
        agency=statement.agency_id,
        period_on__year=statement.period_on.year,
        self_billed_number__isnull=False,
    )
    of_year.filter(number=None, content__self_billed=None).update(self_billed_number=None)
    if statement.self_billed_number is None:
        taken = set(of_year.values_list("self_billed_number", flat=True))
        prefix = _prefix(statement)
        count = 1
        while f"{prefix}{count:04}" in taken:
            count += 1
        statement.self_billed_number = f"{prefix}{count:04}"
        statement.save(update_fields=["self_billed_number"])
    return statement.self_billed_number


def _prefix(statement: Statement) -> str:
    slug = statement.agency.slug.upper()
    name = slug if len(slug) <= LONGEST_PREFIX else f"{slug[:10]}-{statement.agency_id}"
    # After a restore, numbers given out since the backup are not known here any more.
    restores = installation.restores()
    again = f"R{restores}-" if restores else ""
    return f"{name}-SB-{statement.period_on.year}-{again}"


def numbered(content: Content, *, number: str, on: date) -> Content:
    """Return the invoice as it is issued on a day."""
    point = TaxPoint(content.tax_point)
    ends_on = content.through.fromordinal(content.through.toordinal() + 1)
    return replace(
        content,
        number=number,
        issued_on=on,
        due_on=max(content.due_on, on) if content.due_on else None,
        tax_point_on=tax_point_of(Law((), point), issued_on=on, period_ends_on=ends_on),
    )


def keep(statement: Statement, content: Content, *, by: User, at: datetime) -> Invoice:
    """Keep the issued invoice of a statement, and post its tax. Within the issue's transaction.

    What the payee charges is payable to them on top, and the agency's to reclaim. A credit note
    takes both back.
    """
    assert content.issued_on is not None  # noqa: S101 (`numbered` came before)
    invoice = Invoice.objects.create(
        kind=content.kind,
        agency_id=statement.agency_id,
        beneficiary_id=statement.beneficiary_id,
        statement=statement,
        currency=content.currency,
        through=content.through,
        net=content.net,
        tax=content.tax_amount,
        total=content.total,
        drawn_up_at=at,
        drawn_up_by=by,
        content=to_json(content),
    )
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            position=position,
            kind=line.kind,
            label=line.label[:300],
            period_on=line.period_on,
            period_ends_on=content.through.fromordinal(line.last_day.toordinal() + 1),
            amount=line.amount,
            currency=content.currency,
            tax_category=content.tax.category,
            tax_percent=content.tax.percent,
        )
        for position, line in enumerate(content.lines, start=1)
    )
    invoice.number, invoice.issued_on = content.number, content.issued_on
    invoice.due_on = content.due_on
    invoice.save(update_fields=["number", "issued_on", "due_on"])
    InvoiceStep.objects.create(invoice=invoice, kind=InvoiceStepKind.ISSUED.value, at=at, by=by)
    payee = statement.beneficiary_id
    journal.post(
        agency_id=statement.agency_id,
        kind=EntryKind.SELF_BILLED_TAX,
        currency=content.currency,
        sides=[
            Side(AccountKind.SELF_BILLED_TAX, content.tax_amount, beneficiary_id=payee),
            Side(AccountKind.PAYABLE, -content.tax_amount, beneficiary_id=payee),
        ],
        effective_on=content.tax_point_on or content.issued_on,
        recorded_at=at,
        description=f"Tax on {content.number}",
        by=by,
    )
    return invoice
