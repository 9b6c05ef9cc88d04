"""The agency buys, and writes the payee's invoice: within the statement, numbered, taxed, kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal as D
from io import BytesIO
from unittest import mock

import facturx
import pgtrigger
import pikepdf
import pytest
from django.db import connection, transaction
from django.urls import reverse
from lxml import etree

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import RuleSet, UsageEvent
from talent.four_eyes import FourEyes
from tests.factories import sign_in
from tests.valuation.einvoices import norm
from tests.valuation.invoices.billing import add_details, balance, receive, run_night
from tests.valuation.self_billing.signed import WINTER, agree
from tests.valuation.world import TONIGHT
from valuation.invoices import commission
from valuation.invoices.content import from_json
from valuation.invoices.refusals import NothingToInvoice
from valuation.models import (
    BillingDetails,
    Invoice,
    InvoiceLine,
    JournalEntry,
    SelfBillingAgreement,
    Statement,
)
from valuation.self_billing import agreements, issuing
from valuation.self_billing.refusals import NotItsTurn, NotThatDay
from valuation.statements import documents, snapshot, steps
from valuation.words import AccountKind as K
from valuation.words import EntryKind

CAME_ON = date(2026, 8, 15)


@pytest.fixture
def bought(world, accountant, colleague, short_papers):
    """1,000.00 came in for July's use, of which the agency keeps 100.00; the payee has signed."""
    load_rules()
    add_details(world, accountant)
    BillingDetails.objects.create(
        agency=world.agency, beneficiary=world.beneficiary, name="Ada Example Ltd", country="GB",
        street="2 Quay", town="Bristol", postcode="BS1", vat_number="GB987654321",
        tax_category="O", tax_reason="–", starts_on=date(2026, 1, 1), source="Ada’s letter",
        written_at=TONIGHT, written_by=accountant,
    )  # fmt: skip
    world.line(unit_price="100")
    world.use("10")
    receive(world, "1000", on=CAME_ON)
    agree(world, accountant, colleague)
    return world


def drawn(**about):
    run_night(**about)
    return Statement.objects.filter(kind="beneficiary").latest("pk")


def approve(statement, by, second, at=TONIGHT):
    steps.review(statement_id=statement.pk, by=by, at=at)
    steps.approve(statement_id=statement.pk, by=second, at=at)


def issue(statement, by, second, at=TONIGHT):
    approve(statement, by, second, at)
    return steps.issue(statement_id=statement.pk, by=by, at=at)


def attached(pdf, name):
    with pikepdf.open(BytesIO(pdf)) as file:
        return file.attachments[name].get_file().read_bytes()


def told_by(statement):
    return snapshot.statement_from_json(statement.content)


def test_a_statement_carries_the_invoice_and_its_tax_is_paid_on_top(
    bought, accountant, colleague, sealing_of_that_time
):
    statement = drawn()
    draft = told_by(statement).self_billed
    assert (draft.number, draft.net, draft.tax_amount) == ("", D(900), D(180))

    with sealing_of_that_time():
        issued = issue(statement, accountant, colleague)

    invoice = Invoice.objects.get()
    assert (invoice.number, invoice.kind) == ("NORTHLIGHT-SB-2026-0001", "self_billed")
    assert (invoice.net, invoice.tax, invoice.total) == (D(900), D(180), D(1080))
    assert [(line.kind, line.amount) for line in invoice.lines.order_by("position")] == [
        ("receipt", D(1000)), ("commission", D(-100))
    ]  # fmt: skip
    # What the agency may reclaim, and what it owes on top of the statement's 900.
    assert (balance(K.SELF_BILLED_TAX), balance(K.PAYABLE)) == (D(180), D(-1080))
    assert issued.closing == D(900)

    pdf = documents.read(issued).read()
    xml = attached(pdf, "factur-x.xml")
    assert facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    assert norm.broken_by(xml) == []
    root = etree.fromstring(xml)
    found = {name: root.findtext(f".//{{*}}{name}") for name in (
        "TypeCode", "GrandTotalAmount", "DueDateTypeCode", "RateApplicablePercent")}  # fmt: skip
    # In the United Kingdom such an invoice makes no tax point: the payment does.
    assert found == {"TypeCode": "389", "GrandTotalAmount": "1080.00", "DueDateTypeCode": "72",
                     "RateApplicablePercent": "20"}  # fmt: skip
    assert root.find(".//{*}TaxPointDate") is None
    note = root.findtext(".//{*}IncludedNote/{*}Content")
    assert note == "SELF-BILLING\nThe VAT shown is your output tax due to HMRC."
    sellers = [one.findtext("{*}Name") for one in root.iter("{*}SellerTradeParty")]
    assert sellers == ["Ada Example Ltd"]
    with pikepdf.open(BytesIO(pdf)) as file, file.open_metadata() as xmp:
        assert xmp["{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}ConformanceLevel"] == (
            "EN 16931"
        )
    assert from_json(told_by(issued).self_billed and invoice.content).number == invoice.number


def test_a_later_statement_credits_what_is_taken_back_at_the_rate_of_then(
    bought, accountant, colleague
):
    issue(drawn(), accountant, colleague)
    load = RuleSet.objects.get(code="vat.standard_gb")
    # 3 of the 10 lines were none: 300 of what came in go back, 30 of them commission.
    bought.amend(UsageEvent.objects.get(), "7")
    RuleSet.objects.filter(pk=load.pk).update(values={"percent": "25"})
    agree(bought, accountant, colleague, starts_on=date(2026, 12, 1), ends_on=date(2028, 1, 1))

    later = drawn(as_of=WINTER.date(), now=WINTER)

    credit = told_by(later).self_billed
    assert (credit.kind, credit.net, credit.tax_amount) == (
        "self_billed_credit", D(-270), D("-54")
    )  # fmt: skip
    # 900 from before, 180 of tax, 270 given back.
    assert (later.opening, later.closing) == (D(900), D(810))

    issue(later, accountant, colleague, at=WINTER)

    invoice = Invoice.objects.get(kind="self_billed_credit")
    assert invoice.number == "NORTHLIGHT-SB-2026-0002"
    assert from_json(invoice.content).corrects == ("NORTHLIGHT-SB-2026-0001",)
    assert (balance(K.SELF_BILLED_TAX), balance(K.PAYABLE)) == (D(126), D(-756))
    assert invoice.due_on is None
    with pytest.raises(Exception, match="does not change"), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(net=0, total=0)


def test_nothing_is_credited_that_was_never_self_billed(bought, accountant, colleague):
    """The first statement came before the agreement counted: its money was paid without tax."""
    with mock.patch.object(agreements, "in_force", return_value=None):
        issue(drawn(), accountant, colleague)
    bought.amend(UsageEvent.objects.get(), "7")
    agree(bought, accountant, colleague, starts_on=date(2026, 12, 1), ends_on=date(2028, 1, 1))

    later = drawn(as_of=WINTER.date(), now=WINTER)

    assert told_by(later).self_billed is None
    issue(later, accountant, colleague, at=WINTER)
    assert not Invoice.objects.exists()
    assert not JournalEntry.objects.filter(kind=EntryKind.SELF_BILLED_TAX.value).exists()


def test_what_changed_after_the_approval_stops_the_issue_and_a_kept_number_is_given_again(
    bought, accountant, colleague
):
    statement = drawn()
    approve(statement, accountant, colleague)

    with (
        mock.patch.object(documents, "store_issued", side_effect=OSError(28, "full")),
        pytest.raises(OSError, match="full"),
    ):
        steps.issue(statement_id=statement.pk, by=accountant, at=TONIGHT)
    statement.refresh_from_db()
    assert statement.self_billed_number == "NORTHLIGHT-SB-2026-0001"
    assert not Invoice.objects.exists()

    withdrawn = SelfBillingAgreement.objects.get()
    agreements.withdraw(agreement_id=withdrawn.pk, on=TONIGHT.date(), by=accountant, at=TONIGHT,
                        note="Ada’s letter")  # fmt: skip
    with pytest.raises(steps.NotItsTurn, match="self-billing has changed"):
        steps.issue(statement_id=statement.pk, by=accountant, at=TONIGHT)

    again = drawn()
    assert told_by(again).self_billed is None
    agree(bought, accountant, colleague)
    again = drawn()
    assert issue(again, accountant, colleague).self_billed_number == "NORTHLIGHT-SB-2026-0001"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("number", "VAT number of Ada Example is another one"),
        ("rule", "No rate of VAT in GB"),
        ("details", "billing details of Ada Example first"),
    ],
)
def test_what_is_missing_is_said_at_the_issue(bought, accountant, colleague, change, says):
    if change == "number":
        row = BillingDetails.objects.get(beneficiary=bought.beneficiary)
        row.pk, row.vat_number = None, "GB111111111"
        row.save()
    if change == "rule":
        RuleSet.objects.filter(code="vat.standard_gb").update(confidence="unverified")
    if change == "details":
        with pgtrigger.ignore("valuation.BillingDetails:append_only"):
            BillingDetails.objects.filter(beneficiary=bought.beneficiary).delete()
    statement = drawn()
    assert told_by(statement).self_billed is None
    approve(statement, accountant, colleague)

    with pytest.raises(Exception, match=says) as refused:
        steps.issue(statement_id=statement.pk, by=accountant, at=TONIGHT)
    assert refused.value.code == "something_is_missing"
    assert not InvoiceLine.objects.exists()


def test_two_people_decide_and_a_withdrawal_spares_what_was_issued(bought, accountant, colleague):
    issue(drawn(), accountant, colleague)
    one = SelfBillingAgreement.objects.get()
    with pytest.raises(NotThatDay):
        agreements.withdraw(agreement_id=one.pk, on=TONIGHT.date(), by=accountant, at=TONIGHT,
                            note="Too early")  # fmt: skip
    with pytest.raises(NotItsTurn):
        agreements.approve(agreement_id=one.pk, by=colleague, at=TONIGHT)
    other = agreements.ask(
        agreement=SelfBillingAgreement(
            agency=bought.agency, beneficiary=bought.beneficiary, licensee=bought.licensee,
            tax_category="O", tax_reason="Small", starts_on=date(2026, 1, 1),
            ends_on=date(2027, 1, 1), source="Paper",
        ), by=accountant, at=TONIGHT,
    )  # fmt: skip
    with pytest.raises(FourEyes):
        agreements.approve(agreement_id=other.pk, by=accountant, at=TONIGHT)
    running_out = SelfBillingAgreement.objects.running_out
    assert list(running_out(date(2026, 11, 1))) == []
    assert list(running_out(date(2026, 11, 22))) == [one]
    agree(bought, accountant, colleague, starts_on=date(2027, 1, 1), ends_on=date(2028, 1, 1))
    assert list(running_out(date(2026, 11, 22))) == []
    # Bounds: from its first day on, to before the last.
    at = SelfBillingAgreement.objects.in_force
    assert [at(day).filter(pk=one.pk).exists() for day in (
        date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))] == [
        False, True, True, False]  # fmt: skip


def test_the_part_that_the_agency_keeps_as_a_buyer_is_no_commission_to_invoice(
    bought, accountant, colleague
):
    """It lowers the price of what it buys; to invoice it would ask for it twice."""
    issue(drawn(), accountant, colleague)

    with pytest.raises(NothingToInvoice):
        commission.draw_up(agency=bought.agency, through=TONIGHT.date(), by=accountant, at=TONIGHT)


def test_a_payee_gets_it_in_the_portal_with_the_statement_in_which_it_stands(
    bought, accountant, colleague, ada
):
    issued = issue(drawn(), accountant, colleague)
    invoice = Invoice.objects.get()
    client = sign_in(ada)

    page = client.get(reverse("portal:invoices")).text

    assert invoice.number in page
    assert reverse("portal:statement", args=[issued.pk]) in page
    pdf = client.get(reverse("portal:invoice-pdf", args=[invoice.pk]))
    assert pdf.getvalue() == documents.read(issued).read()
    xml = client.get(reverse("portal:invoice-xml", args=[invoice.pk]))
    assert b">389<" in xml.content


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_and_an_issue_at_once_are_one_after_the_other(bought, accountant, colleague):
    """Whoever comes second is refused: nothing is written by what was withdrawn."""
    statement = drawn()
    approve(statement, accountant, colleague)
    told = {"statement_id": statement.pk, "by": accountant, "at": TONIGHT}
    stored = documents.StoredDocument(statement.pdf.name, "0" * 64)
    keep = issuing.keep

    def withdraw():
        try:
            agreements.withdraw(
                agreement_id=SelfBillingAgreement.objects.latest("pk").pk, on=TONIGHT.date(),
                by=colleague, at=TONIGHT, note="Letter",
            )  # fmt: skip
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:

        def withdrawn_meanwhile(*_args, **_about):
            other.submit(withdraw).result(timeout=10)
            return stored

        with (
            mock.patch.object(documents, "store_issued", withdrawn_meanwhile),
            pytest.raises(steps.NotItsTurn, match="self-billing has changed"),
        ):
            steps.issue(**told)
        assert not Invoice.objects.exists()

        agree(bought, accountant, colleague)
        asked = []

        def asked_meanwhile(*args, **about):
            asked.append(other.submit(withdraw))
            with pytest.raises(TimeoutError):
                asked[0].result(timeout=0.3)
            return keep(*args, **about)

        with (
            mock.patch.object(documents, "store_issued", return_value=stored),
            mock.patch.object(issuing, "keep", asked_meanwhile),
        ):
            steps.issue(**told)
        with pytest.raises(NotThatDay, match="written by it on 2026-11-22"):
            asked[0].result(timeout=10)
    assert Invoice.objects.count() == 1
