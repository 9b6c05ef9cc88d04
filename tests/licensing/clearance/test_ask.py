"""Clearances kept: with their facts, once per key, replays_of to the same bytes."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from licensing.clearance import drafts
from licensing.clearance.ask import ask
from licensing.clearance.replays import replays_of
from licensing.clearance.sent_request import SentRequest
from licensing.idempotency import KeyConflict
from licensing.models import ClearanceDecision, Production
from tests.factories import make_licensee, make_terms

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(twin, agreement):
    return SentRequest(
        twin=twin.name,
        right="voice",
        use="dubbing",
        at=JUNE,
        agreement=agreement.reference,
        territory="FR",
        channel="cinema",
        units=(("lines", Decimal("1.50")),),
    )


@pytest.fixture
def consented(consent, performer):
    return consent(performer=performer)


def test_a_clearance_is_kept_with_what_it_stood_on(asked, terms, consented, twin, agreement):
    row = ask(asked, terms=terms, asked_at=MARCH)
    row.refresh_from_db()
    assert (row.outcome, row.twin, row.agreement) == ("cleared", twin, agreement)
    assert (row.at, row.known_at) == (JUNE, MARCH)
    assert row.facts["agreement"]["reference"] == agreement.reference
    assert row.decision["studio_text"] == "Cleared: The consent covers Voice in Dubbing."


@pytest.mark.parametrize("named", ["twin", "agreement", "build"])
def test_what_is_not_known_is_refused_and_kept(asked, terms, consented, named):
    row = ask(replace(asked, **{named: "Nobody's"}), terms=terms, asked_at=MARCH)
    assert row.outcome == "refused"
    assert row.decision["deciding"]["code"].startswith(("unknown", "no_agreement"))


def test_an_unknown_production_is_refused_where_the_agreement_names_productions(
    asked, terms, consented, agreement
):
    elsewhere = replace(asked, production="Nobody's")
    assert ask(elsewhere, terms=terms, asked_at=MARCH).outcome == "cleared"
    lamp = Production.objects.create(licensee=terms.licensee, title="The Lamp", kind="feature")
    agreement.productions.add(lamp)
    assert ask(elsewhere, terms=terms, asked_at=MARCH).outcome == "refused"
    named = replace(asked, production="The Lamp")
    assert ask(named, terms=terms, asked_at=MARCH).outcome == "cleared"


def test_the_same_key_and_question_get_the_first_answer(asked, terms, consented, consent, twin):
    first = ask(asked, terms=terms, asked_at=MARCH, idempotency_key="k")
    consent("deny", twin=twin)
    again = ask(asked, terms=terms, asked_at=JUNE, idempotency_key="k")
    assert (again.pk, again.outcome) == (first.pk, "cleared")
    assert ask(asked, terms=terms, asked_at=JUNE, idempotency_key="l").outcome == "refused"


def test_the_same_key_with_another_question_is_refused(asked, terms, consented):
    ask(asked, terms=terms, asked_at=MARCH, idempotency_key="k")
    with pytest.raises(KeyConflict, match=r"Digest sent: [0-9a-f]{64}; digest known"):
        ask(replace(asked, territory="DE"), terms=terms, asked_at=MARCH, idempotency_key="k")
    assert ClearanceDecision.objects.count() == 1


def test_keys_belong_to_their_terms(asked, terms, consented, agency):
    other = make_licensee("other")
    theirs = make_terms(agency, other)
    ask(asked, terms=terms, asked_at=MARCH, idempotency_key="k")
    assert ask(asked, terms=theirs, asked_at=MARCH, idempotency_key="k").outcome == "refused"


def test_a_failure_inside_is_a_refusal_with_a_reference(
    asked, terms, consented, monkeypatch, caplog
):
    def broken(*args, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr(drafts, "facts_of", broken)
    row = ask(asked, terms=terms, asked_at=MARCH)
    reference = row.decision["studio_text"].split()[-1].rstrip(".")
    assert row.outcome == "refused"
    assert len(reference) == 12
    assert reference in caplog.text
    assert replays_of([row], terms=terms)[0].same


def test_a_stored_decision_can_not_be_changed(asked, terms, consented):
    ask(asked, terms=terms, asked_at=MARCH)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        ClearanceDecision.objects.update(outcome="cleared")


@pytest.mark.django_db(transaction=True)
def test_two_callers_with_one_key_get_one_answer(asked, terms, consented):
    got, start = [], threading.Barrier(4)

    def call():
        start.wait()
        got.append(ask(asked, terms=terms, asked_at=MARCH, idempotency_key="k").pk)
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert len(set(got)) == ClearanceDecision.objects.count() == 1
