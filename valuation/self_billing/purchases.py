"""What the agency buys of a payee in a period, as the invoice that it writes for them.

The price is what came in for the payee less the agency's commission. What else is kept of it (tax
withheld, a minor's trust, an advance, a reserve) settles the price and does not change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from licensing.money import rounded
from talent.models import Agency, Beneficiary
from talent.periods import Days
from valuation.invoices.content import (
    Content,
    LineTold,
    PartyTold,
    TaxTold,
    TermsTold,
    from_json,
)
from valuation.invoices.drawing_up import party_told
from valuation.invoices.refusals import NoRate
from valuation.invoices.terms import details_on
from valuation.invoices.vat import percent_of
from valuation.models import BillingDetails, Invoice, SelfBillingAgreement
from valuation.words import InvoiceKind, InvoiceLineKind, TaxCategory

from . import agreements, rules
from .refusals import SomethingIsMissing

ZERO = Decimal(0)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the price: what it is for, by which agreement, in the statement's currency."""

    kind: str
    label: str
    agreement: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Sold:
    """What a payee sells in a period: by whom it is bought, in which parts.

    `taken_back` is what is said of money that is taken back and was never self-billed.
    """

    agency: Agency
    beneficiary: Beneficiary
    currency: str
    locale: str
    days: Days
    payable_on: date | None
    parts: Sequence[Part]
    taken_back: str


def invoice_of(sold: Sold, *, on: date) -> Content | None:
    """Return the invoice that the agency writes of a period, if it is issued on a day.

    None: nothing is agreed, or there is nothing to invoice. Raises SomethingIsMissing.
    """
    agreement = agreements.in_force(agency=sold.agency, beneficiary_id=sold.beneficiary.pk, on=on)
    net = sum((part.amount for part in sold.parts), ZERO)
    if agreement is None or not net:
        return None
    if net > 0:
        return content_of(sold, agreement, sold.parts, on)
    corrected = corrected_by(agreement, sold.currency)
    if corrected is None:
        # It takes back what was paid before invoices were written by the buyer.
        return None
    parts = list(sold.parts)
    if corrected.standing < -net:
        beyond = -net - corrected.standing
        parts.append(Part(InvoiceLineKind.RECEIPT.value, sold.taken_back, "", beyond))
    return content_of(sold, agreement, parts, on, corrected)


def content_of(
    sold: Sold,
    agreement: SelfBillingAgreement,
    parts: Sequence[Part],
    on: date,
    corrected: "Corrected | None" = None,
) -> Content:
    """Return what an invoice by an agreement says; a credit note is taxed as what it corrects.

    Raises SomethingIsMissing.
    """
    last_day = sold.days.ends_on - DAY
    lines = tuple(
        LineTold(
            kind=part.kind,
            agreement=part.agreement,
            agreement_id=0,
            label=part.label,
            period_on=sold.days.starts_on,
            last_day=last_day,
            amount=part.amount,
        )
        for part in parts
    )
    return written(
        agreement,
        lines,
        Told(sold.agency.name, sold.currency, sold.locale, last_day, sold.payable_on),
        on,
        corrected,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What an invoice says beside its parties and lines: in which currency, of what until when."""

    agency: str
    currency: str
    locale: str
    through: date
    due_on: date | None = None


def written(
    agreement: SelfBillingAgreement,
    lines: tuple[LineTold, ...],
    told: Told,
    on: date,
    corrected: "Corrected | None" = None,
) -> Content:
    """Return the invoice of some lines by an agreement, as it would be issued on a day.

    Raises SomethingIsMissing.
    """
    net = sum((line.amount for line in lines), ZERO)
    buyer, seller = _parties(agreement, on)
    law = rules.law_of(seller.country, on)
    tax_point_on = rules.tax_point_of(law, issued_on=on, period_ends_on=told.through + DAY)
    taxed_on = tax_point_on or on
    tax = corrected.tax if corrected else _tax(agreement, seller, taxed_on)
    tax_amount = rounded(net * tax.percent / 100, told.currency)
    kind = InvoiceKind.SELF_BILLED_CREDIT if corrected else InvoiceKind.SELF_BILLED
    return Content(
        kind=kind.value,
        currency=told.currency,
        locale=told.locale,
        through=told.through,
        agency=told.agency,
        customer=buyer.name,
        seller=seller,
        buyer=buyer,
        terms=TermsTold(days=0, end_of_month=False, source=agreement.source),
        tax=tax,
        lines=lines,
        net=net,
        tax_amount=tax_amount,
        total=net + tax_amount,
        format="cii",
        corrects=(corrected.number,) if corrected else (),
        due_on=None if corrected else told.due_on,
        wording=law.wording,
        tax_point=law.tax_point.value,
    )


@dataclass(frozen=True, slots=True)
class Corrected:
    """The invoice that a credit note takes back of, how it was taxed, and what stands of all."""

    number: str
    tax: TaxTold
    standing: Decimal


def corrected_by(agreement: SelfBillingAgreement, currency: str) -> Corrected | None:
    """Return the newest self-billed invoice of the same parties; None: nothing stands of any."""
    found = (
        Invoice.objects.issued()
        .live()
        .filter(
            kind__in=agreements.SELF_BILLED,
            agency=agreement.agency_id,
            beneficiary=agreement.beneficiary_id,
            licensee=agreement.licensee_id,
            currency=currency,
        )
    )
    standing = found.aggregate(sum=Sum("net", default=ZERO))["sum"]
    invoices = found.filter(kind=InvoiceKind.SELF_BILLED.value)
    newest = invoices.order_by("-issued_on", "-pk").first()
    if newest is None or standing <= 0:
        return None
    tax = from_json(newest.content).tax
    return Corrected(newest.number or "", tax, rounded(standing, currency))


def _tax(agreement: SelfBillingAgreement, seller: PartyTold, on: date) -> TaxTold:
    category = agreement.tax_category
    try:
        percent = percent_of(category, seller.country, on)
    except NoRate as refusal:
        raise SomethingIsMissing(str(refusal)) from refusal
    return TaxTold(category, percent, agreement.tax_reason)


def _parties(agreement: SelfBillingAgreement, on: date) -> tuple[PartyTold, PartyTold]:
    """Return buyer and supplier as the invoice names them. Raises SomethingIsMissing."""
    details = details_on(agreement.agency, on)
    buyer = details.get((agreement.licensee_id, None))
    seller = details.get((None, agreement.beneficiary_id))
    if buyer is None:
        who = agreement.licensee or agreement.agency
        raise SomethingIsMissing(
            _("Enter the billing details of %s first: the invoice names its buyer.") % who
        )
    if seller is None:
        raise SomethingIsMissing(
            _("Enter the billing details of %s first: the invoice names its supplier.")
            % agreement.beneficiary
        )
    _refuse_other_number(agreement, seller)
    with_vat = agreement.tax_category != TaxCategory.OUTSIDE.value
    return party_told(buyer, with_vat=with_vat), party_told(seller, with_vat=with_vat)


def _refuse_other_number(agreement: SelfBillingAgreement, seller: BillingDetails) -> None:
    """A new VAT number asks for a new agreement. Raises SomethingIsMissing."""
    if seller.vat_number != agreement.vat_number:
        raise SomethingIsMissing(
            _(
                "The VAT number of %s is another one in the self-billing agreement than in their"
                " billing details. Have a new agreement signed, and enter it."
            )
            % agreement.beneficiary
        )
