"""What an invoice says by EN 16931, written as UBL 2.1, and which rules stop it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from valuation.einvoices import (
    Document,
    Line,
    Party,
    PayTo,
    Preceding,
    Tax,
    TypeCode,
    rules,
    ubl,
)

D = Decimal
SPACES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
JULY, SEPTEMBER = date(2026, 7, 1), date(2026, 9, 30)
USUAL = Tax("S", D("19"))
AGENCY = Party("Meridian", "DE", "Weg 1", "10115", "Berlin", vat_number="DE123456789")
STUDIO = Party("Halcyon", "FR", vat_number="FR12345678901")
INVOICE = Document(
    type_code=TypeCode.INVOICE,
    number="M-1",
    issued_on=date(2026, 10, 2),
    currency="EUR",
    seller=AGENCY,
    buyer=STUDIO,
    lines=(
        Line("Dubbing, A-7", D("100.05"), USUAL, "1,200 lines", JULY, SEPTEMBER),
        Line("Dubbing, A-7, corrected", D("-20.00"), USUAL),
    ),
    due_on=date(2026, 11, 1),
    starts_on=date(2026, 7, 1),
    last_day=date(2026, 9, 30),
    pay_to=PayTo("DE89370400440532013000", "COBADEFFXXX", "Meridian"),
)
OUTSIDE = Tax("O", reason="Not subject to VAT")


def read(document):
    return etree.fromstring(ubl.write(document))


def told(root, path):
    return [element.text for element in root.iterfind(path, SPACES)]


def test_totals_are_the_sum_of_the_lines_and_the_tax_on_it():
    """80.05 at 19 % are 15.2095, rounded once."""
    root = read(INVOICE)

    assert told(root, "cac:TaxTotal/cbc:TaxAmount") == ["15.21"]
    totals = root.find("cac:LegalMonetaryTotal", SPACES)
    assert [(etree.QName(one).localname, one.text, one.get("currencyID")) for one in totals] == [
        ("LineExtensionAmount", "80.05", "EUR"),
        ("TaxExclusiveAmount", "80.05", "EUR"),
        ("TaxInclusiveAmount", "95.26", "EUR"),
        ("PayableAmount", "95.26", "EUR"),
    ]


def test_elements_stand_in_the_order_of_the_schema():
    names = [etree.QName(one).localname for one in read(INVOICE)]

    assert names == [
        "CustomizationID", "ID", "IssueDate", "DueDate", "InvoiceTypeCode", "DocumentCurrencyCode",
        "InvoicePeriod", "AccountingSupplierParty", "AccountingCustomerParty", "PaymentMeans",
        "TaxTotal", "LegalMonetaryTotal", "InvoiceLine", "InvoiceLine",
    ]  # fmt: skip
    party = read(INVOICE).find("cac:AccountingSupplierParty/cac:Party", SPACES)
    assert [etree.QName(one).localname for one in party] == [
        "PostalAddress", "PartyTaxScheme", "PartyLegalEntity",
    ]  # fmt: skip


def test_a_correction_is_minus_one_piece_at_a_price_above_zero():
    """BR-27: a price is never below zero."""
    root = read(INVOICE)

    assert told(root, "cac:InvoiceLine/cbc:InvoicedQuantity") == ["1", "-1"]
    assert told(root, "cac:InvoiceLine/cac:Price/cbc:PriceAmount") == ["100.05", "20.00"]
    assert told(root, "cac:InvoiceLine/cbc:LineExtensionAmount") == ["100.05", "-20.00"]


def test_a_credit_note_is_a_document_of_its_own_kind_that_names_what_it_corrects():
    credit = replace(
        INVOICE,
        type_code=TypeCode.CREDIT_NOTE,
        lines=(Line("Dubbing", D(20), USUAL),),
        preceding=(Preceding("M-0", date(2026, 7, 2)),),
    )
    root = read(credit)

    assert etree.QName(root).localname == "CreditNote"
    assert told(root, "cbc:CreditNoteTypeCode") == ["381"]
    assert told(root, "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID") == ["M-0"]
    assert told(root, "cac:CreditNoteLine/cbc:CreditedQuantity") == ["1"]
    assert told(root, "cbc:DueDate") == []


def test_what_is_not_subject_to_tax_has_no_rate_and_says_why():
    """BR-O-05 and BR-O-10."""
    untaxed = replace(
        INVOICE,
        lines=(Line("Dubbing", D(20), OUTSIDE),),
        seller=replace(AGENCY, vat_number="", registration="HRB 1"),
        buyer=replace(STUDIO, vat_number=""),
    )
    root = read(untaxed)

    assert rules.faults(untaxed) == []
    assert told(root, ".//cbc:Percent") == []
    assert told(root, ".//cbc:TaxExemptionReason") == ["Not subject to VAT"]


def test_names_are_text_and_never_markup():
    studio = Party("A & <B>", "FR")

    assert told(read(replace(INVOICE, buyer=studio)), ".//cbc:RegistrationName")[1] == "A & <B>"


BROKEN = [
    ("BR-02", {"number": ""}),
    ("BR-06", {"seller": replace(AGENCY, name="")}),
    ("BR-07", {"buyer": replace(STUDIO, name="")}),
    ("BR-09", {"seller": replace(AGENCY, country="")}),
    ("BR-11", {"buyer": replace(STUDIO, country="")}),
    ("BR-16", {"lines": ()}),
    ("BR-25", {"lines": (Line("", D(1), USUAL),)}),
    ("BR-30", {"lines": (Line("x", D(1), USUAL, "", date(2026, 2, 2), date(2026, 2, 1)),)}),
    ("BR-55", {"preceding": (Preceding(""),)}),
    ("BR-62", {"seller": replace(AGENCY, electronic_address="1")}),
    ("BR-63", {"buyer": replace(STUDIO, electronic_address="1")}),
    ("BR-CO-09", {"seller": replace(AGENCY, vat_number="123456789")}),
    ("BR-CO-25", {"due_on": None}),
    ("BR-CO-26", {"seller": replace(AGENCY, vat_number="")}),
    ("BR-DEC-23", {"lines": (Line("x", D("1.001"), USUAL),)}),
    ("BR-S-02", {"seller": replace(AGENCY, vat_number="", registration="HRB 1")}),
    ("BR-S-05", {"lines": (Line("x", D(1), Tax("S")),)}),
    ("BR-AE-02", {"lines": (Line("x", D(1), Tax("AE", reason="Reverse charge")),),
                  "buyer": replace(STUDIO, vat_number="")}),
    ("BR-AE-05", {"lines": (Line("x", D(1), Tax("AE", D(1), "Reverse charge")),)}),
    ("BR-AE-10", {"lines": (Line("x", D(1), Tax("AE")),)}),
    ("BR-IC-11", {"lines": (Line("x", D(1), Tax("K", reason="Within the EU")),),
                  "last_day": None}),
    ("BR-O-02", {"lines": (Line("x", D(1), OUTSIDE),)}),
    ("BR-O-11", {"lines": (Line("x", D(1), OUTSIDE), Line("y", D(1), USUAL)),
                 "buyer": Party("Halcyon", "FR")}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change"), BROKEN, ids=[rule for rule, _ in BROKEN])
def test_a_document_that_breaks_a_rule_of_the_norm_is_told_which(rule, change):
    assert rules.faults(INVOICE) == []
    assert rule in {fault.rule for fault in rules.faults(replace(INVOICE, **change))}


AMOUNTS = st.decimals(D("-99999.99"), D("99999.99"), places=2)
TAXES = st.sampled_from([USUAL, Tax("S", D("7.7")), Tax("S", D("5.5")), Tax("Z")])


@given(st.lists(st.builds(Line, st.just("x"), AMOUNTS, TAXES), min_size=1, max_size=12))
def test_the_parts_of_any_invoice_come_to_its_totals(lines):
    """BR-CO-10, 13, 14 and 15; BR-CO-17 to the cent, and each rate once."""
    document = replace(INVOICE, lines=tuple(lines))
    root = read(document)
    part = "cac:TaxTotal/cac:TaxSubtotal/"
    bases = list(map(D, told(root, part + "cbc:TaxableAmount")))
    taxes = list(map(D, told(root, part + "cbc:TaxAmount")))
    percents = list(map(D, told(root, part + "cac:TaxCategory/cbc:Percent")))

    assert sum(bases) == sum(line.amount for line in lines) == document.net
    assert [sum(taxes)] == list(map(D, told(root, "cac:TaxTotal/cbc:TaxAmount")))
    assert document.total == document.net + sum(taxes)
    for base, tax, percent in zip(bases, taxes, percents, strict=True):
        assert abs(tax - base * percent / 100) <= D("0.005")
    assert len(document.taxes) == len({line.tax for line in lines})
