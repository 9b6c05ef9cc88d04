"""The number that a studio gave its invoice, and what it cancelled."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.models import ApiKey
from talent.database.locks import lock_until_commit
from talent.models import User
from talent.periods import local_day
from talent.plain_text import is_line
from valuation.invoices.content import Content, from_json, to_json
from valuation.invoices.deciding import locked, take_step
from valuation.invoices.drawing_up import (
    invoicing,
)
from valuation.invoices.refusals import ChangedSince, NoReason
from valuation.models import Invoice, InvoiceLine
from valuation.self_billing import agreements
from valuation.self_billing.issuing import numbered
from valuation.self_billing.purchases import Told, corrected_by, written
from valuation.self_billing.refusals import NotItsTurn, NotThatDay, SomethingIsMissing
from valuation.words import (
    InvoiceLineKind,
    InvoiceState,
    InvoiceStepKind,
)

from .tax import charge_tax, move_tax

LONGEST_NUMBER = 40


@transaction.atomic
def record(
    *,
    invoice_id: int,
    number: str,
    issued_on: date,
    at: datetime,
    by: User | None = None,
    by_key: ApiKey | None = None,
    note: str = "",
) -> Invoice:
    """Record under which number and on which day a studio issued what it was given the data of.

    The tax is charged to the studio from then on. The same number on the same day again changes
    nothing. Raises NotItsTurn, NotThatDay, ChangedSince, SomethingIsMissing.
    """
    invoice = Invoice.objects.by_studios().select_related("agency").get(pk=invoice_id)
    # A number is given once; one is looked at after the other.
    lock_until_commit(invoicing(invoice.agency_id))
    agreements.lock(
        agency_id=invoice.agency_id,
        beneficiary_id=invoice.beneficiary_id,
        licensee_id=invoice.licensee_id,
    )
    invoice = locked(invoice_id, InvoiceState.APPROVED, InvoiceState.ISSUED)
    number = _told_number(invoice, number)
    if invoice.number:
        if (invoice.number, invoice.issued_on) == (number, issued_on):
            return invoice
        raise NotItsTurn(
            _("It was issued as %(number)s on %(day)s. If the studio cancelled that, record it.")
            % {"number": invoice.number, "day": invoice.issued_on}
        )
    content = _issued(invoice, number, issued_on, at)
    charge_tax(invoice, content, at, by)
    invoice.number, invoice.issued_on, invoice.content = number, issued_on, to_json(content)
    invoice.save(update_fields=["number", "issued_on", "content"])
    take_step(invoice, InvoiceStepKind.ISSUED, by, at, by_key=by_key, note=note)
    return invoice


def _told_number(invoice: Invoice, number: str) -> str:
    """Return a studio's number as one line. Raises NotItsTurn, SomethingIsMissing."""
    number = number.strip()
    if not number or len(number) > LONGEST_NUMBER or not is_line(number):
        raise SomethingIsMissing(
            _("Say which number the studio gave it: one line, of %d characters at most.")
            % LONGEST_NUMBER
        )
    same = (
        Invoice.objects.live()
        .by_studios()
        .filter(agency=invoice.agency_id, licensee=invoice.licensee_id, number=number)
    )
    if same.exclude(pk=invoice.pk).exists():
        raise NotItsTurn(_("%s is the number of another invoice of the studio.") % number)
    return number


def _issued(invoice: Invoice, number: str, on: date, at: datetime) -> Content:
    """Return what was approved, as it was issued on a day: taxed by the rate of that day."""
    if on > local_day(at, invoice.agency.time_zone):
        raise NotThatDay(_("That day is to come."))
    agreement = agreements.in_force(
        agency=invoice.agency,
        beneficiary_id=invoice.beneficiary_id or 0,
        licensee_id=invoice.licensee_id,
        on=on,
    )
    if agreement is None:
        raise NotThatDay(_("No self-billing agreement of theirs was in force on that day."))
    content = from_json(invoice.content)
    corrected = corrected_by(agreement, content.currency) if content.is_credit else None
    told = Told(content.agency, content.currency, content.locale, content.through)
    now = written(agreement, content.lines, told, on, corrected)
    if (now.seller, now.buyer, now.tax, now.corrects) != (
        content.seller, content.buyer, content.tax, content.corrects
    ):  # fmt: skip
        raise ChangedSince(
            _("By the details, rates and agreement of that day it says something else. Discard the"
              " data, and draw them up anew.")
        )  # fmt: skip
    return numbered(content, number=number, on=on)


@transaction.atomic
def cancel(*, invoice_id: int, by: User, at: datetime, reason: str) -> None:
    """Record that a studio cancelled what it had issued: its lines stand in the next data.

    Its tax is charged no longer. Raises NoReason, NotItsTurn.
    """
    if not reason.strip():
        raise NoReason(_("Say who said so and how: others read it."))
    invoice = locked(invoice_id, InvoiceState.ISSUED)
    if not invoice.is_by_studio:
        raise NotItsTurn(_("It is the desk’s own: what is corrected stands on a credit note."))
    taxed = InvoiceLine.objects.filter(invoice=invoice, kind=InvoiceLineKind.PASSED_TAX.value)
    moved = [(line.payees_reading_id, -line.amount) for line in taxed]
    move_tax(invoice, moved, on=local_day(at, invoice.agency.time_zone), at=at, by=by)
    take_step(invoice, InvoiceStepKind.DISCARDED, by, at, note=reason.strip())
