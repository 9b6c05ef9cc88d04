"""R_depreciation: with and without a plan, of one agency's own use and income."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import LicenseeTerms
from tests import factories
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.ledger.rates import NoRate
from valuation.models import ExchangeRate, WorthParameter
from valuation.worth.twin.depreciation import plan_depreciation
from valuation.worth.twin.known_twin import known_twin
from valuation.worth.twin.royalty_relief import PlannedHours
from valuation.worth.twin.seen_days import add_new_leaves

TODAY = date(2026, 11, 22)
LATER = TONIGHT + timedelta(days=1)
PLAN = [PlannedHours("cinema", D(200))]

pytestmark = pytest.mark.usefixtures("without_statements")


@pytest.fixture
def income(world):
    """Twelve thousand dollars earned in July, of which a tenth is the agency's commission."""
    world.line(unit_price=D(120))
    world.use("100")
    night.run_night(as_of=TODAY, now=TONIGHT)
    add_new_leaves(now=TONIGHT)
    return world


def depreciate(world, planned=PLAN, *, known_at=LATER, agency=None, **fields):
    return plan_depreciation(
        agency_id=(agency or world.agency).pk, twin_id=world.twin.pk, planned=planned,
        as_of=TODAY, known_at=known_at, **fields,
    )  # fmt: skip


def test_a_plan_takes_off_what_the_forecast_without_it_is_above_that_with_it(income):
    found = depreciate(income)

    # 12,000 × 0.9 a year, unseen, for 15 years at 20 %: a = (1 − 1.2^−15) / ln 1.2 ≈ 5.13 years.
    assert float(found.before) == pytest.approx(10_800 * 5.13, rel=0.01)
    worn = sum(a.present - b.present for a, b in zip(
        found.without.months, found.with_plan.months, strict=True))  # fmt: skip
    assert found.loss == pytest.approx(worn, rel=D("1e-20"))
    assert found.loss > 0
    assert found.low <= found.loss <= found.high
    assert found.currency == "USD"
    assert found.with_plan.months[0].price_left < D("0.55") < found.without.months[0].price_left
    assert found.with_plan.months[-1].price_left > D("0.999")


def test_every_figure_says_where_it_comes_from_and_how_sure_it_is(income):
    found = depreciate(income)

    assert all(figure.source and figure.confidence for figure in found.figures)
    assert any(figure.is_assumption for figure in found.figures)
    assert "with and without (IVS 210)" in found.sources[0]
    assert "NA-1" in found.sources[1]
    assert found.sources[2].startswith("Usage log, leaves 0 to 1; 1 uses say nothing of time")


def test_fitting_hours_cost_less_than_unfitting_ones(income):
    losses = [
        depreciate(income, [PlannedHours("cinema", D(200), congruence=D(fit))]).loss
        for fit in (1, 0, -1)
    ]

    assert losses == sorted(losses)
    assert len(set(losses)) == 3


def test_a_twin_that_earned_nothing_has_nothing_to_lose(world):
    found = depreciate(world)

    assert (found.before, found.after, found.loss) == (0, 0, 0)
    assert "no income to lose" in found.sources[1]


def test_two_agencies_that_share_a_twin_see_nothing_of_each_other(income, elsewhere):
    before = depreciate(income)
    factories.represent(elsewhere, income.performer)
    theirs = LicenseeTerms.objects.create(agency=elsewhere, licensee=income.licensee)
    factories.make_uses(
        theirs, income.twin, D(1), at=TONIGHT, seconds=D(3_600_000), channel="cinema"
    )
    night.run_night(as_of=TODAY, now=LATER)
    add_new_leaves(now=LATER)

    after = depreciate(income)

    assert (after.before, after.after, after.exposure) == (before.before, before.after, 0)
    other = depreciate(income, agency=elsewhere)
    assert (other.before, other.exposure) == (0, 1000)
    assert "NA-1" not in " ".join(other.sources)


def test_what_became_known_later_counts_only_for_who_knows_it(income):
    then = depreciate(income, known_at=LATER)
    income.use("50", seconds=D(7200))
    after = LATER + timedelta(days=1)
    night.run_night(as_of=after.date(), now=after)
    add_new_leaves(now=after)

    again = depreciate(income, known_at=LATER)
    assert (again.before, again.loss, again.sources) == (then.before, then.loss, then.sources)
    assert depreciate(income, known_at=after).before > then.before


def test_an_agencys_own_figure_counts_from_its_day_and_from_when_it_was_recorded(income, affairs):
    then = depreciate(income)
    WorthParameter.objects.create(
        agency=income.agency, parameter="half_life", channel="cinema", value=168, worst=168,
        best=168, counts_from=TODAY, source="A study of ours", confidence="primary",
        recorded_at=LATER + timedelta(hours=1), recorded_by=affairs,
    )  # fmt: skip

    assert depreciate(income).loss == then.loss
    found = depreciate(income, known_at=LATER + timedelta(hours=2))
    assert found.loss > then.loss
    (own,) = (figure for figure in found.figures if figure.of_agency)
    assert (own.source, own.is_assumption) == ("A study of ours", False)


def test_money_in_another_currency_is_converted_by_a_stored_rate_or_refused(income):
    with pytest.raises(NoRate):
        depreciate(income, currency="EUR")
    ExchangeRate.objects.create(
        base="EUR", currency="USD", on=TODAY, rate=D("1.25"), source="The bank", recorded_at=TONIGHT
    )

    in_euros, in_dollars = depreciate(income, currency="EUR"), depreciate(income)

    assert in_euros.loss * D("1.25") == pytest.approx(in_dollars.loss, rel=D("1e-20"))
    assert "1 USD = 0.800000 EUR" in in_euros.sources[-1]


def test_the_right_of_a_deceased_performer_ends_by_the_law_of_their_home(income):
    load_rules()
    performer = income.performer
    performer.life, performer.died_on, performer.domicile = "deceased", date(1982, 11, 23), "US-CA"
    performer.save()

    known = known_twin(
        agency_id=income.agency.pk, twin_id=income.twin.pk, as_of=TODAY, known_at=LATER
    )
    survival = known.inputs().terms.survival

    # Seventy years from 23 November 1982 end in 2052, past the economic life of 15 years.
    assert set(survival) == {1}
    performer.died_on = date(1961, 11, 23)
    performer.save()
    ended = (
        known_twin(agency_id=income.agency.pk, twin_id=income.twin.pk, as_of=TODAY, known_at=LATER)
        .inputs()
        .terms
    )
    # Those from 1961 end in five years: sixty months are left of 180.
    assert (len(ended.survival), sum(ended.survival)) == (180, 60)
    assert ended.discount == D("0.27")
