"""CII (UN/CEFACT D16B), the other syntax of EN 16931: the one that a hybrid PDF carries.

Source: UN/CEFACT's Cross Industry Invoice (the order of elements) and CEN/TS 16931-3-3 (which term
stands where). A credit note is told apart by its type code alone, and its amounts are above zero.
"""

from datetime import date
from decimal import Decimal
from typing import TypeAlias

from lxml import etree

from licensing.money import rounded

from .semantic import Document, Line, Party, Tax

UNECE = "urn:un:unece:uncefact:data:standard"
RSM = f"{UNECE}:CrossIndustryInvoice:100"
RAM = f"{UNECE}:ReusableAggregateBusinessInformationEntity:100"
UDT = f"{UNECE}:UnqualifiedDataType:100"
QDT = f"{UNECE}:QualifiedDataType:100"
DAY = "102"  # UNTDID 2379: a day as CCYYMMDD
ONE = "C62"
DUE_WHEN_PAID = "72"  # UNTDID 2475
# UNCL 4461: a SEPA credit transfer, and any other.
SEPA_TRANSFER, TRANSFER = "58", "30"

Element: TypeAlias = etree._Element


def write(document: Document) -> bytes:
    """Return a document as CII; the same document gives the same bytes."""
    spaces = {"rsm": RSM, "ram": RAM, "udt": UDT, "qdt": QDT}
    root = etree.Element(f"{{{RSM}}}CrossIndustryInvoice", nsmap=spaces)
    _add_head(root, document)
    transaction = etree.SubElement(root, f"{{{RSM}}}SupplyChainTradeTransaction")
    for position, line in enumerate(document.lines, start=1):
        _add_line(transaction, document, position, line)
    _add_agreement(transaction, document)
    _add_delivery(transaction, document)
    _add_settlement(transaction, document)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add_head(root: Element, document: Document) -> None:
    context = etree.SubElement(root, f"{{{RSM}}}ExchangedDocumentContext")
    if document.profile:
        process = _add(context, "BusinessProcessSpecifiedDocumentContextParameter")
        _tell(process, "ID", document.profile)
    guideline = _add(context, "GuidelineSpecifiedDocumentContextParameter")
    _tell(guideline, "ID", document.customization)
    head = etree.SubElement(root, f"{{{RSM}}}ExchangedDocument")
    _tell(head, "ID", document.number)
    _tell(head, "TypeCode", document.type_code.value)
    _tell_day(head, "IssueDateTime", document.issued_on)
    if document.note:
        _tell(_add(head, "IncludedNote"), "Content", document.note)


def _add_line(parent: Element, document: Document, position: int, line: Line) -> None:
    item = _add(parent, "IncludedSupplyChainTradeLineItem")
    about = _add(item, "AssociatedDocumentLineDocument")
    _tell(about, "LineID", str(position))
    if line.note:
        _tell(_add(about, "IncludedNote"), "Content", line.note)
    _tell(_add(item, "SpecifiedTradeProduct"), "Name", line.name)
    price = _add(_add(item, "SpecifiedLineTradeAgreement"), "NetPriceProductTradePrice")
    _tell(price, "ChargeAmount", _amount(line.price, document))
    delivered = _add(item, "SpecifiedLineTradeDelivery")
    _tell(delivered, "BilledQuantity", str(line.quantity)).set("unitCode", ONE)
    settled = _add(item, "SpecifiedLineTradeSettlement")
    _add_tax(settled, line.tax)
    _add_period(settled, line.starts_on, line.last_day)
    total = _add(settled, "SpecifiedTradeSettlementLineMonetarySummation")
    _tell(total, "LineTotalAmount", _amount(line.amount, document))


def _add_agreement(parent: Element, document: Document) -> None:
    agreement = _add(parent, "ApplicableHeaderTradeAgreement")
    _tell(agreement, "BuyerReference", document.buyer_reference)
    _add_party(agreement, "SellerTradeParty", document.seller)
    _add_party(agreement, "BuyerTradeParty", document.buyer)
    if document.contract:
        contract = _add(agreement, "ContractReferencedDocument")
        _tell(contract, "IssuerAssignedID", document.contract)


def _add_party(parent: Element, role: str, party: Party) -> None:
    told = _add(parent, role)
    _tell(told, "Name", party.name)
    if party.registration:
        _tell(_add(told, "SpecifiedLegalOrganization"), "ID", party.registration)
    address = _add(told, "PostalTradeAddress")
    _tell(address, "PostcodeCode", party.postcode)
    _tell(address, "LineOne", party.street)
    _tell(address, "CityName", party.town)
    _tell(address, "CountryID", party.country)
    if party.electronic_address:
        endpoint = _tell(_add(told, "URIUniversalCommunication"), "URIID", party.electronic_address)
        endpoint.set("schemeID", party.electronic_scheme)
    if party.vat_number:
        number = _tell(_add(told, "SpecifiedTaxRegistration"), "ID", party.vat_number)
        number.set("schemeID", "VA")


def _add_delivery(parent: Element, document: Document) -> None:
    """What is supplied within the EU says to which country (BR-IC-12)."""
    delivery = _add(parent, "ApplicableHeaderTradeDelivery")
    if any(one.tax.category == "K" for one in document.taxes):
        address = _add(_add(delivery, "ShipToTradeParty"), "PostalTradeAddress")
        _tell(address, "CountryID", document.buyer.country)


def _add_settlement(parent: Element, document: Document) -> None:
    settlement = _add(parent, "ApplicableHeaderTradeSettlement")
    if document.pay_to:
        _tell(settlement, "PaymentReference", document.number)
    _tell(settlement, "InvoiceCurrencyCode", document.currency)
    _add_means(settlement, document)
    for one in document.taxes:
        _add_tax(settlement, one.tax, base=one.base, amount=one.amount, document=document)
    _add_period(settlement, document.starts_on, document.last_day)
    if document.payment_terms or document.due_on:
        terms = _add(settlement, "SpecifiedTradePaymentTerms")
        _tell(terms, "Description", document.payment_terms)
        _tell_day(terms, "DueDateDateTime", document.due_on)
    _add_totals(settlement, document)
    for earlier in document.preceding:
        reference = _add(settlement, "InvoiceReferencedDocument")
        _tell(reference, "IssuerAssignedID", earlier.number)
        _tell_day(reference, "FormattedIssueDateTime", earlier.issued_on, space=QDT)


def _add_means(settlement: Element, document: Document) -> None:
    if document.pay_to is None:
        return
    is_iban = document.pay_to.account[:2].isalpha()
    means = _add(settlement, "SpecifiedTradeSettlementPaymentMeans")
    is_sepa = document.currency == "EUR" and is_iban
    _tell(means, "TypeCode", SEPA_TRANSFER if is_sepa else TRANSFER)
    account = _add(means, "PayeePartyCreditorFinancialAccount")
    if is_iban:
        _tell(account, "IBANID", document.pay_to.account)
    _tell(account, "AccountName", document.pay_to.holder)
    if not is_iban:
        _tell(account, "ProprietaryID", document.pay_to.account)
    if document.pay_to.bic:
        bank = _add(means, "PayeeSpecifiedCreditorFinancialInstitution")
        _tell(bank, "BICID", document.pay_to.bic)


def _add_tax(
    parent: Element,
    tax: Tax,
    *,
    base: Decimal | None = None,
    amount: Decimal | None = None,
    document: Document | None = None,
) -> None:
    """Say how a line is taxed; with `base` and `amount`, what a category comes to and why."""
    told = _add(parent, "ApplicableTradeTax")
    if document is not None and amount is not None:
        _tell(told, "CalculatedAmount", _amount(amount, document))
    _tell(told, "TypeCode", "VAT")
    if document is not None and base is not None:
        _tell(told, "ExemptionReason", tax.reason)
        _tell(told, "BasisAmount", _amount(base, document))
    _tell(told, "CategoryCode", tax.category)
    if document is not None and base is not None:
        if document.tax_point_on:
            day = document.tax_point_on
            point = etree.SubElement(_add(told, "TaxPointDate"), f"{{{UDT}}}DateString", format=DAY)
            point.text = f"{day.year:04}{day:%m%d}"
        elif document.tax_due_when_paid:
            _tell(told, "DueDateTypeCode", DUE_WHEN_PAID)
    # What is not subject to tax has no rate, not even zero (BR-O-05).
    if tax.category != "O":
        _tell(told, "RateApplicablePercent", f"{tax.percent.normalize():f}")


def _add_totals(settlement: Element, document: Document) -> None:
    totals = _add(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation")
    _tell(totals, "LineTotalAmount", _amount(document.net, document))
    _tell(totals, "TaxBasisTotalAmount", _amount(document.net, document))
    tax = _tell(totals, "TaxTotalAmount", _amount(document.tax, document))
    tax.set("currencyID", document.currency)
    _tell(totals, "GrandTotalAmount", _amount(document.total, document))
    if document.paid:
        _tell(totals, "TotalPrepaidAmount", _amount(document.paid, document))
    _tell(totals, "DuePayableAmount", _amount(document.due, document))


def _add_period(parent: Element, starts_on: date | None, last_day: date | None) -> None:
    if starts_on or last_day:
        period = _add(parent, "BillingSpecifiedPeriod")
        _tell_day(period, "StartDateTime", starts_on)
        _tell_day(period, "EndDateTime", last_day)


def _add(parent: Element, name: str) -> Element:
    return etree.SubElement(parent, f"{{{RAM}}}{name}")


def _tell(parent: Element, name: str, value: str) -> Element:
    """Add an element with text; an empty text adds none, and returns one that stands nowhere."""
    if not value:
        return etree.Element("nothing")
    element = _add(parent, name)
    element.text = value
    return element


def _tell_day(parent: Element, name: str, day: date | None, *, space: str = UDT) -> None:
    if day is not None:
        told = etree.SubElement(_add(parent, name), f"{{{space}}}DateTimeString", format=DAY)
        told.text = f"{day.year:04}{day:%m%d}"


def _amount(amount: Decimal, document: Document) -> str:
    return f"{rounded(amount, document.currency):f}"
