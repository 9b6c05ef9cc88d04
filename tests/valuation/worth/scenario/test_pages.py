"""Scenarios in the admin: edited, filled, copied, valued in the background, shown and compared."""

import re
from datetime import timedelta
from decimal import Decimal as D
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from licensing.models import Guarantee, RateLine
from talent import locales
from talent.models import Build, Provider
from talent.words import Role, Tier
from tests import factories
from tests.factories import make_member, messages_of, run_action, sign_in, take_step
from tests.valuation.scenarios import add_item, at_another, expose, make_scenario, pert
from tests.valuation.world import TONIGHT
from valuation import night, tasks
from valuation.models import ScenarioInput, ScenarioItem, Valuation, ValuationRun
from valuation.words import Term
from valuation.worth.memo import pdf
from valuation.worth.memo.told import told
from valuation.worth.scenario import computation, editing, outcomes, runs, valuations
from valuation.worth.scenario.gathering import what_hinders


@pytest.fixture
def scenario(world):
    return make_scenario(world)


@pytest.fixture
def agent(world):
    return sign_in(make_member(world.agency, Role.AGENT))


@pytest.fixture
def asked(monkeypatch):
    """What the background was asked to value."""
    ids = []
    monkeypatch.setattr(
        tasks.compute_valuation, "apply_async", lambda kwargs, **_: ids.append(kwargs["run_id"])
    )
    return ids


def page(model, *args, name="change"):
    return reverse(f"admin:valuation_{model}_{name}", args=args)


def value(scenario):
    return valuations.value_scenario(scenario_id=scenario.pk, as_of=TONIGHT.date(), now=TONIGHT)


def item_form(scenario, *inputs, **fields):
    """Return what a browser sends of the page that adds an item."""
    data = {
        "scenario": scenario.pk, "term": "c_savings", "label": "Days", "begins_in": 1, "months": 1,
        "inputs-TOTAL_FORMS": len(inputs), "inputs-INITIAL_FORMS": 0, **fields,
    }  # fmt: skip
    for place, given in enumerate(inputs):
        named = {"role": "quantity", "name": "Days", "spreading": "fixed",
                 "standing": "published", "source": "", **given}  # fmt: skip
        data |= {f"inputs-{place}-{name}": value for name, value in named.items()}
    return data


# In the background


def test_a_scenario_is_valued_in_the_background_and_its_page_says_so(scenario, agent, asked):
    add_item(scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000)

    assert "is being valued" in messages_of(run_action(agent, "value", scenario))
    run = ValuationRun.objects.get()
    assert asked == [run.pk]
    assert "Waits for a worker" in agent.get(page("scenario", scenario.pk)).text

    computation.compute(run_id=run.pk, now=timezone.now())

    run.refresh_from_db()
    assert run.valuation.total == D(450_000)
    assert run.done == run.steps > 0
    assert "Worth $450,000 to the studio" in agent.get(page("scenario", scenario.pk)).text
    assert computation.compute(run_id=run.pk, now=timezone.now()) is None, (
        "A message can come twice."
    )


def test_a_scenario_is_valued_only_where_the_seat_allows_it(world, elsewhere, scenario, asked):
    user = make_member(elsewhere, Role.AGENT)
    make_member(world.agency, Role.AUDITOR, email=user.email)

    assert "does not allow this" in messages_of(run_action(sign_in(user), "value", scenario))
    assert asked == []


def test_what_is_being_valued_is_not_valued_twice_and_is_cancelled_at_its_next_draws(
    world, scenario, agent, monkeypatch
):
    add_item(scenario, Term.SAVINGS, "Days", quantity=pert(6, 9, 11), rate=50_000)
    now = timezone.now()
    run = runs.ask(scenario=scenario, as_of=now.date(), by=None, now=now)
    shown = agent.get(page("scenario", scenario.pk)).text
    assert page("scenario", scenario.pk, name="cancel") in shown
    with pytest.raises(runs.AlreadyComputing, match="being valued already"):
        runs.ask(scenario=scenario, as_of=now.date(), by=None, now=now)

    whole = outcomes.result_of

    def cancelled_meanwhile(plan, progress):
        take_step(agent, "cancel", scenario)
        return whole(plan, progress)

    monkeypatch.setattr(outcomes, "result_of", cancelled_meanwhile)
    assert computation.compute(run_id=run.pk, now=now) is None

    run.refresh_from_db()
    assert (run.valuation, run.failure) == (None, "")
    assert run.finished_at
    assert run.cancelled_by.email == "agent@northlight.example"
    assert not Valuation.objects.exists()


def test_a_run_that_no_worker_took_or_whose_worker_was_killed_holds_nobody_up(scenario):
    now = timezone.now()
    lost = runs.ask(scenario=scenario, as_of=now.date(), by=None, now=now - timedelta(hours=1))
    killed = runs.ask(scenario=scenario, as_of=now.date(), by=None, now=now)
    ValuationRun.objects.filter(pk=killed.pk).update(started_at=now)

    runs.ask(scenario=scenario, as_of=now.date(), by=None, now=now)

    failures = ValuationRun.objects.order_by("pk").values_list("failure", flat=True)
    assert list(failures) == ["No worker took it.", "Its process was killed before its end.", ""]
    assert lost != killed


def test_what_cannot_be_valued_says_why_on_its_page(scenario, agent):
    add_item(scenario, Term.SAVINGS, "Days")
    now = timezone.now()
    run = runs.ask(scenario=scenario, as_of=now.date(), by=None, now=now)

    assert computation.compute(run_id=run.pk, now=now) is None

    shown = agent.get(page("scenario", scenario.pk)).text
    assert "Not valued." in shown
    assert "“Days” has no figures yet: give it a quantity and a rate." in shown


def test_income_in_a_currency_without_a_rate_hinders_and_hours_cost_no_queries(
    world, scenario, agent, without_statements
):
    add_item(scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000)
    world.line(unit_price=D(120))
    world.use("100")
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    now = timezone.now()

    def hinders():
        with CaptureQueriesContext(connection) as asked:
            found = what_hinders(scenario, as_of=now.date(), now=now)
        return found, len(asked)

    _, before = hinders()
    for channel in ("cinema", "streaming", "social"):
        scenario.exposures.create(twin=world.twin, channel=channel, hours=D(20))
    assert hinders() == ("", before)
    assert before <= 10

    scenario.currency = "GBP"
    scenario.save()
    scenario.items.update(currency="GBP")
    assert "No rate of USD in GBP is stored" in agent.get(page("scenario", scenario.pk)).text


# The editor


def test_an_impossible_distribution_is_refused_at_saving_with_what_to_do(scenario, agent):
    wrong = {"spreading": "pert", "low": "9", "middle": "6", "high": "11"}
    sent = agent.post(page("scenarioitem", name="add"), item_form(scenario, wrong))

    assert "The most likely value must lie between the lowest and the highest." in sent.text
    assert not ScenarioItem.objects.exists()

    missing = agent.post(
        page("scenarioitem", name="add"), item_form(scenario, {"spreading": "uniform", "low": "9"})
    )
    assert "needs: the highest value" in missing.text


def test_an_item_is_added_with_its_curve_and_without_a_source_it_is_an_assumption(scenario, agent):
    right = {"spreading": "pert", "low": "6", "middle": "9", "high": "11"}
    sent = agent.post(page("scenarioitem", name="add"), item_form(scenario, right))

    assert sent.url == f"{page('scenario', scenario.pk)}#items-c_savings"
    row = ScenarioInput.objects.get()
    assert (row.standing, row.high) == ("assumption", D(11))
    shown = agent.get(page("scenarioitem", row.item_id)).text
    assert re.search(r'<svg [^>]*aria-label="PERT 6 – 9 – 11"><path d="M', shown)
    untouched = agent.get(page("scenario", scenario.pk)).text
    assert "No source named" in untouched
    assert "worth-assumption" in untouched


def test_a_scenario_takes_no_agreement_or_twin_of_another_agency(world, elsewhere, scenario):
    """Somebody with seats at both agencies sees both, and mixes them by mistake."""
    theirs = at_another(world, elsewhere)
    user = make_member(world.agency, Role.AGENT)
    make_member(elsewhere, Role.AGENT, email=user.email)
    data = {
        "name": "Mixed", "agency": world.agency.pk, "view": "studio", "twins": [world.twin.pk],
        "agreements": [theirs.agreement.pk], "currency": "USD", "begins_on": "2026-11-01",
        "months": 24, "discount_percent": 0, "draws": 1024, "seed": 7,
    }  # fmt: skip
    sent = sign_in(user).post(page("scenario", name="add"), data)

    assert "An agreement of another agency prices nothing here." in sent.text


def test_correlations_that_contradict_each_other_are_refused(scenario, agent):
    items = [
        add_item(scenario, Term.SAVINGS, name, quantity=pert(6, 9, 11), rate=50_000)
        for name in ("One", "Two", "Three")
    ]
    one, two, three = (item.inputs.get(role="quantity").pk for item in items)
    shown = agent.get(page("scenario", scenario.pk))
    data = {
        "_as_read": re.search(r'name="_as_read" value="([^"]*)"', shown.text)[1],
        "name": scenario.name, "agency": scenario.agency_id, "view": "studio",
        "twins": [twin.pk for twin in scenario.twins.all()],
        "agreements": [one.pk for one in scenario.agreements.all()], "currency": "USD",
        "begins_on": "2026-11-01", "months": 24, "discount_percent": "0", "draws": 1024,
        "seed": 7, "in_use": "on", "correlations-TOTAL_FORMS": 3, "correlations-INITIAL_FORMS": 0,
        "valuations-TOTAL_FORMS": 0, "valuations-INITIAL_FORMS": 0,
    }  # fmt: skip
    pairs = [(one, two, "0.9"), (two, three, "0.9"), (one, three, "-0.9")]
    for place, names in enumerate(pairs):
        parts = dict(zip(("one", "other", "coefficient"), names, strict=True))
        data |= {f"correlations-{place}-{name}": value for name, value in parts.items()}

    sent = agent.post(page("scenario", scenario.pk), data)

    assert "These correlations contradict each other" in sent.text
    assert not scenario.correlations.exists()


def test_a_template_fills_what_is_missing_with_sources_and_what_was_measured(world, scenario):
    provider = Provider.objects.create(name="Lab")
    Build.objects.create(
        twin=world.twin, provider=provider, version="2", built_on="2026-06-01",
        training_cost=D(64_000),
    )  # fmt: skip

    editing.fill(scenario=scenario, tier=Tier.EMULATOR, as_of=TONIGHT.date())
    again = editing.fill(scenario=scenario, tier=Tier.EMULATOR, as_of=TONIGHT.date())

    assert again == 0
    inputs = ScenarioInput.objects.filter(item__scenario=scenario)
    assert not inputs.filter(source="").exists()
    training = inputs.get(name="Training of the newest build")
    assert (training.middle, training.standing) == (D(64_000), "measured")
    gpu = inputs.get(name="A graphics hour")
    assert (gpu.low, gpu.middle, gpu.high, gpu.standing) == (
        D("1.99"), D("2.95"), D(5), "published",
    )  # fmt: skip
    assert gpu.source.endswith("(read in a secondary source)")
    scenario.refresh_from_db()
    assert scenario.discount_percent == 20
    assert value(scenario).total > 0


def test_an_independents_version_bears_the_whole_training_and_saves_smaller_days(world, scenario):
    editing.fill(scenario=scenario, tier=Tier.EMULATOR, as_of=TONIGHT.date())
    add_item(scenario, Term.SAVINGS, "Own", quantity=9, rate=50_000)

    copy = editing.independent_of(scenario)

    assert (copy.name, copy.view) == ("No pickup days, independent", "independent")
    assert copy.items.count() == scenario.items.count()
    share, own = "Part of the training that this title bears", "Own, at"
    assert ScenarioInput.objects.get(item__scenario=copy, name=share).middle == 1
    assert ScenarioInput.objects.get(item__scenario=scenario, name=share).middle == D("0.25")
    assert ScenarioInput.objects.get(item__scenario=copy, name=own).middle == 50_000
    assert value(copy).total < value(scenario).total
    assert editing.duplicate(scenario).name == "No pickup days (copy)"
    assert editing.duplicate(scenario).name == "No pickup days (copy) 2"


# What is shown


@pytest.fixture
def valued(world, scenario):
    line = world.line(("1000", "20"), (None, "15"))
    add_item(scenario, Term.SAVINGS, "Days", quantity=pert(6, 9, 11), rate=50_000, months=3)
    add_item(scenario, Term.LICENSING, "Lines", quantity=6_000, rate_line=line, months=6)
    add_item(
        scenario, Term.COMPUTE, "Mouths", quantity=62, times=pert("1.1", "2.3", 6), rate=208,
        source="", standing="assumption",
    )  # fmt: skip
    return value(scenario)


def test_a_valuations_page_begins_with_the_answer_and_leads_to_every_source(valued, agent):
    shown = agent.get(page("valuation", valued.pk)).text

    assert re.search(r"Worth \$3\d\d,000 to the studio, most likely between \$\d+,000 and", shown)
    assert "In no draw does it cost more than it brings." in shown
    assert "What decides it most: " in shown
    assert "by “Dubbed lines”" in shown
    assert "Rate card of NA-1" in shown
    assert '<span class="worth-badge worth-assumption">Assumption</span>' in shown
    assert "5 figures are assumptions" not in shown
    assert "3 figures are assumptions: they are marked below." in shown
    for item in valued.scenario.items.all():
        assert page("scenarioitem", item.pk) in shown
    for anchor in ("c_savings", "m_expansion", "l_licensing", "t_compute", "r_depreciation"):
        assert f'id="items-{anchor}"' in shown
    assert "Legal exposure: nobody has assessed it yet." in shown
    assert "Signed agreement, June 1, 2026" in shown
    assert "Not proved clean: " in shown


def test_every_figure_leads_to_the_row_that_it_rests_on_and_no_stranger_anywhere(
    world, scenario, agent, elsewhere
):
    expose(world, scenario)
    Guarantee.objects.create(agreement=world.agreement, amount=D(90_000))
    factories.make_build(world.twin, "1")
    add_item(scenario, Term.LICENSING, "Lines", quantity=6, rate_line=RateLine.objects.get())
    valuation = value(scenario)

    shown = agent.get(page("valuation", valuation.pk)).text
    leads = set(map(unescape, re.findall(r'href="([^"]*/source/[^"]*)"', shown)))

    assert {lead.partition("?")[2].partition("=")[0] for lead in leads} == {
        "agreement", "paid", "path", "twin",
    }  # fmt: skip
    assert [agent.get(lead, follow=True).status_code for lead in leads] == [200] * len(leads)
    at = page("scenario", scenario.pk, name="source")
    there = at_another(world, elsewhere).agreement
    theirs = (f"?agreement={there.reference}", f"?path=licence+{there.pk}")
    # Who has a seat at both sees both, and no scenario of one leads to the other.
    both = make_member(world.agency, Role.AUDITOR)
    make_member(elsewhere, Role.AGENT, email=both.email)
    assert [sign_in(both).get(f"{at}{url}").status_code for url in theirs] == [404, 404]
    for other in (
        "",
        *theirs,
        "?agreement=XX-1",
        "?path=training+0",
        "?path=consent",
        "?twin=Nobody",
    ):
        assert agent.get(f"{at}{other}").status_code == 404
    stranger = sign_in(make_member(elsewhere, Role.AGENT))
    assert {stranger.get(lead).status_code for lead in leads} == {404}


def test_the_list_says_what_each_scenario_was_worth_last_and_an_item_leads_back(valued, agent):
    listed = agent.get(page("scenario", name="changelist")).text
    assert locales.money(valued.total, "USD", "en-US") in listed

    item = valued.scenario.items.first()
    back = f"{page('scenario', valued.scenario_id)}#items-{item.term}"
    assert back in agent.get(page("scenarioitem", item.pk)).text


def test_v_is_one_number_wherever_it_stands(valued):
    """The mean of the draws and the sum of its items' rounded means differ by cents."""
    valued.total += D("0.02")

    said = told(valued, "en-US")

    v = locales.money(valued.total, "USD", "en-US")
    assert dict(said.money_facts)["Mean of V"] == said.total == said.waterfall.rows[-1][1] == v


def test_the_draws_are_exported_summed_up(valued, agent):
    sent = agent.get(page("valuation", valued.pk, name="csv"))
    lines = b"".join(sent).decode().splitlines()

    assert lines[0] == "part,name,term,mean,p5,p50,p95,note"
    assert lines[1].startswith("V,No pickup days,,")
    assert sum(line.startswith("month,") for line in lines) == 6


def test_a_memo_names_standard_premise_and_date_and_is_the_same_each_time(valued, agent):
    first = agent.get(page("valuation", valued.pk, name="memo"))

    content = b"".join(first)
    assert first["Content-Type"] == "application/pdf"
    assert content == pdf.draw(valued, locale="en").read()


def test_two_scenarios_stand_side_by_side_and_one_of_another_agency_does_not(
    world, elsewhere, valued, agent
):
    scenario = valued.scenario
    copy = editing.independent_of(scenario)
    value(copy)
    theirs = make_scenario(at_another(world, elsewhere), name="Their secret plan")
    url = page("scenario", scenario.pk, name="side_by_side")

    shown = agent.get(url, {"with": copy.pk}).text
    assert "to the studio" in shown
    assert "to an independent producer" in shown
    assert "Their secret plan" not in agent.get(url, {"with": theirs.pk}).text
    stranger = sign_in(make_member(elsewhere, Role.AGENT))
    for name in ("csv", "memo"):
        assert stranger.get(page("valuation", valued.pk, name=name)).status_code == 404
    for name in ("side_by_side", "progress"):
        assert stranger.get(page("scenario", scenario.pk, name=name)).status_code == 404
