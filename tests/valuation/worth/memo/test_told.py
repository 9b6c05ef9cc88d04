"""What is told of a valuation: figures as their reader writes them, and charts beside tables."""

import json
import re
from dataclasses import replace
from decimal import Decimal as D

import pytest
import vl_convert
from django.urls import reverse

from licensing.models import Advance, Escalator, Guarantee
from talent.words import Role
from tests.factories import make_member, sign_in
from tests.valuation.scenarios import add_item, expose, make_scenario, pert
from tests.valuation.world import TONIGHT
from valuation.charts import short_labels
from valuation.words import Term
from valuation.worth.memo import charts
from valuation.worth.memo.told import told
from valuation.worth.memo.written import WORD_JOINER, Written
from valuation.worth.scenario import outcomes, valuations

pytestmark = pytest.mark.usefixtures("without_statements")


def value(scenario):
    return valuations.value_scenario(scenario_id=scenario.pk, as_of=TONIGHT.date(), now=TONIGHT)


def item_of(scenario, term=Term.COMPUTE, locale="en-US"):
    (table,) = (one for one in told(value(scenario), locale).terms if one.term == term)
    return table.items[0]


@pytest.fixture
def scenario(world):
    return make_scenario(world)


def test_a_rate_of_less_than_a_cent_is_not_rounded_away(scenario):
    add_item(scenario, Term.COMPUTE, "Tokens", quantity=1_000_000, rate="0.0025")

    assert item_of(scenario).rate == "$0.0025"
    assert item_of(scenario, locale="de-DE").rate == "0,0025\xa0$"


@pytest.mark.parametrize(
    ("quantity", "unit", "reads"),
    [(1, "days", "1 day"), (2, "days", "2 days"), (1, "GPU hours", "1 GPU hour"),
     (1, "press", "1 press"), (1, "", "1"), ("1.5", "days", "1.5 days")],
)  # fmt: skip
def test_one_of_a_unit_is_not_many(scenario, quantity, unit, reads):
    item = add_item(scenario, Term.COMPUTE, "Days", quantity=quantity, rate=1)
    item.inputs.filter(role="quantity").update(unit=unit)

    assert item_of(scenario).quantity == reads


def test_a_share_that_its_error_hides_is_below_their_sum_and_has_none_beside_a_bar(scenario):
    add_item(scenario, Term.SAVINGS, "Days", quantity=pert(1, 2, 3), rate=100)
    valuation = value(scenario)
    (sway,) = outcomes.from_json(valuation.outcome).sways
    hidden = replace(sway, total=None, effect=-0.01, effect_error=0.041)
    result = replace(outcomes.from_json(valuation.outcome), sways=(hidden,))
    valuation.outcome = json.loads(json.dumps(outcomes.to_json(result)))

    (row,) = charts.tornado(Written(valuation, "en-US")).rows
    assert row[-2:] == ["below 4%", "± 4.1%"]


def test_a_minus_and_its_currency_stay_on_one_line(scenario):
    add_item(scenario, Term.COMPUTE, "Days", quantity=1, rate=100)

    assert told(value(scenario), "en-US").total == f"−{WORD_JOINER}$100.00"


GUARANTEE_BEYOND = (
    "The guarantee of 500 USD for a period that ends after the plan on 31 December 2028: what is "
    "missing is owed then"
)
ADVANCE_PAID_BACK = (
    "The advance of 700 USD due on 1 February 2027: use pays it back, so it moves money in time "
    "only"
)


def test_what_a_rate_card_makes_of_a_plan_is_told_and_what_it_leaves_out(world, scenario):
    line = world.line(unit_price=D(2), round_quantity="per_event_up")
    world.factor("language", "fr", "1.25")
    world.factor("territory", "JP", "1.5")
    Escalator.objects.create(
        card=world.card, raises=["prices"], first_on="2027-01-01", percent=D(3)
    )
    Guarantee.objects.create(agreement=world.agreement, amount=D(500), starts_on="2026-07-01")
    for due_on, label, back in (
        ("2026-12-24", "On delivery", "nothing"),
        ("2027-02-01", "On signing", "gross"),
        ("2027-02-01", "Ahead", "net"),
        ("2026-11-22", "Past", "nothing"),
        ("2028-11-01", "After the plan", "nothing"),
    ):
        Advance.objects.create(
            agreement=world.agreement, label=label, amount=D(700), due_on=due_on,
            paid_back_from=back,
        )  # fmt: skip
    add_item(
        scenario, Term.LICENSING, "Lines", quantity=120, rate_line=line, months=6, language="fr-CA"
    )
    valuation = value(scenario)

    lines, *guarantees, advance = told(valuation, "en-US").terms[2].items
    # 40 lines at 2.00 × 1.25 this year, 80 at 3 % more the next.
    assert lines.mean.endswith("$306.00")
    assert lines.explained == [
        "Language French × 1.25: × 1.25 in all",
        "From January 1, 2027: × 1.03 (+3 % from January 2027, 1 step)",
    ]
    assert lines.left_out == [
        "Multipliers for what the item does not say (Territory Japan × 1.5)",
        "The rounding of each use, since a plan knows no single uses",
        GUARANTEE_BEYOND,
        ADVANCE_PAID_BACK,
    ]
    assert (advance.label, advance.months) == ("On delivery (NA-1)", "month 2")
    assert [one.mean[-7:] for one in guarantees] == ["$400.00", "$294.00"]
    assert guarantees[0].explained == [
        "Guaranteed: $500.00; use had earned $0.00 of it by November 22, 2026",
        "What the items of this plan do not earn either is owed on December 31, 2026",
    ]
    page = reverse("admin:valuation_valuation_change", args=[valuation.pk])
    shown = sign_in(make_member(world.agency, Role.AGENT)).get(page).text
    assert all(f"Not in this price: {text}." in shown for text in lines.left_out)
    assert all(text in shown for text in (*lines.explained, *guarantees[0].explained))
    # A plan from before rating periods were kept still opens.
    priced_by = valuation.inputs["items"][0]["priced_by"]
    priced_by["terms"] = priced_by.pop("charges")[0]["terms"]
    del priced_by["left_out"]
    assert told(valuation, "en-US").terms[2].items[0].left_out == []


BESIDE = "Use beside this plan in the same rating periods, which counts with it"


def test_a_price_that_other_use_changes_says_so(world, scenario):
    plain = world.line(unit_price=D(2))
    of_other_use = [
        world.line(code="least", unit_price=D(2), minimum=D(5)),
        world.line(code="most", unit_price=D(2), maximum=D(5)),
        world.line(code="free", unit_price=D(2), free_quantity=D(1)),
        world.line(("100", "2"), (None, "1"), code="brackets"),
    ]
    for line in (plain, *of_other_use):
        add_item(scenario, Term.LICENSING, line.code, quantity=120, rate_line=line, months=6)

    items = told(value(scenario), "en-US").terms[2].items

    assert {item.label: item.left_out for item in items} == {
        "lines": [],
        **{line.code: [BESIDE] for line in of_other_use},
    }


# Charts


def test_axes_are_written_as_their_reader_writes(scenario):
    add_item(scenario, Term.SAVINGS, "Days", quantity=pert(10, 20, 30), rate=100_000)
    valuation = value(scenario)

    def labels(locale):
        chart = told(valuation, locale, width=560).histogram
        svg = vl_convert.vegalite_to_svg(chart.spec)
        return set(re.findall(r">([^<>]+)</text>", svg))

    assert {"1.5M", "2M"} <= labels("en-US")
    assert {"1,5\xa0Mio.", "2\xa0Mio."} <= labels("de-DE")
    assert "1000 ?" not in short_labels("de-DE"), "Germans shorten nothing below a million."


def test_the_forecast_is_drawn_with_the_plan_and_without_from_what_the_plan_froze(world, scenario):
    valuation = value(expose(world, scenario))
    world.use("100", on="2026-11-02")

    (forecast,) = told(valuation, "en-US").forecasts

    *years, today = forecast.rows
    plan = valuations.plan_of(valuation)
    assert 2 < len(years) < 15
    assert re.fullmatch(r"\d+–15", years[-1][0])
    assert years[-1][3] == "$0.00"
    assert today[0] == "Worth today"
    assert D(re.sub(r"[^\d.]", "", today[3])) == plan.items[0].inputs[0].figures.middle
    points = forecast.spec["layer"][0]["data"]["values"]
    assert {point["series"] for point in points} == {"Without the plan", "With the plan"}
    first = [point["y"] for point in points if point["x"] == 1]
    assert first == [float(plan.forecasts[0].without[0]), float(plan.forecasts[0].with_plan[0])]
    assert forecast.title == f"What the other licences of {world.twin.name} are expected to bring"


def test_a_plan_from_before_forecasts_were_kept_has_none_to_show(world, scenario):
    valuation = value(expose(world, scenario))
    del valuation.inputs["forecasts"]

    assert told(valuation, "en-US").forecasts == []


# Where it leads


def test_what_decides_it_most_leads_to_its_item(world, scenario):
    item = add_item(scenario, Term.SAVINGS, "Days", quantity=pert(1, 2, 9), rate=100)
    add_item(scenario, Term.COMPUTE, "Hours", quantity=pert(1, 2, 3), rate=1)
    valuation = value(scenario)
    agent = sign_in(make_member(world.agency, Role.AGENT))

    page = reverse("admin:valuation_scenarioitem_change", args=[item.pk])
    link = f'href="{page}">Days, how many</a>'
    for model, pk in (("valuation", valuation.pk), ("scenario", scenario.pk)):
        assert link in agent.get(reverse(f"admin:valuation_{model}_change", args=[pk])).text


def test_what_exposure_decides_leads_to_depreciation(world, scenario):
    valuation = value(expose(world, scenario))
    agent = sign_in(make_member(world.agency, Role.AGENT))

    shown = agent.get(reverse("admin:valuation_scenario_change", args=[scenario.pk])).text
    assert f"/{valuation.pk}/change/#items-r_depreciation" in shown
