"""What an agreement owes and keeps beside its rates: guarantees, advances, reserves, groups."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from licensing.agreements import money_terms
from licensing.models import Advance, Agreement, Guarantee, RateCard, UsageEvent
from talent.models import Beneficiary, Performer
from tests.factories import make_agreement, make_licensee, make_twin
from tests.valuation.world import JULY, OCTOBER, TONIGHT, make_composite
from valuation import night
from valuation.cash.received import remittances
from valuation.cash.released import matching
from valuation.models import Account, Reading, Recoupment, ReleasedPart, ResidualLine

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night(as_of):
    now = datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC)
    return night.run_night(as_of=as_of, now=now)


def receive(world, amount, reference="WIRE-1", on=date(2026, 8, 1), now=TONIGHT):
    remittances.record(
        agency_id=world.agency.pk,
        licensee_id=world.licensee.pk,
        amount=D(amount),
        currency="USD",
        received_on=on,
        reference=reference,
        by=None,
        now=now,
    )
    matching.match_unmatched(agency_id=world.agency.pk, now=now)


def balances(beneficiary=None, licensee=None):
    accounts = Account.objects.with_balances()
    if beneficiary:
        accounts = accounts.filter(beneficiary=beneficiary)
    if licensee:
        accounts = accounts.filter(licensee=licensee)
    sums: dict[str, D] = {}
    for account in accounts:
        sums[account.kind] = sums.get(account.kind, D(0)) + (account.balance or 0)
    return {kind: balance for kind, balance in sums.items() if balance}


def posted_by_period(**conditions):
    lines = ResidualLine.objects.filter(**conditions)
    sums = lines.values_list("period_on").annotate(sum=Sum("amount")).order_by("period_on")
    return {period_on: amount for period_on, amount in sums if amount}


def guarantee(world, amount, **fields):
    return Guarantee.objects.create(
        agreement=world.agreement, amount=D(amount), **{"period": "quarter", **fields}
    )


def advance(world, amount, due_on=JULY, paid_back_from="gross", **fields):
    return Advance.objects.create(
        **{"agreement": world.agreement, "label": "On signing", **fields},
        amount=D(amount),
        due_on=due_on,
        paid_back_from=paid_back_from,
    )


# Guarantees


def test_what_is_missing_of_a_guarantee_is_owed_in_the_period_it_ends_in(world):
    guarantee(world, "500")
    world.line(unit_price=D(10))
    world.use("12", on="2026-07-15")
    run_night(date(2026, 9, 30))
    assert posted_by_period() == {JULY: D(120)}

    run_night(OCTOBER)

    # 500 less 12 × 10: 380.
    assert posted_by_period(reading__kind="true_up") == {JULY: D(380)}
    assert not ResidualLine.objects.exclude(adjusts=None).exists()
    assert balances() == {"receivable": D(500), "accrued": D(-500)}
    reading = Reading.objects.get(kind="true_up")
    assert str(reading) == "NA-1: True-up to the guarantee, 1 July – 30 September 2026"
    assert [(line["part"], line["amount"]) for line in reading.explanation] == [
        ("guarantee", "500.0000"),
        ("earned", "-120.0000"),
    ]


def test_a_true_up_falls_and_rises_with_what_was_earned(world):
    guarantee(world, "500")
    world.line(unit_price=D(10))
    world.use("12", on="2026-07-15")
    run_night(OCTOBER)
    event = UsageEvent.objects.get()

    world.amend(event, "20")
    run_night(date(2026, 10, 2))
    # 200 earned: 300 missing.
    assert posted_by_period(reading__kind="true_up") == {JULY: D(300)}
    world.use("60", on="2026-09-15")
    run_night(date(2026, 10, 3))

    # 800 earned: nothing is missing.
    assert posted_by_period(reading__kind="true_up") == {}
    assert balances() == {"receivable": D(800), "accrued": D(-800)}


def test_a_true_up_that_was_paid_and_falls_is_given_back(world):
    guarantee(world, "500")
    world.line(unit_price=D(10))
    run_night(OCTOBER)
    receive(world, "500", on=date(2026, 10, 5))
    assert balances()["payable"] == D(-450)
    world.use("12", on="2026-09-15")

    run_night(date(2026, 10, 10))

    # The guarantee stays 500, of which 120 are use now: the 120 given back pay for the use.
    assert balances() == {"trust_cash": D(500), "payable": D(-450), "commission": D(-50)}


@pytest.mark.parametrize(
    ("period", "cut_period", "ends_at", "owed"),
    [
        # From 1 July 184 of the year's 365 days; the year's guarantee is owed at its end.
        ("year", "by_days", None, {OCTOBER: D("252.05")}),
        ("year", "whole", None, {OCTOBER: D(500)}),
        # The term ends after 77 of the quarter's 92 days.
        ("quarter", "by_days", datetime(2026, 9, 16, tzinfo=UTC), {JULY: D("418.48")}),
        ("quarter", "whole", datetime(2026, 9, 16, tzinfo=UTC), {JULY: D(500)}),
        ("term", "whole", datetime(2026, 11, 1, tzinfo=UTC), {OCTOBER: D(500)}),
    ],
)
def test_a_guarantee_counts_in_a_cut_period_as_its_terms_say(
    world, period, cut_period, ends_at, owed
):
    Agreement.objects.update(ends_at=ends_at)
    guarantee(world, "500", period=period, cut_period=cut_period)
    world.line(unit_price=D(10))

    run_night(date(2027, 1, 2))

    assert posted_by_period() == owed


def test_a_guarantee_of_an_agreement_that_never_ends_is_owed_each_period_once(world):
    guarantee(world, "500")
    world.line(unit_price=D(10))

    run_night(date(2027, 1, 2))
    run_night(date(2027, 1, 3))

    assert posted_by_period() == {JULY: D(500), OCTOBER: D(500)}


def test_use_outside_the_consent_pays_for_no_guarantee(world):
    guarantee(world, "500")
    world.line(unit_price=D(1))
    world.line(unit_price=D(25), code="unlicensed", unlicensed=True)
    world.use("5", standing="out_of_scope")

    run_night(OCTOBER)

    assert posted_by_period(reading__kind="true_up") == {JULY: D(500)}
    assert posted_by_period(reading__kind="use") == {JULY: D(125)}


def test_an_end_dated_back_gives_later_true_ups_back(world):
    guarantee(world, "500")
    world.line(unit_price=D(10))
    run_night(date(2027, 1, 2))
    Agreement.objects.update(ends_at=datetime(2026, 10, 1, tzinfo=UTC), status="ended")

    run_night(date(2027, 1, 3))

    assert posted_by_period() == {JULY: D(500)}


def test_a_true_up_is_split_by_the_shares_of_its_last_day(world):
    make_composite(world, Bo="2", Cy="1")
    guarantee(world, "100")
    world.line(unit_price=D(10))

    run_night(OCTOBER)

    sums = ResidualLine.objects.values_list("beneficiary__name").annotate(sum=Sum("amount"))
    # By largest remainder: 66.67 and 33.33.
    assert dict(sums.order_by("beneficiary__name")) == {"Bo": D("66.67"), "Cy": D("33.33")}


# Advances that the licensee pays


def test_use_pays_an_advance_back_before_more_is_owed(world):
    advance(world, "1000")
    world.line(unit_price=D(10))
    run_night(date(2026, 7, 2))
    receive(world, "1000", on=date(2026, 7, 3))
    assert balances(world.beneficiary) == {
        "payable": D(-900),
        "commission": D(-100),
        "advances": D(1000),
    }

    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))

    # 300 are earned and pay 300 of the 1,000 back: nothing more is owed, 700 are left.
    assert balances() == {"trust_cash": D(1000), "payable": D(-900), "commission": D(-100)}
    assert balances(world.beneficiary)["advances"] == D(700)
    assert balances(licensee=world.licensee) == {"advances": D(-700)}

    world.use("90", on="2026-10-15")
    run_night(date(2026, 10, 20))

    # 1,200 in all: the next 700 pay the rest back, 200 are owed in money.
    assert balances() == {
        "trust_cash": D(1000),
        "payable": D(-900),
        "commission": D(-100),
        "receivable": D(200),
        "accrued": D(-200),
    }


def test_a_correction_takes_back_what_paid_an_advance_back(world):
    advance(world, "1000")
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "1000", on=date(2026, 7, 21))

    world.amend(UsageEvent.objects.get(), "10")
    run_night(date(2026, 7, 25))

    assert balances(world.beneficiary)["advances"] == D(900)
    assert Recoupment.objects.aggregate(sum=Sum("amount"))["sum"] == D(100)
    assert balances() == {"trust_cash": D(1000), "payable": D(-900), "commission": D(-100)}


def test_an_advance_that_falls_due_later_gives_back_what_was_paid_for_use_of_its_period(world):
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "300", on=date(2026, 7, 21))
    advance(world, "1000", due_on=date(2026, 7, 25))

    run_night(date(2026, 7, 26))

    # The quarter's use pays 300 back; what was paid for it pays 300 of the advance. 700 are owed.
    assert balances()["receivable"] == D(700)
    assert balances()["payable"] == D(-270)
    assert balances(world.beneficiary)["advances"] == D(700)


def test_use_of_periods_before_an_advance_pays_nothing_of_it_back(world):
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    advance(world, "1000", due_on=date(2026, 10, 5))

    run_night(date(2026, 10, 6))

    assert balances()["receivable"] == D(1300)
    assert not Recoupment.objects.exists()


def test_an_advance_that_nothing_pays_back_is_owed_beside_the_use(world):
    advance(world, "1000", paid_back_from="nothing")
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")

    run_night(date(2026, 7, 20))

    assert balances() == {"receivable": D(1300), "accrued": D(-1300)}


def test_an_advance_is_owed_from_its_day_on_without_any_use(world):
    advance(world, "1000", due_on=date(2026, 8, 15))
    world.line(unit_price=D(10))
    run_night(date(2026, 8, 14))
    assert balances() == {}

    run_night(date(2026, 8, 15))
    run_night(date(2026, 8, 16))

    assert balances()["receivable"] == D(1000)


def test_a_true_up_pays_an_advance_back_too(world):
    """The guarantee is advanced: in the end 500 are owed and no cent more."""
    guarantee(world, "500")
    advance(world, "500")
    world.line(unit_price=D(10))
    world.use("12", on="2026-07-15")

    run_night(OCTOBER)

    assert balances() == {"receivable": D(500), "accrued": D(-500)}


def test_use_outside_the_consent_pays_no_advance_back(world):
    advance(world, "1000")
    world.line(unit_price=D(25), code="unlicensed", unlicensed=True)
    world.use("5", standing="out_of_scope")

    run_night(date(2026, 7, 20))

    assert balances()["receivable"] == D(1125)


# Advances that the agency pays


def test_what_the_agency_advanced_is_kept_from_what_would_be_payable(world):
    advance(world, "500", paid_back_from="net")
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))
    assert balances()["receivable"] == D(300)
    assert balances(world.beneficiary) == {
        "payable": D(-500),
        "advances": D(500),
        "accrued": D(-300),
    }

    receive(world, "300")

    # Of 300 received 30 are commission, 270 are kept: 230 of the advance are left.
    assert balances() == {
        "trust_cash": D(800),
        "agency_money": D(-500),
        "payable": D(-500),
        "commission": D(-30),
        "advances": D(230),
    }

    world.use("40", on="2026-08-15")
    run_night(date(2026, 8, 20))
    receive(world, "400", "WIRE-2", on=date(2026, 8, 21))

    # 700 received, 70 commission, 500 kept: 130 more are payable.
    assert balances(world.beneficiary) == {"payable": D(-630), "commission": D(-70)}


def test_a_correction_leaves_more_of_the_agencys_advance_to_be_paid_back(world):
    advance(world, "500", paid_back_from="net")
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "300")

    world.amend(UsageEvent.objects.get(), "10")
    run_night(date(2026, 8, 2))

    # Of 100 received 10 are commission and 90 pay back; 200 are the licensee's.
    assert balances()["advances"] == D(410)
    assert balances()["payable"] == D(-500)
    assert balances()["unmatched"] == D(-200)


def test_money_from_before_the_agencys_advance_pays_nothing_of_it_back(world):
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "300", on=date(2026, 7, 21))
    advance(world, "500", due_on=date(2026, 8, 1), paid_back_from="net")

    run_night(date(2026, 8, 1))
    world.use("10", on="2026-08-15")
    run_night(date(2026, 8, 20))
    receive(world, "100", "WIRE-2", on=date(2026, 8, 21))

    # 270 of July and the 500 are payable; 90 of August pay back.
    assert balances()["payable"] == D(-770)
    assert balances()["advances"] == D(410)


def test_what_the_agency_advances_is_payable_from_its_day_on(world):
    advance(world, "500", due_on=date(2026, 8, 15), paid_back_from="net")
    world.line(unit_price=D(10))
    world.use("30", on="2026-07-15")
    run_night(date(2026, 8, 14))
    assert balances() == {"receivable": D(300), "accrued": D(-300)}

    run_night(date(2026, 8, 15))
    run_night(date(2026, 8, 16))

    assert balances(world.beneficiary)["payable"] == D(-500)


# Agreements that recoup together


@pytest.fixture
def another(world):
    """A second agreement of the same twin and licensee."""
    agreement = make_agreement(
        world.agency,
        world.licensee,
        world.twin,
        reference="NA-2",
        signed_at=datetime(2026, 6, 1, tzinfo=UTC),
        starts_at=datetime(2026, 7, 1, tzinfo=UTC),
        ends_at=None,
    )
    card = RateCard.objects.create(agreement=agreement, effective_from=JULY)
    return replace(world, agreement=agreement, card=card)


@pytest.mark.parametrize(("group", "owed"), [("", 1300), ("Voices", 1000)])
def test_agreements_of_a_group_pay_each_others_advances_back(world, another, group, owed):
    Agreement.objects.update(recoups_with=group)
    advance(world, "1000")
    another.line(unit_price=D(10))
    another.use("30", on="2026-07-15")

    run_night(date(2026, 7, 20))

    assert balances()["receivable"] == D(owed)


def test_the_use_of_earlier_periods_pays_back_first_whichever_agreement_it_is_of(world, another):
    Agreement.objects.update(recoups_with="Voices")
    advance(world, "300")
    for one, on in ((another, "2026-10-15"), (world, "2026-07-15")):
        one.line(unit_price=D(10))
        one.use("30", on=on)
        run_night(date(2026, 10, 20))

    paid_back = Recoupment.objects.values_list("agreement").annotate(sum=Sum("amount"))
    assert dict(paid_back.order_by("agreement").exclude(sum=0)) == {world.agreement.pk: D(300)}


@pytest.mark.parametrize(("group", "payable"), [("", 770), ("Voices", 500)])
def test_what_the_agency_advanced_is_kept_across_a_group(world, another, group, payable):
    Agreement.objects.update(recoups_with=group)
    advance(world, "500", paid_back_from="net")
    another.line(unit_price=D(10))
    another.use("30", on="2026-07-15")
    run_night(date(2026, 7, 20))

    receive(world, "300")

    assert balances()["payable"] == D(-payable)


@pytest.mark.parametrize("unlike", ["currency", "licensee"])
def test_an_advance_is_paid_back_in_its_own_currency_by_its_own_licensees_use(
    world, another, unlike
):
    """Signing refuses two currencies in a group, and no group of old ones gets round it."""
    Agreement.objects.update(recoups_with="Voices")
    other = {"currency": "EUR"} if unlike == "currency" else {"licensee": make_licensee("kite")}
    Agreement.objects.filter(pk=another.agreement.pk).update(**other)
    advance(world, "1000")
    another.line(unit_price=D(10))
    another.use("30", on="2026-07-15")

    run_night(date(2026, 7, 20))

    assert not Recoupment.objects.exists()
    assert balances()["receivable"] == D(1300)


def test_two_currencies_do_not_recoup_together(world, another):
    Agreement.objects.update(recoups_with="Voices")
    Agreement.objects.filter(pk=another.agreement.pk).update(currency="EUR")

    with pytest.raises(money_terms.GroupDoesNotFit, match="two currencies"):
        money_terms.refuse_group(Agreement.objects.get(pk=world.agreement.pk))


def test_agreements_that_pay_other_people_do_not_recoup_together(world, another):
    Agreement.objects.update(recoups_with="Voices")
    bo = Performer.objects.create(name="Bo")
    Beneficiary.objects.create(name="Bo", performer=bo)
    Agreement.objects.filter(pk=another.agreement.pk).update(twin=make_twin(bo))

    with pytest.raises(money_terms.GroupDoesNotFit, match="other people"):
        money_terms.refuse_group(Agreement.objects.get(pk=world.agreement.pk))


# Reserves


@pytest.fixture
def reserved(world):
    """A fifth is held for a quarter after that of the receipt; 1,000 came in in August."""
    Agreement.objects.update(reserve_percent=D(20), reserve_periods=1)
    world.line(unit_price=D(10))
    world.use("100", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "1000")
    return world


def test_a_part_of_what_would_be_payable_is_held_and_released_on_its_day(reserved):
    # 1,000 less 10 %: 180 of the 900 are held until the fourth quarter is over.
    assert balances(reserved.beneficiary) == {
        "payable": D(-720),
        "reserve": D(-180),
        "commission": D(-100),
    }
    assert {part.reserved_until for part in ReleasedPart.objects.all()} == {date(2027, 1, 1)}

    run_night(date(2026, 12, 31))
    assert balances()["reserve"] == D(-180)
    run_night(date(2027, 1, 1))
    run_night(date(2027, 1, 2))

    assert balances(reserved.beneficiary) == {"payable": D(-900), "commission": D(-100)}


def test_no_more_is_held_than_the_cap(world):
    Agreement.objects.update(reserve_percent=D(20), reserve_periods=1, reserve_cap=D(100))
    world.line(unit_price=D(10))
    world.use("100", on="2026-07-15")
    run_night(date(2026, 7, 20))
    receive(world, "600")
    assert balances()["reserve"] == D(-100)

    receive(world, "400", "WIRE-2", on=date(2026, 10, 20))

    # Of two quarters' receipts, 108 and 72 without the cap.
    assert balances()["reserve"] == D(-100)
    run_night(date(2027, 1, 1))
    # August's 108 are free; October's 72 are held until 1 April.
    assert balances()["reserve"] == D(-72)


def test_a_correction_while_it_is_held_makes_the_reserve_smaller(reserved):
    reserved.amend(UsageEvent.objects.get(), "40")

    run_night(date(2026, 8, 5))

    # 400 less 10 %: 360, of which 72 are held.
    assert balances(reserved.beneficiary) == {
        "payable": D(-288),
        "reserve": D(-72),
        "commission": D(-40),
    }


def test_a_correction_after_the_release_is_taken_of_what_is_payable(reserved):
    run_night(date(2027, 1, 1))
    reserved.amend(UsageEvent.objects.get(), "40")

    run_night(date(2027, 1, 5))

    assert balances(reserved.beneficiary) == {"payable": D(-360), "commission": D(-40)}


def test_another_reserve_counts_for_later_receipts_only(reserved):
    Agreement.objects.update(reserve_percent=D(50))
    reserved.use("10", on="2026-08-15")
    run_night(date(2026, 8, 20))
    receive(reserved, "100", "WIRE-2", on=date(2026, 8, 21))

    # 180 as before, and half of the 90.
    assert balances()["reserve"] == D(-225)
