"""What receipts pay of invoices: what is named first, else the oldest; said in one place."""

from datetime import date
from decimal import Decimal as D

import pytest

from talent.words import Role
from tests import factories
from tests.valuation.cash.accounting import mt940
from tests.valuation.world import JULY, OCTOBER, TONIGHT
from valuation import night
from valuation.cash.received import allocations, bank_lines, remittances
from valuation.cash.received.allocations import NotAllocatable, Said
from valuation.cash.released import matching
from valuation.invoices.settled import open_by_invoice, with_paid
from valuation.models import BankLine, Invoice, InvoiceLine, Reading, RemittanceMatch
from valuation.words import AllocationTarget

pytestmark = pytest.mark.usefixtures("without_statements")

T = AllocationTarget


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def invoiced(world, accountant):
    """1,000.00 is owed for one reading: 600 asked for by INV-1, the rest by INV-2."""
    world.line(unit_price=D(100))
    world.use("10")
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)
    world.invoices = [make_invoice(world, accountant, f"INV-2026-{n}", D(amount), n)
                      for n, amount in ((1, 600), (2, 400))]  # fmt: skip
    return world


def make_invoice(world, by, number, amount, month):
    invoice = Invoice.objects.create(
        kind="invoice", agency=world.agency, licensee=world.licensee, currency="USD",
        through=date(2026, 9, 30), net=amount, tax=0, total=amount, drawn_up_at=TONIGHT,
        drawn_up_by=by, content={},
    )  # fmt: skip
    InvoiceLine.objects.create(
        invoice=invoice, position=1, kind="use", agreement=world.agreement,
        reading=Reading.objects.get(), label="Lines", period_on=JULY, period_ends_on=OCTOBER,
        amount=amount, currency="USD", tax_category="O",
    )  # fmt: skip
    issued = date(2026, 9 + month, 1)
    Invoice.objects.filter(pk=invoice.pk).update(number=number, issued_on=issued, due_on=issued)
    return Invoice.objects.get(pk=invoice.pk)


def receive(world, amount, reference="WIRE-1"):
    return remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount),
        currency="USD", received_on=date(2026, 10, 20), reference=reference, by=None, now=TONIGHT,
    )  # fmt: skip


def open_now(world, on=date(2026, 12, 31)):
    """Return what is left of each invoice; receipts read the same as lists say."""
    found = open_by_invoice(agency_id=world.agency.pk)
    own = Invoice.objects.filter(pk__in=[one.pk for one in world.invoices])
    listed = with_paid(own, on).order_by("issued_on")
    left = [sum(found.get(one.pk, {}).values()) for one in world.invoices]
    assert left == [one.left for one in listed]
    return left


def allocated(world, by, receipt, *amounts, rest="0"):
    """Have a receipt pay so much of each invoice, and put the rest on account."""
    said = [
        Said(T.INVOICE, invoice.pk, D(amount))
        for invoice, amount in zip(world.invoices, amounts, strict=True)
        if D(amount)
    ]
    said += [Said(T.ON_ACCOUNT, None, D(rest))] if D(rest) else []
    seen = allocations.plan(receipt, said).digest
    return allocations.allocate(remittance=receipt, said=said, seen=seen, by=by, at=TONIGHT)


def test_money_that_names_nothing_pays_the_oldest_invoice_first(invoiced):
    receive(invoiced, "700")
    matching.match_unmatched(agency_id=invoiced.agency.pk, now=TONIGHT)

    assert open_now(invoiced) == [0, 300]


def test_what_is_allocated_to_invoices_pays_those(invoiced, accountant):
    receipt = receive(invoiced, "700")
    first, second = (one.pk for one in invoiced.invoices)
    said = [Said(T.INVOICE, first, D(600)), Said(T.INVOICE, second, D(100))]
    seen = allocations.plan(receipt, said).digest
    allocations.allocate(remittance=receipt, said=said, seen=seen, by=accountant, at=TONIGHT)

    assert open_now(invoiced) == [0, 300]
    allocations.unmatch(remittance=receipt, reason="Wrong.", by=accountant, at=TONIGHT)
    assert open_now(invoiced) == [600, 400]


def test_no_more_is_allocated_to_an_invoice_than_is_open_of_it(invoiced):
    receipt = receive(invoiced, "700")

    with pytest.raises(NotAllocatable, match=r"INV-2026-1: only \$600.00 is owed"):
        allocations.plan(receipt, [Said(T.INVOICE, invoiced.invoices[0].pk, D(700))])
    # Of one reading, invoice and agreement together get no more than is owed.
    said = [Said(T.INVOICE, invoiced.invoices[0].pk, D(600)),
            Said(T.AGREEMENT, invoiced.agreement.pk, D(100))]  # fmt: skip
    plan = allocations.plan(receipt, said)
    assert [sum(one.money.values()) for one in plan.paid] == [600, 100]


def test_a_newer_invoice_is_paid_before_an_older_one_that_asks_for_the_same_use(
    invoiced, accountant
):
    receipt = receive(invoiced, "700")
    allocated(invoiced, accountant, receipt, 0, 400, rest="300")
    assert open_now(invoiced) == [600, 0]

    # Other money pays the oldest, whoever came first; what is left of the first is said anew.
    receive(invoiced, "100", "WIRE-2")
    matching.match_unmatched(agency_id=invoiced.agency.pk, now=TONIGHT)
    assert open_now(invoiced) == [500, 0]
    allocated(invoiced, accountant, receipt, 500, 150, rest="50")
    assert open_now(invoiced) == [0, 250]

    # What is paid by a day knows no receipt of a later one.
    listed = with_paid(Invoice.objects.issued(), date(2026, 10, 19)).order_by("issued_on")
    assert next(iter(listed)).left == 600
    # The use is amended: what the receipt pays no more is open on no invoice of it.
    Reading.objects.update(gross=D(500))
    matching.give_back(agreement_id=invoiced.agreement.pk, as_of=date(2026, 11, 23), now=TONIGHT)
    assert sum(open_now(invoiced)) == 500
    credit = make_invoice(invoiced, accountant, "CRE-2026-3", D(-500), 3)
    assert sum(open_now(invoiced)) == 0
    assert with_paid(Invoice.objects.filter(pk=credit.pk), date(2026, 12, 31)).get().left == 0
    allocations.unmatch(remittance=receipt, reason="Wrong.", by=accountant, at=TONIGHT)
    matching.match_unmatched(agency_id=invoiced.agency.pk, now=TONIGHT)
    assert sum(open_now(invoiced)) == 400


def test_what_settles_a_difference_pays_the_invoice_that_it_was_said_of(invoiced, accountant):
    receipt, second = receive(invoiced, "360"), invoiced.invoices[1].pk
    said = [Said(T.INVOICE, second, D(360), "source_tax", D(40), "Certificate 7")]
    seen = allocations.plan(receipt, said).digest
    allocations.allocate(remittance=receipt, said=said, seen=seen, by=accountant, at=TONIGHT)

    assert open_now(invoiced) == [600, 0]
    assert allocations.proposed(receipt) == [Said(T.AGREEMENT, invoiced.agreement.pk, D(360))]


def test_what_a_person_sees_of_a_receipt_counts_as_if_it_paid_nothing(invoiced, accountant):
    receipt = receive(invoiced, "400", "INV-2026-2")
    matching.match_unmatched(agency_id=invoiced.agency.pk, now=TONIGHT)
    # Nobody allocated it: what it names comes before what is older.
    assert open_now(invoiced) == [600, 0]

    assert allocations.proposed(receipt) == [Said(T.INVOICE, invoiced.invoices[1].pk, D(400))]
    allocated(invoiced, accountant, receipt, 0, 400)
    assert open_now(invoiced) == [600, 0]


def test_a_reference_that_names_an_invoice_is_proposed_for_that_and_then_the_oldest(invoiced):
    receipt = receive(invoiced, "1100", "Payment of INV-2026-1")

    assert list(receipt.invoices.all()) == [invoiced.invoices[0]]
    said = allocations.proposed(receipt)
    assert said == [
        Said(T.INVOICE, invoiced.invoices[0].pk, D(600)),
        Said(T.AGREEMENT, invoiced.agreement.pk, D(400)),
        Said(T.ON_ACCOUNT, None, D(100)),
    ]
    newer = receive(invoiced, "1100", "Payment of INV-2026-2")
    said = allocations.proposed(newer)
    assert said == [
        Said(T.INVOICE, invoiced.invoices[1].pk, D(400)),
        Said(T.AGREEMENT, invoiced.agreement.pk, D(600)),
        Said(T.ON_ACCOUNT, None, D(100)),
    ]
    allocations.plan(newer, said)


def test_a_bank_line_that_names_an_invoice_is_proposed_for_its_licensee(invoiced, accountant):
    content = mt940((40_000, "SOMEBODY", "INV-2026-2"), (60_000, "SOMEBODY", "thanks"))
    bank_lines.upload(
        agency=invoiced.agency, content=content, name="b.sta", by=accountant, at=TONIGHT
    )
    named, other = BankLine.objects.order_by("pk")
    found = bank_lines.proposals_of([named, other])

    (proposal,) = found[named.pk]
    assert [reason.value for reason in proposal.reasons] == ["reference", "amount"]
    assert [debt.invoice for debt in proposal.named] == [invoiced.invoices[1].pk]
    assert found[other.pk] == []
    client = factories.sign_in(accountant)
    factories.run_action(client, "record_as_proposed", named)
    matching.match_unmatched(agency_id=invoiced.agency.pk, now=TONIGHT)
    assert RemittanceMatch.objects.get().amount == 400
