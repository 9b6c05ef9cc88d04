"""“Provably clean?” as studios ask it: of their own twins' builds, answered without names."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from talent.lineage import contamination, graph
from talent.models import Build, CleanAnswer, Dataset, DatasetFile, DatasetVersion
from talent.words import ContaminationCause, LineageKind
from tests import factories

pytestmark = pytest.mark.django_db
READS = ("SELECT", "WITH", "--")


def test_a_studio_asks_of_the_builds_it_may_use_and_reads_nobodys_name(
    studio, agency, agent, performer, twin, agreement
):
    now = timezone.now()
    build = factories.make_build(twin, "1.0")
    at = f"/api/v1/builds/B{build.pk}/provenance"
    alone = studio.get(at).json()
    assert (alone["clean"], alone["build"], alone["version"]) == ("unknown", f"B{build.pk}", "1.0")
    data = graph.add_node(
        agency=agency, kind=LineageKind.DATASET, name=f"Takes of {performer}", at=now, by=agent
    )
    version = DatasetVersion.objects.create(
        dataset=Dataset.objects.create(agency=agency, name="Takes"), number=1, node=data
    )
    file = DatasetFile.objects.create(
        version=version, path=f"{performer.name}.wav", sha256="a" * 64, size=10, owner="Secret Ltd"
    )
    node = graph.node_of_build(build=build, agency=agency, at=now, by=agent)
    graph.connect(source=data, target=node, at=now, by=agent)
    contamination.mark(
        node=data, file=file, cause=ContaminationCause.CLAIM, from_at=now, at=now, by=agent,
        reason=f"A letter of {performer}",
    )  # fmt: skip

    with CaptureQueriesContext(connection) as queries:
        answer = studio.get(at)

    told = answer.json()
    assert (told["clean"], told["findings"][0]["code"]) == ("no", "contaminated")
    assert told["findings"][0]["path"] == [f"N{data.pk}", f"N{node.pk}"]
    assert told["findings"][0]["files"] == 1
    for secret in (performer.name, twin.name, "Takes", "Secret", ".wav", "letter"):
        assert secret not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    sent = [one["sql"] for one in queries]
    assert not [sql for sql in sent if "talent_" in sql and not sql.lstrip().startswith(READS)]
    assert not CleanAnswer.objects.exists()


def test_builds_of_others_are_not_there(client, studio, agency, twin, agreement):
    theirs = factories.make_twin(factories.make_performer("Bea Example", agency))
    build = factories.make_build(theirs, "1.0")
    stranger = factories.make_studio(
        factories.make_terms(agency, factories.make_licensee("other")), at=timezone.now()
    )
    own = Build.objects.create(
        twin=twin, provider=build.provider, version="1.0", built_on=build.built_on
    )

    (listed,) = studio.get("/api/v1/twins").json()["results"]
    assert listed["builds"] == [{"id": f"B{own.pk}", "version": "1.0"}]
    assert studio.get(f"/api/v1/builds/B{build.pk}/provenance").status_code == 404
    assert studio.get(f"/api/v1/builds/B{own.pk}/provenance").status_code == 200
    assert stranger.get(f"/api/v1/builds/B{own.pk}/provenance").status_code == 404
    assert studio.get(f"/api/v1/builds/B{10**30}/provenance").status_code == 404
    assert client.get(f"/api/v1/builds/B{own.pk}/provenance").status_code == 401
