"""Plans are paid what was received of contributions, line by line, whatever comes later."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, Production, UsageEvent
from talent import four_eyes
from talent.models import Beneficiary
from talent.words import Role
from tests import factories
from tests.factories import admin_page, sign_in
from tests.valuation.cash.accounting import (
    BERLIN,
    add_details,
    approve,
    bank_line,
    draw_up,
)
from tests.valuation.world import JULY, TONIGHT
from valuation import night
from valuation.bank_files.payments import BankAccount
from valuation.cash import reconciliation
from valuation.cash.beside_use import plan_payees
from valuation.cash.paid_out import payouts, unclaimed
from valuation.cash.received import allocations, remittances
from valuation.cash.released import matching
from valuation.ledger import trial_balance
from valuation.models import PlanPayee, RemittedContribution
from valuation.models.ledger import FIRST_DAY
from valuation.reports import plan_contributions
from valuation.statements import settled
from valuation.tax_year import payments
from valuation.words import AccountKind, CashShare, PaymentScheme

pytestmark = pytest.mark.usefixtures("without_statements")
TODAY = TONIGHT.date()
LOOKED_AT = date(2026, 12, 1)
LONG_AGO = TONIGHT - timedelta(9)


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


def name_payee(world, by, payee, starts_on=JULY):
    return PlanPayee.objects.create(
        agency=world.agency, plan="theatrical", payee=payee, starts_on=starts_on, source="Manual",
        written_on=TODAY, written_at=TONIGHT, written_by=by,
    )  # fmt: skip


@pytest.fixture
def plan(world, accountant, colleague):
    """A plan is owed 205.00 on 1,000.00 of use, and has a payee with an account."""
    load_rules()
    picture = Production.objects.create(
        licensee=world.licensee, title="Harbor Nine", kind="feature",
        photography_starts_on=date(2026, 3, 2),
    )  # fmt: skip
    world.agreement.productions.add(picture)
    Agreement.objects.update(
        guild="sag_aftra", contribution_plan="theatrical", contribution_class="residuals",
        contributions_paid_by="desk",
    )  # fmt: skip
    payee = Beneficiary.objects.create(name="A plan", payee_of=world.agency)
    named = name_payee(world, accountant, payee)
    with pytest.raises(four_eyes.FourEyes):
        plan_payees.approve(named_id=named.pk, by=accountant, at=TONIGHT)
    plan_payees.approve(named_id=named.pk, by=colleague, at=TONIGHT)
    add_details(world, None, accountant, colleague)
    add_details(world, payee, accountant, colleague, account=BankAccount(
        "A plan", BERLIN, iban="FR1420041010050500013M02606"))  # fmt: skip
    world.line(unit_price=D(10))
    use(world, "100")
    return payee


def use(world, quantity, **fields):
    world.use(quantity, **fields)
    night.run_night(as_of=TODAY, now=TONIGHT)


def receive(world, amount, *, on=date(2026, 10, 5)):
    receipt = remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount), currency="USD",
        received_on=on, reference=f"W{on}", by=None, now=TONIGHT,
    )  # fmt: skip
    matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)
    return receipt


def owed(world):
    """Return what the books owe plans, not received and payable, and look that all fits."""
    rows = trial_balance.trial_balance(
        agency_id=world.agency.pk,
        period=trial_balance.Period(FIRST_DAY, LOOKED_AT, TONIGHT),
        currency="USD",
    )
    assert sum(row.figures.closing for row in rows) == 0
    found = reconciliation.reconcile(agency=world.agency, currency="USD", on=LOOKED_AT, now=TONIGHT)
    assert sum(part.amount for part in found.parts) == found.trust_cash
    own = [row for row in rows if row.kind is AccountKind.CONTRIBUTIONS and row.figures.closing]
    (listed,) = [part for part in found.parts if part.share is CashShare.CONTRIBUTIONS]
    assert {row.account_id for row in listed.rows} == {row.account_id for row in own}
    return {row.party: -row.figures.closing for row in own}


def paid_lines(payment):
    return [(row["period"], row["adjustment"], row["amount"])
            for row in plan_contributions.remitted(payment)]  # fmt: skip


def pay(world, accountant, colleague, payee, *, amount=None):
    run = draw_up(world, accountant)
    payment = run.payments.get(beneficiary=payee)
    assert (payment.holds, payment.pay_by) == ([], None)
    if amount:
        payment = payouts.change(
            payment_id=payment.pk, amount=amount, reason="Part", by=accountant, at=TONIGHT
        )
    approve(run, colleague)
    line = bank_line(world, -payment.amount, reference=payment.end_to_end, by=accountant)
    settled.confirm(line=line, by=accountant, at=TONIGHT)
    payment.refresh_from_db()
    return payment


THIRD = "1 July – 30 September 2026"
FOURTH = "1 October – 31 December 2026"


def test_it_is_payable_on_receipt_paid_line_by_line_and_a_correction_is_a_credit_of_the_next(
    world, plan, accountant, colleague
):
    studio = world.licensee.name
    assert owed(world) == {studio: 205}
    receipt = receive(world, "1100")
    # Use is the older debt; 100.00 of the 205.00 came in.
    assert owed(world) == {studio: 105, "A plan": 100}
    receive(world, "105", on=date(2026, 10, 6))
    assert owed(world) == {"A plan": 205}

    first = pay(world, accountant, colleague, plan)
    assert owed(world) == {}
    assert paid_lines(first) == [(THIRD, "no", 205)]
    assert (
        plan.name in bytes(payouts.fetch(run_id=first.run_id, by=accountant, at=TONIGHT)).decode()
    )
    # A plan has no income, and is nobody who may be lost.
    year, _rule = payments.tax_year(world.agency, 2026)
    assert payments.paid_in(world.agency, year) == []

    world.amend(UsageEvent.objects.get(), "40")
    use(world, "50", on="2026-10-15")
    # The fourth quarter's 102.50 are owed, of which the 723.00 that came back pay all.
    assert owed(world) == {"A plan": -20.5}
    with pytest.raises(payouts.NobodyToPay, match="no approved bank details; owes"):
        draw_up(world, accountant)
    use(world, "100", on="2026-11-02")
    receive(world, "2000", on=date(2026, 11, 20))
    assert owed(world) == {"A plan": D("184.50")}
    lying = unclaimed.lying(agency=world.agency, at=TONIGHT, least_days=0)
    assert plan not in [one.holder for one in lying]

    second = pay(world, accountant, colleague, plan)
    assert paid_lines(second) == [(THIRD, "yes", -123), (FOURTH, "no", D("307.50"))]
    assert second.amount == D("184.50")

    # It bounces: all of it is payable again, and the next payment says it again.
    back = bank_line(world, second.amount, reference=second.end_to_end, by=accountant)
    settled.give_back(line=back, by=accountant, at=TONIGHT)
    assert owed(world) == {"A plan": D("184.50")}
    account = BankAccount("A plan", BERLIN, iban="NL91ABNA0417164300")
    add_details(world, plan, accountant, colleague, account=account, at=LONG_AGO)
    world.amend(UsageEvent.objects.filter(kind="amendment").latest("pk"), "39")
    night.run_night(as_of=TODAY, now=TONIGHT)
    third = pay(world, accountant, colleague, plan, amount=D(100))
    assert paid_lines(third) == [(THIRD, "yes", D("-125.05")), (FOURTH, "yes", D("225.05"))]
    assert owed(world) == {"A plan": D("82.45")}
    # The first receipt was somebody else's: its part is taken back, below zero.
    allocations.unmatch(remittance=receipt, reason="Not theirs.", by=accountant, at=TONIGHT)
    assert owed(world) == {studio: D("182.45"), "A plan": -100}


def test_who_is_paid_for_a_plan_is_paid_nothing_else_and_another_begins_today(
    world, plan, accountant, colleague
):
    receive(world, "1205")
    twice = name_payee(world, accountant, Beneficiary.objects.create(
        name="Another", payee_of=world.agency))  # fmt: skip
    with pytest.raises(plan_payees.TooEarly):
        plan_payees.approve(named_id=twice.pk, by=colleague, at=TONIGHT)
    other = name_payee(world, accountant, world.beneficiary, starts_on=TODAY)
    with pytest.raises(plan_payees.NoPayeeOfPlans):
        plan_payees.approve(named_id=other.pk, by=colleague, at=TONIGHT)
    later = name_payee(world, accountant, twice.payee, starts_on=TODAY + timedelta(1))
    plan_payees.approve(named_id=later.pk, by=colleague, at=TONIGHT)
    with pytest.raises(plan_payees.NotItsTurn):
        plan_payees.approve(named_id=later.pk, by=colleague, at=TONIGHT)
    assert owed(world) == {"A plan": 205}

    # A part is paid, the rest with the next run; each line comes to what was paid. By NACHA, too.
    for whose, number in ((None, "12345"), (plan, "67890")):
        account = BankAccount("A plan", BERLIN, routing_number="021000021", number=number)
        add_details(world, whose, accountant, colleague, account=account, at=LONG_AGO)
    run = draw_up(world, accountant, scheme=PaymentScheme.NACHA)
    payment = run.payments.get(beneficiary=plan)
    payouts.change(payment_id=payment.pk, amount=D(200), reason="Part", by=accountant, at=TONIGHT)
    approve(run, colleague)
    assert b"0000020000" in payouts.fetch(run_id=run.pk, by=accountant, at=TONIGHT)
    assert [row.amount for row in RemittedContribution.objects.all()] == [200]
    assert owed(world) == {"A plan": 5}

    page = admin_page(type(payment), payment.pk)
    told = sign_in(accountant).get(page).content.decode()
    assert "Harbor Nine" in told
    sent = sign_in(accountant).get(
        reverse("admin:valuation_payoutpayment_advice", args=[payment.pk])
    )
    head, row = b"".join(sent.streaming_content).decode().splitlines()
    assert "UNVERIFIED" in head
    assert ",200.00," in row
    stranger = factories.make_member(factories.make_agency("other"), Role.ACCOUNTING)
    for row in (PlanPayee.objects.get(payee=plan), payment):
        assert sign_in(stranger).get(admin_page(type(row), row.pk)).status_code != 200
