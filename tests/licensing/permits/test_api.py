"""Permits through the API: verified by a studio's own library, asked whether they hold."""

from datetime import UTC, datetime, timedelta

import joserfc.errors
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from licensing.clearance import heartbeat
from licensing.clearance.reserve import AHEAD, SKEW
from licensing.models import Cap, Hold, LeakedKey, PermitRevocation, SigningKey
from licensing.permits import keys, revocations
from licensing.permits.claims import MOST_MINUTES
from licensing.usage.events.event_types import EVENT_TYPES, SCHEMAS
from talent.consent.scope import Scope
from talent.models import User
from tests.factories import (
    admin_page,
    make_licensee,
    make_studio,
    make_terms,
    sign_in,
    take_step,
)

pytestmark = pytest.mark.django_db
CLEARANCES = "/api/v1/clearances"


@pytest.fixture
def stranger(agency):
    other = make_licensee("other")
    terms = make_terms(agency, other)
    return make_studio(terms, at=timezone.now())


@pytest.fixture(autouse=True)
def cap(agreement, consent, performer):
    consent(performer=performer)
    return Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")


@pytest.fixture
def question(twin, agreement):
    return {
        "twin": f"T{twin.pk}",
        "agreement": agreement.reference,
        "right": "voice",
        "use": "dubbing",
        "at": timezone.now().isoformat(),
        "territory": "FR",
        "language": "fr",
        "channel": "streaming",
        "quantities": {"lines": "6"},
        "reserve": True,
    }


def post(client, path, body=None, **headers):
    return client.post(path, body or {}, content_type="application/json", headers=headers)


def permitted(studio, question):
    answer = post(studio, CLEARANCES, question)
    assert answer.status_code == 201, answer.content
    return answer.json()


def published(client):
    return KeySet.import_key_set(client.get("/.well-known/jwks.json").json())


def verified(token, key_set, now=None):
    decoded = jwt.decode(token, key_set, algorithms=["ES256"])
    jwt.JWTClaimsRegistry(now=now, exp={"essential": True}).validate(decoded.claims)
    return decoded


def test_a_permit_verifies_against_the_published_keys(studio, question, client, twin, agreement):
    body = permitted(studio, question)
    permit = verified(body["permit"], published(client))
    assert permit.header["typ"] == "permit+jwt"
    claims = permit.claims
    assert {name: claims[name] for name in ("jti", "agency", "licensee", "agreement", "twin")} == {
        "jti": body["id"],
        "agency": "northlight",
        "licensee": "paper-moon",
        "agreement": f"A{agreement.pk}",
        "twin": f"T{twin.pk}",
    }
    assert (claims["right"], claims["use"], claims["territory"]) == ("voice", "dubbing", "FR")
    assert (claims["language"], claims["channel"]) == ("fr", "streaming")
    assert claims["units"] == {"lines": "6"}
    assert claims["exp"] - claims["iat"] in (86_399, 86_400)


def test_the_keys_are_public_and_cacheable_and_hold_nothing_private(client, studio, question):
    permitted(studio, question)
    answer = client.get("/.well-known/jwks.json")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_an_expired_permit_does_not_verify(studio, question, client):
    token = permitted(studio, question)["permit"]
    tomorrow = int((timezone.now() + timedelta(days=1, seconds=1)).timestamp())
    with pytest.raises(joserfc.errors.ExpiredTokenError):
        verified(token, published(client), now=tomorrow)


def test_a_rotated_key_stays_listed_while_its_permits_may_be_valid(studio, question, client):
    old = permitted(studio, question)["permit"]
    keys.rotate(at=timezone.now() - keys.KEYS_KEPT)
    new = permitted(studio, {**question, "quantities": {"lines": "1"}})["permit"]
    key_set = published(client)
    assert len(key_set.keys) == 2
    assert verified(old, key_set).header["kid"] != verified(new, key_set).header["kid"]
    retired = SigningKey.objects.exclude(retired_at=None)
    assert retired.count() == 1


def test_a_new_key_signs_only_when_nobody_can_hold_a_list_without_it(studio, question, client):
    before = published(client)  # A studio may keep this for an hour.
    call_command("rotate_permit_key")
    call_command("rotate_permit_key")  # Once more in that hour changes nothing.
    token = permitted(studio, question)["permit"]
    assert verified(token, before)

    (waiting,) = SigningKey.objects.filter(retired_at=None)
    assert waiting.kid in {key.kid for key in published(client).keys}
    ends = SigningKey.objects.exclude(retired_at=None).get().retired_at
    assert ends - waiting.made_at == keys.KEYS_KEPT
    signs = [keys.next_numbers(1, at=at).key.kid for at in (ends - timedelta(seconds=1), ends)]
    assert signs == [verified(token, before).header["kid"], waiting.kid]
    assert keys.current_key(at=ends).kid == waiting.kid


def test_a_key_that_leaked_leaves_the_list_at_once_and_so_do_its_permits(
    studio, question, client, capsys
):
    question |= {"quantities": {"lines": "1"}}
    answer = permitted(studio, question)
    leaked = verified(answer["permit"], published(client)).header["kid"]
    call_command("revoke_permit_key", f"--key={leaked}", "--reason=Its backup was stolen.")

    assert "1 permits" in capsys.readouterr().out
    listed = {key.kid for key in published(client).keys}
    assert leaked not in listed
    (taken,) = PermitRevocation.objects.all()
    assert (taken.reason, taken.revoked_by) == ("Its backup was stolen.", None)
    assert taken.permit.decision.reservation.state == "released"
    new = verified(permitted(studio, question)["permit"], published(client)).header["kid"]
    assert {new} == listed
    with pytest.raises(CommandError, match="before"):
        call_command("revoke_permit_key", f"--key={leaked}", "--reason=Again.")
    with pytest.raises(CommandError, match="no key"):
        call_command("revoke_permit_key", "--key=-none", "--reason=Not ours.")


def test_of_a_leaked_key_and_one_that_waits_the_one_that_waits_signs_at_once(
    studio, question, client
):
    leaked = verified(permitted(studio, question)["permit"], published(client)).header["kid"]
    call_command("rotate_permit_key")
    revocations.take_key_away(kid=leaked, at=timezone.now(), by=None, reason="Stolen.")

    (waited,) = SigningKey.objects.exclude(kid=leaked)
    assert [key.kid for key in published(client).keys] == [waited.kid]
    assert keys.next_numbers(1, at=timezone.now()).key.kid == waited.kid


def test_one_that_waits_may_have_leaked_too(studio, question, client):
    signs = verified(permitted(studio, question)["permit"], published(client)).header["kid"]
    call_command("rotate_permit_key")
    waits = SigningKey.objects.get(retired_at=None)
    revocations.take_key_away(kid=waits.kid, at=timezone.now(), by=None, reason="Stolen.")

    assert keys.current_key(at=timezone.now()).kid == signs
    assert waits.kid not in {key.kid for key in published(client).keys}
    assert keys.current_key(at=timezone.now() + 2 * keys.KEYS_KEPT).kid not in {signs, waits.kid}


def test_the_operator_takes_a_key_away_on_its_page_with_a_reason(
    studio, question, client, accounting
):
    permitted(studio, question)
    key = SigningKey.objects.get()
    operator = User.objects.create_superuser("op@desk.example", "x")
    given = {"reason": "Its backup was stolen."}
    assert take_step(sign_in(accounting), "take_away", key, **given).status_code in {403, 404}
    assert not LeakedKey.objects.exists()
    browser = sign_in(operator)
    take_step(browser, "take_away", key, **given)

    leak = LeakedKey.objects.get()
    assert (leak.key, leak.noted_by, leak.reason) == (key, operator, "Its backup was stolen.")
    assert PermitRevocation.objects.get().revoked_by == operator
    assert "Its backup was stolen." in browser.get(admin_page(SigningKey, key.pk)).text


@pytest.mark.parametrize("address", ["/.well-known/jwks.json", SCHEMAS, EVENT_TYPES[0].path])
def test_what_is_for_everybody_is_kept_without_whoever_asked(client, agent, address):
    answer = sign_in(agent).get(address, headers={"Accept-Language": "fr"})
    assert answer.status_code == 200
    assert "public" in answer["Cache-Control"]
    assert not {"cookie", "accept-language"} & {
        name.strip() for name in answer.headers.get("Vary", "").casefold().split(",")
    }
    assert not answer.cookies
    again = client.get(address, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(address, headers={"If-None-Match": '"another"'}).content == answer.content


def test_pages_of_a_reader_are_not_taken_for_public(client):
    assert "Cookie" in client.get("/sign-in/")["Vary"]


def test_a_retired_key_stays_listed_as_long_as_its_longest_permit(studio, question, client, cap):
    longest = {
        "at": (timezone.now() + AHEAD - timedelta(minutes=5)).isoformat(),
        "reserve_minutes": MOST_MINUTES,
    }
    cap.delete()  # Or its year would end the permit.
    permit = permitted(studio, {**question, **longest})["permit"]
    claims = jwt.decode(permit, published(client), algorithms=["ES256"]).claims
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    keys.rotate(at=timezone.now())
    assert [key["kid"] for key in keys.public_jwks(at=expires)][1:]


def test_a_private_key_opens_only_under_the_desks_key(studio, question, settings):
    permitted(studio, question)
    sealed = bytes(SigningKey.objects.get().sealed)
    assert b"PRIVATE" not in sealed
    settings.KEY_ENCRYPTION_KEY = b"another"
    keys._private_key.cache_clear()
    answer = post(studio, CLEARANCES, {**question, "quantities": {"lines": "1"}}).json()
    assert (answer["outcome"], answer["permit"]) == ("refused", None)
    assert "Reference" in answer["text"]
    keys._private_key.cache_clear()


def test_a_permit_ends_with_the_consent(studio, question, consent, performer):
    ends = timezone.now() + timedelta(hours=2)
    consent(performer=performer, at=timezone.now() - timedelta(days=1), scope=Scope(valid_to=ends))
    token = permitted(studio, question)["permit"]
    from licensing.permits.claims import read_permit
    from licensing.permits.keys import public_halves

    kids = set(SigningKey.objects.values_list("kid", flat=True))
    assert read_permit(token, public_halves(kids)).expires_at == ends.replace(microsecond=0)


class TestHeartbeat:
    @pytest.fixture
    def body(self, studio, question):
        return permitted(studio, question)

    def beat(self, studio, body):
        answer = studio.get(f"/api/v1/permits/{body['id']}")
        assert answer.status_code == 200
        return answer.json()["status"], answer.json()["reason"]

    def test_a_permit_holds_also_where_it_took_all_of_the_cap(self, studio, question):
        body = permitted(studio, {**question, "quantities": {"lines": "10"}})
        assert self.beat(studio, body) == ("valid", "")
        post(studio, f"{CLEARANCES}/{body['id']}/confirm")
        assert self.beat(studio, body) == ("valid", "")

    def test_it_is_decided_anew_on_todays_facts(self, studio, body, consent, performer, twin):
        Hold.objects.create(kind="strike", twin=twin, starts_at=timezone.now(), reason="A strike.")
        status, reason = self.beat(studio, body)
        assert status == "withdrawn"
        assert "hold" in reason.lower()

    def test_a_withdrawn_consent_withdraws_it(self, studio, body, consent, performer):
        consent("deny", performer=performer, at=timezone.now())
        assert self.beat(studio, body)[0] == "withdrawn"

    def test_one_that_was_taken_back_says_why_and_is_listed(self, studio, body, stranger):
        number = int(body["id"][1:])
        revocations.revoke(decision_id=number, at=timezone.now(), by=None, reason="Wrong twin.")
        assert self.beat(studio, body) == ("withdrawn", "Wrong twin.")
        listed = studio.get("/api/v1/permits/revoked").json()["revoked"]
        assert [(row["permit"], row["reason"]) for row in listed] == [(body["id"], "Wrong twin.")]
        assert stranger.get("/api/v1/permits/revoked").json() == {"revoked": []}
        with pytest.raises(revocations.AlreadyRevoked):
            revocations.revoke(decision_id=number, at=timezone.now(), by=None, reason="Again.")

    def test_taking_back_needs_a_reason(self, body):
        with pytest.raises(revocations.NoRevocationReason):
            revocations.revoke(
                decision_id=int(body["id"][1:]), at=timezone.now(), by=None, reason=" "
            )

    def test_a_released_one_is_over(self, studio, body):
        post(studio, f"{CLEARANCES}/{body['id']}/release")
        assert self.beat(studio, body)[0] == "withdrawn"

    def test_one_whose_time_is_over_is_expired(self, body):
        from licensing.models import Permit

        permit = Permit.objects.get()
        late = heartbeat.heartbeat(permit=permit, at=permit.expires_at)
        assert late.status == "expired"
        before = heartbeat.heartbeat(permit=permit, at=permit.expires_at - SKEW)
        assert before.status == "valid"

    def test_others_permits_are_not_there(self, body, stranger, client):
        assert stranger.get(f"/api/v1/permits/{body['id']}").status_code == 404
        assert stranger.get(f"{CLEARANCES}/{body['id']}").status_code == 404
        assert post(stranger, f"{CLEARANCES}/{body['id']}/confirm").status_code == 404
        assert client.get(f"/api/v1/permits/{body['id']}").status_code == 401
