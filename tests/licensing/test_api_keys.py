"""API keys: shown once, kept as a digest, rotated and revoked."""

from datetime import UTC, datetime, timedelta

import pytest

from licensing import api_keys
from licensing.models import ApiKey

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(terms):
    return api_keys.issue(terms=terms, label="Dubbing pipeline", at=NOW, by=None)


def test_the_secret_opens_its_key_and_is_not_kept(issued):
    kept = ApiKey.objects.get()

    assert api_keys.key_with(issued.secret, at=NOW) == kept
    assert issued.secret.startswith(kept.prefix + ".")
    assert len(issued.secret) > 50
    assert issued.secret.encode() not in bytes(kept.digest)


@pytest.mark.parametrize(
    "change", ["", "x", ".", "desk_", "desk_00000000.x", "\x00", "desk_\x00.a"]
)
def test_another_secret_opens_nothing(issued, change):
    assert api_keys.key_with(change, at=NOW) is None


def test_the_prefix_alone_opens_nothing(issued):
    assert api_keys.key_with(issued.key.prefix + ".guess", at=NOW) is None
    assert api_keys.key_with(issued.secret + "x", at=NOW) is None


def test_a_revoked_key_opens_nothing(issued):
    api_keys.revoke(key_id=issued.key.pk, at=NOW)

    assert api_keys.key_with(issued.secret, at=NOW) is None
    with pytest.raises(api_keys.KeyNotUsable):
        api_keys.revoke(key_id=issued.key.pk, at=NOW)


def test_an_expired_key_opens_nothing(terms):
    issued = api_keys.issue(terms=terms, label="Trial", at=NOW, by=None, expires_at=NOW)

    assert api_keys.key_with(issued.secret, at=NOW - timedelta(seconds=1)) == issued.key
    assert api_keys.key_with(issued.secret, at=NOW) is None


def test_a_rotated_key_works_on_for_a_day(issued):
    successor = api_keys.rotate(key_id=issued.key.pk, at=NOW, by=None)

    assert api_keys.key_with(successor.secret, at=NOW) == successor.key
    assert api_keys.key_with(issued.secret, at=NOW + timedelta(hours=23)) == issued.key
    assert api_keys.key_with(issued.secret, at=NOW + timedelta(hours=24)) is None
    with pytest.raises(api_keys.KeyNotUsable):
        api_keys.rotate(key_id=issued.key.pk, at=NOW, by=None)
