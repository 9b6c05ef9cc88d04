"""News is written for the endpoints that it concerns, in the transaction that makes it."""

import json
from dataclasses import replace

import pytest
from django.db import transaction

from licensing.models import (
    Cap,
    WebhookDelivery,
    WebhookMessage,
)
from licensing.usage.recording.record import MOST_NAMED, record_events
from licensing.words import Announcement
from tests.factories import make_licensee, make_terms
from tests.licensing.webhooks.desk import NOW, add, announce

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def private(settings):
    settings.WEBHOOK_PRIVATE_TARGETS = True


def test_a_licensee_hears_what_concerns_it_and_nothing_else(agency, terms, licensee):
    other = make_licensee("other")
    theirs = make_terms(agency, other)
    own = add(agency, "http://127.0.0.1:8001/").endpoint
    studio = add(agency, "http://127.0.0.1:8002/", terms=terms).endpoint
    add(agency, "http://127.0.0.1:8003/", terms=theirs)

    announce(agency, licensee=licensee)
    announce(agency, Announcement.STATEMENT_ISSUED)

    heard = set(WebhookDelivery.objects.values_list("endpoint", "message__kind"))
    assert heard == {
        (own.pk, "cap.alert"),
        (studio.pk, "cap.alert"),
        (own.pk, "statement.issued"),
    }


def test_what_nobody_hears_is_not_written(agency):
    add(agency, "http://127.0.0.1:8001/", kinds=[Announcement.RULING])

    assert announce(agency) == 0
    assert not WebhookMessage.objects.exists()


def test_news_of_what_did_not_happen_is_not_told(agency):
    add(agency, "http://127.0.0.1:8001/")
    with transaction.atomic():
        announce(agency)
        transaction.set_rollback(True)

    assert not WebhookDelivery.objects.exists()


def test_a_batch_outside_the_consent_is_announced_once(agency, terms, origin, use):
    add(agency, "http://127.0.0.1:8001/", terms=terms)
    many = MOST_NAMED + 5

    record_events(
        [use(str(i), data={"use": "advertising", "prompt": "Weep."}) for i in range(many)], origin
    )

    message = WebhookMessage.objects.get()
    assert (message.kind, message.data["count"]) == ("usage.outside_consent", many)
    assert len(message.data["events"]) == MOST_NAMED
    assert set(message.data["events"][0]) == {"id", "standing", "twin", "agreement", "link"}
    assert "Weep" not in json.dumps(message.data)


def test_a_cap_near_its_end_is_announced(agency, terms, origin, use, agreement):
    add(agency, "http://127.0.0.1:8001/", terms=terms, kinds=[Announcement.CAP_ALERT])
    Cap.objects.create(agreement=agreement, meter="lines", limit=1, starts_on="2026-01-01")

    record_events([use()], origin)

    message = WebhookMessage.objects.get()
    assert (message.kind, message.data["percent"]) == ("cap.alert", 100)
    assert message.data["agreement"] == "NA-1"


def test_known_events_are_not_announced_again(agency, origin, use):
    add(agency, "http://127.0.0.1:8001/")
    record_events([use(data={"use": "advertising"})], origin)

    record_events([use(data={"use": "advertising"})], replace(origin, received_at=NOW))

    assert WebhookMessage.objects.count() == 1
