"""Rulings: what is made of a use outside the consent, without touching how it stands."""

import hashlib
import json

import pytest
from django.db import DatabaseError, transaction

from licensing.models import Ruling, RulingReason, UsageBatch, UsageEvent, UsageRecord
from licensing.usage.recording.record import record_events
from licensing.usage.rulings import NoAgreementToRate, NothingToRule, erase_reason, rule
from licensing.words import Treatment
from tests.factories import record_consent

pytestmark = pytest.mark.django_db
REASON = "Ada's counsel agreed on the phone."


@pytest.fixture
def outside(use, origin):
    """A use that nobody allowed."""
    return record_events([use()], origin)[0].event_id


@pytest.fixture
def decide(affairs, origin):
    def decide(event_id, treatment=Treatment.LICENSED):
        return rule(
            event_id=event_id,
            treatment=treatment,
            reason=REASON,
            by=affairs,
            role="business_affairs",
            at=origin.received_at,
        )

    return decide


def test_a_ruling_is_a_leaf_and_the_standing_stays(outside, decide, affairs):
    ruling = decide(outside)

    event, leaf = UsageEvent.objects.order_by("pk")
    assert (event.standing, leaf.standing) == ("uncleared", "uncleared")
    assert (leaf.pk, leaf.kind, leaf.about) == (ruling.pk, "ruling", event.pk)
    assert leaf.quantities() == {}
    assert (leaf.batch.door, leaf.batch.size) == ("desk", 1)
    assert (ruling.treatment, ruling.ruled_by) == ("licensed", affairs)


def test_the_leaf_opens_to_the_ruling_and_names_nobody(outside, decide, affairs):
    ruling = decide(outside)

    leaf = UsageEvent.objects.get(pk=ruling.pk)
    record = UsageRecord.objects.get(pk=ruling.pk)
    sealed = bytes(record.canonical)
    assert bytes(leaf.entry)[33:] == hashlib.sha256(bytes(record.salt) + sealed).digest()
    told = json.loads(sealed)
    assert told["actor"] == f"user {affairs.pk}, business_affairs"
    assert told["event"]["treatment"] == "licensed"
    assert b"counsel" not in sealed
    assert affairs.email.encode() not in sealed


def test_a_reason_can_be_proven_and_erased(outside, decide):
    ruling = decide(outside)
    sealed = bytes(UsageRecord.objects.get(pk=ruling.pk).canonical)
    reason = ruling.reason
    committed = hashlib.sha256(bytes(reason.salt) + reason.text.encode()).hexdigest()
    assert json.loads(sealed)["event"]["reason"] == committed

    erase_reason(ruling_id=ruling.pk)

    assert not RulingReason.objects.exists()
    assert bytes(UsageRecord.objects.get(pk=ruling.pk).canonical) == sealed


def test_a_ruling_is_never_rewritten(outside, decide):
    decide(outside)

    for rows, change in (
        (Ruling.objects, {"treatment": "zero"}),
        (RulingReason.objects, {"text": "Other"}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)


def test_a_use_within_the_consent_has_nothing_to_rule_on(use, origin, performer, decide):
    record_consent(performer=performer)
    (outcome,) = record_events([use()], origin)

    with pytest.raises(NothingToRule):
        decide(outcome.event_id)


def test_a_ruling_is_not_ruled_on(outside, decide):
    ruling = decide(outside)

    with pytest.raises(NothingToRule):
        decide(ruling.pk)


def test_an_event_that_was_replaced_is_not_ruled_on(use, origin, outside, decide):
    named = {"replaces": {"event": str(outside)}}
    record_events([use("fix", data=named, type="org.likenessdesk.usage.amendment.v1")], origin)

    with pytest.raises(NothingToRule, match="replaced"):
        decide(outside)


@pytest.mark.parametrize("treatment", Treatment)
def test_without_an_agreement_no_rate_can_be_ruled(use, origin, decide, treatment):
    (outcome,) = record_events([use(data={"agreement": None})], origin)

    if treatment in (Treatment.HELD, Treatment.ZERO):
        assert decide(outcome.event_id, treatment).treatment == treatment
    else:
        with pytest.raises(NoAgreementToRate):
            decide(outcome.event_id, treatment)
        assert UsageBatch.objects.count() == 1
