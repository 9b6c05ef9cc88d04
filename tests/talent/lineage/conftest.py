"""A small lineage: a dataset, a build trained on it, another that was fine-tuned from that."""

from datetime import UTC, datetime

import pytest

from talent.lineage import contamination, graph
from talent.models import Build, Provider
from talent.words import ContaminationCause, LineageKind

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def node(agency, agent):
    def node(name, kind=LineageKind.DATASET):
        return graph.add_node(agency=agency, kind=kind, name=name, at=NOON, by=agent)

    return node


@pytest.fixture
def build_node(agency, agent, twin):
    """Make a build, and its node."""

    def build_node(version):
        provider, _ = Provider.objects.get_or_create(name="Render Barn")
        build = Build.objects.create(
            twin=twin, provider=provider, version=version, built_on="2026-01-01"
        )
        return graph.node_of_build(build=build, agency=agency, at=NOON, by=agent)

    return build_node


@pytest.fixture
def join(agent):
    def join(source, target, share=None):
        return graph.connect(source=source, target=target, share=share, at=NOON, by=agent)

    return join


@pytest.fixture
def mark(agent):
    def mark(node, **about):
        told = {
            "cause": ContaminationCause.CLAIM, "reason": "A letter of 18 November", "at": NOON,
            "from_at": NOON, "by": agent,
        }  # fmt: skip
        return contamination.mark(node=node, **(told | about))

    return mark
