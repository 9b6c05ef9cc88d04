"""A studio buys of a payee and writes the invoice itself: the desk has its data and its number."""

from datetime import date, timedelta
from decimal import Decimal as D

import facturx
import pytest
from django.urls import reverse
from lxml import etree

from licensing import api_keys
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import UsageEvent
from talent.four_eyes import FourEyes
from talent.models import Beneficiary
from tests import factories
from tests.factories import admin_page, sign_in, take_step
from tests.valuation.einvoices import norm
from tests.valuation.invoices.billing import (
    add_details,
    add_terms,
    balance,
    draw_up,
    issue,
    left,
    receive,
    run_night,
)
from tests.valuation.self_billing.signed import WINTER, agree
from tests.valuation.world import TONIGHT
from valuation.cash.reconciliation import reconcile
from valuation.cash.released import directions
from valuation.invoices import commission, deciding, papers
from valuation.invoices.content import from_json
from valuation.models import Account, BillingDetails, Invoice, PaymentDirection, Statement
from valuation.reports import payee_money
from valuation.self_billing import for_studios
from valuation.self_billing.refusals import NotItsTurn, NotThatDay
from valuation.statements import snapshot
from valuation.words import AccountKind as K
from valuation.words import CashShare

TODAY = TONIGHT.date()
CAME_ON = date(2026, 8, 15)


@pytest.fixture
def selling(world, accountant, colleague, short_papers):
    """10 lines at 100.00: the studio writes Ada's invoices, who charges it VAT of 20 %."""
    load_rules()
    add_details(world, accountant, percent="20", country="GB", vat_number="GB111222333",
                format="cii")  # fmt: skip
    add_terms(world, accountant)
    BillingDetails.objects.create(
        agency=world.agency, beneficiary=world.beneficiary, name="Ada Example Ltd", country="GB",
        street="2 Quay", town="Bristol", postcode="BS1", vat_number="GB987654321",
        tax_category="S", tax_percent=20,
        starts_on=date(2026, 1, 1), source="Ada’s letter", written_at=TONIGHT,
        written_by=accountant,
    )  # fmt: skip
    world.line(unit_price="100")
    world.use("10")
    run_night()
    agree(world, accountant, colleague, licensee=world.licensee)
    return world


@pytest.fixture
def key(selling):
    return of_key(selling.terms)


def of_key(terms, **fields):
    issued = api_keys.issue(terms=terms, label="Pipeline", at=TONIGHT, by=None, **fields)
    return {"HTTP_AUTHORIZATION": f"Bearer {issued.secret}"}


def told(world, by, second, *, through=TODAY, at=TONIGHT):
    (row,) = for_studios.draw_up(agency=world.agency, through=through, by=by, at=at).invoices
    deciding.approve(invoice_id=row.pk, seen=deciding.digest(row), by=second, at=at)
    return row


def record(row, number="PM-77", on=TODAY, at=TONIGHT, **about):
    return for_studios.record(invoice_id=row.pk, number=number, issued_on=on, at=at, **about)


def halve(world, by, second):
    """Have half of what is payable to Ada from today on paid to her manager."""
    manager = Beneficiary.objects.create(name="Manager", payee_of=world.agency)
    letter = PaymentDirection.objects.create(
        kind="letter", agency=world.agency, beneficiary=world.beneficiary, payee=manager,
        currency="USD", base="payable", percent=50, is_revocable=True, starts_on=TODAY,
        source="Letter", written_at=TONIGHT, written_by=by, written_on=TODAY,
    )  # fmt: skip
    directions.approve(direction_id=letter.pk, by=second, at=TONIGHT)
    return manager


def test_the_studio_takes_the_data_numbers_them_and_pays_the_tax_to_the_payee(
    selling, accountant, colleague, client, key, ada, monkeypatch
):
    monkeypatch.setattr("django.utils.timezone.now", lambda: TONIGHT)
    monkeypatch.setattr(papers, "draw", lambda content: content.number.encode())
    row = told(selling, accountant, colleague)
    with pytest.raises(NotItsTurn.__mro__[1], match="The studio issues it"):
        deciding.issue(invoice_id=row.pk, by=accountant, at=TONIGHT)

    (shown,) = client.get(reverse("self-billing"), **key).json()["results"]
    assert (shown["state"], shown["seller"]["name"]) == ("approved", "Ada Example Ltd")
    assert [(line["label"], line["quantity_told"], line["amount"]) for line in shown["lines"]] == [
        ("Dubbed lines", "10 lines", "1000.00")
    ]
    xml_at = reverse("self-billing-xml", args=[row.pk])
    assert client.get(xml_at, **key).json()["code"] == "no_number"
    number_at = reverse("self-billing-number", args=[row.pk])
    number = {"number": "PM-77", "issued_on": "2026-11-21"}
    trial = of_key(selling.terms, sandbox=True)
    tried = client.post(number_at, number, content_type="application/json", **trial)
    assert (tried.json()["number"], balance(K.PASSED_TAX)) == ("PM-77", D(0))
    for _twice in range(2):
        sent = client.post(number_at, number, content_type="application/json", **key)
        assert (sent.status_code, sent.json()["state"]) == (200, "issued")
    other = client.post(number_at, number | {"number": "PM-78"}, content_type="application/json",
                        **key)  # fmt: skip
    assert other.json()["code"] == "not_its_turn"

    xml = client.get(xml_at, **key).content
    assert facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    assert norm.broken_by(xml) == []
    root = etree.fromstring(xml)
    document = root.find("{*}ExchangedDocument")
    assert [document.findtext(f"{{*}}{name}") for name in ("ID", "TypeCode")] == ["PM-77", "389"]
    parties = [root.find(f".//{{*}}{side}TradeParty") for side in ("Seller", "Buyer")]
    assert [one.findtext("{*}Name") for one in parties] == [
        "Ada Example Ltd", "Paper Moon Pictures SARL"
    ]  # fmt: skip
    paper = "Paper of 2 January 2026"
    assert document.findtext(".//{*}Content").split("\n")[-2:] == [
        f"Issued by Paper Moon Pictures SARL, the buyer, for the supplier, by {paper}.",
        f"Its data were prepared by {selling.agency.name}, which is no party to it.",
    ]

    # The agency asks for price and tax, and charges none: an invoice would charge for it twice.
    (claim,) = draw_up(selling, accountant).invoices
    asked = from_json(claim.content)
    assert (asked.net, asked.tax_amount, asked.format) == (D(1200), D(0), "none")
    assert "no invoice for tax" in asked.wording[0]
    assert {line.label for line in asked.lines} == {
        "Dubbed lines", "Tax on your PM-77 for Ada Example"
    }  # fmt: skip
    issue(claim, accountant, colleague)
    manager = halve(selling, accountant, colleague)
    receive(selling, "1200", on=TODAY)
    run_night()

    # 1,000 less 10 % commission, and the tax whole.
    assert (balance(K.PAYABLE), balance(K.COMMISSION)) == (D(-1100), D(-100))
    assert (balance(K.PASSED_TAX), left()) == (D(0), {})
    # Who gets half of what is payable gets nothing of the tax: Ada owes it.
    payable = Account.objects.with_balances().get(beneficiary=manager, kind="payable")
    assert payable.balance == D(-450)
    found = reconcile(agency=selling.agency, currency="USD", on=TODAY, now=TONIGHT)
    assert {part.share: part.amount for part in found.parts}[CashShare.NOT_RECEIVED] == 0

    # Both invoices are found from the statement, which passes the tax on.
    run_night(as_of=WINTER.date(), now=WINTER)
    own = Statement.objects.filter(beneficiary=selling.beneficiary)
    summer, statement = own.order_by("period_on")
    content = snapshot.statement_from_json(statement.content)
    assert {one.kind: one.amount for one in content.deductions}[K.PASSED_TAX] == D(200)
    assert content.closing_balance == D(650)
    (kept,) = commission.draw_up(
        agency=selling.agency, through=WINTER.date(), by=accountant, at=WINTER
    ).invoices
    issue(kept, accountant, colleague, at=WINTER)
    assert [one.number for one in payee_money.invoices_about(statement)] == [
        "PM-77", "NORTHLIGHT-C-2027-0001"
    ]  # fmt: skip
    assert payee_money.invoices_about(summer).get().number == "PM-77"
    page = sign_in(accountant).get(admin_page(Statement, statement.pk)).text
    assert "PM-77" in page
    portal = sign_in(ada).get(reverse("portal:invoices")).text
    assert "PM-77" in portal
    assert reverse("portal:invoice-pdf", args=[row.pk]) not in portal


def test_what_is_corrected_is_credited_and_what_was_cancelled_is_told_again(
    selling, accountant, colleague
):
    first = told(selling, accountant, colleague)
    record(first, by=accountant)
    selling.amend(UsageEvent.objects.get(), "7")
    run_night(as_of=TODAY + timedelta(1), now=TONIGHT + timedelta(1))
    later = {"through": TODAY + timedelta(1), "at": TONIGHT + timedelta(1)}
    credit = told(selling, accountant, colleague, **later)
    assert (credit.kind, credit.total) == ("self_billed_credit", D(-360))
    assert from_json(credit.content).corrects == ("PM-77",)
    # One number is one invoice's, and a day is neither to come nor before the agreement.
    with pytest.raises(NotItsTurn, match="another invoice"):
        record(credit, "PM-77", at=later["at"], by=accountant)
    for day in (date(9999, 12, 31), date(2025, 12, 31)):
        with pytest.raises(NotThatDay):
            record(credit, "PM-78", day, by=accountant)
    record(credit, "PM-78", by=accountant)
    assert balance(K.PASSED_TAX) == D(-140)
    # The first cannot go while the second takes of it.
    with pytest.raises(NotItsTurn, match="credit note"):
        for_studios.cancel(invoice_id=first.pk, by=accountant, at=TONIGHT, reason="Their mail")

    for_studios.cancel(invoice_id=credit.pk, by=accountant, at=TONIGHT, reason="Their mail")
    for_studios.cancel(invoice_id=first.pk, by=accountant, at=TONIGHT, reason="Their mail")
    assert balance(K.PASSED_TAX) == 0
    again = told(selling, accountant, colleague, **later)
    assert (again.kind, again.net, again.tax) == ("self_billed", D(700), D(140))
    assert record(again, "PM-79", by=accountant).number == "PM-79"


def test_nobody_elses_key_reaches_it_and_two_people_decide(
    selling, accountant, colleague, client, key
):
    row = told(selling, accountant, colleague)
    elsewhere = factories.make_member(factories.make_agency("elsewhere"), "accounting")
    other = of_key(factories.make_terms(selling.agency, factories.make_licensee("far")))
    number_at = reverse("self-billing-number", args=[row.pk])
    assert client.get(reverse("self-billing"), **other).json()["results"] == []
    sent = {"number": "X", "issued_on": "2026-11-21"}
    assert client.post(number_at, sent, content_type="application/json", **other).status_code == 404
    assert sign_in(elsewhere).get(admin_page(Invoice, row.pk)).status_code in (302, 404)

    deciding.discard(invoice_id=row.pk, by=accountant, at=TONIGHT, reason="Again")
    (draft,) = for_studios.draw_up(
        agency=selling.agency, through=TODAY, by=accountant, at=TONIGHT
    ).invoices
    # What nobody approved is no studio's to take.
    states = [one["state"] for one in client.get(reverse("self-billing"), **key).json()["results"]]
    assert states == ["discarded"]
    with pytest.raises(FourEyes):
        deciding.approve(
            invoice_id=draft.pk, seen=deciding.digest(draft), by=accountant, at=TONIGHT
        )
    take_step(sign_in(colleague), "approve", draft)
    step = take_step(sign_in(accountant), "record_number", draft, number="PM-1",
                     issued_on="2026-11-21", reason="")  # fmt: skip
    assert step.status_code in (200, 302)
    draft.refresh_from_db()
    assert draft.number == "PM-1"
