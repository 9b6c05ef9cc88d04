"""In a real browser: a dataset is marked, and the next clearance is refused by its path."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from licensing import api_keys
from licensing.models import Agreement, LicenseeTerms
from talent.lineage import graph
from talent.words import LineageKind, Role
from tests.factories import admin_page

pytestmark = pytest.mark.judge("chromium")


@pytest.fixture
def studio(desk, browser):
    """Call the API as the games studio does, with a key of its own."""
    terms = LicenseeTerms.objects.get(agency__slug="meridian", licensee__slug="tin-rocket")
    key = api_keys.issue(terms=terms, label="Journey", at=timezone.now(), by=None)
    window = browser.new_context(
        base_url=desk, extra_http_headers={"Authorization": f"Bearer {key.secret}"}
    )
    yield window.request
    window.close()


@pytest.fixture
def agreement(desk):
    return Agreement.objects.get(reference="MER-2026-001")


@pytest.fixture
def dataset(agreement):
    """The dataset that the twin's build was trained on."""
    now = timezone.now()
    seat = agreement.agency.memberships.filter(role=Role.AGENT.value).first()
    told = {"agency": agreement.agency, "at": now, "by": seat.user}
    data = graph.add_node(kind=LineageKind.DATASET, name="Forty lines, studio A", **told)
    node = graph.node_of_build(build=agreement.twin.builds.first(), **told)
    graph.connect(source=data, target=node, at=now, by=seat.user)
    return data


def test_a_marked_dataset_refuses_the_next_clearance_by_its_path(
    sign_in, studio, agreement, dataset, barriers
):
    version = agreement.twin.builds.first().version

    def ask():
        answered = studio.post(
            "/api/v1/clearances",
            data={
                "twin": f"T{agreement.twin_id}", "agreement": agreement.reference,
                "production": "Orbit Garden", "build": version, "right": "voice", "use": "game",
                "at": (timezone.now() + timedelta(days=3)).isoformat(), "territory": "US",
                "language": "en", "channel": "game", "quantities": {"lines": "6", "seconds": "38"},
            },
        )  # fmt: skip
        assert answered.status == 201, answered.text()
        return answered.json()

    assert ask()["outcome"] == "cleared"

    page = sign_in("alma@meridian.example", at=admin_page(type(dataset), dataset.pk))
    page.get_by_role("link", name="See the graph").click()
    expect(page.get_by_role("group", name="Lineage of Forty lines, studio A")).to_be_visible()
    assert barriers(page) == []
    page.goto(admin_page(type(dataset), dataset.pk, name="mark_contaminated"))
    page.get_by_label("Why").fill("A court of New York, case 12/26")
    page.get_by_label("Cause").select_option("court")
    assert barriers(page) == []
    page.get_by_role("button", name="Mark as contaminated").click()
    expect(page.get_by_text("is marked, and all that is made from it")).to_be_visible()

    refused = ask()
    assert refused["outcome"] == "refused"
    assert f"dataset N{dataset.pk} → build {version}" in refused["text"]
    page.goto(f"/admin/talent/lineagenode/{dataset.pk}/graph/")
    expect(page.get_by_role("table").get_by_text("Contaminated")).to_have_count(2)
