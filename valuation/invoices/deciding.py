"""Deciding on an invoice: approved by another person on what they saw, issued, or discarded."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.models import Agreement, ApiKey
from licensing.money import rounded
from talent import four_eyes, installation
from talent.database.locks import lock_until_commit
from talent.models import User
from talent.periods import local_day
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Invoice, InvoiceLine, InvoiceStep, Reading
from valuation.models.invoices import CLAIMS
from valuation.words import (
    AccountKind,
    EntryKind,
    InvoiceKind,
    InvoiceLineKind,
    InvoiceState,
    InvoiceStepKind,
    ReadingKind,
    TaxCategory,
)

from . import links, papers
from .content import DAY, ZERO, Content, digest_of, due_on, from_json, to_json
from .drawing_up import invoicing
from .refusals import ChangedSince, NoReason, NotItsTurn

LONGEST_PREFIX = 20
OF_COMMISSION = [InvoiceKind.COMMISSION.value, InvoiceKind.COMMISSION_CREDIT.value]


def digest(invoice: Invoice) -> str:
    """Return the digest of what an invoice says, to which its approver is bound."""
    return digest_of(from_json(invoice.content))


@transaction.atomic
def approve(*, invoice_id: int, seen: str, by: User, at: datetime, note: str = "") -> Invoice:
    """Record a second person's approval of what they saw.

    Raises NotItsTurn, ChangedSince, four_eyes.FourEyes.
    """
    invoice = locked(invoice_id, InvoiceState.DRAFT)
    four_eyes.refuse_same_person(by=by, before=[invoice.drawn_up_by_id])
    if seen != digest(invoice):
        raise ChangedSince(_("It has changed since you looked. Look again."))
    take_step(invoice, InvoiceStepKind.APPROVED, by, at, digest=seen, note=note)
    return invoice


@transaction.atomic
def discard(*, invoice_id: int, by: User, at: datetime, reason: str) -> None:
    """Discard an invoice that is not issued: what it took stands on another one.

    Raises NoReason, NotItsTurn.
    """
    if not reason.strip():
        raise NoReason(_("Say why: others read it."))
    invoice = locked(invoice_id, InvoiceState.DRAFT, InvoiceState.APPROVED)
    take_step(invoice, InvoiceStepKind.DISCARDED, by, at, note=reason.strip())


def issue(
    *, invoice_id: int, by: User, at: datetime, note: str = "", mails: bool | None = None
) -> Invoice:
    """Number and freeze an approved invoice, post its tax, draw its document, and mail it.

    The number is reserved first, and the document drawn outside the lock: so two people issue at
    once. One that cannot be drawn is issued nevertheless, and drawn and mailed later. `mails` is
    what the person says; None: as the licensee's terms say. Raises NotItsTurn, ChangedSince,
    NobodyToWriteTo; then nothing is changed.
    """
    invoice = _number(invoice_id, by, at, note, mails=mails)
    if papers.complete(invoice_id):
        links.mail_issued(invoice_id, at=at)
    invoice.refresh_from_db()
    return invoice


@transaction.atomic
def _number(invoice_id: int, by: User, at: datetime, note: str, *, mails: bool | None) -> Invoice:
    agency_id = Invoice.objects.values_list("agency", flat=True).get(pk=invoice_id)
    # Numbers have no gap: one at a time is given out, and stays where this transaction does.
    lock_until_commit(invoicing(agency_id))
    invoice = locked(invoice_id, InvoiceState.APPROVED)
    if invoice.is_by_studio:
        raise NotItsTurn(_("The studio issues it. Record the number that they gave it."))
    content = from_json(invoice.content)
    approved = invoice.steps.get(kind=InvoiceStepKind.APPROVED.value)
    if approved.digest != digest_of(content):
        raise ChangedSince(_("It is not what was approved. Discard it, and draw it up anew."))
    today = local_day(at, invoice.agency.time_zone)
    mail_to = links.address_at_issue(invoice, mails=mails, on=today)
    owes = invoice.kind == InvoiceKind.INVOICE.value
    due = due_on(today, content.terms) if owes else None
    number = _next_number(invoice, today.year)
    if invoice.kind in CLAIMS:
        _charge_tax(invoice, content, number, by, at)
    elif invoice.kind in OF_COMMISSION:
        _keep_tax(invoice, content, number, by, at)
    told = replace(content, number=number, issued_on=today, due_on=due)
    invoice.number, invoice.issued_on, invoice.due_on = number, today, due
    invoice.content = to_json(told)
    invoice.save(update_fields=["number", "issued_on", "due_on", "content"])
    take_step(
        invoice, InvoiceStepKind.ISSUED, by, at, digest=approved.digest, note=note, mail_to=mail_to
    )
    return invoice


def _next_number(invoice: Invoice, year: int) -> str:
    """Return a number such as MERIDIAN-I-2026-0007: agency, year of issue, and a count in it.

    Commission has a series of its own, with a C.
    """
    series, kinds = ("I", CLAIMS) if invoice.kind in CLAIMS else ("C", OF_COMMISSION)
    issued = Invoice.objects.issued().filter(
        agency=invoice.agency_id, issued_on__year=year, kind__in=kinds
    )
    slug = invoice.agency.slug.upper()
    prefix = slug if len(slug) <= LONGEST_PREFIX else f"{slug[:10]}-{invoice.agency_id}"
    # After a restore, numbers given out since the backup are not known here any more.
    restores = installation.restores()
    again = f"R{restores}-" if restores else ""
    return f"{prefix}-{series}-{year}-{again}{issued.count() + 1:04}"


def locked(invoice_id: int, *states: InvoiceState) -> Invoice:
    """Lock an invoice that is in one of the states. Raises NotItsTurn."""
    # Locked, so that two people cannot take the same step.
    Invoice.objects.select_for_update(of=("self",)).get(pk=invoice_id)
    invoice = Invoice.objects.with_state().select_related("agency").get(pk=invoice_id)
    if invoice.state not in states:
        raise NotItsTurn(
            _("%(invoice)s is: %(state)s. Open it anew to see what is next.")
            % {"invoice": invoice, "state": invoice.state.label}
        )
    return invoice


def take_step(
    invoice: Invoice,
    kind: InvoiceStepKind,
    by: User | None,
    at: datetime,
    *,
    by_key: ApiKey | None = None,
    digest: str = "",
    note: str = "",
    mail_to: str = "",
) -> None:
    """Record a step: by a person, or by a studio's key."""
    InvoiceStep.objects.create(
        invoice=invoice, kind=kind.value, by=by, by_key=by_key, at=at, digest=digest, note=note,
        mail_to=mail_to,
    )  # fmt: skip


# Tax


def _charge_tax(invoice: Invoice, content: Content, number: str, by: User, at: datetime) -> None:
    """Post an invoice's tax, as what the licensee owes and the agency owes the tax office.

    Each agreement's part is a line with a reading of its own, which money pays like use. What a
    credit note takes back is taken off the newest tax of the same agreement.
    """
    lines, position = [], len(content.lines)
    for agreement_id, part in tax_by_agreement(content):
        agreement = Agreement.objects.get(pk=agreement_id)
        for reading, amount in _tax_readings(agreement, part, content):
            position += 1
            lines.append(_tax_line(invoice, content, reading, amount, position))
    InvoiceLine.objects.bulk_create(lines)
    owes = invoice.licensee_id
    journal.post(
        agency_id=invoice.agency_id,
        kind=EntryKind.INVOICED_TAX,
        currency=invoice.currency,
        sides=[
            Side(kind, sign * line.amount, licensee_id=owes, reading_id=line.reading_id)
            for line in lines
            for kind, sign in ((AccountKind.RECEIVABLE, 1), (AccountKind.TAX, -1))
        ],
        effective_on=local_day(at, invoice.agency.time_zone),
        recorded_at=at,
        description=f"Tax on {number}",
        by=by,
    )


def _keep_tax(invoice: Invoice, content: Content, number: str, by: User, at: datetime) -> None:
    """Post the tax on commission: taken off what is payable to the payee, owed by the agency."""
    payee = invoice.beneficiary_id
    journal.post(
        agency_id=invoice.agency_id,
        kind=EntryKind.INVOICED_TAX,
        currency=invoice.currency,
        sides=[
            Side(AccountKind.PAYABLE, content.tax_amount, beneficiary_id=payee),
            Side(AccountKind.TAX, -content.tax_amount, beneficiary_id=payee),
        ],
        effective_on=local_day(at, invoice.agency.time_zone),
        recorded_at=at,
        description=f"Tax on {number}",
        by=by,
    )


def tax_by_agreement(content: Content) -> Iterator[tuple[int, Decimal]]:
    """Yield each agreement's part of the tax; the parts come to it, to the smallest unit."""
    nets: dict[int, Decimal] = defaultdict(Decimal)
    for line in content.lines:
        nets[line.agreement_id] += line.amount
    net, before = ZERO, ZERO
    for agreement_id, own in nets.items():
        net += own
        so_far = rounded(net * content.tax.percent / 100, content.currency)
        if so_far != before:
            yield agreement_id, so_far - before
        before = so_far


def _tax_readings(
    agreement: Agreement, part: Decimal, content: Content
) -> Iterator[tuple[Reading, Decimal]]:
    """Yield the readings that a part of tax is charged to, or taken off, with how much."""
    own = Reading.objects.filter(agreement=agreement, kind=ReadingKind.TAX.value, gross__gt=0)
    left = part
    if part < 0:
        # Locked, so that two credit notes do not take off the same.
        for reading in own.select_for_update().order_by("-pk"):
            amount = max(left, -reading.gross)
            if not left:
                return
            left -= amount
            reading.gross += amount
            reading.save(update_fields=["gross"])
            yield reading, amount
    if left:
        yield (
            Reading.objects.create(
                agreement=agreement,
                kind=ReadingKind.TAX.value,
                factor=Decimal(1),
                period_on=content.starts_on,
                period_ends_on=content.last_day + DAY,
                quantity=ZERO,
                events=0,
                gross=left,
                currency=content.currency,
                summary={},
                explanation=[],
                first_index=0,
                last_index=0,
            ),
            left,
        )


def _tax_line(
    invoice: Invoice, content: Content, reading: Reading, amount: Decimal, position: int
) -> InvoiceLine:
    return InvoiceLine(
        invoice=invoice,
        position=position,
        kind=InvoiceLineKind.TAX.value,
        agreement_id=reading.agreement_id,
        reading=reading,
        label=f"{TaxCategory(content.tax.category).label}, {content.tax.percent.normalize():f} %",
        period_on=reading.period_on,
        period_ends_on=reading.period_ends_on,
        amount=amount,
        currency=content.currency,
        tax_category=content.tax.category,
        tax_percent=content.tax.percent,
    )
