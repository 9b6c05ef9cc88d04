"""The injunction drill: what stops if something falls on a day, and nothing by asking."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.models import Agreement, Permit
from talent.lineage import contamination, graph
from talent.models import Build, Contamination
from talent.words import ContaminationCause, LineageKind, Role
from tests import factories
from tests.factories import sign_in
from tests.valuation.schedule.plans import AT as PLANNED
from tests.valuation.schedule.plans import make_plan, make_screenplay
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import SchedulePlan
from valuation.reports import injunction
from valuation.schedule.plans import computation

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def lineage(agency, agent, twin):
    """A dataset, the build trained on it, and another build of the same twin that is not."""
    data = graph.add_node(agency=agency, kind=LineageKind.DATASET, name="D", at=AT, by=agent)
    build = factories.make_build(twin, "1.0")
    node = graph.node_of_build(build=build, agency=agency, at=AT, by=agent)
    graph.connect(source=data, target=node, at=AT, by=agent)
    return data, build


def everything():
    rows = {"agreements": Agreement, "builds": Build, "plans": SchedulePlan}
    return {name: model.objects.all() for name, model in rows.items()}


@pytest.fixture
def drill(lineage):
    def drill(on=date(2026, 12, 1), **about):
        return injunction.drill(lineage[0], on, **(everything() | about))

    return drill


@pytest.fixture
def cleared(terms, twin, agreement, performer, consent, lineage):
    """Two permits: one for the build that falls, one that names no build."""
    consent(performer=performer)
    studio = factories.make_studio(terms, at=timezone.now())
    for build in ({"build": "1.0"}, {}):
        answer = studio.post(
            "/api/v1/clearances",
            {
                "twin": f"T{twin.pk}", "agreement": agreement.reference, "right": "voice",
                "use": "dubbing", "at": timezone.now().isoformat(), "territory": "FR",
                "language": "fr", "channel": "streaming", "quantities": {"lines": "10"},
                "reserve": True, **build,
            },
            content_type="application/json",
        )  # fmt: skip
        assert answer.json()["outcome"] == "cleared"
    return Permit.objects.latest("expires_at")


def test_what_is_made_from_it_stops_and_what_is_not_stays(drill, twin, agreement, lineage):
    found = drill()
    (one,) = found.builds
    assert (one.build, one.in_service, one.instead) == (lineage[1], True, ())
    (stopped,) = found.agreements
    assert (stopped.agreement, stopped.wholly) == (agreement, True)

    other = Build.objects.create(
        twin=twin, provider=one.build.provider, version="2.0", built_on=date(2026, 2, 1)
    )
    assert drill().builds[0].instead == (other,)
    assert not drill().agreements[0].wholly
    assert drill(date(2026, 1, 15)).agreements[0].wholly  # it was not there yet
    # What is contaminated itself is nothing to use instead.
    contamination.mark(
        node=graph.node_of_build(build=other, agency=agreement.agency, at=AT, by=None), at=AT,
        cause=ContaminationCause.COURT, reason="So ordered", from_at=AT, by=None,
    )  # fmt: skip
    assert drill().builds[0].instead == ()
    assert drill().agreements[0].wholly
    one.build.retired_on = date(2026, 11, 1)
    one.build.save()
    assert not drill().agreements  # it had left before, and took nothing with it


def test_scenes_that_the_twin_plays_stop_and_say_what_they_cost_in_person(
    drill, lineage, agency, production, affairs, performer, twin, terms, agreement, consent
):
    consent("allow", performer=performer)
    screenplay = make_screenplay(agency, production, affairs, twin=twin, performer=performer)
    plan = make_plan(screenplay, agreement)
    result = computation.solve_now(plan_id=plan.pk, by=None, now=PLANNED)
    played = [part for part in computation.solution_of(result).parts if part.choice]
    (stopped,) = drill(plan.starts_on).plans

    assert played
    assert (stopped.plan, len(stopped.parts)) == (plan, len(played))
    assert stopped.more == sum(part.in_person - part.cost for part in stopped.parts)
    assert drill(plan.starts_on + timedelta(days=365)).plans == ()
    Build.objects.create(
        twin=twin, provider=lineage[1].provider, version="2.0", built_on=date(2026, 2, 1)
    )
    assert drill(plan.starts_on).plans == ()


def test_permits_that_run_past_the_day_stop_and_their_studio_keeps_the_rest(
    drill, cleared, lineage, twin
):
    assert drill(timezone.now().date()).permits == 2
    assert drill(cleared.expires_at.date() + timedelta(days=1)).permits == 0
    # One that names no build goes on with another.
    Build.objects.create(
        twin=twin, provider=lineage[1].provider, version="2.0", built_on=date(2026, 2, 1)
    )
    assert drill(timezone.now().date()).permits == 1


def test_money_is_what_was_posted_for_use_in_the_year_before(world, agency, agent):
    """Thirty lines at $1.00 in July count until the July after, and not before they were used."""
    world.line(unit_price=Decimal(1))
    world.use("30")
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)
    build = factories.make_build(world.twin, "9")
    node = graph.node_of_build(build=build, agency=agency, at=AT, by=agent)

    def totals(on):
        return injunction.drill(node, on, **everything()).totals(wholly=True)

    assert totals(date(2026, 12, 1)) == {"USD": Decimal(30)}
    assert totals(date(2026, 7, 1)) == totals(date(2027, 8, 1)) == {}


def test_only_what_one_may_see_is_told_and_nothing_is_marked(
    lineage, affairs, elsewhere, agreement, django_assert_max_num_queries
):
    url = reverse("admin:injunction_drill", args=[lineage[0].pk])
    client = sign_in(affairs)
    with django_assert_max_num_queries(40):
        page = client.get(url, {"on": "2026-12-01"})
    assert agreement.reference in page.text
    assert agreement.reference in b"".join(client.get(url, {"csv": 1}).streaming_content).decode()
    assert client.get(url, {"pdf": 1, "on": "2026-12-01"}).content.startswith(b"%PDF")
    for day in ("nonsense", "0001-01-01", "9999-12-31"):
        assert client.get(url, {"on": day}).status_code == 200
    assert not Contamination.objects.exists()

    theirs = factories.make_member(elsewhere, Role.BUSINESS_AFFAIRS)
    assert sign_in(theirs).get(url).status_code == 404
