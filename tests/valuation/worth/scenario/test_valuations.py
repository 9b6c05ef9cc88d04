"""Valuations: V of a scenario from its items, kept with all that it stood on."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from io import StringIO

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.utils import timezone

from licensing.models import Agreement, Escalator, Guarantee
from tests.valuation.scenarios import add_item, at_another, expose, make_scenario, pert
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import (
    ExchangeRate,
    InputCorrelation,
    ResidualLine,
    Scenario,
    ScenarioInput,
    TwinValuation,
    Valuation,
    ValuationTerm,
)
from valuation.words import Term
from valuation.worth.scenario import outcomes, plans, valuations
from valuation.worth.scenario.plans import UnsoundPlan
from valuation.worth.twin import assets
from valuation.worth.twin.depreciation import plan_depreciation
from valuation.worth.twin.royalty_relief import PlannedHours
from valuation.worth.twin.seen_days import add_new_leaves

TODAY = date(2026, 11, 22)
LATER = TONIGHT + timedelta(days=1)

pytestmark = pytest.mark.usefixtures("without_statements")


@pytest.fixture
def scenario(world):
    return make_scenario(world)


def value(scenario, as_of=TODAY, now=TONIGHT):
    return valuations.value_scenario(scenario_id=scenario.pk, as_of=as_of, now=now)


def test_v_of_a_scenario_of_fixed_inputs_is_that_of_a_sheet_worked_by_hand(world, scenario):
    # | term         | item                                          |  amount  | months  |
    # | savings      | 9 shooting days × 50,000 × 90 %               |  405,000 | 1–3     |
    # | expansion    | 4 markets × 100,000 × 60 %                    |  240,000 | 7–18    |
    # | licensing    | 6,000 lines from November to April: by the    |          |         |
    # |              | card 2,000, 3,000 and 1,000 in three quarters |          |         |
    # |              | cost 35,000 + 50,000 + 20,000                 | −105,000 | 1–6     |
    # | compute      | 62 minutes × 2.5 mouths × 208                 |  −32,240 | 2       |
    # | compute      | training, 256,000 / 4 titles                  |  −64,000 | 1       |
    # | depreciation | 35,000                                        |  −35,000 | 24      |
    # | V            | 645,000 − 236,240                             |  408,760 |         |
    line = world.line(("1000", "20"), (None, "15"))
    add_item(scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000, share="0.9", months=3)
    add_item(
        scenario, Term.EXPANSION, "Markets", quantity=4, rate=100_000, share="0.6",
        begins_in=7, months=12,
    )  # fmt: skip
    add_item(scenario, Term.LICENSING, "Lines", quantity=6_000, rate_line=line, months=6)
    add_item(scenario, Term.COMPUTE, "Mouths", quantity=62, times="2.5", rate=208, begins_in=2)
    add_item(scenario, Term.COMPUTE, "Training", quantity=256_000, share="0.25")
    add_item(scenario, Term.DEPRECIATION, "Cameos", quantity=35_000, begins_in=24)

    valuation = value(scenario)

    assert valuation.total == D("408760.00")
    assert dict(valuation.terms.values_list("label", "amount")) == {
        "Days": D(405_000), "Markets": D(240_000), "Lines": D(105_000), "Mouths": D(32_240),
        "Training": D(64_000), "Cameos": D(35_000),
    }  # fmt: skip
    result = valuations.result_of(valuation)
    assert result.worth.p5 == result.worth.p95 == pytest.approx(408_760)
    # A third of the days each month; a sixth of the lines; in the first the training, too.
    assert result.flows[:3] == pytest.approx(
        [135_000 - 17_500 - 64_000, 135_000 - 17_500 - 32_240, 135_000 - 17_500]
    )
    assert result.payback == 0


def test_a_plan_comes_to_what_the_nights_post_once_it_has_happened(world, scenario):
    """By quarter: brackets, minimum, multiplier, a step in January; by fiscal year: a guarantee."""
    Agreement.objects.update(fiscal_year_start_month=7)
    world.agreement.refresh_from_db()
    line = world.line(("1000", "20"), (None, "15"), minimum=D(36_000))
    world.factor("language", "fr", "1.25")
    Escalator.objects.create(
        card=world.card, raises=["prices", "bounds"], first_on="2027-01-01", every="year",
        percent=D(10),
    )  # fmt: skip
    Guarantee.objects.create(agreement=world.agreement, amount=D(250_000))
    world.use("2000", language="fr")
    night.run_night(as_of=TODAY, now=TONIGHT)
    Scenario.objects.update(months=8)
    priced = {"rate_line": line, "months": 6, "language": "fr"}
    add_item(scenario, Term.LICENSING, "French", quantity=6_000, **priced)
    add_item(
        scenario, Term.LICENSING, "German", quantity=600, **priced | {"months": 2, "begins_in": 3,
                                                                     "language": "de"}
    )  # fmt: skip

    planned = dict(value(scenario).terms.values_list("label", "amount"))
    for month in ("2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04"):
        world.use("1000", on=f"{month}-15", language="fr")
    world.use("300", on="2027-01-15", language="de")
    world.use("300", on="2027-02-15", language="de")
    night.run_night(as_of=date(2027, 7, 1), now=datetime(2027, 7, 1, 3, tzinfo=UTC))

    posted = ResidualLine.objects.filter(month_on__gte="2026-11-01")
    of_use, true_up = (
        posted.filter(reading__kind=kind).aggregate(sum=Sum("amount"))["sum"]
        for kind in ("use", "true_up")
    )
    # Fourth quarter: (20,000 + 15,000) × 1.25. First: (20,000 + 30,000) × 1.25 × 1.1 in French and
    # 600 × 20 × 1.1 in German. Second: 20,000 × 1.25 × 1.1, up to 36,000 × 1.1.
    assert of_use == D(43_750) + D(68_750) + D(13_200) + D(39_600)
    assert planned["German"] == D(13_200)
    assert planned["French"] + planned["German"] == of_use
    # Of the year that ends in June, the summer had earned 43,750.
    assert true_up == D(250_000) - 43_750 - of_use
    assert planned["Guarantee of NA-1, 1 July 2026 – 30 June 2027"] == true_up


def test_the_same_scenario_is_valued_once_whatever_the_night(world, scenario):
    add_item(scenario, Term.SAVINGS, "Days", quantity=pert(6, 9, 11), rate=50_000)
    line = world.line(unit_price=D(2))
    add_item(scenario, Term.LICENSING, "Lines", quantity=100, rate_line=line)
    Guarantee.objects.create(agreement=world.agreement, amount=D(500))
    world.use("4", standing="out_of_scope")
    night.run_night(as_of=TODAY, now=TONIGHT)

    first = value(scenario)
    assert valuations.plan_of(first).legal_paths[1].name.startswith("Uses outside the consent")

    assert value(scenario, TODAY + timedelta(days=1)) == first
    ScenarioInput.objects.filter(item__scenario=scenario, role="rate").update(middle=D(60_000))
    assert value(scenario) != first


def test_a_valuation_is_computed_again_to_the_last_bit_from_what_it_kept(world, scenario):
    line = world.line(("1000", "20"), (None, "15"), round_quantity="per_period_up", minimum=D(500))
    add_item(scenario, Term.SAVINGS, "Days", quantity=pert(6, 9, 11), rate=50_000)
    add_item(
        scenario, Term.LICENSING, "Lines", quantity=pert(500, 2_000, 9_000), rate_line=line,
        months=5,
    )  # fmt: skip
    kept = Valuation.objects.get(pk=value(scenario).pk)
    line.delete()
    scenario.items.all().delete()

    again = valuations.computed_anew(kept)

    assert outcomes.to_json(again) == kept.outcome
    assert json.dumps(outcomes.to_json(again)) == json.dumps(
        outcomes.to_json(valuations.result_of(kept))
    )
    assert plans.digest_of(plans.to_json(valuations.plan_of(kept))) == kept.inputs_sha256
    assert kept.versions_json.keys() == {"numpy", "scipy", "python", "machine"}


def test_inputs_that_move_together_have_shapley_effects_and_others_sobol_indices(scenario):
    days = add_item(scenario, Term.SAVINGS, "Days", quantity=pert(6, 9, 11), rate=50_000)
    mouths = add_item(scenario, Term.COMPUTE, "Mouths", quantity=pert(50, 143, 400), rate=208)
    apart = valuations.result_of(value(scenario))
    assert sum(sway.first for sway in apart.sways) == pytest.approx(1, abs=0.05)
    assert apart.sways[0].effect is None

    InputCorrelation.objects.create(
        scenario=scenario,
        one=days.inputs.get(role="quantity"),
        other=mouths.inputs.get(role="quantity"),
        coefficient=D("0.6"),
    )
    together = valuations.result_of(value(scenario))

    assert sum(sway.effect for sway in together.sways) == pytest.approx(1, abs=0.05)
    assert together.sways[0].first is None
    # What is saved and what is redone rise together, so V spreads less.
    assert together.worth.p95 - together.worth.p5 < apart.worth.p95 - apart.worth.p5


def test_an_item_without_a_source_is_an_assumption_and_says_so(scenario):
    add_item(
        scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000, source="", standing="assumption"
    )

    value(scenario)

    term = ValuationTerm.objects.get()
    assert (term.standing, term.source) == ("assumption", "No source named")


def test_another_currency_is_converted_by_the_stored_rate_or_refused_by_name(scenario):
    add_item(scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000)
    add_item(scenario, Term.COMPUTE, "Paris studio", quantity=1, rate=1_000, currency="EUR")

    with pytest.raises(UnsoundPlan, match=r"“Paris studio” is in EUR\. No rate of EUR in USD"):
        value(scenario)
    assert not Valuation.objects.exists()

    ExchangeRate.objects.create(
        base="EUR", currency="USD", on=TODAY, rate=D("1.25"), source="The bank",
        recorded_at=TONIGHT,
    )  # fmt: skip
    assert value(scenario).total == D(450_000 - 1_250)


@pytest.mark.parametrize(
    ("figures", "what_to_do"),
    [
        ({"spreading": "pert", "low": D(9), "middle": D(6), "high": D(11)}, "must lie between"),
        ({"spreading": "uniform", "low": D(9)}, "needs: the highest value"),
        ({"spreading": "discrete", "values": "many"}, "Write them as in 0: 60"),
    ],
)
def test_an_impossible_distribution_is_refused_by_name_with_what_to_do(
    scenario, figures, what_to_do
):
    add_item(scenario, Term.SAVINGS, "Days", quantity=figures, rate=50_000)

    with pytest.raises(UnsoundPlan, match=f"Days, how many.*{what_to_do}"):
        value(scenario)


def test_an_item_that_falls_due_after_the_scenario_is_refused(scenario):
    add_item(scenario, Term.SAVINGS, "Late", quantity=9, rate=50_000, begins_in=23, months=3)

    with pytest.raises(UnsoundPlan, match="“Late” falls due after the scenario's 24 months"):
        value(scenario)


# One agency's facts


@pytest.fixture
def exposed(world, scenario):
    return expose(world, scenario)


def test_hours_that_a_plan_has_a_twin_seen_wear_its_worth_with_and_without_the_plan(world, exposed):
    valuation = value(exposed, now=LATER)

    wear = plan_depreciation(
        agency_id=world.agency.pk,
        twin_id=world.twin.pk,
        planned=[PlannedHours("cinema", D(200), lasts=9)],
        as_of=TODAY,
        known_at=LATER,
        currency="USD",
    )
    item = valuations.plan_of(valuation).items[0]
    figures = item.inputs[0].figures
    assert (figures.low, figures.middle, figures.high) == (
        round(wear.low, 2), round(wear.loss, 2), round(wear.high, 2),
    )  # fmt: skip
    term = valuation.terms.get()
    # The log is measured, what exposure does to a price is not.
    assert (term.term, term.standing) == (Term.DEPRECIATION.value, "assumption")
    assert "with and without (IVS 210)" in term.source
    assert valuation.total == -term.amount < 0
    (forecast,) = valuations.plan_of(valuation).forecasts
    assert forecast.before - forecast.after == figures.middle
    assert float(sum(forecast.lost)) == pytest.approx(float(figures.middle), abs=1)
    assert forecast.with_plan[0] < forecast.without[0]
    assert len(forecast.without) == len(forecast.with_plan) == len(wear.without.months)
    assert valuation.inputs["past_fees"] == [
        {"agreement": "NA-1", "amount": "12000", "currency": "USD"}
    ]


def test_another_agencys_use_of_the_same_twin_enters_neither_v_nor_its_texts(
    world, exposed, elsewhere
):
    alone = value(exposed, now=LATER)

    other = at_another(world, elsewhere)
    other.line(unit_price=D(1), meter="seconds")
    other.use(str(900 * 3600), meter="seconds", channel="cinema", on="2026-11-02")
    night.run_night(as_of=TODAY + timedelta(days=1), now=LATER)
    add_new_leaves(now=LATER)

    after = value(exposed, now=LATER + timedelta(days=1))
    assert after.total == alone.total
    assert after.inputs["past_fees"] == alone.inputs["past_fees"]
    assert "EL-1" not in str(after.inputs)
    theirs = make_scenario(other, name="Theirs")
    theirs.exposures.create(twin=world.twin, channel="cinema", hours=D(200))
    valued = value(theirs, TODAY + timedelta(days=1), now=LATER + timedelta(days=1))
    assert valued.total not in {D(0), alone.total}
    assert "NA-1" not in str(valued.inputs)


# By command


def test_no_scenario_is_valued_for_a_day_that_has_not_begun(scenario):
    tomorrow = timezone.localdate() + timedelta(days=1)

    with pytest.raises(CommandError, match="has not begun"):
        call_command("value_twins", as_of=tomorrow)

    assert not Valuation.objects.exists()


def test_stored_valuations_are_reckoned_again_and_each_that_differs_is_named(exposed):
    value(exposed)
    assets.value_twins(as_of=TODAY, now=TONIGHT)
    valuation, twin = Valuation.objects.get(), TwinValuation.objects.get()
    out, errors = StringIO(), StringIO()

    call_command("value_twins", verify=True, stdout=out)
    assert out.getvalue() == ("Valuations that come out as stored: 1 of scenarios, 1 of twins.\n")

    # What no person can do, a restore of half a backup may.
    with pgtrigger.ignore("valuation.Valuation:append_only", "valuation.TwinValuation:append_only"):
        Valuation.objects.update(outcome={**valuation.outcome, "below_zero": 0.5})
        TwinValuation.objects.update(base=twin.base + D("0.01"))
    with pytest.raises(CommandError, match="2 valuations do not come out as stored") as failed:
        call_command("value_twins", verify=True, stderr=errors)
    assert failed.value.returncode == 1
    assert f"({valuation.pk}): below_zero\n" in errors.getvalue()
    assert f"({twin.pk}): base\n" in errors.getvalue()
    with pgtrigger.ignore("valuation.Valuation:append_only", "valuation.TwinValuation:append_only"):
        Valuation.objects.update(inputs={**valuation.inputs, "seed": 8})
        TwinValuation.objects.update(inputs={**twin.inputs, "earned": []})
    with pytest.raises(CommandError):
        call_command("value_twins", verify=True, stderr=errors)
    assert errors.getvalue().count("its inputs have another digest") == 2


def test_on_another_machine_the_cents_count_and_what_another_version_reckoned_is_left(exposed):
    value(exposed)
    with pgtrigger.ignore("valuation.Valuation:append_only"):
        Valuation.objects.update(versions_json={"numpy": "9"})
        stored = Valuation.objects.get()
        means = [mean + 1e-7 for mean in stored.outcome["item_means"]]
        Valuation.objects.update(outcome={**stored.outcome, "item_means": means})
        assert valuations.what_differs(Valuation.objects.get()) == ""
        cents = [mean + 0.01 for mean in means]
        Valuation.objects.update(outcome={**stored.outcome, "item_means": cents})
        assert valuations.what_differs(Valuation.objects.get()) == "item_means"

        Valuation.objects.update(code_version="2026-10")
    out = StringIO()
    call_command("value_twins", verify=True, stdout=out)
    assert "Reckoned by an earlier version, and not again: 1." in out.getvalue()


def test_the_command_values_what_is_in_use_and_names_what_it_cannot(world, scenario):
    add_item(scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000)
    add_item(make_scenario(world, name="Empty-handed"), Term.SAVINGS, "Nothing")
    make_scenario(world, name="Put away", in_use=False)
    out = StringIO()

    call_command("value_twins", stdout=out)

    assert Valuation.objects.get().scenario == scenario
    assert out.getvalue().splitlines() == [
        "Empty-handed: not valued. “Nothing” has no figures yet: give it a quantity and a rate.",
        "No pickup days: V = 450000.00 USD",
    ]
    assert ScenarioInput.objects.count() == 2
