"""Legal paths: what of a plan is on file stands beside V, and never in it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from urllib.parse import quote

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.lineage import contamination, graph
from talent.models import CleanAnswer, CompositeSource
from talent.words import ContaminationCause, Role
from tests import factories
from tests.factories import make_member, sign_in, take_step
from tests.valuation.scenarios import add_item, at_another, make_scenario
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import ExchangeRate, LegalAssessment
from valuation.words import Term
from valuation.worth.legal import assessments
from valuation.worth.legal.risks import PathState
from valuation.worth.memo.summary_csv import summary_csv
from valuation.worth.scenario import gathering, plans, valuations
from valuation.worth.scenario.plans import UnsoundPlan

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
    # Nor once somebody has said what could be claimed; and plans from before paths still open.
    assess(world, plan.legal_paths[1], "50", 1_000_000)
    told = valuations.value_scenario(scenario_id=scenario.pk, as_of=TODAY, now=TONIGHT)
    assert valuations.plan_of(told).legal_paths[1].exposure == D(500_000)
    assert (told.total, told.outcome) == (before.total, before.outcome)
    content = plans.to_json(valuations.plan_of(told))
    assert content == told.inputs
    del content["legal_paths"]
    assert plans.from_json(content).legal_paths == ()


# What staff say of them


def assess(world, path, percent, at_risk, **about):
    given = {"currency": "USD", "source": "Counsel's letter", "counts_from": TODAY, "now": TONIGHT,
             "agency_id": world.agency.pk, **about}  # fmt: skip
    seat = world.agency.memberships.select_related("user").first()
    return assessments.assess(
        path=path,
        probability_percent=D(percent),
        at_risk=D(at_risk),
        by=seat.user if seat else make_member(world.agency, Role.AGENT),
        **given,
    )


def test_the_newest_assessment_that_counts_and_was_known_stands_and_none_is_changed(world):
    scenario = make_scenario(world)
    (path,) = (one for one in paths(scenario).values() if one.state is PathState.UNKNOWN)
    before, tomorrow = date(2026, 11, 21), date(2026, 11, 23)
    assess(world, path, 10, 100_000, counts_from=before)
    first = assess(world, path, 20, 100_000)
    assess(world, path, 90, 100_000, counts_from=tomorrow)
    assess(world, path, 80, 100_000, now=TONIGHT + timedelta(seconds=1))

    def claimed(**known):
        found = gathering.legal_paths(scenario, **{"as_of": TODAY, "now": TONIGHT, **known})
        return [one.exposure for one in found if one.key == path.key]

    assert claimed() == [20_000]
    assert claimed(as_of=before) == [10_000]
    assert claimed(as_of=tomorrow) == [90_000]
    assert claimed(now=TONIGHT + timedelta(seconds=1)) == [80_000]
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        first.delete()


def test_an_agency_reads_no_assessment_of_another_of_the_same_twin(world, elsewhere):
    scenario = make_scenario(world)
    there = at_another(world, elsewhere)
    path = paths(scenario)[f"Datasets, captures and base models of {world.twin}"]
    assess(there, path, 50, 1_000)

    assert paths(scenario)[path.name].exposure is None
    other = make_scenario(there, agency=elsewhere, agreement=there.agreement)
    assert paths(other)[path.name].exposure == 500
    agent = sign_in(make_member(world.agency, Role.AGENT))
    listed = agent.get(reverse("admin:valuation_legalassessment_changelist"))
    assert path.name not in listed.text


def test_capital_in_another_currency_is_converted_by_the_stored_rate_or_refused_by_name(world):
    scenario = make_scenario(world)
    path = paths(scenario)[f"Datasets, captures and base models of {world.twin}"]
    assess(world, path, 50, 1_000, currency="EUR")
    with pytest.raises(UnsoundPlan, match=r"“Datasets, .*” is in EUR"):
        paths(scenario)
    agent = sign_in(make_member(world.agency, Role.AUDITOR))
    page = reverse("admin:valuation_scenario_change", args=[scenario.pk])
    assert "is in EUR" in agent.get(page).text

    ExchangeRate.objects.create(base="EUR", currency="USD", on=TODAY, rate=D("1.08"), source="ecb",
                                recorded_at=TONIGHT)  # fmt: skip

    assert paths(scenario)[path.name].exposure == 540


def test_staff_assess_a_path_on_the_page_of_a_scenario_and_read_it_with_its_sum(world):
    scenario = make_scenario(world)
    add_item(scenario, Term.SAVINGS, "Days", quantity=9, rate=50_000)
    agent = sign_in(make_member(world.agency, Role.AGENT))
    page = reverse("admin:valuation_scenario_change", args=[scenario.pk])
    key = f"provenance {world.twin.pk}"
    shown = agent.get(page).text
    assert "nobody has assessed it yet. 1 path is not assessed: unknown, not zero." in shown
    assert f"?path={quote(key)}" in shown

    given = {
        "path": key,
        "probability_percent": "2.5",
        "at_risk": "4000000",
        "currency": "USD",
        "source": "Counsel, 20 November",
        "counts_from": timezone.localdate(),
    }
    take_step(agent, "assess", scenario, **given)
    take_step(agent, "assess", scenario, **given | {"path": "licence 1", "source": "Nobody"})

    assert [row.source for row in LegalAssessment.objects.all()] == ["Counsel, 20 November"]
    now = timezone.now()
    valuation = valuations.value_scenario(scenario_id=scenario.pk, as_of=now.date(), now=now)
    for url in (page, reverse("admin:valuation_valuation_change", args=[valuation.pk])):
        shown = agent.get(url).text
        assert "Legal exposure: $100,000.00, of what was assessed." in shown
        assert "2.5% × $4,000,000.00" in shown
    csv = "".join(summary_csv(valuation))
    assert "legal exposure beside V,,,100000" in csv
    assert "0 not assessed: unknown, not zero" in csv


def test_uses_outside_the_consent_and_consent_that_was_withdrawn_are_paths(world):
    scenario = make_scenario(world)

    def state(name):
        found = [path for path in paths(scenario).values() if name in path.name]
        return [(path.state, path.source) for path in found]

    record_door(world, "allow", BEFORE)
    assert state("Consent to what NA-1") == state("Uses outside") == []
    record_door(world, "deny", AFTER)
    world.use("3", "4", standing="out_of_scope")
    world.use("5")
    night.run_night(as_of=TODAY, now=TONIGHT)

    assert state("Consent to what NA-1 licenses: voice, dubbing") == [
        (PathState.UNLICENSED, "Consent does not allow it any more")
    ]
    assert state("Uses outside the consent under NA-1") == [(PathState.UNLICENSED, "2 in the log")]


def record_door(world, stance, at):
    record(
        matrix=matrix_of(performer=world.performer),
        cells=[Cell("voice", "dubbing", stance, Scope())],
        evidence=Evidence("A consent for the tests."),
        in_force_from=at,
        recorded_at=at,
        by=None,
    )


def test_what_a_twin_is_made_from_is_as_its_builds_in_service_were_found(world, agent):
    """No answer is unknown, each build proved is licensed, one contaminated is contaminated."""
    scenario, now = make_scenario(world), TONIGHT
    name = f"Datasets, captures and base models of {world.twin}"
    build = factories.make_build(world.twin, "1.0")
    assert paths(scenario)[name].state is PathState.UNKNOWN

    CleanAnswer.objects.create(build=build, agency=world.agency, answer="yes", at=now, content={})
    assert paths(scenario)[name].state is PathState.LICENSED

    node = graph.node_of_build(build=build, agency=world.agency, at=now, by=agent)
    contamination.mark(
        node=node, cause=ContaminationCause.CLAIM, reason="A letter", from_at=now, at=now, by=agent
    )
    found = paths(scenario)[name]
    assert (found.state, found.source) == (PathState.CONTAMINATED, "Contaminated: 1.0")
