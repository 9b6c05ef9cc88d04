"""UBL 2.1, one of the two syntaxes of EN 16931: an Invoice, or a CreditNote for what is credited.

Source: OASIS UBL 2.1 (the order of elements) and CEN/TS 16931-3-2 (which term stands where).
"""

from datetime import date
from decimal import Decimal
from typing import TypeAlias

from lxml import etree

from licensing.money import rounded

from .semantic import Document, Line, Party, Tax

OASIS = "urn:oasis:names:specification:ubl:schema:xsd"
CAC = f"{OASIS}:CommonAggregateComponents-2"
CBC = f"{OASIS}:CommonBasicComponents-2"
ONE = "C62"
DUE_WHEN_PAID = "432"  # UNTDID 2005
# UNCL 4461: a SEPA credit transfer, and any other.
SEPA_TRANSFER, TRANSFER = "58", "30"

Element: TypeAlias = etree._Element


def write(document: Document) -> bytes:
    """Return a document as UBL 2.1; the same document gives the same bytes."""
    kind = "CreditNote" if document.is_credit else "Invoice"
    namespace = f"{OASIS}:{kind}-2"
    root = etree.Element(f"{{{namespace}}}{kind}", nsmap={None: namespace, "cac": CAC, "cbc": CBC})
    _add_head(root, document)
    _add_party(root, "AccountingSupplierParty", document.seller)
    _add_party(root, "AccountingCustomerParty", document.buyer)
    _add_delivery(root, document)
    _add_payment(root, document)
    _add_tax(root, document)
    _add_totals(root, document)
    for position, line in enumerate(document.lines, start=1):
        _add_line(root, document, position, line)
    told: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return told


def _add_head(root: Element, document: Document) -> None:
    _tell(root, "CustomizationID", document.customization)
    _tell(root, "ProfileID", document.profile)
    _tell(root, "ID", document.number)
    _tell(root, "IssueDate", document.issued_on)
    if document.is_credit:
        _tell(root, "TaxPointDate", document.tax_point_on)
        _tell(root, "CreditNoteTypeCode", document.type_code.value)
    else:
        _tell(root, "DueDate", document.due_on)
        _tell(root, "InvoiceTypeCode", document.type_code.value)
    _tell(root, "Note", document.note)
    if not document.is_credit:
        _tell(root, "TaxPointDate", document.tax_point_on)
    _tell(root, "DocumentCurrencyCode", document.currency)
    _tell(root, "BuyerReference", document.buyer_reference)
    _add_period(root, document.starts_on, document.last_day)
    if document.tax_due_when_paid and not document.tax_point_on:
        period = root.find(f"{{{CAC}}}InvoicePeriod")
        parent = _add(root, "InvoicePeriod") if period is None else period
        _tell(parent, "DescriptionCode", DUE_WHEN_PAID)
    for one in document.preceding:
        reference = _add(_add(root, "BillingReference"), "InvoiceDocumentReference")
        _tell(reference, "ID", one.number)
        _tell(reference, "IssueDate", one.issued_on)
    if document.contract:
        _tell(_add(root, "ContractDocumentReference"), "ID", document.contract)


def _add_party(root: Element, role: str, party: Party) -> None:
    told = _add(_add(root, role), "Party")
    if party.electronic_address:
        endpoint = _tell(told, "EndpointID", party.electronic_address)
        endpoint.set("schemeID", party.electronic_scheme)
    address = _add(told, "PostalAddress")
    _tell(address, "StreetName", party.street)
    _tell(address, "CityName", party.town)
    _tell(address, "PostalZone", party.postcode)
    _tell(_add(address, "Country"), "IdentificationCode", party.country)
    if party.vat_number:
        scheme = _add(told, "PartyTaxScheme")
        _tell(scheme, "CompanyID", party.vat_number)
        _tell(_add(scheme, "TaxScheme"), "ID", "VAT")
    entity = _add(told, "PartyLegalEntity")
    _tell(entity, "RegistrationName", party.name)
    _tell(entity, "CompanyID", party.registration)


def _add_delivery(root: Element, document: Document) -> None:
    """What is supplied within the EU says to which country (BR-IC-12)."""
    if any(one.tax.category == "K" for one in document.taxes):
        location = _add(_add(root, "Delivery"), "DeliveryLocation")
        country = _add(_add(location, "Address"), "Country")
        _tell(country, "IdentificationCode", document.buyer.country)


def _add_payment(root: Element, document: Document) -> None:
    if document.pay_to is not None:
        means = _add(root, "PaymentMeans")
        is_sepa = document.currency == "EUR" and document.pay_to.account[:2].isalpha()
        _tell(means, "PaymentMeansCode", SEPA_TRANSFER if is_sepa else TRANSFER)
        if document.is_credit:
            _tell(means, "PaymentDueDate", document.due_on)
        _tell(means, "PaymentID", document.number)
        account = _add(means, "PayeeFinancialAccount")
        _tell(account, "ID", document.pay_to.account)
        _tell(account, "Name", document.pay_to.holder)
        if document.pay_to.bic:
            _tell(_add(account, "FinancialInstitutionBranch"), "ID", document.pay_to.bic)
    if document.payment_terms:
        _tell(_add(root, "PaymentTerms"), "Note", document.payment_terms)


def _add_tax(root: Element, document: Document) -> None:
    total = _add(root, "TaxTotal")
    _tell_amount(total, "TaxAmount", document.tax, document)
    for one in document.taxes:
        part = _add(total, "TaxSubtotal")
        _tell_amount(part, "TaxableAmount", one.base, document)
        _tell_amount(part, "TaxAmount", one.amount, document)
        _add_category(part, "TaxCategory", one.tax, with_reason=True)


def _add_category(parent: Element, name: str, tax: Tax, *, with_reason: bool = False) -> None:
    category = _add(parent, name)
    _tell(category, "ID", tax.category)
    # What is not subject to tax has no rate, not even zero (BR-O-05).
    if tax.category != "O":
        _tell(category, "Percent", _plain(tax.percent))
    if with_reason:
        _tell(category, "TaxExemptionReason", tax.reason)
    _tell(_add(category, "TaxScheme"), "ID", "VAT")


def _add_totals(root: Element, document: Document) -> None:
    totals = _add(root, "LegalMonetaryTotal")
    _tell_amount(totals, "LineExtensionAmount", document.net, document)
    _tell_amount(totals, "TaxExclusiveAmount", document.net, document)
    _tell_amount(totals, "TaxInclusiveAmount", document.total, document)
    if document.paid:
        _tell_amount(totals, "PrepaidAmount", document.paid, document)
    _tell_amount(totals, "PayableAmount", document.due, document)


def _add_line(root: Element, document: Document, position: int, line: Line) -> None:
    kind, quantity = "InvoiceLine", "InvoicedQuantity"
    if document.is_credit:
        kind, quantity = "CreditNoteLine", "CreditedQuantity"
    told = _add(root, kind)
    _tell(told, "ID", str(position))
    _tell(told, "Note", line.note)
    _tell(told, quantity, str(line.quantity)).set("unitCode", ONE)
    _tell_amount(told, "LineExtensionAmount", line.amount, document)
    _add_period(told, line.starts_on, line.last_day)
    item = _add(told, "Item")
    _tell(item, "Name", line.name)
    _add_category(item, "ClassifiedTaxCategory", line.tax)
    _tell_amount(_add(told, "Price"), "PriceAmount", line.price, document)


def _add_period(parent: Element, starts_on: date | None, last_day: date | None) -> None:
    if starts_on or last_day:
        period = _add(parent, "InvoicePeriod")
        _tell(period, "StartDate", starts_on)
        _tell(period, "EndDate", last_day)


def _add(parent: Element, name: str) -> Element:
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def _tell(parent: Element, name: str, value: str | date | None) -> Element:
    """Add an element with text; an empty text adds none, and returns one that stands nowhere."""
    told = value.isoformat() if isinstance(value, date) else value
    if not told:
        return etree.Element("nothing")
    element = etree.SubElement(parent, f"{{{CBC}}}{name}")
    element.text = told
    return element


def _tell_amount(parent: Element, name: str, amount: Decimal, document: Document) -> None:
    told = _tell(parent, name, f"{rounded(amount, document.currency):f}")
    told.set("currencyID", document.currency)


def _plain(percent: Decimal) -> str:
    return f"{percent.normalize():f}"
