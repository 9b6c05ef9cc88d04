"""Statements of agreements with guarantees, advances and reserves, and of receipts given back."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from licensing.models import Advance, Agreement, Guarantee, UsageEvent
from talent.words import Role
from tests import factories
from tests.valuation.world import JULY, TONIGHT
from valuation import night
from valuation.cash.received import allocations, remittances, requests
from valuation.cash.received.allocations import Said
from valuation.cash.released import matching
from valuation.models import Remittance, Statement
from valuation.statements import snapshot
from valuation.statements.page_values import statement_values
from valuation.words import AllocationTarget, Bearer

pytestmark = pytest.mark.usefixtures("short_papers")

OCTOBER_5 = date(2026, 10, 5)


def run_night(as_of=OCTOBER_5):
    return night.run_night(
        as_of=as_of, now=datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC)
    )


def receive(world, amount, reference="WIRE-1", on=date(2026, 8, 1)):
    remittances.record(
        agency_id=world.agency.pk,
        licensee_id=world.licensee.pk,
        amount=D(amount),
        currency="USD",
        received_on=on,
        reference=reference,
        by=None,
        now=TONIGHT,
    )
    matching.match_unmatched(
        agency_id=world.agency.pk, now=datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    )


def content():
    return snapshot.statement_from_json(Statement.objects.get(kind="beneficiary").content)


def roll_up():
    return snapshot.roll_up_from_json(Statement.objects.get(kind="roll_up").content)


def test_a_receipt_given_back_is_a_line_and_nothing_negative_is_payable(world):
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-05")
    run_night(date(2026, 7, 30))
    receive(world, "100")
    world.amend(UsageEvent.objects.get(), "4")

    run_night()

    stated = content()
    # 40 earned, 100 received and 60 given back, 4 commission: 36 payable, nothing outstanding.
    assert stated.earned == D(40)
    assert [receipt.amount for receipt in stated.receipts] == [D(100), D(-60)]
    assert (stated.closing_balance, stated.closing_accrued) == (D(36), D(0))
    assert roll_up().owed("closing_receivable") == D(0)


def test_a_true_up_is_a_line_of_its_own(world):
    Guarantee.objects.create(agreement=world.agreement, amount=D(500), period="quarter")
    world.line(unit_price=D(10))
    world.use("12", on="2026-07-05")

    run_night()

    stated = content()
    assert [(line.section.value, line.amount) for line in stated.lines] == [
        ("usage", D(120)),
        ("true_up", D(380)),
    ]
    assert (stated.earned, stated.closing_accrued) == (D(500), D(500))
    assert roll_up().owed("closing_receivable") == D(500)
    use = statement_values(stated)["groups"][0]["lines"][1]["what"]
    assert str(use) == "True-up to the guarantee"


def test_an_advance_and_what_use_paid_back_of_it_are_lines(world):
    Advance.objects.create(
        agreement=world.agreement, label="On signing", amount=D(1000), due_on=JULY
    )
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "1000")

    run_night()

    stated = content()
    assert {line.section.value: line.amount for line in stated.lines} == {
        "usage": D(300),
        "advance": D(1000),
        "recoupment": D(-300),
    }
    # 1,000 are earned or advanced, received and released; 700 are still to be paid back.
    assert (stated.earned, stated.received, stated.closing_balance) == (D(1000), D(1000), D(900))
    assert stated.closing_accrued == D(0)
    assert stated.beside is not None
    assert (stated.beside.opening_advances, stated.beside.advances) == (D(0), D(700))
    assert roll_up().owed("closing_receivable") == D(0)
    assert "Of what use earned, $300.00 pays advances back." in stated.in_words


def test_what_is_left_of_an_advance_is_told_whenever_the_night_posts_it(world):
    Advance.objects.create(
        agreement=world.agreement, label="On signing", amount=D(1000), due_on=JULY
    )
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")

    # The first night, long after the quarter.
    run_night(date(2026, 11, 28))

    stated = snapshot.statement_from_json(
        Statement.objects.get(kind="beneficiary", period_on=JULY).content
    )
    assert stated.beside is not None
    assert stated.beside.advances == D(700)


def test_what_is_held_in_reserve_is_a_line_and_so_is_its_release(world):
    Agreement.objects.update(reserve_percent=D(20), reserve_periods=1)
    world.line(unit_price=D(10))
    world.use("100", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "1000")

    run_night()

    stated = content()
    # 1,000 less 100 commission; a fifth of the 900 is held until the end of the next quarter.
    assert [(kept.kind.value, kept.amount) for kept in stated.deductions] == [
        ("commission", D(-100)),
        ("reserve", D(-180)),
    ]
    assert stated.closing_balance == D(720)
    assert stated.beside is not None
    assert stated.beside.reserve == D(180)

    run_night(date(2027, 1, 1))
    run_night(date(2027, 4, 1))

    first, last = Statement.objects.filter(kind="beneficiary").order_by("period_on")
    released = snapshot.statement_from_json(last.content)
    assert first.closing == D(720)
    assert [(kept.kind.value, kept.amount) for kept in released.deductions] == [("reserve", D(180))]
    assert released.closing_balance == D(900)
    assert released.beside is not None
    assert (released.beside.opening_reserve, released.beside.reserve) == (D(180), D(0))


def test_an_advance_by_the_agency_is_payable_at_once_and_kept_from_what_comes_in(world):
    Advance.objects.create(
        agreement=world.agreement, label="Ahead", amount=D(500), due_on=JULY, paid_back_from="net"
    )
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "300")

    run_night()

    stated = content()
    # 500 ahead; of 300 received 30 are commission and 270 pay back: 500 payable, 230 left.
    assert [(kept.kind.value, kept.amount) for kept in stated.deductions] == [
        ("commission", D(-30)),
        ("advances", D(-270)),
        ("advances", D(500)),
    ]
    assert stated.closing_balance == D(500)
    assert stated.beside is not None
    assert stated.beside.advances == D(230)
    texts = [str(row["text"]) for row in statement_values(stated)["deductions"]]
    assert texts[1:] == ["Kept for an advance", "Advanced by the agency"]


def test_tax_withheld_abroad_and_what_was_written_off_are_lines_of_what_was_kept(world):
    accountant = factories.make_member(world.agency, Role.ACCOUNTING)
    colleague = factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)
    world.line(unit_price=D(10))
    world.use("100", on="2026-07-05")
    run_night(date(2026, 7, 30))
    receive(world, "600")
    receipt = Remittance.objects.get()
    tax = {"reason": "source_tax", "difference": D(100), "note": "DE 7"}
    said = [Said(AllocationTarget.AGREEMENT, world.agreement.pk, D(600), **tax)]
    seen = allocations.plan(receipt, said).digest
    allocations.allocate(remittance=receipt, said=said, seen=seen, by=accountant, at=TONIGHT)
    asked = requests.ask_write_off(
        agreement=world.agreement, amount=D(300), bearer=Bearer.PAYEES, reason="Insolvent.",
        by=accountant, at=TONIGHT,
    )  # fmt: skip
    requests.approve(request_id=asked.pk, by=colleague, at=TONIGHT)

    run_night(date(2027, 1, 5))

    # 1,000 earned: 600 came, 100 was withheld abroad, 300 will not come; commission on 700.
    last = Statement.objects.filter(kind="beneficiary").order_by("period_on").last()
    first = Statement.objects.filter(kind="beneficiary").order_by("period_on").first()
    kept = {}
    for statement in {first, last}:
        for one in snapshot.statement_from_json(statement.content).deductions:
            kept[one.kind.value] = kept.get(one.kind.value, 0) + one.amount
    assert kept == {"commission": D(-70), "source_tax": D(-100), "written_off": D(-300)}
    assert (last.closing, last.outstanding) == (D(530), D(0))
