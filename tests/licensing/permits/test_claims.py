"""Permits: signed claims that a stranger can verify, and what they do not cover."""

import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from licensing.decision.request import ApprovalFacts, HoldFacts
from licensing.permits.claims import (
    ISSUER,
    NoPermit,
    claims_of,
    mismatch,
    read_permit,
    sign,
    unchanged_until,
)
from talent.consent.scope import Scope
from tests.licensing.decision.cases import ADA, FACTS, MARCH, REQUEST, agreed, consenting, version

KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = {"one": KEY.public_key()}
TOMORROW = MARCH + timedelta(days=1)
CLAIMS = claims_of(
    REQUEST, number=12, agency="northlight", issued_at=MARCH, starts_at=MARCH, expires_at=TOMORROW
)
TOKEN = sign(CLAIMS, KEY, kid="one")


def test_what_was_signed_is_read_again():
    assert read_permit(TOKEN, KEYS) == CLAIMS


def forged(**header):
    payload = jwt.decode(TOKEN, options={"verify_signature": False})
    return payload, {"kid": "one", "typ": "permit+jwt", **header}


def by_another_key():
    payload, header = forged()
    return jwt.encode(payload, ec.generate_private_key(ec.SECP256R1()), "ES256", header)


def unsigned():
    payload, header = forged()
    return jwt.encode(payload, None, "none", header)


def with_the_public_key_as_secret():
    """The old trick: what everybody knows, used as the key of an HMAC. By hand: PyJWT won't."""
    payload, header = forged(alg="HS256")
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parts = [base64url_encode(json.dumps(part).encode()) for part in (header, payload)]
    signature = hmac.digest(public, b".".join(parts), "sha256")
    return b".".join([*parts, base64url_encode(signature)]).decode()


def of_an_unknown_key():
    payload, header = forged(kid="two")
    return jwt.encode(payload, KEY, "ES256", header)


def of_another_issuer():
    payload, header = forged()
    return jwt.encode(payload | {"iss": "urn:someone"}, KEY, "ES256", header)


def of_another_type():
    payload, header = forged(typ="JWT")
    return jwt.encode(payload, KEY, "ES256", header)


def without_an_end():
    payload, header = forged()
    del payload["exp"]
    return jwt.encode(payload, KEY, "ES256", header)


def changed():
    header, _payload, signature = TOKEN.split(".")
    other = jwt.encode({"iss": ISSUER, "units": {"lines": "1000"}}, "x" * 32).split(".")[1]
    return f"{header}.{other}.{signature}"


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (by_another_key, "not_verified"),
        (unsigned, "not_verified"),
        (with_the_public_key_as_secret, "not_verified"),
        (of_an_unknown_key, "unknown_key"),
        (of_another_issuer, "not_verified"),
        (of_another_type, "not_a_permit"),
        (without_an_end, "not_verified"),
        (changed, "not_verified"),
        (lambda: "no.permit", "unknown_key"),
        (lambda: "", "unknown_key"),
        (lambda: TOKEN.rsplit(".", 1)[0] + ".", "not_verified"),
    ],
)
def test_what_the_desk_did_not_sign_so_is_no_permit(forge, code):
    with pytest.raises(NoPermit) as no:
        read_permit(forge(), KEYS)
    assert no.value.code == code


def test_a_permit_covers_the_use_it_was_given_for():
    assert mismatch(CLAIMS, REQUEST, agency="northlight") == ""


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"licensee": "other"}, "licensee"),
        ({"agreement": "4"}, "agreement"),
        ({"agreement": None}, "agreement"),
        ({"twin": "8"}, "twin"),
        ({"right": "face"}, "right"),
        ({"use": "game"}, "use"),
        ({"territory": "DE"}, "territory"),
        ({"language": "de"}, "language"),
        ({"language": None}, "language"),
        ({"channel": "cinema"}, "channel"),
        ({"production": "6"}, "production"),
        ({"build": None}, "build"),
        ({"brand": "fizz"}, "brand"),
        ({"brand": None}, "brand"),
        ({"content": ("violence",)}, "content"),
        ({"content": None}, "content"),
        ({"real_time": True}, "real_time"),
        ({"prompt_class": "free"}, "prompt_class"),
        ({"at": MARCH - timedelta(seconds=1)}, "time"),
        ({"at": TOMORROW}, "time"),
        ({"at": None}, "time"),
    ],
)
def test_a_permit_covers_nothing_else(change, name):
    assert mismatch(CLAIMS, replace(REQUEST, **change), agency="northlight") == name


@pytest.mark.parametrize(
    ("permitted", "used", "named"),
    [
        (("alcohol", "violence"), ("violence",), ""),
        (("alcohol", "violence"), (), ""),
        (("violence",), ("violence", "hate"), "content"),
        # Silence is no statement that there is none.
        (("violence",), None, "content"),
        (None, None, ""),
        (None, (), ""),
        (None, ("violence",), "content"),
    ],
)
def test_a_permit_covers_the_content_that_it_states_and_no_other(permitted, used, named):
    claims, use = replace(CLAIMS, content=permitted), replace(REQUEST, content=used)
    assert mismatch(claims, use, agency="northlight") == named


@pytest.mark.parametrize(
    ("permitted", "used", "named"),
    [
        ("fizz", "fizz", ""),
        ("fizz", "pop", "brand"),
        ("fizz", "none", "brand"),
        ("none", "fizz", "brand"),
        (None, None, ""),
        (None, "fizz", "brand"),
    ],
)
def test_a_permit_covers_its_brand_and_no_other(permitted, used, named):
    claims, use = replace(CLAIMS, brand=permitted), replace(REQUEST, brand=used)
    assert mismatch(claims, use, agency="northlight") == named


def test_a_permit_of_one_agency_covers_nothing_of_another():
    assert mismatch(CLAIMS, REQUEST, agency="meridian") == "agency"


def test_what_a_permit_does_not_name_may_be_anything():
    open_claims = replace(CLAIMS, production=None, build=None)
    other = replace(REQUEST, production="6", build="1")
    assert mismatch(open_claims, other, agency="northlight") == ""


HOUR = timedelta(hours=1)
SOON = MARCH + HOUR


@pytest.mark.parametrize(
    "facts",
    [
        agreed(ends_at=SOON),
        consenting(version("performer", "allow", valid_to=SOON)),
        consenting(
            version("performer", "allow"),
            replace(version("performer", "deny", number=2), in_force_from=SOON),
        ),
        replace(FACTS, holds=(HoldFacts("strike", "twin", SOON),)),
        replace(
            FACTS,
            approvals=(
                ApprovalFacts(
                    ADA.id, "voice", "dubbing", "lantern", "approved", MARCH,
                    scope=Scope(valid_to=SOON),
                ),
            ),
        ),
    ],
)  # fmt: skip
def test_a_permit_ends_with_what_it_stands_on(facts):
    assert unchanged_until(REQUEST, facts, latest=TOMORROW) == SOON


def test_a_permit_ends_with_the_service_of_its_build():
    retired = replace(FACTS, build=replace(FACTS.build, retired_on=TOMORROW.date()))
    assert unchanged_until(REQUEST, retired, latest=MARCH + 48 * HOUR) == TOMORROW


def test_what_changed_before_does_not_end_it():
    assert unchanged_until(REQUEST, FACTS, latest=TOMORROW) == TOMORROW


def test_units_of_nothing_are_not_claimed():
    nothing = replace(REQUEST, units=(("lines", D(0)), ("words", D(2))))
    claims = claims_of(
        nothing, number=1, agency="a", issued_at=MARCH, starts_at=MARCH, expires_at=TOMORROW
    )
    assert claims.units == (("words", D(2)),)
    assert claims.issued_at.tzinfo is UTC
    assert isinstance(claims.issued_at, datetime)
