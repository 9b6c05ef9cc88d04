"""Valuations: five terms, each item with its source, kept once with the inputs it stood on."""

from datetime import date, timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from talent.models import Build, Provider
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import Scenario, Valuation, ValuationTerm
from valuation.words import Term
from valuation.worth import valuations

TODAY = date(2026, 11, 22)


pytestmark = pytest.mark.usefixtures("without_statements")


@pytest.fixture
def scenario(world):
    made = Scenario.objects.create(
        agency=world.agency,
        twin=world.twin,
        agreement=world.agreement,
        name="No pickup days",
        currency="USD",
    )
    for term, label, quantity, amount, probability in [
        (Term.SAVINGS, "Shooting days", "2", "250000", "0.5"),
        (Term.EXPANSION, "French market", "1", "80000", "0.25"),
        (Term.COMPUTE, "Checking shots", "40", "100", "1"),
    ]:
        made.assumptions.create(
            term=term.value,
            label=label,
            quantity=D(quantity),
            unit_amount=D(amount),
            probability=D(probability),
            source="the test",
        )
    return made


def value(scenario):
    return valuations.value_scenario(scenario_id=scenario.pk, as_of=TODAY, now=TONIGHT)


def build(world, **fields):
    provider, _ = Provider.objects.get_or_create(name="Lab")
    defaults = {"version": "1", "built_on": date(2026, 6, 1)}
    return Build.objects.create(twin=world.twin, provider=provider, **{**defaults, **fields})


def test_v_is_savings_and_expansion_less_what_it_costs(world, scenario):
    world.line(unit_price=D(60))
    world.use("100")
    night.run_night(as_of=TODAY, now=TONIGHT)
    build(world, training_cost=D(3000))

    valuation = value(scenario)

    # (250,000 + 20,000) − (6,000 residuals + 4,000 checking + 3,000 training)
    assert valuation.total == D("257000")
    sums = {term: D(0) for term in Term}
    for term in valuation.terms.all():
        sums[Term(term.term)] += term.amount
    assert sums == {
        Term.SAVINGS: D(250000),
        Term.EXPANSION: D(20000),
        Term.LICENSING: D(6000),
        Term.COMPUTE: D(7000),
        Term.DEPRECIATION: D(0),
    }


def test_every_item_names_its_source(world, scenario):
    world.line(unit_price=D(60))
    world.use("100")
    night.run_night(as_of=TODAY, now=TONIGHT)

    value(scenario)

    sources = set(ValuationTerm.objects.values_list("source", flat=True))
    assert sources == {"Assumption: the test", "Agreement NA-1"}


def test_hours_that_were_seen_wear_a_year_of_fees(world, scenario):
    """200 hours of cinema on the valuation's day halve the worth, but never below the floor."""
    world.line(unit_price=D(1), meter="seconds")
    world.use(str(200 * 3600), meter="seconds", channel="cinema", on="2026-11-01")
    night.run_night(as_of=TODAY, now=TONIGHT)

    valuation = value(scenario)

    worn = valuation.terms.get(term=Term.DEPRECIATION.value)
    # 21 days on, 200 × 0.5^(21/84) = 168.18 hours; m = 1/(1 + 0.8409^1.5) = 0.56463.
    # A year's fees of 720,000 × (1 − 0.56463) = 313,466.
    assert worn.amount == pytest.approx(D("313466"), rel=D("0.001"))
    assert "168.2 weighted hours" in worn.source


def test_the_same_inputs_are_kept_once(world, scenario):
    assert value(scenario) == value(scenario)
    assert Valuation.objects.count() == 1


def test_a_changed_assumption_makes_another_valuation(world, scenario):
    first = value(scenario)
    scenario.assumptions.filter(label="French market").update(probability=D(1))

    assert value(scenario).total - first.total == D("60000")


def test_gpu_time_costs_what_an_hour_of_training_did(world, scenario):
    build(world, training_cost=D(3000), gpu_hours=D(1000))
    world.use("5400", "1800", meter="gpu_seconds")
    night.run_night(as_of=TODAY, now=TONIGHT)

    valuation = value(scenario)

    # 7,200 s are 2 h, at 3,000 / 1,000 = 3.00 an hour.
    ran = valuation.terms.get(label="GPU time of NA-1")
    assert (ran.term, ran.amount) == (Term.COMPUTE, D("6"))
    assert ran.source == "Usage log: 2.00 GPU hours at 3.00, as build 1 cost"


def test_what_costs_another_currency_is_left_out_and_named(world, scenario):
    build(world, training_cost=D(3000), gpu_hours=D(1000), training_cost_currency="EUR")
    world.agreement.currency = "CAD"
    world.agreement.save()

    valuation = value(scenario)

    assert valuation.inputs["left_out"] == ["Agreement NA-1: CAD", "Build 1: EUR"]
    # 250,000 + 20,000 − 4,000 of checking.
    assert valuation.total == D("266000")


def test_no_scenario_is_valued_for_a_day_that_has_not_begun(scenario):
    tomorrow = timezone.localdate() + timedelta(days=1)

    with pytest.raises(CommandError, match="has not begun"):
        call_command("value_twins", as_of=tomorrow)

    assert not Valuation.objects.exists()


def test_the_command_values_every_scenario_and_says_so(world, scenario):
    out = StringIO()

    call_command("value_twins", stdout=out)

    assert Valuation.objects.get().scenario == scenario
    assert out.getvalue() == "Ada's voice, No pickup days: V = 266000.00 USD\n"
