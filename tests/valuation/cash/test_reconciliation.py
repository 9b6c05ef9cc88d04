"""The client account: bank equals books, books say whose money it is, differences have names."""

import subprocess
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.models import Hold
from talent.words import Role
from tests import factories
from tests.factories import sign_in
from tests.valuation.cash.accounting import (
    AUTUMN,
    TODAY,
    add_details,
    approve,
    draw_up,
    mt940,
    receive,
)
from tests.valuation.world import TONIGHT
from valuation.cash.paid_out import commission, payouts
from valuation.cash.received import bank_lines
from valuation.cash.reconciliation import reconcile
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Account, BankLine, JournalEntry, Posting
from valuation.statements import settled
from valuation.words import AccountKind, CashDifference, CashShare, EntryKind, LedgerSyntax

K = AccountKind
CLOSES = date(2026, 9, 30)
OTHERS = [kind for kind in AccountKind if kind is not K.TRUST_CASH]


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


def upload(world, by, *lines, **about):
    bank_lines.upload(
        agency=world.agency, content=mt940(*lines, **about), name="a.sta", by=by, at=TONIGHT
    )


def reconciled(world, on=TODAY):
    return reconcile(agency=world.agency, currency="USD", on=on, now=TONIGHT)


def shares(found):
    return {part.share: part.amount for part in found.parts if part.amount}


def test_the_month_of_an_accountant_from_bank_file_to_payout(world, accountant, colleague):
    """Received by a bank line, released, paid out, commission drawn: bank and books agree."""
    add_details(world, None, accountant, colleague)
    add_details(world, world.beneficiary, accountant, colleague)
    world.line(unit_price=D(100))
    upload(world, accountant, (33_000, world.licensee.name, "NA-1"))
    line = BankLine.objects.get()
    assert reconciled(world).differences == ((CashDifference.WAITS, D(330)),)
    bank_lines.record(line=line, licensee=world.licensee, by=accountant, at=TONIGHT)
    assert shares(reconciled(world)) == {CashShare.CREDITS: D(330)}
    journal.post(
        agency_id=world.agency.pk, kind=EntryKind.RELEASE, currency="USD",
        sides=[
            Side(K.UNMATCHED, D(330), licensee_id=world.licensee.pk),
            Side(K.PAYABLE, D(-300), beneficiary_id=world.beneficiary.pk),
            Side(K.COMMISSION, D(-30), beneficiary_id=world.beneficiary.pk),
        ],
        effective_on=CLOSES, recorded_at=TONIGHT, description="Released",
        agreement_id=world.agreement.pk,
    )  # fmt: skip
    run = draw_up(world, accountant)
    approve(run, colleague)
    assert shares(reconciled(world)) == {
        CashShare.IN_TRANSIT: D(300), CashShare.COMMISSION: D(30),
    }  # fmt: skip
    assert reconciled(world).difference == 0

    upload(
        world, accountant, (-30_000, "Payroll", run.reference), (-1_000, "Own account", "October"),
        opening="330,00", number="2", closing="C260930USD20,00",
    )  # fmt: skip
    paid, drawn = BankLine.objects.filter(amount__lt=0).order_by("amount")
    settled.confirm(line=paid, by=accountant, at=TONIGHT)
    commission.draw(line=drawn, by=accountant, at=TONIGHT)

    found = reconciled(world)
    assert (found.bank, found.trust_cash, found.differences) == (D(20), D(20), ())
    assert shares(found) == {CashShare.COMMISSION: D(20)}


def test_each_difference_has_its_name_and_they_come_to_it(world, accountant):
    upload(
        world, accountant, (-500, "City Bank", "Fee"), (7_000, "Studio", "June"),
        opening="100,00", closing="C260930USD165,00",
    )  # fmt: skip
    fee = BankLine.objects.get(amount__lt=0)
    bank_lines.set_aside(line=fee, reason="A fee", by=accountant, at=TONIGHT)
    upload(
        world, accountant, (100, "Studio", "July"), opening="170,00", number="3",
        closing="C260930USD171,00",
    )  # fmt: skip
    receive(world, world.beneficiary, "40")

    found = reconciled(world)

    assert dict(found.differences) == {
        CashDifference.WAITS: D(71),
        CashDifference.SET_ASIDE: D(-5),
        CashDifference.BEFORE: D(100),
        CashDifference.MISSING: D(5),
        CashDifference.BOOKS_ONLY: D(-40),
    }
    assert sum(dict(found.differences).values()) == found.difference == D(131)


def test_a_day_knows_nothing_of_the_days_after_it(world, accountant):
    upload(world, accountant, (7_000, "Studio", "June"))
    receive(world, world.beneficiary, "40", on=CLOSES)

    later = mt940((100, "Studio", "July"), opening="70,00", closing="C261031USD71,00", number="2")
    later = later.replace(b":61:260920", b":61:261020")
    bank_lines.upload(agency=world.agency, content=later, name="b", by=accountant, at=TONIGHT)

    before = reconciled(world, CLOSES - timedelta(1))

    assert (before.bank, before.trust_cash, before.differences) == (None, 0, ())
    assert reconciled(world, CLOSES).bank == D(70)
    assert dict(reconciled(world, CLOSES).differences)[CashDifference.WAITS] == D(70)
    assert reconciled(world, date(2198, 12, 31)).trust_cash == D(40)


def test_who_owes_money_back_and_what_is_in_dispute_stand_apart(world):
    bo = factories.make_performer("Bo", world.agency)
    owing = world.beneficiary.__class__.objects.create(name="Bo", performer=bo)
    receive(world, world.beneficiary, "40")
    receive(world, owing, "-10")
    Hold.objects.create(kind="dispute", performer=world.performer, starts_at=TONIGHT, reason="D")

    found = reconciled(world)

    assert shares(found) == {CashShare.PAYABLE: D(40), CashShare.OWED_BACK: D(-10)}
    assert found.on_hold == D(40)
    # It began this night: of the day before it kept nothing, and of later days what it keeps.
    assert reconciled(world, TONIGHT.date() - timedelta(2)).on_hold == 0
    assert reconciled(world, date(2027, 1, 1)).on_hold == D(40)


def test_what_a_dispute_of_a_line_holds_is_a_part_of_its_own_from_its_day_on(world):
    receive(world, world.beneficiary, "40")
    journal.post(
        agency_id=world.agency.pk, kind=EntryKind.DISPUTE, currency="USD",
        sides=[Side(K.PAYABLE, D(15), beneficiary_id=world.beneficiary.pk),
               Side(K.HELD, D(-15), beneficiary_id=world.beneficiary.pk)],
        effective_on=AUTUMN + timedelta(1), recorded_at=TONIGHT, description="In dispute",
    )  # fmt: skip

    assert shares(reconciled(world, AUTUMN)) == {CashShare.PAYABLE: D(40)}
    assert shares(reconciled(world, AUTUMN + timedelta(1))) == {
        CashShare.PAYABLE: D(25), CashShare.HELD: D(15),
    }  # fmt: skip


moves = st.lists(
    st.tuples(
        st.sampled_from([kind for kind in AccountKind if kind is not K.TRUST_CASH]),
        st.sampled_from(
            [kind for kind in AccountKind if kind is not K.TRUST_CASH] + [K.TRUST_CASH]
        ),
        st.integers(1, 10_000),
    ),
    max_size=6,
)


@given(moves)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_posted_the_shares_come_to_the_trust_cash(world, posted):
    for debit, credit, cents in posted:
        journal.post(
            agency_id=world.agency.pk, kind=EntryKind.RELEASE, currency="USD",
            sides=[Side(debit, D(cents) / 100), Side(credit, D(-cents) / 100)],
            effective_on=CLOSES, recorded_at=TONIGHT, description="X",
        )  # fmt: skip

    found = reconciled(world)

    assert sum((part.amount for part in found.parts), D(0)) == found.trust_cash


@pytest.mark.judge("hledger")
def test_hledger_sees_the_same_trust_cash_and_payables(world, accountant, colleague, tmp_path):
    add_details(world, None, accountant, colleague)
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, world.beneficiary, "300", commission="30")
    run = draw_up(world, accountant)
    payouts.change(
        payment_id=run.payments.get().pk, amount=D(120), reason="Part", by=accountant, at=TONIGHT
    )
    approve(run, colleague)
    file = tmp_path / "books.journal"
    entries = JournalEntry.objects.filter(agency=world.agency)
    file.write_text("".join(journal.export(entries=entries, syntax=LedgerSyntax.HLEDGER)))

    found = reconciled(world)

    def told(account):
        command = [
            "hledger",
            "-f",
            str(file),
            "balance",
            "--depth",
            "2",
            "-N",
            "-O",
            "csv",
            account,
        ]
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout  # noqa: S603
        return D(answer.splitlines()[1].split(",")[1].strip('"').split()[0])

    assert told("Assets:Trust-Cash") == found.trust_cash == D(330)
    assert -told("Liabilities:Payable") == shares(found)[CashShare.PAYABLE] == D(180)
    assert -told("Liabilities:In-Transit") == shares(found)[CashShare.IN_TRANSIT] == D(120)


def test_the_page_names_each_figure_leads_to_it_and_changes_nothing(world, accountant):
    upload(world, accountant, (7_000, "Studio", "June"))
    receive(world, world.beneficiary, "40", on=CLOSES)
    page = reverse("admin:reconciliation")
    client = sign_in(accountant)

    shown = client.get(page)

    assert "Bank lines that nobody has decided about" in shown.text
    assert f"Payable to {world.beneficiary.name}" in shown.text
    for _label, _amount, url in shown.context["differences"]:
        assert client.get(url).status_code == 200
    rows = [row for _label, _amount, of_part in shown.context["parts"] for row in of_part]
    for _name, _figure, url in rows:
        assert client.get(url).status_code == 200
    text = b"".join(client.get(page + shown.context["csv"])).decode()
    assert f"2026-09-30,Payable to payees,Payable to {world.beneficiary.name} (USD),40" in text
    assert Posting.objects.count() == 2


def test_without_a_statement_the_page_opens_on_what_was_posted_last(world, accountant):
    Account.objects.create(agency=world.agency, kind=K.TRUST_CASH, currency="EUR")
    receive(world, world.beneficiary, "40", on=CLOSES)

    shown = sign_in(accountant).get(reverse("admin:reconciliation"))

    assert shown.context["found"].currency == "USD"


def test_nobody_reconciles_another_agency(world, accountant):
    theirs = factories.make_agency("eastlight")
    stranger = factories.make_member(theirs, Role.ACCOUNTING)
    receive(world, world.beneficiary, "40", on=CLOSES)
    Account.objects.create(agency=theirs, kind=K.TRUST_CASH, currency="USD")
    asked = {"agency": world.agency.pk, "currency": "USD", "on": str(CLOSES)}

    shown = sign_in(stranger).get(reverse("admin:reconciliation"), asked)

    assert world.beneficiary.name not in shown.text
    assert shown.context["found"] is None
