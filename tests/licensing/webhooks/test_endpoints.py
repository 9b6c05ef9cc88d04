"""Endpoints: what they may listen to, where they may be, their secrets and their switch."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from licensing.models import (
    WebhookDelivery,
    WebhookEndpoint,
)
from licensing.webhooks import deliveries, endpoints, targets
from licensing.webhooks.targets import TargetRefused
from licensing.words import Announcement
from tests.licensing.webhooks.desk import NOW, add, announce, sweep

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library_clock")]


def test_a_test_is_nothing_to_choose(agency, private):
    endpoint = add(agency, "http://127.0.0.1:8001/").endpoint

    assert Announcement.TEST.value not in endpoint.kinds
    assert Announcement.CAP_ALERT.value in endpoint.kinds


def test_a_licensee_may_not_choose_to_hear_of_statements(agency, terms, private):
    studio = add(agency, "http://127.0.0.1:8002/", terms=terms).endpoint

    assert "statement.issued" not in studio.kinds
    with pytest.raises(endpoints.NoKindChosen):
        add(agency, "http://127.0.0.1:8009/", terms=terms, kinds=[Announcement.STATEMENT_ISSUED])


def test_the_secret_lies_under_seal(agency, private):
    added = add(agency, "http://127.0.0.1:8001/")

    kept = bytes(WebhookEndpoint.objects.get().sealed_secret)
    assert added.secret.encode() not in kept
    assert endpoints.secrets_of(added.endpoint, at=NOW) == [added.secret]


def test_for_a_day_both_secrets_sign(agency, receiver, library_clock):
    old = add(agency, receiver.url)
    new = endpoints.rotate(endpoint_id=old.endpoint.pk, at=NOW - timedelta(hours=23))
    announce(agency)
    sweep()
    announce(agency)
    sweep(NOW + timedelta(hours=1))

    (_, first, body), (_, second, later) = receiver.requests
    for secret in (old.secret, new.secret):
        assert Webhook(secret).verify(body, first)
    assert len(second["webhook-signature"].split()) == 1
    library_clock.at = NOW + timedelta(hours=1)
    assert Webhook(new.secret).verify(later, second)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(old.secret).verify(later, second)


@pytest.mark.parametrize(
    "url", ["http://studio.example/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/"]
)
def test_an_endpoint_inside_the_house_is_not_entered(agency, url, monkeypatch):
    monkeypatch.setattr(targets, "look_up", lambda host, port: [host])

    with pytest.raises(TargetRefused):
        add(agency, url)
    assert not WebhookEndpoint.objects.exists()


def test_one_party_has_an_address_once(agency, private):
    added = add(agency, "http://127.0.0.1:8001/")

    with pytest.raises(endpoints.EndpointExists):
        add(agency, "http://127.0.0.1:8001")
    twin = WebhookEndpoint(agency=agency, url=added.endpoint.url, kinds=["cap.alert"])
    with pytest.raises(ValidationError, match="told already"):
        twin.validate_constraints()


def test_a_test_goes_to_one_endpoint_alone(agency, receiver, private):
    add(agency, "http://127.0.0.1:8001/")
    tested = add(agency, receiver.url)

    endpoints.send_test(endpoint_id=tested.endpoint.pk, at=NOW)
    sweep()

    ((_, headers, body),) = receiver.requests
    assert Webhook(tested.secret).verify(body, headers)["type"] == "test"
    assert WebhookDelivery.objects.count() == 1


def test_nothing_is_sent_to_an_endpoint_that_is_off(agency, private):
    endpoint = add(agency, "http://127.0.0.1:8001/").endpoint
    announce(agency)
    endpoints.disable(endpoint_id=endpoint.pk, because="Moving.", at=NOW)

    with pytest.raises(endpoints.EndpointOff):
        endpoints.send_test(endpoint_id=endpoint.pk, at=NOW)
    with pytest.raises(endpoints.EndpointOff):
        deliveries.send_again(delivery_id=WebhookDelivery.objects.get().pk, at=NOW)
