"""Deliveries: how a message is sent, how often it is tried, and when that ends."""

from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from licensing.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
)
from licensing.webhooks import deliveries, endpoints
from talent.models import OutboxMessage
from talent.words import Role
from tests.factories import make_member
from tests.licensing.webhooks.desk import NOW, add, announce, sweep
from tests.licensing.webhooks.receiver import listening

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library_clock")]


def test_news_arrives_signed_and_thin(agency, receiver):
    added = add(agency, receiver.url)
    announce(agency)

    assert sweep() == {"sent": 1, "waiting": 0, "failed": 0}

    ((_path, headers, body),) = receiver.requests
    told = Webhook(added.secret).verify(body, headers)
    assert told == {
        "type": "cap.alert",
        "timestamp": NOW.isoformat().replace("+00:00", "Z"),
        "data": {"cap": 7},
    }
    assert headers["webhook-id"] == WebhookMessage.objects.get().code


def test_a_delivery_that_cannot_even_be_written_stops_no_other(agency, receiver):
    broken = add(agency, f"{receiver.url}/broken").endpoint
    add(agency, receiver.url)
    WebhookEndpoint.objects.filter(pk=broken.pk).update(sealed_secret=b"sealed under a lost key")
    announce(agency)

    assert sweep() == {"sent": 1, "waiting": 1, "failed": 0}

    assert WebhookAttempt.objects.get(status=None).error == (
        "The desk could not write it: EnvelopeBroken."
    )


def waits(agency, url, times, chance=0.5):
    at, found = NOW, []
    for _ in range(times):
        sweep(at, chance)
        left = WebhookDelivery.objects.get()
        found.append(left.next_attempt_at - at)
        at = left.next_attempt_at
    return found


def test_waits_double_and_are_spread(agency, receiver):
    receiver.status = 500
    add(agency, receiver.url)
    announce(agency)

    first = waits(agency, receiver.url, 3)

    minute = timedelta(minutes=1)
    assert first == [minute, 2 * minute, 4 * minute]
    assert deliveries._wait(1, 0) == minute * 0.8
    assert deliveries._wait(1, 1) == minute * 1.2


def test_nothing_is_sent_before_its_time(agency, receiver):
    receiver.status = 503
    add(agency, receiver.url)
    announce(agency)
    sweep()

    sweep(NOW + timedelta(seconds=59))

    assert len(receiver.requests) == 1


def test_every_attempt_is_on_record_with_what_came_back(agency, receiver):
    receiver.status, receiver.body = 500, b"<b>Out of coffee</b>" + b"." * 600
    added = add(agency, receiver.url)
    announce(agency)

    sweep()

    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.error, attempt.attempted_at) == (500, "", NOW)
    assert attempt.answer.startswith("<b>Out of coffee</b>")
    assert len(attempt.answer) == 500
    assert added.secret not in repr(list(WebhookAttempt.objects.values()))


def test_after_the_last_attempt_the_endpoint_is_off_and_staff_know(agency, receiver):
    make_member(agency, Role.BUSINESS_AFFAIRS, email="affairs@desk.example")
    make_member(agency, Role.AGENT, email="agent@desk.example")
    receiver.status = 500
    endpoint = add(agency, receiver.url).endpoint
    announce(agency)

    waits(agency, receiver.url, deliveries.ATTEMPTS)

    endpoint.refresh_from_db()
    assert WebhookDelivery.objects.get().status == "failed"
    assert WebhookAttempt.objects.count() == deliveries.ATTEMPTS
    assert endpoint.disabled_at is not None
    mail = OutboxMessage.objects.get()
    assert (mail.recipient, receiver.url in mail.body) == ("affairs@desk.example", True)
    assert announce(agency) == 0


def test_an_endpoint_that_took_other_news_meanwhile_stays_on(agency, receiver):
    endpoint = add(agency, receiver.url).endpoint
    announce(agency)
    failing = WebhookDelivery.objects.get()
    last = {"attempts": deliveries.ATTEMPTS - 1, "next_attempt_at": NOW + timedelta(hours=2)}
    WebhookDelivery.objects.update(**last)
    announce(agency)
    sweep(NOW + timedelta(hours=1))
    receiver.status = 500

    sweep(NOW + timedelta(hours=2))

    endpoint.refresh_from_db()
    failing.refresh_from_db()
    assert failing.status == "failed"
    assert endpoint.disabled_at is None


def test_a_long_error_is_put_on_record_cut(agency, private, monkeypatch):
    add(agency, "http://127.0.0.1:8001/")
    announce(agency)
    long = deliveries.Reply(None, error="e" * 300)
    monkeypatch.setattr(deliveries.sending, "send", lambda *_, **__: long)

    assert sweep()["waiting"] == 1

    assert WebhookAttempt.objects.get().error == "e" * 200


def test_gone_switches_the_endpoint_off_at_once(agency, receiver):
    make_member(agency, Role.BUSINESS_AFFAIRS)
    receiver.status = 410
    endpoint = add(agency, receiver.url).endpoint
    announce(agency)
    announce(agency)

    sweep()

    endpoint.refresh_from_db()
    assert "410" in endpoint.disabled_because
    assert OutboxMessage.objects.count() == 1
    receiver.status = 204
    assert sweep(NOW + timedelta(days=1)) == {"sent": 0, "waiting": 0, "failed": 0}


def test_what_waited_for_a_closed_endpoint_leaves_when_it_opens(agency, receiver):
    endpoint = add(agency, receiver.url).endpoint
    announce(agency)
    endpoints.disable(endpoint_id=endpoint.pk, because="Moving.", at=NOW)
    assert sweep()["sent"] == 0

    endpoints.enable(endpoint_id=endpoint.pk)

    assert sweep()["sent"] == 1


def test_a_message_whose_worker_died_is_sent_again_after_its_lease(agency, receiver, monkeypatch):
    add(agency, receiver.url)
    announce(agency)
    with monkeypatch.context() as killed:
        killed.setattr(deliveries, "_send_all", lambda requests: iter(()))
        sweep()

    assert sweep(NOW + timedelta(seconds=5))["sent"] == 0
    assert sweep(NOW + deliveries.LEASE)["sent"] == 1


def test_a_sweep_goes_on_until_nothing_is_due(agency, receiver):
    add(agency, receiver.url)
    for _ in range(deliveries.AT_ONCE + 2):
        announce(agency)

    assert sweep()["sent"] == len(receiver.requests) == deliveries.AT_ONCE + 2


def test_a_sweep_that_took_long_leaves_the_rest_to_the_next(agency, receiver):
    add(agency, receiver.url)
    for _ in range(deliveries.AT_ONCE + 2):
        announce(agency)
    late = iter([NOW, NOW, NOW])

    counts = deliveries.deliver_due(clock=lambda: next(late, NOW + timedelta(seconds=16)))

    assert counts["sent"] == deliveries.AT_ONCE


def test_one_slow_or_broken_receiver_does_not_hold_up_the_others(agency, receiver):
    with listening() as left:
        gone = left.url
    add(agency, gone)
    add(agency, receiver.url)
    announce(agency)

    assert sweep() == {"sent": 1, "waiting": 1, "failed": 0}


def test_a_target_that_turned_inward_is_told_and_not_reached(agency, settings):
    settings.WEBHOOK_PRIVATE_TARGETS = True
    with listening() as inner:
        add(agency, inner.url)
        announce(agency)
        settings.WEBHOOK_PRIVATE_TARGETS = False

        assert sweep()["waiting"] == 1

    assert inner.requests == []
    assert WebhookAttempt.objects.get().status is None


def test_a_message_sent_again_has_the_number_it_had(agency, receiver):
    add(agency, receiver.url)
    announce(agency)
    sweep()

    deliveries.send_again(delivery_id=WebhookDelivery.objects.get().pk, at=NOW)
    sweep()

    first, second = (headers["webhook-id"] for _, headers, _ in receiver.requests)
    assert first == second
    assert WebhookAttempt.objects.count() == 2


def test_a_message_given_up_and_sent_again_is_tried_as_often_as_a_new_one(agency, receiver):
    add(agency, receiver.url)
    announce(agency)
    WebhookDelivery.objects.update(attempts=deliveries.ATTEMPTS, status="failed")
    receiver.status = 500

    deliveries.send_again(delivery_id=WebhookDelivery.objects.get().pk, at=NOW)

    assert sweep() == {"sent": 0, "waiting": 1, "failed": 0}
