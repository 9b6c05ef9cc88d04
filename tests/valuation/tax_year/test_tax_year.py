"""A tax year: what the bank booked, gross and withheld, and by which return it is reported."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import RuleSet
from talent.models import Beneficiary, DigitalTwin, TaxCertificate
from talent.words import Role
from tests.factories import make_agency, make_member, sign_in
from tests.valuation.cash.accounting import (
    AUTUMN,
    TODAY,
    add_details,
    approve,
    bank_line,
    draw_up,
)
from tests.valuation.world import TONIGHT, give_certificate
from valuation.cash.paid_out import payouts
from valuation.cash.released import directions
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import PaymentDirection, Posting
from valuation.statements import settled
from valuation.tax_year import returns
from valuation.tax_year.columns import BadColumnMap, ColumnMap
from valuation.words import AccountKind, EntryKind, HeldOut, IncomeKind, TaxReport

K = AccountKind
BOOKED = TODAY + timedelta(2)
NEXT_YEAR = date(2027, 1, 4)


@pytest.fixture
def world(world):
    load_rules()
    world.twin.legal_class = "independently_created"
    world.twin.save()
    return world


@pytest.fixture
def accountant(world):
    return make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world, accountant):
    colleague = make_member(world.agency, Role.BUSINESS_AFFAIRS)
    add_details(world, None, accountant, colleague)
    return colleague


def receive(world, amount, *, payee=None, agreement=True, **taken):
    """Have an amount become payable, with commission, withholding or a trust taken beside it."""
    payee = payee or world.beneficiary
    sides = [Side(K(kind), -D(part), beneficiary_id=payee.pk) for kind, part in taken.items()]
    sides.append(Side(K.PAYABLE, -D(amount), beneficiary_id=payee.pk))
    journal.post(
        agency_id=world.agency.pk, kind=EntryKind.RELEASE, currency="USD",
        sides=[*sides, Side(K.TRUST_CASH, -sum(side.amount for side in sides))],
        effective_on=AUTUMN, recorded_at=TONIGHT, description="Received",
        agreement_id=world.agreement.pk if agreement else None,
    )  # fmt: skip


def pay(world, by, second, *, on=BOOKED):
    """Pay all that is payable, and have the bank book it."""
    run = draw_up(world, by)
    approve(run, second)
    for payment in run.payments.filter(entry__isnull=False):
        line = bank_line(world, -payment.amount, reference=payment.end_to_end, by=by, on=on)
        settled.confirm(line=line, by=by, at=TONIGHT)
    return run


def paid_payee(world, by, second, name, **fields):
    """A payee with an account, who is paid beside Ada."""
    payee = Beneficiary.objects.create(name=name, **fields)
    journal.post(
        agency_id=world.agency.pk, kind=EntryKind.RELEASE, currency="USD",
        sides=[Side(K.TRUST_CASH, D(1)), Side(K.PAYABLE, D(-1), beneficiary_id=payee.pk)],
        effective_on=AUTUMN, recorded_at=TONIGHT, description="Received",
        agreement_id=world.agreement.pk,
    )  # fmt: skip
    add_details(world, payee, by, second)
    return payee


def reported(world, year=2026):
    return returns.report(world.agency, year)


def test_what_the_bank_booked_stands_there_gross_with_what_was_taken(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "660", commission="100", withholding="240")
    assert not reported(world).returns
    pay(world, accountant, colleague)

    [one] = reported(world).returns
    assert one.report is TaxReport.FORM_1099_MISC
    assert (one.gross, one.commission, one.withheld, one.net) == (1000, 100, 240, 660)
    assert one.by_kind == {IncomeKind.ROYALTIES: 1000}
    assert not reported(world, 2025).returns
    assert not reported(world, 2027).returns


def test_parts_of_a_receipt_come_to_all_that_was_taken_of_it(world, accountant, colleague):
    """Of 100.00 payable with 33.33 withheld, a third is paid this year, the rest in the next."""
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "100", withholding="33.33")
    run = draw_up(world, accountant)
    payouts.change(
        payment_id=run.payments.get().pk,
        amount=D("33.33"),
        reason="Part",
        by=accountant,
        at=TONIGHT,
    )  # fmt: skip
    approve(run, colleague)
    payment = run.payments.get()
    line = bank_line(world, -payment.amount, reference=payment.end_to_end, by=accountant)
    settled.confirm(line=line, by=accountant, at=TONIGHT)
    pay(world, accountant, colleague, on=NEXT_YEAR)

    [first], [second] = reported(world).returns, reported(world, 2027).returns
    assert (first.net, first.withheld) == (D("33.33"), D("11.11"))
    assert (second.net, second.withheld) == (D("66.67"), D("22.22"))


def test_all_that_was_paid_equals_the_ledger(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "660", commission="100", withholding="240")
    paid_payee(world, accountant, colleague, "Heir")
    pay(world, accountant, colleague)

    booked = Posting.objects.filter(
        entry__kind="payout_booked", account__kind="in_transit", entry__effective_on__year=2026
    ).aggregate(sum=Sum("amount"))["sum"]
    year = reported(world)
    assert sum(one.net for one in year.returns) == booked == 660  # the heir has no tax form yet
    give_certificate(Beneficiary.objects.get(name="Heir"))
    pay(world, accountant, colleague)
    assert sum(one.net for one in reported(world).returns) == 661
    for one in reported(world).returns:
        assert one.gross == one.net + one.commission + one.withheld + one.trust


def test_wages_go_to_a_paymaster_and_never_on_a_1099(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "900", commission="100")
    pay(world, accountant, colleague)
    for legal_class in ("employment_based", "background"):
        DigitalTwin.objects.filter(pk=world.twin.pk).update(legal_class=legal_class)

        year = reported(world)
        assert [one.report for one in year.returns] == [TaxReport.PAYMASTER]
        assert not list(returns.rows(year, TaxReport.FORM_1099_MISC))
        [row] = returns.rows(year, TaxReport.PAYMASTER)
        assert (row["gross"], row["agreements"]) == (1000, "NA-1")
        assert year.returns_due == 0


def test_an_heir_is_paid_no_wages(world, accountant, colleague):
    DigitalTwin.objects.filter(pk=world.twin.pk).update(legal_class="employment_based")
    heir = paid_payee(world, accountant, colleague, "Heir")
    give_certificate(heir)
    receive(world, "2500", payee=heir)
    pay(world, accountant, colleague)

    [one] = reported(world).returns
    assert (one.report, one.by_kind) == (TaxReport.FORM_1099_MISC, {IncomeKind.OTHER: 2501})


@pytest.mark.parametrize(
    ("amount", "withheld", "is_due"),
    [("9.99", "0", False), ("10.00", "0", True), ("1.00", "0.01", True)],
)
def test_royalties_are_reported_from_ten_dollars_or_once_tax_was_withheld(
    world, accountant, colleague, amount, withheld, is_due
):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, amount, withholding=withheld)
    pay(world, accountant, colleague)

    [one] = reported(world).returns
    assert one.is_due is is_due


def test_other_income_is_reported_from_the_threshold_of_its_year(world, accountant, colleague):
    heir = paid_payee(world, accountant, colleague, "Heir")
    give_certificate(heir)
    receive(world, "1998.99", payee=heir)
    pay(world, accountant, colleague)
    assert not reported(world).returns[0].is_due

    RuleSet.objects.filter(code="tax.other_income_report").delete()
    # A threshold that is not known leaves nobody out.
    assert reported(world).returns[0].is_due


def test_who_gave_a_w8ben_stands_on_a_1042_s_with_rate_and_exemption(world, accountant, colleague):
    TaxCertificate.objects.all().delete()
    give_certificate(world.beneficiary, "15", form="w8ben", residence="GB", rate_source="Treaty")
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "85", withholding="15")
    pay(world, accountant, colleague)

    year = reported(world)
    [row] = returns.rows(year, TaxReport.FORM_1042_S)
    assert (row["gross"], row["withheld"], row["rate"], row["residence"]) == (100, 15, 15, "GB")
    assert (row["income_code"], row["exemption"], row["tin"]) == ("12", "04", "")
    TaxCertificate.objects.update(withholding_percent=30)
    [row] = returns.rows(reported(world), TaxReport.FORM_1042_S)
    assert row["exemption"] == "00"


def test_the_form_that_counts_is_the_one_in_force_on_the_day_of_payment(
    world, accountant, colleague
):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "100")
    pay(world, accountant, colleague)
    give_certificate(
        world.beneficiary, form="w8ben", residence="GB", signed_on=BOOKED + timedelta(1)
    )
    assert reported(world).returns[0].report is TaxReport.FORM_1099_MISC

    TaxCertificate.objects.filter(form="w9").update(expires_on=BOOKED - timedelta(1))
    [one] = reported(world).returns
    assert (one.report, one.held_out) == (TaxReport.HELD_OUT, HeldOut.NO_FORM)
    assert not any(list(returns.rows(reported(world), target)) for target in returns.COLUMN_RULES)


def test_what_a_letter_has_paid_to_somebody_else_is_income_of_whose_money_it_is(
    world, accountant, colleague
):
    """1,000.00 came in: 100.00 commission, and of the 900.00 a fifth, 180.00, to a manager.

    The bank pays Ada's 720.00 in 2026: four fifths of the receipt, 800.00 gross with 80.00 of the
    commission. The manager's 180.00 leave in 2027: 200.00 gross of hers with 20.00 of it.
    """
    manager = Beneficiary.objects.create(name="A manager", payee_of=world.agency)
    letter = PaymentDirection.objects.create(
        agency=world.agency, beneficiary=world.beneficiary, payee=manager, kind="letter",
        currency="USD", base="payable", percent=20, starts_on=AUTUMN, written_on=AUTUMN,
        written_at=TONIGHT, written_by=accountant, is_revocable=True, source="Letter",
    )  # fmt: skip
    receive(world, "900", commission="100")
    directions.approve(direction_id=letter.pk, by=colleague, at=TONIGHT)
    add_details(world, world.beneficiary, accountant, colleague)
    pay(world, accountant, colleague)
    give_certificate(manager)
    add_details(world, manager, accountant, colleague)
    run = pay(world, accountant, colleague, on=NEXT_YEAR)

    def told(year):
        return {
            one.beneficiary.name: (one.gross, one.commission, one.directed, one.net)
            for one in reported(world, year).returns
        }

    assert told(2026) == {"Ada Example": (800, 80, 0, 720)}
    assert told(2027) == {"Ada Example": (200, 20, 180, 0), "A manager": (0, 0, 0, 180)}
    year = reported(world, 2027)
    (ada,) = year.due(TaxReport.FORM_1099_MISC)
    assert (ada.beneficiary, ada.by_kind) == (world.beneficiary, {IncomeKind.ROYALTIES: 200})
    (held,) = [one for one in year.returns if one.held_out]
    assert (held.held_out, held.for_whom) == (HeldOut.DIRECTED, ((world.beneficiary, D(180)),))
    page = asked(sign_in(accountant), world, year=2027).content.decode()
    assert "$180.00 for Ada Example, whose income it is." in page
    summary = asked(sign_in(accountant), world, year=2027, format="summary")
    rows = {row["payee"]: row for row in csv.DictReader(io.StringIO(b"".join(summary).decode()))}
    assert (rows["Ada Example"]["directed"], rows["A manager"]["for_whom"]) == (
        "180.00", "Ada Example: 180.00",
    )  # fmt: skip

    reference = run.payments.get(beneficiary=manager).end_to_end
    back = bank_line(
        world, "180", reference=reference, by=accountant, on=NEXT_YEAR + timedelta(400)
    )
    settled.give_back(line=back, by=accountant, at=TONIGHT)
    (ada,) = reported(world, 2027).due(TaxReport.FORM_1099_MISC)
    assert (ada.gross, ada.sent_back, ada.is_corrected) == (0, 180, True)


def test_what_no_agreement_brought_is_held_out(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "100", agreement=False)
    pay(world, accountant, colleague)

    assert [one.held_out for one in reported(world).returns] == [HeldOut.NO_AGREEMENT]


def test_a_payment_that_comes_back_after_the_year_corrects_the_return(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "660", withholding="240")
    run = pay(world, accountant, colleague)
    reference = run.payments.get().end_to_end
    back = bank_line(world, "660", reference=reference, by=accountant, on=NEXT_YEAR)
    settled.give_back(line=back, by=accountant, at=TONIGHT)

    [one] = reported(world).returns
    assert (one.is_corrected, one.sent_back, one.gross) == (True, 660, 0)
    [row] = returns.rows(reported(world), TaxReport.FORM_1099_MISC)
    assert (row["corrected"], row["royalties"]) == ("yes", 0)
    assert not reported(world, 2027).returns


def test_one_that_comes_back_within_the_year_was_never_paid(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "660")
    run = pay(world, accountant, colleague)
    reference = run.payments.get().end_to_end
    back = bank_line(world, "660", reference=reference, by=accountant, on=date(2026, 12, 31))
    settled.give_back(line=back, by=accountant, at=TONIGHT)

    assert not reported(world).returns


def test_the_tax_year_is_that_of_the_agencys_country(world, accountant, colleague):
    """In the United Kingdom it begins on 6 April; an agency there files nothing in America."""
    world.agency.country = "GB"
    world.agency.save()
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "100")
    pay(world, accountant, colleague, on=date(2027, 4, 5))

    [one] = reported(world).returns
    assert one.report is TaxReport.NONE
    assert not reported(world, 2027).returns


def test_it_costs_the_same_queries_however_many_are_paid(world, accountant, colleague):
    def queries():
        with CaptureQueriesContext(connection) as made:
            list(returns.rows(reported(world), TaxReport.FORM_1099_MISC))
        return len(made)

    give_certificate(paid_payee(world, accountant, colleague, "One"))
    pay(world, accountant, colleague)
    few = queries()
    for name in ("Two", "Three"):
        give_certificate(paid_payee(world, accountant, colleague, name))
    pay(world, accountant, colleague)

    assert len(reported(world).returns) == 3
    assert queries() == few


# Columns and pages


def test_columns_that_are_not_verified_say_so_in_the_file():
    columns = ColumnMap.of(["Box 2=royalties"], ["royalties"], caveat="Prior knowledge")

    assert columns.header == ["Box 2", "UNVERIFIED COLUMNS"]
    assert list(columns.rows([{"royalties": D(7)}])) == [[D(7), "Prior knowledge"]]
    verified = ColumnMap.of(["Box 2=royalties"], ["royalties"], caveat="")
    assert (verified.header, list(verified.rows([{"royalties": 7}]))) == (["Box 2"], [[7]])


@pytest.mark.parametrize("told", [["Box 2=nothing"], ["royalties"], ["A=royalties", "A=royalties"]])
def test_a_map_that_names_nothing_is_refused(told):
    with pytest.raises(BadColumnMap):
        ColumnMap.of(told, ["royalties"], caveat="")


def asked(client, world, **about):
    return client.get(reverse("admin:tax_year"), {"agency": world.agency.pk, "year": 2026, **about})


def test_the_page_says_what_is_not_sure_and_sends_each_file(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "660", commission="100", withholding="240")
    pay(world, accountant, colleague)
    client = sign_in(accountant)

    page = asked(client, world).content.decode()
    for text in ("$1,000.00", "columns unverified", "no taxpayer numbers", "Below 10"):
        assert text in page
    sent = asked(client, world, format="1099_misc")
    assert "UNVERIFIED" in sent["Content-Disposition"]
    [row] = csv.DictReader(io.StringIO(b"".join(sent).decode()))
    assert (row["Box 2 royalties"], row["Box 4 federal income tax withheld"]) == (
        "1000.00", "240.00",
    )  # fmt: skip
    assert (row["Recipient TIN"], row["UNVERIFIED COLUMNS"]) == (
        "",
        "Prior knowledge, not verified",
    )
    [total] = csv.DictReader(io.StringIO(b"".join(asked(client, world, format="summary")).decode()))
    assert (total["gross"], total["net"], total["report"]) == ("1000.00", "660.00", "1099_misc")


def test_another_agency_sees_nothing_of_it(world, accountant, colleague):
    add_details(world, world.beneficiary, accountant, colleague)
    receive(world, "660")
    pay(world, accountant, colleague)
    stranger = make_member(make_agency("elsewhere"), Role.ACCOUNTING, email="s@elsewhere.example")

    for kind in ("", "summary", "1099_misc"):
        answer = asked(sign_in(stranger), world, format=kind)
        assert b"660" not in answer.content
    assert asked(sign_in(colleague), world).status_code == 403
