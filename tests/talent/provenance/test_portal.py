"""A performer reads in which datasets and builds they are, and how that is paid; nobody else's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from talent.lineage import contamination
from talent.provenance import datasets
from talent.words import CaptureKind, ContaminationCause, DataPurpose, Remuneration
from tests.factories import make_performer, make_user, sign_in

from .conftest import NOON, row

URL = "/trained/"


@pytest.fixture
def left(agency, performer, agent):
    return datasets.record_capture(
        agency=agency, performer=performer, name="Solves of day 3", kind=CaptureKind.SOLVES,
        owner="Paper Moon", purposes=[DataPurpose.EDIT], remuneration=Remuneration.ONCE, at=NOON,
        by=agent,
    )  # fmt: skip


def test_a_performer_sees_what_was_trained_on_them(
    ada, agency, agent, record, train, consent_to_training, left
):
    consent_to_training()
    version = record(row("secret-name.wav", "a"), row("x.wav", "b", performer="", consent=""))
    page = sign_in(ada).get(URL).text
    assert "None so far" in page
    result = train(version)
    page = sign_in(ada).get(URL).text

    assert f"build {result.build.version}" in page
    assert "By the rate line for training" in page
    assert ">1 of your files" in page
    assert "secret-name" not in page
    assert "It belongs to Paper Moon" in page
    assert "Contaminated" not in page
    contamination.mark(
        node=version.node, cause=ContaminationCause.CLAIM, reason="X", from_at=NOON, at=NOON,
        by=agent,
    )  # fmt: skip
    assert "Contaminated" in sign_in(ada).get(URL).text

    other = make_user("bea@performers.example", performer=make_performer("Bea Example", agency))
    assert "knows of no dataset" in sign_in(other).get(URL).text


def test_the_page_takes_as_many_queries_for_many_datasets(ada, record, train, consent_to_training):
    consent_to_training()
    client = sign_in(ada)
    train(record(row()), version="1")
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    for number in range(2, 5):
        train(record(row(f"{number}.wav")), version=str(number))
    with CaptureQueriesContext(connection) as many:
        client.get(URL)

    assert len(many) == len(few)
