"""What is owed, received and payable stays right, whatever is corrected later and in any order."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from licensing.agreements import amendments
from licensing.agreements.rates.rate_cards import CardIncomplete
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, RateCard, UsageEvent
from talent.models import (
    Beneficiary,
    CompositeSource,
    EstateShare,
    Performer,
    Representation,
    TaxCertificate,
)
from tests.valuation.cash.accounting import pay_out
from tests.valuation.world import JULY, OCTOBER, TONIGHT, give_certificate, make_composite
from valuation import night
from valuation.cash.received import remittances
from valuation.cash.released import matching
from valuation.models import Account, Reading, ResidualLine
from valuation.words import ShardStatus

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night(as_of=date(2026, 11, 22)):
    now = datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC)
    return night.run_night(as_of=as_of, now=now)


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
    matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)


def balances(beneficiary=None):
    accounts = Account.objects.with_balances()
    if beneficiary:
        accounts = accounts.filter(beneficiary=beneficiary)
    sums: dict[str, D] = {}
    for account in accounts:
        sums[account.kind] = sums.get(account.kind, D(0)) + (account.balance or 0)
    return {kind: balance for kind, balance in sums.items() if balance}


def posted(**conditions):
    return ResidualLine.objects.filter(**conditions).aggregate(sum=Sum("amount"))["sum"] or D(0)


def posted_by_name():
    sums = ResidualLine.objects.values_list("beneficiary__name").annotate(sum=Sum("amount"))
    return {name: amount for name, amount in sums.order_by("beneficiary__name") if amount}


def posted_by_period():
    sums = ResidualLine.objects.values_list("period_on").annotate(sum=Sum("amount"))
    return {period_on: amount for period_on, amount in sums.order_by("period_on") if amount}


def new_card(world, effective_from, **more):
    world.card = RateCard.objects.create(
        agreement=world.agreement, effective_from=effective_from, **more
    )


@pytest.fixture
def paid(world):
    """100.00 was earned by 10 lines in July, received and released: 90 payable, 10 commission."""
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-05")
    run_night(date(2026, 7, 30))
    receive(world, "100")
    assert balances()["payable"] == D(-90)
    return world


# A receipt is given back


def test_what_was_received_for_use_amended_down_becomes_the_licensees_credit(paid):
    paid.amend(UsageEvent.objects.get(), "4")

    run_night(date(2026, 8, 2))

    # 40 earned: 36 payable, 4 commission; the other 60 are the licensee's again.
    assert balances() == {
        "trust_cash": D(100),
        "unmatched": D(-60),
        "payable": D(-36),
        "commission": D(-4),
    }


def test_the_credit_pays_what_the_licensee_owes_next(paid):
    paid.amend(UsageEvent.objects.get(), "4")
    paid.use("3", on="2026-10-05")
    run_night(date(2026, 10, 10))
    receive(paid, "30", "WIRE-2", on=date(2026, 10, 11))

    run_night(date(2026, 10, 12))

    # 70 earned in all: 63 payable and 7 commission; 130 received, 60 of it credit.
    assert balances() == {
        "trust_cash": D(130),
        "unmatched": D(-60),
        "payable": D(-63),
        "commission": D(-7),
    }


def test_use_ruled_worth_nothing_after_it_was_paid_is_given_back_whole(world):
    world.line(unit_price=D(1))
    world.line(unit_price=D(25), code="unlicensed", unlicensed=True)
    world.use("5", standing="out_of_scope")
    run_night(date(2026, 7, 30))
    receive(world, "125")
    world.rule(UsageEvent.objects.filter(kind="use").get(), "zero")

    run_night(date(2026, 8, 1))

    assert balances() == {"trust_cash": D(125), "unmatched": D(-125)}


def test_what_was_paid_out_before_it_is_given_back_is_carried_as_a_debt(paid):
    pay_out(paid, "90", on=date(2026, 8, 1))
    paid.amend(UsageEvent.objects.get(), "4")

    run_night(date(2026, 8, 2))

    assert balances(paid.beneficiary)["payable"] == D(54)


def test_giving_back_twice_gives_back_once(paid):
    paid.amend(UsageEvent.objects.get(), "4")
    run_night(date(2026, 8, 2))
    before = balances()

    run_night(date(2026, 8, 3))
    matching.give_back(agreement_id=paid.agreement.pk, as_of=date(2026, 8, 3), now=TONIGHT)

    assert balances() == before


# Shares change


def test_heirs_earn_from_the_day_of_death_on_and_the_sum_stays(world):
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-05")
    run_night(date(2026, 7, 10))
    heir = Beneficiary.objects.create(name="Heir")
    Performer.objects.update(life="deceased", died_on=date(2026, 7, 12))
    EstateShare.objects.create(performer=world.performer, beneficiary=heir, weight=D(1))
    world.use("10", on="2026-07-12")

    run_night(date(2026, 7, 25))

    assert posted_by_name() == {"Ada Example": D(100), "Heir": D(100)}
    assert Reading.objects.get().gross == D(200)


def test_a_source_that_leaves_keeps_what_was_earned_and_gets_no_more(world):
    make_composite(world, Bo="1", Cy="1")
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-15")
    run_night(date(2026, 7, 30))
    CompositeSource.objects.filter(performer__name="Bo").update(ends_on=date(2026, 8, 1))
    world.use("10", on="2026-08-02")

    run_night(date(2026, 8, 3))

    assert posted_by_name() == {"Bo": D(50), "Cy": D(150)}


def test_a_share_taken_out_altogether_is_posted_back(world):
    make_composite(world, Bo="1", Cy="1")
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-15")
    run_night(date(2026, 7, 30))
    CompositeSource.objects.filter(performer__name="Bo").delete()

    run_night(date(2026, 8, 3))

    assert posted_by_name() == {"Cy": D(100)}


def test_heirs_weights_that_change_leave_earlier_use_alone_also_when_it_is_paid_later(world):
    Performer.objects.update(life="deceased", died_on=date(2026, 1, 1))
    heirs = [Beneficiary.objects.create(name=name) for name in ("Dee", "Eve")]
    for heir in heirs:
        give_certificate(heir)
        EstateShare.objects.create(
            performer=world.performer, beneficiary=heir, weight=D(1), ends_on=OCTOBER
        )
    for heir, weight in zip(heirs, (1, 3), strict=True):
        EstateShare.objects.create(
            performer=world.performer, beneficiary=heir, weight=D(weight), starts_on=OCTOBER
        )
    world.line(unit_price=D(10))
    world.use("20", on="2026-09-15")
    run_night(date(2026, 9, 20))
    receive(world, "100", on=date(2026, 9, 25))
    world.use("10", on="2026-10-15")
    run_night(date(2026, 10, 20))
    receive(world, "200", "WIRE-2", on=date(2026, 10, 25))

    # 200 of September by halves, 100 of October 1:3; less 10 %.
    assert posted_by_name() == {"Dee": D(125), "Eve": D(175)}
    assert [balances(heir)["payable"] for heir in heirs] == [D("-112.5"), D("-157.5")]


def test_a_share_corrected_backwards_moves_what_was_released_with_it(world):
    make_composite(world, Bo="1", Cy="1")
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-15")
    run_night(date(2026, 7, 30))
    receive(world, "100")
    CompositeSource.objects.filter(performer__name="Bo").update(weight=D(3))

    run_night(date(2026, 8, 3))

    assert posted_by_name() == {"Bo": D(75), "Cy": D(25)}
    bo, cy = (Beneficiary.objects.get(name=name) for name in ("Bo", "Cy"))
    assert (balances(bo)["payable"], balances(cy)["payable"]) == (D(-75), D(-25))


def test_the_heir_of_two_sources_gets_both_parts_in_one_line(world):
    make_composite(world, Bo="1", Cy="1")
    heir = Beneficiary.objects.create(name="Heir")
    for performer in Performer.objects.filter(name__in=["Bo", "Cy"]):
        Performer.objects.filter(pk=performer.pk).update(life="deceased", died_on=JULY)
        EstateShare.objects.create(performer=performer, beneficiary=heir, weight=D(1))
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-15")

    run_night(date(2026, 7, 30))

    assert posted_by_name() == {"Heir": D(100)}


# Rates of deduction are those of the receipt


def test_a_certificate_filed_later_leaves_what_was_withheld_alone(paid):
    TaxCertificate.objects.update(withholding_percent=D(24))
    paid.use("10")
    run_night(date(2026, 8, 10))
    receive(paid, "100", "WIRE-2", on=date(2026, 8, 11))
    give_certificate(paid.beneficiary, "0", signed_on=date(2026, 9, 1))
    paid.use("1", on="2026-09-02")
    run_night(date(2026, 9, 10))
    receive(paid, "10", "WIRE-3", on=date(2026, 9, 15))

    assert balances()["withholding"] == D(-24)


def test_what_was_set_aside_for_a_minor_stays_in_trust_when_they_come_of_age(world):
    load_rules()
    Performer.objects.update(life="minor", domicile="US-CA", born_on=date(2008, 9, 1))
    world.line(unit_price=D(10))
    world.use("10")
    run_night(date(2026, 7, 30))
    receive(world, "100")
    Performer.objects.update(life="living")
    world.use("1", on="2026-09-02")
    run_night(date(2026, 9, 10))
    receive(world, "10", "WIRE-2", on=date(2026, 9, 15))

    assert balances()["minor_trust"] == D(-15)


@pytest.mark.parametrize(
    ("certificate", "percent"),
    [
        ({"expires_on": date(2025, 12, 31)}, 24),
        ({"expires_on": date(2025, 12, 31), "form": "w8ben", "residence": "DE"}, 30),
        ({"expires_on": date(2026, 8, 1)}, 0),
        (None, 24),
    ],
    ids=["expired", "expired, abroad", "expires on the day", "none"],
)
def test_without_a_certificate_in_force_the_rules_default_is_withheld(world, certificate, percent):
    load_rules()
    TaxCertificate.objects.all().delete()
    if certificate:
        give_certificate(world.beneficiary, "0", **certificate)
    world.line(unit_price=D(10))
    world.use("10")
    run_night(date(2026, 7, 30))

    receive(world, "100")

    assert balances().get("withholding", D(0)) == -percent


def test_agreements_keep_the_commission_under_which_they_were_signed(paid):
    Representation.objects.update(commission_percent=D(15))
    paid.use("1", on="2026-08-15")
    run_night(date(2026, 9, 10))
    receive(paid, "10", "WIRE-2", on=date(2026, 9, 15))

    assert balances()["commission"] == D(-11)


# Time


def test_an_agreement_that_ends_at_midnight_owes_nothing_for_the_period_that_begins_then(world):
    Agreement.objects.update(ends_at=datetime(2026, 10, 1, tzinfo=UTC))
    world.line(code="fee", pricing="flat", unit_price=D(1000))
    world.line(code="minimum", unit_price=D(1), minimum=D(300))

    run_night(date(2027, 2, 1))

    assert posted_by_period() == {JULY: D(1300)}


@pytest.mark.parametrize(("cut_period", "left"), [("by_days", "743.48"), ("whole", "900")])
def test_an_end_dated_back_gives_later_fees_back(world, cut_period, left):
    world.line(code="fee", pricing="flat", unit_price=D(900), cut_period=cut_period)
    run_night(date(2026, 10, 5))
    assert posted() == D(1800)
    Agreement.objects.update(ends_at=datetime(2026, 9, 15, tzinfo=UTC), status="ended")

    run_night(date(2026, 10, 6))

    # 76 of the quarter's 92 days.
    assert posted_by_period() == {JULY: D(left)}


@pytest.mark.parametrize(("cut_period", "owed"), [("by_days", "1099.13"), ("whole", "900")])
def test_a_card_in_mid_quarter_charges_no_day_twice(world, cut_period, owed):
    world.line(code="fee", pricing="flat", unit_price=D(900), cut_period=cut_period)
    new_card(world, date(2026, 8, 1))
    world.line(code="fee", pricing="flat", unit_price=D(1200), cut_period=cut_period)

    run_night(date(2026, 9, 30))

    # By days 900 × 31/92 = 303.26 and 1,200 × 61/92 = 795.65, rounded once each: 1,098.91.
    assert posted() == (D("1098.91") if cut_period == "by_days" else D(owed))


@pytest.mark.parametrize("nights", [1, 2])
def test_an_amount_falls_in_the_period_of_its_use_in_whatever_night_it_came(world, nights):
    Agreement.objects.update(rating_period="year")
    RateCard.objects.update(effective_from=date(2026, 1, 1))
    world.line(unit_price=D(10))
    world.use("10", on="2026-09-30")
    if nights == 2:
        run_night(date(2026, 10, 1))
    world.use("7", on="2026-10-01")

    run_night(date(2026, 10, 2))

    assert posted_by_period() == {JULY: D(100), OCTOBER: D(70)}


@pytest.mark.parametrize(
    ("cut_period", "use", "owed"),
    [
        ("whole", None, {OCTOBER: D(500)}),
        ("by_days", None, {OCTOBER: D("252.05")}),
        ("whole", "10", {JULY: D(10), OCTOBER: D(490)}),
        ("by_days", "10", {JULY: D(10), OCTOBER: D("242.05")}),
    ],
)
def test_a_years_minimum_counts_in_the_period_in_which_the_year_ends(world, cut_period, use, owed):
    Agreement.objects.update(rating_period="year")
    RateCard.objects.update(effective_from=date(2026, 1, 1))
    world.line(unit_price=D(1), minimum=D(500), cut_period=cut_period)
    if use:
        world.use(use, on="2026-07-05")
    run_night(date(2026, 10, 1))

    run_night(date(2027, 1, 2))

    # The agreement began on 1 July: 184 of 365 days.
    assert posted_by_period() == owed
    assert not ResidualLine.objects.exclude(adjusts=None).exists()


# Terms


def test_use_before_the_first_card_is_held(world):
    RateCard.objects.update(effective_from=date(2026, 8, 1))
    world.line(unit_price=D(10))
    world.use("10", on="2026-07-15")
    world.use("10", on="2026-08-15")

    run = run_night()

    assert (run.events_rated, run.events_held, run.events_zero) == (1, 1, 0)
    assert posted() == D(100)


def test_a_card_dated_back_is_posted_by_the_next_night_without_new_use(world):
    world.line(unit_price=D(2))
    world.use("10", on="2026-08-15")
    run_night()
    new_card(world, date(2026, 8, 1))
    world.line(unit_price=D(5))

    run_night()

    assert posted() == D(50)


@pytest.fixture
def propose(world, agent, affairs):
    """Have two people agree to what a proposed card says, or refuse it."""

    def decide(card):
        amendment = amendments.ask(
            agreement=world.agreement,
            change=amendments.Change(amendments.RATE_CARD, amendments.card_terms(card), card.pk),
            counts_from=card.effective_from,
            reason="As agreed.",
            by=agent,
            at=TONIGHT,
        )
        amendments.approve(amendment_id=amendment.pk, by=affairs, at=TONIGHT)

    return decide


def test_an_empty_card_dated_back_changes_nothing_until_it_is_whole_and_two_people_say_so(
    world, propose
):
    """Case g01."""
    world.line(unit_price=D(2))
    world.use("10", on="2026-08-15")
    run_night()
    new_card(world, date(2026, 8, 1), proposed=True)
    with pytest.raises(CardIncomplete):
        propose(world.card)
    run_night()
    assert posted() == D(20)
    world.use("1", on="2026-08-20")
    run_night()
    assert posted() == D(22)

    world.line(unit_price=D(5))
    run_night()
    assert posted() == D(22)
    propose(world.card)
    run_night()

    # 11 × 5, without new use.
    assert posted() == D(55)


def test_a_card_dated_back_that_two_people_agree_to_is_posted_by_the_next_night(world, propose):
    """Case g01."""
    world.line(unit_price=D(2))
    world.use("10", on="2026-08-15")
    run_night()
    new_card(world, date(2026, 8, 1), proposed=True)
    world.line(unit_price=D(5))
    propose(world.card)

    run_night()

    assert posted() == D(50)


def test_terms_that_did_not_change_are_not_rated_again(world):
    world.line(unit_price=D(2))
    world.use("10")
    run_night()

    run = run_night()

    assert not run.shards.exists()


def test_rounding_each_event_that_comes_later_rates_what_was_added_up_before(world):
    world.line(unit_price=D(2))
    world.use("1.2", "1.3", on="2026-08-05")
    run_night(date(2026, 8, 10))
    new_card(world, date(2026, 8, 1))
    world.line(unit_price=D(2), round_quantity="per_event_up")
    world.use("1.2", on="2026-08-06")

    run = run_night(date(2026, 8, 11))

    # 2 + 2 + 2 lines at 2.
    assert not run.shards.filter(status=ShardStatus.FAILED.value).exists()
    assert posted() == D(12)


def test_a_hundred_nights_of_a_cent_over_three_sources_lose_none(world):
    make_composite(world, Bo="0.33333", Cy="0.33333", Di="0.33333")
    world.line(unit_price=D("0.01"))
    for _ in range(8):
        world.use("1")
        run_night()

    assert posted() == D("0.08")
    assert sorted(posted_by_name().values()) == [D("0.02"), D("0.03"), D("0.03")]
    assert not ResidualLine.objects.filter(amount=0).exists()


def test_free_quantity_discount_and_maximum_count_for_every_kind(world):
    world.line(unit_price=D(10), free_quantity=D(5), discount_percent=D(10), maximum=D(100))
    world.use("15")
    run_night()
    # 10 × 10 less 10 %.
    assert posted() == D(90)
    world.use("10")

    run_night()

    # 20 × 10 less 10 % are 180, cut to 100.
    assert posted() == D(100)
