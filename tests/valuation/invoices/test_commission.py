"""Commission invoices: what was kept, once, with its tax; settled by what the statements took."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import facturx
import pytest
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import RuleSet, UsageEvent
from tests.factories import make_delegate, make_performer, make_user, messages_of, sign_in
from tests.valuation.einvoices import norm
from tests.valuation.invoices.billing import (
    TODAY,
    add_details,
    add_terms,
    balance,
    invoiced,
    issue,
    left,
    receive,
    run_night,
)
from tests.valuation.world import TONIGHT
from valuation.invoices import ageing, commission, exports, papers, settled
from valuation.invoices.content import from_json
from valuation.invoices.refusals import NothingToInvoice
from valuation.models import BillingDetails, Invoice, InvoiceStep, Statement
from valuation.statements import snapshot, steps
from valuation.words import AccountKind as K
from valuation.words import InvoicePaid

WINTER = datetime(2027, 1, 5, 3, tzinfo=UTC)


@pytest.fixture
def kept(world, accountant, short_papers):
    """1,000.00 came in for July's use, of which 100.00 are commission, taxed at the usual rate."""
    load_rules()
    add_details(world, accountant)
    add_terms(world, accountant)
    BillingDetails.objects.create(
        agency=world.agency, beneficiary=world.beneficiary, name="Ada Example Ltd", country="GB",
        vat_number="GB987654321", tax_category="S", tax_percent=20, format="cii",
        starts_on=date(2026, 1, 1), source="Ada’s letter", written_at=TONIGHT,
        written_by=accountant,
    )  # fmt: skip
    world.line(unit_price="100")
    world.use("10")
    receive(world, "1000", on=date(2026, 8, 15))
    run_night()
    return world


def draw_up(world, by, *, through=TODAY, at=TONIGHT):
    return commission.draw_up(agency=world.agency, through=through, by=by, at=at)


def test_it_is_invoiced_once_with_its_tax_and_settled_by_the_statements(
    kept, accountant, colleague
):
    (draft,) = draw_up(kept, accountant).invoices
    assert (draft.kind, draft.net, draft.tax, draft.total) == (
        "commission", D(100), D(20), D(120)
    )  # fmt: skip
    with pytest.raises(NothingToInvoice):
        draw_up(kept, accountant)

    # What it is a percentage of, as the statement says it too.
    assert from_json(draft.content).lines[0].rates == ("10% of 1,000.00",)

    invoice = issue(draft, accountant, colleague)

    assert (invoice.number, invoice.due_on) == ("NORTHLIGHT-C-2026-0001", None)
    # The 100 were kept before: only the tax is taken off what is payable.
    assert (balance(K.TAX), balance(K.PAYABLE), balance(K.COMMISSION)) == (
        D(-20), D(-880), D(-100)
    )  # fmt: skip
    xml = exports.xml(from_json(invoice.content))
    assert facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    assert norm.broken_by(xml) == []
    assert b"<ram:DuePayableAmount>0.00<" in xml
    row = settled.with_paid(Invoice.objects.filter(pk=invoice.pk), TODAY).get()
    assert settled.standing(row, row.left, TODAY) is InvoicePaid.STATEMENT
    with pytest.raises(NothingToInvoice):
        draw_up(kept, accountant)

    # Licensees owe nothing of it, and their numbers count by themselves.
    assert invoiced(kept, accountant, colleague).number == "NORTHLIGHT-I-2026-0001"
    assert [row.invoiced for row in ageing.ageing(agency=kept.agency, on=TODAY)] == []
    assert left() == {}


def test_its_payee_finds_it_in_the_portal_and_nobody_else(kept, accountant, colleague, ada):
    (draft,) = draw_up(kept, accountant).invoices
    client = sign_in(ada)
    page = reverse("portal:invoices")
    files = [reverse(f"portal:invoice-{kind}", args=[draft.pk]) for kind in ("pdf", "csv", "xml")]
    assert "No invoice yet" in client.get(page).text
    assert [client.get(file).status_code for file in files] == [404] * 3

    invoice = issue(draft, accountant, colleague)

    shown = client.get(page).text
    assert invoice.number in shown
    assert "$120.00" in shown
    pdf, lines, data = (client.get(file) for file in files)
    assert pdf.getvalue() == papers.read(invoice).read()
    assert b"Commission on what was received" in lines.getvalue()
    assert data.content == exports.xml(from_json(invoice.content))
    assert not InvoiceStep.objects.visible_to(ada).exists()
    stranger = make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    counsel = make_delegate(kept.performer, "counsel", "see_twins", "see_usage")
    for other in (stranger, counsel):
        assert [sign_in(other).get(file).status_code for file in files] == [404] * 3
        assert invoice.number not in sign_in(other).get(page).text
    # What the licensees are asked for is none of the payee's.
    asked = invoiced(kept, accountant, colleague)
    assert asked.number not in client.get(page).text
    theirs = reverse("portal:invoice-pdf", args=[asked.pk])
    assert client.get(theirs).status_code == 404


def test_the_next_statement_shows_its_tax(kept, accountant, colleague):
    (draft,) = draw_up(kept, accountant).invoices
    issue(draft, accountant, colleague)
    first = Statement.objects.get(kind="beneficiary")
    steps.review(statement_id=first.pk, by=accountant, at=TONIGHT)
    steps.approve(statement_id=first.pk, by=colleague, at=TONIGHT)
    steps.issue(statement_id=first.pk, by=accountant, at=TONIGHT)

    run_night(as_of=WINTER.date(), now=WINTER)

    later = Statement.objects.filter(kind="beneficiary").latest("pk")
    told = snapshot.statement_from_json(later.content)
    assert [(one.kind, one.percent, one.amount) for one in told.deductions] == [
        (K.TAX, None, D(-20))
    ]
    assert (later.opening, later.closing) == (D(900), D(880))


def test_what_is_given_back_is_credited_as_it_was_taxed(kept, accountant, colleague):
    (draft,) = draw_up(kept, accountant).invoices
    issue(draft, accountant, colleague)
    RuleSet.objects.filter(code="vat.standard_gb").update(values={"percent": "25"})
    kept.amend(UsageEvent.objects.get(), "7")
    run_night()

    (credit,) = draw_up(kept, accountant).invoices
    issued = issue(credit, accountant, colleague)

    told = from_json(issued.content)
    assert (issued.kind, issued.number, issued.net, issued.tax) == (
        "commission_credit", "NORTHLIGHT-C-2026-0002", D(-30), D(-6)
    )  # fmt: skip
    assert told.corrects == ("NORTHLIGHT-C-2026-0001",)
    assert norm.broken_by(exports.xml(told)) == []
    assert balance(K.TAX) == D(-14)


def test_who_is_left_out_is_told_and_a_missing_rate_is_none(kept, accountant, colleague):
    RuleSet.objects.filter(code="vat.standard_gb").update(confidence="conflicting")
    page = reverse("admin:valuation_invoice_draw_up_commission")
    told = {"agency": kept.agency.pk, "through": TODAY.isoformat()}

    sent = sign_in(accountant).post(page, told)

    assert "Ada Example: No rate of VAT in GB" in messages_of(sent)
    assert not Invoice.objects.exists()
