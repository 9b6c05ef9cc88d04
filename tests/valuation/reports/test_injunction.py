"""The injunction drill: what stops if something falls on a day, and nothing by asking."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.models import Agreement, Permit
from talent.lineage import graph
from talent.models import Build, Contamination
from talent.words import LineageKind, Role
from tests import factories
from tests.factories import sign_in
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.reports import injunction

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


@pytest.fixture
def drill(lineage):
    def drill(on=date(2026, 12, 1), **about):
        told = {"agreements": Agreement.objects.all(), "builds": Build.objects.all()}
        return injunction.drill(lineage[0], on, **(told | about))

    return drill


@pytest.fixture
def cleared(terms, twin, agreement, performer, consent, lineage):
    """A permit for the build that falls."""
    consent(performer=performer)
    studio = factories.make_studio(terms, at=timezone.now())
    answer = studio.post(
        "/api/v1/clearances",
        {
            "twin": f"T{twin.pk}", "agreement": agreement.reference, "build": "1.0",
            "right": "voice", "use": "dubbing", "at": timezone.now().isoformat(),
            "territory": "FR", "language": "fr", "channel": "streaming",
            "quantities": {"lines": "10"}, "reserve": True,
        },
        content_type="application/json",
    )  # fmt: skip
    assert answer.json()["outcome"] == "cleared"
    return Permit.objects.get()


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


def test_permits_that_run_past_the_day_stop_and_their_studio_keeps_the_rest(drill, cleared):
    assert drill(timezone.now().date()).permits == 1
    assert drill(cleared.expires_at.date() + timedelta(days=1)).permits == 0


def test_money_is_what_was_posted_for_use_in_the_year_before(world, agency, agent):
    """Thirty lines at $1.00 in July count until the July after, and not before they were used."""
    world.line(unit_price=Decimal(1))
    world.use("30")
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)
    build = factories.make_build(world.twin, "9")
    node = graph.node_of_build(build=build, agency=agency, at=AT, by=agent)
    told = {"agreements": Agreement.objects.all(), "builds": Build.objects.all()}

    def totals(on):
        return injunction.drill(node, on, **told).totals(wholly=True)

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
