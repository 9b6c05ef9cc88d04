"""API keys: shown once, kept as a digest, rotated and revoked."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from licensing import api_keys
from licensing.models import (
    ApiKey,
    LicenseeTerms,
)
from tests.factories import (
    admin_page,
    messages_of,
    run_action,
    shown_once,
    sign_in,
    take_step,
)

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


def test_a_key_is_shown_once(affairs, terms):
    client = sign_in(affairs)
    secret = shown_once(take_step(client, "issue_key", terms))

    assert api_keys.key_with(secret, at=timezone.now()).terms == terms
    later = sign_in(affairs).get(admin_page(LicenseeTerms, terms.pk)).text
    assert secret not in later
    assert secret.partition(".")[0] in later


def test_keys_are_rotated_and_revoked(affairs, terms):
    old = api_keys.issue(terms=terms, label="API", at=timezone.now(), by=None)
    client = sign_in(affairs)

    new = shown_once(run_action(client, "rotate", old.key))
    assert api_keys.key_with(new, at=timezone.now())
    run_action(client, "revoke", ApiKey.objects.get(replaces=old.key))
    assert api_keys.key_with(new, at=timezone.now()) is None


def test_a_seat_that_only_reads_turns_no_key(both, elsewhere):
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    issued = api_keys.issue(terms=terms, label="API", at=timezone.now(), by=None)
    client = sign_in(both)

    for action in ("rotate", "revoke"):
        assert "does not allow this" in messages_of(run_action(client, action, issued.key))
    assert take_step(client, "issue_key", terms).status_code == 403
    assert list(ApiKey.objects.filter(revoked_at=None, expires_at=None)) == [issued.key]


def test_a_page_sent_twice_makes_one_key(affairs, terms):
    client = sign_in(affairs)
    url = admin_page(LicenseeTerms, terms.pk, name="issue_key")
    seen = {"seen": client.get(url).context["seen"]}

    client.post(url, seen)
    again = client.post(url, seen)

    assert ApiKey.objects.count() == 1
    assert again.context["changed"]


def test_a_key_that_was_rotated_because_it_leaked_ends_at_once(affairs, terms):
    old = api_keys.issue(terms=terms, label="API", at=timezone.now(), by=None)
    client = sign_in(affairs)

    take_step(client, "rotate", old.key)
    assert api_keys.key_with(old.secret, at=timezone.now())
    take_step(client, "revoke", old.key)

    assert api_keys.key_with(old.secret, at=timezone.now()) is None
