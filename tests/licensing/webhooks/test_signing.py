"""Signatures, judged by the library of those who wrote the scheme."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from licensing.webhooks import signing

BODY = b'{"type":"test","data":{}}'


def now():
    """What the library accepts is no older than five minutes."""
    return int(datetime.now(UTC).timestamp())


def headers(*keys):
    return signing.headers(message_id="msg_1", timestamp=now(), body=BODY, keys=keys)


def test_the_reference_library_accepts_what_we_sign():
    secret = signing.new_secret()

    assert Webhook(secret).verify(BODY, headers(secret)) == {"type": "test", "data": {}}


def test_it_refuses_another_number_or_time():
    secret = signing.new_secret()

    for change in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(now() - 1)}):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(secret).verify(BODY, headers(secret) | change)


def test_it_refuses_another_body_or_secret():
    secret = signing.new_secret()

    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(secret).verify(BODY + b" ", headers(secret))
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(signing.new_secret()).verify(BODY, headers(secret))


def test_while_secrets_change_either_verifies():
    new, old = signing.new_secret(), signing.new_secret()
    signed = headers(new, old)

    assert Webhook(new).verify(BODY, signed)
    assert Webhook(old).verify(BODY, signed)


def test_the_schemes_own_example_holds():
    """The example of the specification's reference test."""
    signed = signing.headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
        keys=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )

    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
