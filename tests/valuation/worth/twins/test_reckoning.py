"""Cap advice, break-even, quality and legal exposure: by hand, by law, and on their pages."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from licensing.agreements.rulesets import load_rules
from licensing.models import Amendment, Cap, RuleSet
from tests import factories
from tests.factories import sign_in
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import TwinValuation
from valuation.worth import assets
from valuation.worth.break_even import (
    BadBudget,
    Buyer,
    Capital,
    bifurcation,
    break_even,
    smallest_budget,
)
from valuation.worth.cap_advice import CapPlan, NoAdvice, advise, sensitivity
from valuation.worth.exposure import ChannelWeight, Curve, WearRules
from valuation.worth.legal_exposure import BadRisk, Path, PathState, legal_exposure
from valuation.worth.quality import ArtifactClass, BadRates, Shoot, against
from valuation.worth.royalty_relief import DAYS_A_YEAR, Income, Outlook, Rights, TwinInputs

TODAY = date(2026, 11, 22)


def inputs(income="100000", floor="0.01", weight=1, seen=0, fit="0"):
    """Return a twin's figures; `seen` are the hours of cinema a year that go on anyway."""
    return TwinInputs(
        rules=WearRules(
            {"cinema": ChannelWeight(D(weight), D(84))}, Curve(D(200), D("1.5"), D(floor)),
            congruence=D("0.5"),
        ),
        incomes=(Income(D(income)),),
        outlook=Outlook({}, {"cinema": seen / DAYS_A_YEAR} if seen else {}, D(fit)),
        discount=D("0.2"), growth=D(0),
        renewal=D(1), rights=Rights(), age_of_death=D(87), age_spread=D(10), years=10,
        tax=D(0), tax_years=15,
    )  # fmt: skip


# Caps


def test_a_cap_is_where_the_next_hour_takes_as_much_as_it_pays():
    """Between its neighbours the gain is highest, and gain is fees less value lost."""
    advice = advise(inputs(), CapPlan("cinema", fee=D(200), most_hours=D(3000)))

    assert advice.has_limit
    at = advice.curve.index(advice.best)
    assert 0 < at < len(advice.curve) - 1
    before, best, after = advice.curve[at - 1 : at + 2]
    assert before.gain < best.gain > after.gain
    assert best.gain == best.fees - best.lost
    assert advice.curve[0].gain == advice.curve[0].fees == advice.curve[0].lost == 0


def test_a_fee_that_holds_makes_the_last_hour_pay_and_then_no_cap_does():
    held = advise(
        inputs(income="1"), CapPlan("cinema", fee=D(200), most_hours=D(3000), share_worn=D(0))
    )

    assert not held.has_limit
    assert held.best == held.curve[-1]


def test_nothing_is_gained_where_an_hour_pays_less_than_it_takes():
    advice = advise(inputs(income="10000000"), CapPlan("cinema", fee=D(1), most_hours=D(100)))

    assert (advice.best.hours, advice.best.gain) == (0, 0)


def test_a_cap_falls_where_exposure_lasts_longer_or_wears_sooner():
    told = {
        (one.half_life, one.half_at): one.advice.best.hours
        for one in sensitivity(inputs(), CapPlan("cinema", fee=D(200), most_hours=D(3000)))
    }

    assert told[D("0.5"), D(1)] > told[D(2), D(1)]
    assert told[D(1), D(2)] > told[D(1), D("0.5")]


def points(told, *, most_hours, congruence=0):
    plan = CapPlan("cinema", D(200), D(most_hours), congruence=D(congruence))
    return advise(told, plan, steps=2).curve


def test_fees_are_hours_at_the_fee_each_year_where_nothing_wears_or_is_discounted():
    told = replace(inputs(floor="1"), discount=D(0))

    _, half, whole = points(told, most_hours=100)

    # 100 hours × 200 × 10 years; nothing is lost where the price is held.
    assert (round(whole.fees, 6), round(half.fees, 6)) == (200_000, 100_000)
    assert whole.lost == 0


def test_hours_wear_by_the_weight_of_their_channel_on_top_of_what_is_seen_anyway():
    _, once, twice = points(inputs(), most_hours=2000)

    assert points(inputs(weight=2), most_hours=1000)[2].lost == pytest.approx(twice.lost)
    on_top = points(inputs(seen=1000), most_hours=1000)[2]
    assert on_top.lost == pytest.approx(twice.lost - once.lost)


def test_fit_is_that_of_all_hours_by_how_many_they_are():
    # 1,000 hours that fit by 1 and 3,000 by 0 are 4,000 that fit by a quarter.
    mixed = points(inputs(seen=1000, fit="1"), most_hours=3000)[2]
    alike = points(inputs(seen=1000, fit="0.25"), most_hours=3000, congruence="0.25")[2]

    assert mixed.fees == pytest.approx(alike.fees)


@pytest.mark.parametrize(
    "wrong", [{"fee": D(0)}, {"most_hours": D(0)}, {"share_worn": D(2)}, {"congruence": D(-2)}]
)
def test_a_plan_without_a_fee_or_hours_is_no_plan(wrong):
    with pytest.raises(NoAdvice):
        CapPlan(**{"channel": "cinema", "fee": D(1), "most_hours": D(1), **wrong})


# Break-even

CAPITAL = Capital(once=D(1_000_000), a_title=D(60_000), an_hour=D(2_500), saved_share=D("0.02"))


def test_a_studio_breaks_even_and_an_independent_never_does():
    studio = break_even(CAPITAL, Buyer("Studio", D(50_000_000), D(2)))
    independent = break_even(CAPITAL, Buyer("Independent", D(2_000_000), D(2)))

    # 2 % of 50 M is 1 M, less 60,000 and 2 × 2,500: 935,000 a title; 1,000,000 / 935,000 → 2.
    assert (studio.gain_a_title, studio.titles) == (935_000, 2)
    assert round(studio.hours, 4) == D("2.1390")
    # 2 % of 2 M is 40,000: each title costs 25,000 more than it saves.
    assert (independent.gain_a_title, independent.titles) == (-25_000, None)
    # 2 % of 3.25 M is 65,000, just what a title costs: what gains nothing never pays, either.
    assert break_even(CAPITAL, Buyer("Even", D(3_250_000), D(2))).titles is None
    # Two titles: (500,000 + 60,000 + 5,000) / 2 %.
    assert smallest_budget(CAPITAL, D(2), 2) == 28_250_000


@given(
    once=st.integers(1, 10**7), a_title=st.integers(0, 10**5), share=st.integers(1, 100),
    titles=st.integers(1, 50),
)  # fmt: skip
def test_at_the_smallest_budget_a_twin_pays_for_itself_after_just_so_many_titles(
    once, a_title, share, titles
):
    capital = Capital(D(once), D(a_title), D(0), D(share) / 100)
    least = smallest_budget(capital, D(0), titles)

    (at,) = bifurcation(capital, D(0), [least * (1 + D("1e-12"))])
    (below,) = bifurcation(capital, D(0), [least * D("0.999")])
    assert at.titles <= titles
    assert below.titles is None or below.titles >= titles


def test_what_saves_nothing_never_pays_and_a_bad_budget_is_refused():
    assert smallest_budget(Capital(D(1), D(0), D(0), D(0)), D(1), 1) is None
    with pytest.raises(BadBudget):
        Capital(D(-1), D(0), D(0), D(0))
    with pytest.raises(BadBudget):
        smallest_budget(CAPITAL, D(1), 0)


# Quality

EYES = ArtifactClass("Eyes", D(1), D(2), D(3), minutes=D(90), an_hour=D(100), source="Counted")


def test_mending_is_weighed_against_the_shoot():
    found = against([EYES], D(10), Shoot(D(2), D(2_500)))

    # 2 a minute × 10 min × 1.5 h × 100 = 3,000; the shoot 5,000; so 3.333 a minute cost the same.
    assert (found.mending, found.shooting, found.mends) == (3_000, 5_000, True)
    assert round(found.crossover, 3) == D("3.333")
    # Three a minute, the most there may be, cost 4,500: the shoot is never cheaper.
    assert found.chance == 0
    # PERT 1, 2, 3 is symmetric: at 3,000 it is even.
    assert against([EYES], D(10), Shoot(D(1), D(3_000))).chance == pytest.approx(0.5, abs=0.001)
    assert Shoot(D(2), D(100), besides=D(50)).cost == 250


def test_rates_of_classes_vary_apart():
    """Two that are high at once are rarer than one: costs of both spread less than twice one's."""
    one = against([EYES], D(10), Shoot(D(1), D(3_750)))
    both = against([EYES, EYES], D(10), Shoot(D(1), D(7_500)))

    assert 0 < both.chance < one.chance / 2


def test_bad_rates_are_refused():
    with pytest.raises(BadRates):
        ArtifactClass("Eyes", D(3), D(2), D(1), D(1), D(1), "Counted")
    with pytest.raises(BadRates):
        against([EYES], D(0), Shoot(D(1), D(1)))


# Legal exposure


def test_what_could_be_claimed_is_added_up_and_what_is_not_known_has_no_amount():
    found = legal_exposure(
        [
            Path("Dataset A", PathState.UNLICENSED, D("0.25"), D(400_000)),
            Path("Dataset B", PathState.CONTAMINATED, D("0.5"), D(100_000)),
            Path("Capture", PathState.LICENSED, D("0.9"), D(1_000_000)),
            Path("Base model", PathState.UNKNOWN, D("0.9"), D(1_000_000)),
            Path("Dataset C", PathState.UNLICENSED),
        ]
    )

    assert found.total == 150_000
    assert [path.name for path in found.unknown] == ["Base model", "Dataset C"]
    with pytest.raises(BadRisk):
        Path("Dataset", PathState.UNLICENSED, D(2))


# Pages


@pytest.fixture
def valuation(world, without_statements):
    world.line(unit_price=D(1), meter="seconds")
    world.use(str(100 * 3600), meter="seconds", channel="cinema")
    night.run_night(as_of=TODAY, now=TONIGHT)
    return assets.value_twin(
        agency_id=world.agency.pk, twin_id=world.twin.pk, as_of=TODAY, now=TONIGHT
    )


def test_advice_leads_to_the_doors_of_a_draft_and_of_an_amendment(valuation, affairs):
    draft = factories.make_agreement(
        valuation.agency, factories.make_licensee("lantern"), valuation.twin, reference="NA-9",
        status="draft", signed_at=None,
    )  # fmt: skip
    client = sign_in(affairs)
    page = client.get(
        reverse("admin:cap_advice", args=[valuation.pk]),
        {"channel": "cinema", "fee": "900", "most_hours": "600", "share_worn": "1"},
    )

    assert "In US dollars. It begins with what an hour earned" in page.content.decode()
    by_label = {one["label"]: one["url"] for one in page.context["found"]["agreements"]}
    into_draft, as_amendment = (
        by_label["Put it into draft NA-9"], by_label["Ask for it as an amendment of NA-1"],
    )  # fmt: skip
    limit = parse_qs(urlsplit(into_draft).query)["limit"][0]
    for url in (into_draft, as_amendment):
        opened = client.get(url).content.decode()
        assert f'value="{limit}"' in opened
    assert not Cap.objects.exists()
    assert not Amendment.objects.exists()
    form = client.get(into_draft).context["adminform"].form
    sent = {
        name: value
        for name, field in form.fields.items()
        if (value := form.get_initial_for_field(field, name)) not in (None, "")
    }
    client.post(urlsplit(into_draft).path, sent)
    cap = Cap.objects.get()
    assert (cap.agreement, cap.meter, cap.channels) == (draft, "seconds", ["cinema"])
    assert cap.limit == D(limit)


def test_pages_move_figures_and_change_no_row(valuation, agent):
    load_rules()
    client = sign_in(agent)

    told = client.get(reverse("admin:break_even"), {"studio": "50000000"}).content.decode()
    assert "Studio, 50,000,000 a title: after 2 titles" in told
    assert "each then bears 500,000." in told
    assert "Independent, 2,000,000 a title: never" in told
    assert '"series": "Independent: never"' in told, "Who never breaks even is drawn, too."
    shoot = client.get(reverse("admin:quality"), {"a_day": "10", "besides": "0"}).content.decode()
    assert "Shoot it again: 20, beside" in shoot
    assert "Not verified" in shoot
    assert TwinValuation.objects.count() == 1


def test_fields_begin_with_dated_figures_that_say_where_they_come_from(agent):
    """What the desk brings counts without a loaded rulebook, and a row of the rulebook over it."""
    client = sign_in(agent)
    capital = client.get(reverse("admin:break_even"))
    assert capital.context["form"]["once"].value() == "1000000"
    sure = {one["name"]: not one["is_assumption"] for one in capital.context["firsts"]}
    assert sure.pop("What the twin costs once")
    assert len(sure) == 6
    assert not any(sure.values())
    assert capital.content.decode().count('<strong class="desk-unsure">Assumption') == 6

    load_rules()
    RuleSet.objects.filter(code="shoot.days").update(
        values={"value": "5"}, source="Counted on our shoots", confidence="primary"
    )
    shoot = client.get(reverse("admin:quality"))
    assert shoot.context["form"]["days"].value() == "5"
    told = {one["name"]: one for one in shoot.context["firsts"]}
    assert told["Days of a pickup shoot"]["source"].startswith("Counted on our shoots (")
    assert [one["is_assumption"] for one in told.values()] == [True, False, True, True]


@pytest.mark.parametrize("wrong", ["-1", "x", "1e999", "NaN", ""])
def test_a_figure_that_is_none_is_said_to_be(valuation, agent, wrong):
    client = sign_in(agent)
    for page, name in (("break_even", "once"), ("quality", "days")):
        answer = client.get(reverse(f"admin:{page}"), {name: wrong})
        assert answer.status_code == 200
        assert answer.context["form"].errors[name]
    answer = client.get(reverse("admin:cap_advice", args=[valuation.pk]), {"fee": wrong})
    assert answer.context["form"].errors["fee"]


def test_a_stranger_gets_no_advice(valuation, elsewhere):
    other = sign_in(factories.make_member(elsewhere, "agent"))

    assert other.get(reverse("admin:cap_advice", args=[valuation.pk])).status_code == 404
