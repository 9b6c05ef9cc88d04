"""What a statement explains: brackets, rates with their base, receipts by line, days by the law."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import DealTerms
from talent.models import Agency, TaxCertificate
from talent.words import Role
from tests.factories import make_member
from tests.valuation.world import TONIGHT, give_certificate, make_composite
from valuation import night
from valuation.cash.received import remittances
from valuation.models import Statement
from valuation.statements import money_chart, snapshot, steps
from valuation.words import AccountKind

AS_OF = date(2026, 11, 22)

pytestmark = pytest.mark.usefixtures("short_papers")


def run_night(as_of=AS_OF, now=TONIGHT):
    return night.run_night(as_of=as_of, now=now)


def receive(world, amount, reference="WIRE-1", on=date(2026, 9, 20)):
    remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount), currency="USD",
        received_on=on, reference=reference, by=None, now=TONIGHT,
    )  # fmt: skip


def stated(**of):
    statement = Statement.objects.filter(kind="beneficiary", **of).latest("period_on", "pk")
    return snapshot.statement_from_json(statement.content)


def brackets(line):
    return [(part.bracket, part.quantity, part.price, part.amount) for part in line.parts]


def issue(world, statement):
    ria, ben = (
        make_member(world.agency, Role.ACCOUNTING, email=f"{name}@harbour.example")
        for name in ("ria", "ben")
    )
    at = max(TONIGHT, datetime.combine(statement.period_ends_on, time(12), UTC))
    steps.review(statement_id=statement.pk, by=ria, at=at)
    steps.approve(statement_id=statement.pk, by=ben, at=at)
    steps.issue(statement_id=statement.pk, by=ben, at=at)


@pytest.fixture
def dubbed(world):
    """136 lines of the brackets' 7,620.00, of which 5,000.00 came in."""
    world.line(("100", "60"), (None, "45"))
    world.use("90", "46")
    receive(world, "5000")
    return world


@pytest.fixture
def rulebook(dubbed):
    load_rules()


def test_each_bracket_has_its_quantity(dubbed):
    run_night()

    [line] = stated().lines
    assert brackets(line) == [(1, D(100), D(60), D(6000)), (2, D(36), D(45), D(1620))]


def test_what_was_stated_before_is_taken_off_the_lowest_brackets(dubbed):
    run_night()
    issue(dubbed, Statement.objects.get(kind="beneficiary"))
    dubbed.use("14")
    run_night(date(2027, 1, 2), datetime(2027, 1, 2, 3, tzinfo=UTC))

    [line] = stated().lines
    assert line.prior_period
    assert brackets(line) == [(2, D(14), D(45), D(630))]


def test_one_price_for_all_of_the_quantity_leaves_no_division(world):
    """The next 60 lines made the first 90 cheaper: no quantity at a price comes to that."""
    world.line(("100", "60"), (None, "45"), pricing="volume")
    world.use("90")
    run_night()
    issue(world, Statement.objects.get(kind="beneficiary"))
    world.use("60")
    run_night(date(2027, 1, 2), datetime(2027, 1, 2, 3, tzinfo=UTC))

    [line] = stated().lines
    assert (line.amount, line.parts) == (D(150 * 45 - 90 * 60), ())


def test_a_factor_is_named(world):
    world.factor("language", "fr", "2.5")
    world.line(unit_price=D(10))
    world.use("12")
    run_night()

    [line] = stated().lines
    assert line.factors == ((("language", "fr", "2.5"),),)
    assert line.parts[0].amount == line.amount == D(300)


def test_a_share_says_of_what(world):
    world.line(unit_price=D(10))
    make_composite(world, **{"Ada Third": "1", "Ben Rest": "2"})
    world.use("10")
    run_night()

    shares = {
        one.beneficiary.name: one.lines[0]
        for one in (
            snapshot.statement_from_json(row.content)
            for row in Statement.objects.filter(kind="beneficiary")
        )
    }
    assert {line.gross for line in shares.values()} == {D("100.00")}
    assert sum(line.amount for line in shares.values()) == D("100.00")


def test_a_receipt_is_split_over_the_lines_it_pays(world):
    world.line(unit_price=D(10))
    world.factor("language", "fr", "2")
    world.use("10")
    world.use("10", language="it")
    run_night()
    receive(world, "250")
    run_night()

    content = stated()
    [receipt] = content.receipts
    assert sum(part.amount for part in receipt.parts) == receipt.amount == D(250)
    assert {part.reference for part in receipt.parts} == {line.reference for line in content.lines}


def test_a_commission_has_its_rate_its_base_and_where_it_is_from(dubbed):
    run_night()

    [kept] = stated().deductions
    assert (kept.kind, kept.percent, kept.base) == (AccountKind.COMMISSION, D(10), D("5000.00"))
    assert "representation" in kept.note


def test_each_rate_is_a_deduction_of_its_own(dubbed):
    run_night()
    # From here on a seventh is withheld, which is no whole percentage.
    give_certificate(
        dubbed.beneficiary, "14.285", form="w8ben", rate_source="Treaty, article 12",
        signed_on=date(2026, 9, 25),
    )  # fmt: skip
    receive(dubbed, "1000", "WIRE-2", on=date(2026, 9, 28))
    run_night()

    content = stated()
    withheld = [one for one in content.deductions if one.kind == AccountKind.WITHHOLDING]
    assert [(one.percent, one.base, one.amount) for one in withheld] == [
        (D("14.285"), D("1000.00"), D("-142.85"))
    ]
    assert "Treaty, article 12" in withheld[0].note
    assert (content.tax.percent, content.tax.form) == (D("14.285"), "w8ben")
    assert content.received + content.deducted == content.closing_balance


def test_a_form_that_is_over_is_none(dubbed):
    TaxCertificate.objects.filter(beneficiary=dubbed.beneficiary).update(
        expires_on=date(2026, 9, 29)
    )
    run_night()

    assert stated().tax is None


@pytest.mark.parametrize(
    ("country", "days"), [("US", date(2026, 10, 20)), ("GB", date(2026, 9, 30))]
)
def test_it_is_payable_by_the_day_that_the_law_says(dubbed, country, days, rulebook):
    Agency.objects.update(country=country)
    run_night()

    content = stated()
    assert content.payable_on == days
    assert [receipt.pay_by for receipt in content.receipts] == [days]
    assert Statement.objects.get(kind="beneficiary").due_on == days
    assert content.rules


def test_where_no_law_says_it_is_the_agencys_day(dubbed, rulebook):
    Agency.objects.update(country="JP")
    run_night()

    assert stated().payable_on == date(2026, 11, 29)
    assert stated().rules == ()


def test_what_was_left_from_before_keeps_its_day(dubbed, rulebook):
    run_night()
    issue(dubbed, Statement.objects.get(kind="beneficiary"))
    receive(dubbed, "1000", "WIRE-2", on=date(2026, 11, 20))
    run_night(date(2027, 1, 2), datetime(2027, 1, 2, 3, tzinfo=UTC))

    content = stated()
    assert content.payable_on == date(2026, 10, 20)
    assert [receipt.pay_by for receipt in content.receipts] == [date(2026, 12, 20)]
    assert (content.year_to_date.earned, content.year_to_date.received) == (D(7620), D(6000))
    assert content.year_to_date.paid_out == 0


def test_it_names_its_agreements_and_until_when_to_object(dubbed):
    DealTerms.objects.create(
        agreement=dubbed.agreement, kind="dubbing_adr", audit_years_back=2, audit_notice_days=30
    )
    run_night()

    content = stated()
    [agreement] = content.agreements
    assert (agreement.reference, agreement.signed_on) == ("NA-1", dubbed.agreement.signed_on)
    assert "until September 30, 2028, on 30 days’ notice" in content.objections


def test_custom_is_said_to_be_one(dubbed, rulebook):
    run_night()

    assert "by custom of the trade it is 2 to 3 years (not verified)" in stated().objections


def test_the_records_are_those_of_the_payee(dubbed):
    run_night()

    content = stated()
    assert 0 <= content.leaves.first <= content.leaves.last < content.proof.end_index


def test_content_of_before_is_read_as_it_was():
    from tests.valuation.statements import cases

    plain = replace(cases.ONE_LINE, lines=(replace(cases.ADR, parts=()),))
    content = snapshot.to_json(plain)
    for name in ("paper", "payouts", "agreements", "tax", "rules", "year_to_date", "leaves"):
        del content[name]

    assert snapshot.from_json(content) == plain


def test_the_roll_up_shows_the_client_account_and_what_licensees_owe(dubbed):
    run_night()

    content = snapshot.roll_up_from_json(Statement.objects.get(kind="roll_up").content)
    shares = {one.share.value: one.amount for one in content.trust.shares}
    assert (content.trust.on, content.trust.bank) == (date(2026, 9, 30), None)
    assert shares["payable"] == content.total("closing_balance") == D(4500)
    assert shares["commission"] == -content.total("commission") == D(500)
    assert content.trust.trust_cash == D(5000)
    assert sum(row.owed for row in content.ageing) == content.owed("closing_receivable") == D(2620)


def test_what_came_in_since_is_no_news_of_a_roll_up_and_is_shown_at_its_issue(dubbed):
    """The bank goes on; who reviewed the period has not read another one for that."""
    run_night()
    before = snapshot.roll_up_from_json(Statement.objects.get(kind="roll_up").content)
    later = replace(before, ageing=(), ageing_on=date(2026, 12, 1))

    assert snapshot.is_same_news(before, later)
    assert not snapshot.is_same_news(before, replace(later, notes=("Another.",)))


AMOUNTS = st.lists(st.decimals(-(10**9), 10**9, places=2), max_size=8)


@given(AMOUNTS)
def test_bars_stay_in_their_room_and_meet(amounts):
    bars = money_chart.steps(amounts)

    assert len(bars) == len(amounts) + 1
    for bar in bars:
        assert bar.left >= 0
        assert bar.left + bar.width <= 100
    assert [bar.below for bar in bars[:-1]] == [
        amount < 0 and any(amounts) and bool(bar.width)
        for amount, bar in zip(amounts, bars, strict=False)
    ]


def test_bars_are_as_long_as_what_they_show():
    first, second, total = money_chart.steps([D(75), D(-25)])

    assert (first.left, first.width, first.below) == (0, 100, False)
    assert (second.left.quantize(D(1)), second.width.quantize(D(1)), second.below) == (67, 33, True)
    assert (total.left, total.width.quantize(D(1))) == (0, 67)
