"""The outbox of webhooks: who is told what, how often it is tried, and when it ends."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from licensing import news
from licensing.models import (
    Cap,
    Licensee,
    LicenseeTerms,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
)
from licensing.usage.recording.metering import MOST_NAMED, meter
from licensing.webhooks import deliveries, endpoints, outbox, targets
from licensing.webhooks.targets import TargetRefused
from licensing.words import Announcement
from talent.models import OutboxMessage
from talent.words import Role
from tests.licensing.admin.test_agreements import seat
from tests.licensing.webhooks.receiver import listening

pytestmark = pytest.mark.django_db
EVERY = list(Announcement)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def private(settings):
    settings.WEBHOOK_PRIVATE_TARGETS = True


@pytest.fixture
def receiver(private):
    with listening() as one:
        yield one


@pytest.fixture(autouse=True)
def library_clock(monkeypatch):
    """The time at which the reference library judges a message; it refuses what is old."""

    class Clock(datetime):
        at = NOW

        @classmethod
        def now(cls, tz=None):
            return cls.at

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Clock)
    return Clock


def enter(agency, url, *, terms=None, kinds=EVERY):
    return endpoints.add(agency_id=agency.pk, terms=terms, url=url, kinds=kinds, at=NOW, by=None)


def sweep(at=NOW, chance=0.5):
    return deliveries.deliver_due(clock=lambda: at, draw=lambda: chance)


def announced(agency, kind=Announcement.CAP_ALERT, licensee=None):
    return news.announce(
        kind=kind,
        agency_id=agency.pk,
        licensee_id=licensee and licensee.pk,
        data={"cap": 7},
        at=NOW,
    )


# Who is told


def test_news_arrives_signed_and_thin(agency, receiver):
    entered = enter(agency, receiver.url)
    announced(agency)

    assert sweep() == {"sent": 1, "waiting": 0, "failed": 0}

    ((_path, headers, body),) = receiver.requests
    told = Webhook(entered.secret).verify(body, headers)
    assert told == {
        "type": "cap.alert",
        "timestamp": NOW.isoformat().replace("+00:00", "Z"),
        "data": {"cap": 7},
    }
    assert headers["webhook-id"] == WebhookMessage.objects.get().code


def test_a_licensee_hears_what_concerns_it_and_nothing_else(agency, terms, licensee, private):
    other = Licensee.objects.create(name="Other", slug="other", kind="studio", country="US")
    theirs = LicenseeTerms.objects.create(agency=agency, licensee=other)
    own = enter(agency, "http://127.0.0.1:8001/").endpoint
    studio = enter(agency, "http://127.0.0.1:8002/", terms=terms).endpoint
    enter(agency, "http://127.0.0.1:8003/", terms=theirs)

    announced(agency, licensee=licensee)
    announced(agency, Announcement.STATEMENT_ISSUED)

    heard = set(WebhookDelivery.objects.values_list("endpoint", "message__kind"))
    assert heard == {
        (own.pk, "cap.alert"),
        (studio.pk, "cap.alert"),
        (own.pk, "statement.issued"),
    }


def test_a_test_is_nothing_to_choose(agency, private):
    endpoint = enter(agency, "http://127.0.0.1:8001/").endpoint

    assert Announcement.TEST.value not in endpoint.kinds
    assert Announcement.CAP_ALERT.value in endpoint.kinds


def test_a_licensee_may_not_choose_to_hear_of_statements(agency, terms, private):
    studio = enter(agency, "http://127.0.0.1:8002/", terms=terms).endpoint

    assert "statement.issued" not in studio.kinds
    with pytest.raises(endpoints.NothingToHear):
        enter(agency, "http://127.0.0.1:8009/", terms=terms, kinds=[Announcement.STATEMENT_ISSUED])


def test_what_nobody_hears_is_not_written(agency, private):
    enter(agency, "http://127.0.0.1:8001/", kinds=[Announcement.RULING])

    assert announced(agency) == 0
    assert not WebhookMessage.objects.exists()


def test_news_of_what_did_not_happen_is_not_told(agency, private):
    enter(agency, "http://127.0.0.1:8001/")
    with transaction.atomic():
        announced(agency)
        transaction.set_rollback(True)

    assert not WebhookDelivery.objects.exists()


def test_a_batch_outside_the_consent_is_announced_once(agency, terms, arrival, use, private):
    enter(agency, "http://127.0.0.1:8001/", terms=terms)
    many = MOST_NAMED + 5

    meter(
        [use(str(i), data={"use": "advertising", "prompt": "Weep."}) for i in range(many)], arrival
    )

    message = WebhookMessage.objects.get()
    assert (message.kind, message.data["count"]) == ("usage.outside_consent", many)
    assert len(message.data["events"]) == MOST_NAMED
    assert set(message.data["events"][0]) == {"id", "standing", "twin", "agreement", "link"}
    assert "Weep" not in json.dumps(message.data)


def test_a_cap_near_its_end_is_announced(agency, terms, arrival, use, agreement, private):
    enter(agency, "http://127.0.0.1:8001/", terms=terms, kinds=[Announcement.CAP_ALERT])
    Cap.objects.create(agreement=agreement, meter="lines", limit=1, starts_on="2026-01-01")

    meter([use()], arrival)

    message = WebhookMessage.objects.get()
    assert (message.kind, message.data["percent"]) == ("cap.alert", 100)
    assert message.data["agreement"] == "NA-1"


def test_known_events_are_not_announced_again(agency, arrival, use, private):
    enter(agency, "http://127.0.0.1:8001/")
    meter([use(data={"use": "advertising"})], arrival)

    meter([use(data={"use": "advertising"})], replace(arrival, received_at=NOW))

    assert WebhookMessage.objects.count() == 1


# Trying again


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
    enter(agency, receiver.url)
    announced(agency)

    first = waits(agency, receiver.url, 3)

    minute = timedelta(minutes=1)
    assert first == [minute, 2 * minute, 4 * minute]
    assert deliveries._wait(1, 0) == minute * 0.8
    assert deliveries._wait(1, 1) == minute * 1.2


def test_nothing_is_sent_before_its_time(agency, receiver):
    receiver.status = 503
    enter(agency, receiver.url)
    announced(agency)
    sweep()

    sweep(NOW + timedelta(seconds=59))

    assert len(receiver.requests) == 1


def test_every_attempt_is_on_record_with_what_came_back(agency, receiver):
    receiver.status, receiver.body = 500, b"<b>Out of coffee</b>" + b"." * 600
    entered = enter(agency, receiver.url)
    announced(agency)

    sweep()

    attempt = WebhookAttempt.objects.get()
    assert (attempt.status, attempt.error, attempt.attempted_at) == (500, "", NOW)
    assert attempt.answer.startswith("<b>Out of coffee</b>")
    assert len(attempt.answer) == 500
    assert entered.secret not in repr(list(WebhookAttempt.objects.values()))


def test_after_the_last_attempt_the_endpoint_is_off_and_staff_know(agency, receiver):
    seat(agency, Role.BUSINESS_AFFAIRS, "affairs@desk.example")
    seat(agency, Role.AGENT, "agent@desk.example")
    receiver.status = 500
    endpoint = enter(agency, receiver.url).endpoint
    announced(agency)

    waits(agency, receiver.url, deliveries.ATTEMPTS)

    endpoint.refresh_from_db()
    assert WebhookDelivery.objects.get().status == "failed"
    assert WebhookAttempt.objects.count() == deliveries.ATTEMPTS
    assert endpoint.disabled_at is not None
    mail = OutboxMessage.objects.get()
    assert (mail.recipient, receiver.url in mail.body) == ("affairs@desk.example", True)
    assert announced(agency) == 0


def test_an_endpoint_that_took_other_news_meanwhile_stays_on(agency, receiver):
    endpoint = enter(agency, receiver.url).endpoint
    announced(agency)
    failing = WebhookDelivery.objects.get()
    last = {"attempts": deliveries.ATTEMPTS - 1, "next_attempt_at": NOW + timedelta(hours=2)}
    WebhookDelivery.objects.update(**last)
    announced(agency)
    sweep(NOW + timedelta(hours=1))
    receiver.status = 500

    sweep(NOW + timedelta(hours=2))

    endpoint.refresh_from_db()
    failing.refresh_from_db()
    assert failing.status == "failed"
    assert endpoint.disabled_at is None


def test_a_long_error_is_put_on_record_cut(agency, private, monkeypatch):
    enter(agency, "http://127.0.0.1:8001/")
    announced(agency)
    long = deliveries.Answer(None, error="e" * 300)
    monkeypatch.setattr(deliveries.sending, "send", lambda *_, **__: long)

    assert sweep()["waiting"] == 1

    assert WebhookAttempt.objects.get().error == "e" * 200


def test_gone_switches_the_endpoint_off_at_once(agency, receiver):
    seat(agency, Role.BUSINESS_AFFAIRS)
    receiver.status = 410
    endpoint = enter(agency, receiver.url).endpoint
    announced(agency)
    announced(agency)

    sweep()

    endpoint.refresh_from_db()
    assert "410" in endpoint.disabled_because
    assert OutboxMessage.objects.count() == 1
    receiver.status = 204
    assert sweep(NOW + timedelta(days=1)) == {"sent": 0, "waiting": 0, "failed": 0}


def test_what_waited_for_a_closed_endpoint_leaves_when_it_opens(agency, receiver):
    endpoint = enter(agency, receiver.url).endpoint
    announced(agency)
    endpoints.disable(endpoint_id=endpoint.pk, because="Moving.", at=NOW)
    assert sweep()["sent"] == 0

    endpoints.enable(endpoint_id=endpoint.pk)

    assert sweep()["sent"] == 1


def test_a_message_whose_worker_died_is_sent_again_after_its_lease(agency, receiver, monkeypatch):
    enter(agency, receiver.url)
    announced(agency)
    with monkeypatch.context() as killed:
        killed.setattr(deliveries, "_sent", lambda posts: iter(()))
        sweep()

    assert sweep(NOW + timedelta(seconds=5))["sent"] == 0
    assert sweep(NOW + deliveries.LEASE)["sent"] == 1


def test_a_sweep_goes_on_until_nothing_is_due(agency, receiver):
    enter(agency, receiver.url)
    for _ in range(deliveries.AT_ONCE + 2):
        announced(agency)

    assert sweep()["sent"] == len(receiver.requests) == deliveries.AT_ONCE + 2


def test_a_sweep_that_took_long_leaves_the_rest_to_the_next(agency, receiver):
    enter(agency, receiver.url)
    for _ in range(deliveries.AT_ONCE + 2):
        announced(agency)
    late = iter([NOW, NOW, NOW])

    counts = deliveries.deliver_due(clock=lambda: next(late, NOW + timedelta(seconds=16)))

    assert counts["sent"] == deliveries.AT_ONCE


def test_one_slow_or_broken_receiver_does_not_hold_up_the_others(agency, receiver):
    with listening() as left:
        gone = left.url
    enter(agency, gone)
    enter(agency, receiver.url)
    announced(agency)

    assert sweep() == {"sent": 1, "waiting": 1, "failed": 0}


# Secrets


def test_the_secret_lies_under_seal(agency, private):
    entered = enter(agency, "http://127.0.0.1:8001/")

    kept = bytes(WebhookEndpoint.objects.get().sealed_secret)
    assert entered.secret.encode() not in kept
    assert endpoints.secrets_of(entered.endpoint, at=NOW) == [entered.secret]


def test_for_a_day_both_secrets_sign(agency, receiver, library_clock):
    old = enter(agency, receiver.url)
    new = endpoints.rotate(endpoint_id=old.endpoint.pk, at=NOW - timedelta(hours=23))
    announced(agency)
    sweep()
    announced(agency)
    sweep(NOW + timedelta(hours=1))

    (_, first, body), (_, second, later) = receiver.requests
    for secret in (old.secret, new.secret):
        assert Webhook(secret).verify(body, first)
    assert len(second["webhook-signature"].split()) == 1
    library_clock.at = NOW + timedelta(hours=1)
    assert Webhook(new.secret).verify(later, second)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(old.secret).verify(later, second)


# Where to


@pytest.mark.parametrize(
    "url", ["http://studio.example/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/"]
)
def test_an_endpoint_inside_the_house_is_not_entered(agency, url, monkeypatch):
    monkeypatch.setattr(targets, "look_up", lambda host, port: [host])

    with pytest.raises(TargetRefused):
        enter(agency, url)
    assert not WebhookEndpoint.objects.exists()


def test_a_target_that_turned_inward_is_told_and_not_reached(agency, settings):
    settings.WEBHOOK_PRIVATE_TARGETS = True
    with listening() as inner:
        enter(agency, inner.url)
        announced(agency)
        settings.WEBHOOK_PRIVATE_TARGETS = False

        assert sweep()["waiting"] == 1

    assert inner.requests == []
    assert WebhookAttempt.objects.get().status is None


def test_one_party_has_an_address_once(agency, private):
    entered = enter(agency, "http://127.0.0.1:8001/")

    with pytest.raises(endpoints.EndpointKnown):
        enter(agency, "http://127.0.0.1:8001")
    twin = WebhookEndpoint(agency=agency, url=entered.endpoint.url, kinds=["cap.alert"])
    with pytest.raises(ValidationError, match="told already"):
        twin.validate_constraints()


# Buttons


def test_a_test_goes_to_one_endpoint_alone(agency, receiver, private):
    enter(agency, "http://127.0.0.1:8001/")
    tested = enter(agency, receiver.url)

    outbox.test(endpoint_id=tested.endpoint.pk, at=NOW)
    sweep()

    ((_, headers, body),) = receiver.requests
    assert Webhook(tested.secret).verify(body, headers)["type"] == "test"
    assert WebhookDelivery.objects.count() == 1


def test_a_replay_has_the_number_it_had(agency, receiver):
    enter(agency, receiver.url)
    announced(agency)
    sweep()

    outbox.replay(delivery_id=WebhookDelivery.objects.get().pk, at=NOW)
    sweep()

    first, second = (headers["webhook-id"] for _, headers, _ in receiver.requests)
    assert first == second
    assert WebhookAttempt.objects.count() == 2


def test_a_replay_of_what_was_given_up_is_tried_as_often_as_new(agency, receiver):
    enter(agency, receiver.url)
    announced(agency)
    WebhookDelivery.objects.update(attempts=deliveries.ATTEMPTS, status="failed")
    receiver.status = 500

    outbox.replay(delivery_id=WebhookDelivery.objects.get().pk, at=NOW)

    assert sweep() == {"sent": 0, "waiting": 1, "failed": 0}


def test_nothing_is_sent_to_an_endpoint_that_is_off(agency, private):
    endpoint = enter(agency, "http://127.0.0.1:8001/").endpoint
    announced(agency)
    endpoints.disable(endpoint_id=endpoint.pk, because="Moving.", at=NOW)

    with pytest.raises(outbox.EndpointOff):
        outbox.test(endpoint_id=endpoint.pk, at=NOW)
    with pytest.raises(outbox.EndpointOff):
        outbox.replay(delivery_id=WebhookDelivery.objects.get().pk, at=NOW)
