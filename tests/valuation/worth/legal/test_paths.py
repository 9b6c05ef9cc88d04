"""Legal paths: what of a plan is on file stands beside V, and never in it."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.models import CompositeSource
from tests import factories
from tests.valuation.scenarios import add_item, make_scenario
from tests.valuation.world import TONIGHT
from valuation.words import Term
from valuation.worth.legal.risks import PathState
from valuation.worth.scenario import gathering, plans, valuations

TODAY = date(2026, 11, 22)
# Builds of the tests are of the first of January 2026.
BEFORE, LATE_THAT_DAY, AFTER = (
    datetime(2025, 12, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 23, tzinfo=UTC),
    datetime(2026, 1, 2, tzinfo=UTC),
)


def say(stance, *, at=BEFORE, scope=None, **owner):
    """Record a version that says one thing about training."""
    record(
        matrix=matrix_of(**owner),
        cells=[Cell("training_data", "training", stance, scope or Scope())],
        evidence=Evidence("A consent for the tests."),
        in_force_from=at,
        recorded_at=at,
        by=None,
    )


def paths(scenario):
    plan = gathering.gather(scenario, as_of=TODAY, now=TONIGHT)
    return {path.name: path for path in plan.legal_paths}


def of_build(scenario):
    name = scenario.twins.get().name
    return paths(scenario)[f"Training of {name}, build 1"]


@pytest.mark.parametrize(
    ("stance", "told", "state"),
    [
        ("allow", {}, PathState.LICENSED),
        ("allow", {"at": LATE_THAT_DAY}, PathState.LICENSED),
        ("allow", {"at": AFTER}, PathState.UNLICENSED),
        ("allow", {"scope": Scope(valid_to=BEFORE)}, PathState.UNLICENSED),
        ("allow", {"scope": Scope(valid_from=AFTER)}, PathState.UNLICENSED),
        ("ask", {}, PathState.UNKNOWN),
        ("deny", {}, PathState.UNLICENSED),
    ],
)
def test_a_build_is_judged_by_the_consent_that_was_in_force_on_its_day(world, stance, told, state):
    factories.make_build(world.twin, "1")
    say(stance, performer=world.performer, **told)

    path = of_build(make_scenario(world))

    assert (path.state, path.on) == (state, date(2026, 1, 1))
    assert path.exposure == (0 if state is PathState.LICENSED else None)


def test_an_agencys_own_layer_narrows_and_another_agencys_is_not_read(world, elsewhere):
    factories.make_build(world.twin, "1")
    say("allow", performer=world.performer)
    say("deny", agency=elsewhere)
    scenario = make_scenario(world)
    assert of_build(scenario).state is PathState.LICENSED

    say("deny", agency=world.agency)

    assert of_build(scenario).state is PathState.UNLICENSED


def test_a_composite_needs_the_consent_of_all_who_were_in_it_on_the_day(world):
    persona = factories.make_persona(world.agency)
    factories.make_build(persona, "1")
    other = factories.make_performer("Otto Other", world.agency)
    left = factories.make_performer("Lea Left", world.agency)
    for person, until in ((world.performer, None), (other, None), (left, date(2026, 1, 1))):
        CompositeSource.objects.create(twin=persona, performer=person, weight=1, ends_on=until)
    scenario = make_scenario(world)
    scenario.twins.set([persona])
    say("allow", performer=world.performer)
    # The agency's word for the composite speaks for none of its sources.
    say("allow", twin=persona)
    assert of_build(scenario).source == "No consent to training on file"

    say("allow", performer=other)

    assert of_build(scenario).state is PathState.LICENSED


def test_a_licence_is_on_file_where_it_is_signed_and_holds_for_the_whole_plan(world):
    """The plan is of 24 months from November 2026: the first day after it is 1 November 2028."""
    scenario, agreement = make_scenario(world), world.agreement

    def path(**fields):
        type(agreement).objects.filter(pk=agreement.pk).update(**fields)
        return paths(scenario)["Licence NA-1"]

    assert path(time_zone="UTC").state is PathState.LICENSED
    assert path(ends_at=datetime(2028, 11, 1, tzinfo=UTC)).state is PathState.LICENSED
    ends = path(ends_at=datetime(2028, 10, 31, 23, tzinfo=UTC))
    assert (ends.state, ends.on) == (PathState.UNLICENSED, date(2028, 10, 31))
    begins = path(ends_at=None, starts_at=datetime(2026, 11, 2, tzinfo=UTC))
    assert (begins.state, begins.on) == (PathState.UNLICENSED, date(2026, 11, 2))
    assert path(status="draft", signed_at=None).state is PathState.UNLICENSED
    scenario.agreements.clear()
    assert paths(scenario)[f"Licence of {world.twin}"].state is PathState.UNLICENSED


def test_legal_exposure_is_never_part_of_v(world):
    scenario = make_scenario(world)
    add_item(scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000)
    before = valuations.value_scenario(scenario_id=scenario.pk, as_of=TODAY, now=TONIGHT)
    factories.make_build(world.twin, "1")

    after = valuations.value_scenario(scenario_id=scenario.pk, as_of=TODAY, now=TONIGHT)

    assert after != before
    assert (after.total, after.outcome) == (before.total, before.outcome)
    assert after.terms.count() == 1
    plan = valuations.plan_of(after)
    assert [path.state for path in plan.legal_paths] == [
        PathState.LICENSED, PathState.UNLICENSED, PathState.UNKNOWN,
    ]  # fmt: skip
    # Nor if somebody had said what could be claimed; and plans from before paths still open.
    content = plans.to_json(plan)
    content["legal_paths"][1] |= {"probability": "0.5", "at_risk": "1000000"}
    told = plans.from_json(content)
    assert told.legal_paths[1].exposure == D(500_000)
    assert plans.to_json(told) == content
    assert valuations.outcomes.result_of(told) == valuations.result_of(after)
    del content["legal_paths"]
    assert plans.from_json(content).legal_paths == ()
