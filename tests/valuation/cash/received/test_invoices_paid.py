"""What receipts pay of invoices: what is named first, else the oldest; said in one place."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talent.words import Role
from tests import factories
from tests.valuation.cash.accounting import mt940
from tests.valuation.world import JULY, OCTOBER, TONIGHT
from valuation import night
from valuation.cash.received import allocations, bank_lines, remittances
from valuation.cash.received.allocations import NotAllocatable, Said
from valuation.cash.released import matching
from valuation.invoices.settled import with_paid
from valuation.ledger.open_invoices import open_by_invoice, shared_out
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


def open_now(world):
    found = open_by_invoice(Invoice.objects.issued())
    return [sum(found.get(one.pk, {}).values()) for one in world.invoices]


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


def test_an_invoice_is_not_paid_before_an_older_one_that_asks_for_the_same_use(invoiced):
    receipt, second = receive(invoiced, "700"), invoiced.invoices[1].pk

    with pytest.raises(NotAllocatable, match="INV-2026-1 is older"):
        allocations.plan(
            receipt, [Said(T.INVOICE, second, D(400)), Said(T.ON_ACCOUNT, None, D(300))]
        )
    with pytest.raises(NotAllocatable, match="INV-2026-1 is older"):
        allocations.plan(
            receipt,
            [Said(T.INVOICE, invoiced.invoices[0].pk, D(599)), Said(T.INVOICE, second, D(101))],
        )


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
    assert [one.target for one in allocations.proposed(newer)] == [T.AGREEMENT, T.ON_ACCOUNT]
    allocations.plan(newer, allocations.proposed(newer))


@pytest.mark.parametrize("amount", ["1", "600", "700", "1000"])
def test_what_is_open_of_invoices_is_what_their_own_list_says(invoiced, accountant, amount):
    receive(invoiced, amount)
    matching.match_unmatched(agency_id=invoiced.agency.pk, now=TONIGHT)

    listed = with_paid(Invoice.objects.issued(), date(2026, 12, 31)).order_by("issued_on")

    assert open_now(invoiced) == [one.left for one in listed]


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


@given(data=st.data())
def test_however_money_came_what_is_open_of_invoices_is_what_is_owed_of_their_readings(data):
    amounts = st.integers(0, 50).map(D)
    readings = [1, 2]
    invoices = [Invoice(pk=n, issued_on=date(2026, 1, n)) for n in (1, 2, 3)]
    asked = {one.pk: {r: data.draw(amounts) for r in readings} for one in invoices}
    owed = {
        r: data.draw(st.integers(0, int(sum(asked[one.pk][r] for one in invoices))).map(D))
        for r in readings
    }

    found = shared_out(invoices, asked, owed)

    for r in readings:
        assert sum(parts.get(r, 0) for parts in found.values()) == owed[r]
    for invoice, parts in found.items():
        assert all(0 < amount <= asked[invoice][r] for r, amount in parts.items())
