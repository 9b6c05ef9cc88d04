"""The outbox: no mail stops another, none is lost in an outage, and what failed can be sent."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from talent import outbox
from talent.models import OutboxMessage
from talent.words import Delivery
from tests.talent.smtp_server import mail_server

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def server(settings):
    with mail_server(settings) as running:
        yield running


@pytest.fixture
def away(settings):
    """A mail server that takes no connection."""
    with mail_server(settings):
        pass


def write(*recipients, at=NOON):
    return [
        outbox.post(recipient=recipient, subject="Hello", body="Word.", at=at)
        for recipient in recipients
    ]


def deliver(at=NOON):
    return outbox.deliver_due(clock=lambda: at)


def standing():
    return dict(OutboxMessage.objects.values_list("recipient", "status"))


def test_a_mail_that_fails_in_any_way_stops_no_other(server):
    bad = ["nobody@x.example", "full@x.example", "line\nbreak@x.example", ""]
    write(*bad, "ada@x.example")

    counts = deliver()

    assert server.taken == ["ada@x.example"]
    assert counts == {"sent": 1, "waiting": len(bad), "failed": 0}
    assert OutboxMessage.objects.get(recipient="nobody@x.example").last_error.startswith(
        "SMTPRecipientsRefused"
    )


def test_a_mail_at_which_the_server_hangs_up_holds_the_others_for_one_sweep(server):
    write("drop@x.example", "ada@x.example")

    deliver()
    deliver(NOON + timedelta(seconds=30))

    assert server.taken == ["ada@x.example"]
    assert standing()["drop@x.example"] == "waiting"


def test_no_mail_is_lost_in_an_outage_of_days(settings, away):
    write("ada@x.example", "bea@x.example")

    for minutes in range(0, 3 * 24 * 60, 60):
        deliver(NOON + timedelta(minutes=minutes))
    assert set(standing().values()) == {"waiting"}

    with mail_server(settings) as server:
        deliver(NOON + timedelta(days=3, minutes=15))
        assert sorted(server.taken) == ["ada@x.example", "bea@x.example"]


def test_an_outage_costs_a_sweep_one_round_of_connections(away):
    write(*(f"{number}@x.example" for number in range(200)))

    began = time.monotonic()
    counts = deliver()

    assert counts["waiting"] <= outbox.CONNECTIONS
    assert time.monotonic() - began < 5


def test_what_an_outage_outlasts_is_given_up_and_logged(away, caplog):
    (mail,) = write("ada@x.example")

    deliver(NOON + outbox.KEPT_TRYING)

    assert standing() == {"ada@x.example": "failed"}
    assert f"Mail {mail.pk} was given up" in caplog.text


def test_what_the_server_refuses_for_good_is_given_up_after_some_hours(server):
    write("nobody@x.example", "full@x.example")

    for minutes in range(0, 180, 5):
        deliver(NOON + timedelta(minutes=minutes))

    assert standing() == {"nobody@x.example": "failed", "full@x.example": "waiting"}
    assert OutboxMessage.objects.get(status="failed").attempts == outbox.REFUSALS


def test_a_refusal_after_an_outage_is_the_first(settings, away):
    write("nobody@x.example")
    for minutes in range(0, 240, 20):
        deliver(NOON + timedelta(minutes=minutes))

    with mail_server(settings):
        deliver(NOON + timedelta(hours=5))

    assert standing() == {"nobody@x.example": "waiting"}


def test_what_a_killed_worker_had_claimed_is_sent_after_its_lease(server, monkeypatch):
    write("ada@x.example")
    with monkeypatch.context() as patched:
        patched.setattr(
            outbox, "_send_all", lambda _mails: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            deliver()

    assert deliver(NOON + timedelta(minutes=1))["sent"] == 0
    assert deliver(NOON + outbox.LEASE)["sent"] == 1


def test_a_mail_goes_out_once_though_sweeps_follow_each_other(server):
    write("ada@x.example")

    assert [deliver()["sent"] for _ in range(3)] == [1, 0, 0]


def test_a_mail_that_failed_is_sent_again_and_tried_as_long_as_a_new_one(server):
    (mail,) = write("nobody@x.example", at=NOON - timedelta(days=9))
    deliver()
    assert standing() == {"nobody@x.example": "failed"}
    OutboxMessage.objects.update(recipient="ada@x.example")

    outbox.send_again(message_id=mail.pk, at=NOON)

    assert deliver()["sent"] == 1


@pytest.mark.parametrize("status", ["waiting", "sent"])
def test_only_what_failed_is_sent_again(status):
    (mail,) = write("ada@x.example")
    OutboxMessage.objects.update(status=Delivery(status).value)

    with pytest.raises(outbox.MailNotFailed):
        outbox.send_again(message_id=mail.pk, at=NOON)


def test_mails_share_a_few_connections(server):
    write(*(f"{number}@x.example" for number in range(200)))

    assert deliver()["sent"] == 200
    # Three rounds of at most four.
    assert server.connections <= 12
    assert len(set(server.taken)) == 200


@pytest.mark.deep
def test_five_thousand_mails_leave_within_minutes(server):
    now = datetime.now(UTC)
    write(*(f"{number}@x.example" for number in range(5_000)), at=now)

    began = time.monotonic()
    sweeps = [outbox.deliver_due(clock=lambda: datetime.now(UTC))["sent"] for _ in range(4)]

    # A sweep begins each half minute.
    assert sum(sweeps) == len(set(server.taken)) == 5_000
    assert time.monotonic() - began < 120
