"""Permits: a cleared request as signed claims (JWS, ES256), read back and compared with a use.

Pure: keys and instants are parameters. Whether a permit was revoked, and how many of its units
remain, stands in the desk's records and not here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from jwt.types import Options

from licensing.decision.dimensions import SCRIPTED
from licensing.decision.request import Facts, Request
from licensing.wire.fields import content_stated
from licensing.wire.names import Prefix, name_of
from licensing.words import NO_CONTENT_STATED

ALGORITHM = "ES256"
TYPE = "permit+jwt"
ISSUER = "urn:likenessdesk:permits"

# The fields in which a use must equal its permit, and those that count where the permit has them.
SAME = (
    "licensee", "agreement", "twin", "right", "use", "territory", "language", "channel", "brand",
)  # fmt: skip
WHERE_NAMED = ("production", "build")

MOST_MINUTES = 31 * 24 * 60  # for which units are reserved, and before which a use is announced


@dataclass(frozen=True, slots=True)
class Claims:
    """What a permit says. Units are by meter; it is valid from `starts_at` until `expires_at`.

    `approvals` are the names of those that its clearance stands on. Nothing that is made under the
    permit of a try-out is published.
    """

    number: int
    agency: str
    licensee: str
    agreement: str | None
    twin: str
    right: str
    use: str
    territory: str | None
    language: str | None
    channel: str | None
    production: str | None
    build: str | None
    prompt_class: str
    real_time: bool
    units: tuple[tuple[str, Decimal], ...]
    issued_at: datetime
    starts_at: datetime
    expires_at: datetime
    approvals: tuple[str, ...] = ()
    brand: str | None = None
    content: tuple[str, ...] | None = None
    try_out: bool = False


class NoPermit(Exception):
    """What was sent is no permit of this desk. `code` says why and never repeats the value."""

    def __init__(self, code: str):
        self.code = code
        super().__init__(code)


def claims_of(
    request: Request,
    *,
    number: int,
    agency: str,
    issued_at: datetime,
    starts_at: datetime,
    expires_at: datetime,
    approvals: tuple[str, ...] = (),
    try_out: bool = False,
) -> Claims:
    """Return what the permit of a cleared request claims."""
    return Claims(
        number=number,
        agency=agency,
        **{name: getattr(request, name) for name in (*SAME, *WHERE_NAMED)},
        prompt_class=request.prompt_class,
        real_time=request.real_time,
        content=request.content,
        units=tuple((meter, units) for meter, units in request.units if units),
        issued_at=issued_at,
        starts_at=starts_at,
        expires_at=expires_at,
        approvals=approvals,
        try_out=try_out,
    )


def sign(claims: Claims, key: EllipticCurvePrivateKey, *, kid: str) -> str:
    """Return the claims as a JWS in its compact form, signed with the key of that name."""
    payload = {
        "iss": ISSUER,
        "jti": name_of(Prefix.CLEARANCE, claims.number),
        "agency": claims.agency,
        **{name: getattr(claims, name) for name in (*SAME, *WHERE_NAMED)},
        "prompt_class": claims.prompt_class,
        "real_time": claims.real_time,
        "content": None if claims.content is None else list(claims.content) or [NO_CONTENT_STATED],
        "units": {meter: f"{units.normalize():f}" for meter, units in claims.units},
        "iat": int(claims.issued_at.timestamp()),
        "nbf": int(claims.starts_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
        "approvals": list(claims.approvals) or None,
        "try_out": claims.try_out or None,
    }
    stated = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(stated, key, ALGORITHM, headers={"kid": kid, "typ": TYPE})


def kid_of(token: str) -> str:
    """Return the id of the key in a token's header, unverified; empty if it has none."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        return ""
    return kid if isinstance(kid, str) else ""


def read_permit(token: str, keys: Mapping[str, EllipticCurvePublicKey]) -> Claims:
    """Return what a permit claims, once its signature is verified; `keys` are by their ids.

    Raises NoPermit. Expiry is left to the caller: a use is reported later than it happened.
    """
    key = keys.get(kid_of(token))
    if key is None:
        raise NoPermit("unknown_key")
    try:
        if jwt.get_unverified_header(token).get("typ") != TYPE:
            raise NoPermit("not_a_permit")
        payload = jwt.decode(token, key, algorithms=[ALGORITHM], issuer=ISSUER, options=_OPTIONS)
    except jwt.InvalidTokenError as error:
        raise NoPermit("not_verified") from error
    return _claims_in(payload)


_OPTIONS: Options = {
    "require": ["iss", "jti", "iat", "nbf", "exp"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


def _claims_in(payload: dict[str, Any]) -> Claims:
    about: dict[str, Any] = {name: payload.get(name) for name in (*SAME, *WHERE_NAMED)}
    return Claims(
        number=int(payload["jti"].removeprefix(Prefix.CLEARANCE)),
        agency=payload["agency"],
        **about,
        prompt_class=payload["prompt_class"],
        real_time=payload["real_time"],
        content=content_stated(payload.get("content")),
        units=tuple((meter, Decimal(units)) for meter, units in payload["units"].items()),
        issued_at=datetime.fromtimestamp(payload["iat"], UTC),
        starts_at=datetime.fromtimestamp(payload["nbf"], UTC),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        approvals=tuple(payload.get("approvals", ())),
        try_out=payload.get("try_out", False),
    )


def mismatch(claims: Claims, use: Request, *, agency: str) -> str:
    """Name the first field in which a permit does not cover a use; empty if it covers all of it.

    A permit for material generated ahead covers no real-time use, and a permit for scripted
    material no free prompt. Where it states content, the use states it, too, and no other; where
    it states none, nor does the use.
    """
    return next(_mismatches(claims, use, agency), "")


def _mismatches(claims: Claims, use: Request, agency: str) -> Iterator[str]:
    if claims.agency != agency:
        yield "agency"
    yield from (name for name in SAME if (getattr(use, name) or None) != getattr(claims, name))
    for name in WHERE_NAMED:
        if getattr(claims, name) not in (None, getattr(use, name)):
            yield name
    if use.real_time and not claims.real_time:
        yield "real_time"
    if use.prompt_class not in SCRIPTED and use.prompt_class != claims.prompt_class:
        yield "prompt_class"
    if not _states_no_other_content(claims, use):
        yield "content"
    if use.at is None or not claims.starts_at <= use.at < claims.expires_at:
        yield "time"


def _states_no_other_content(claims: Claims, use: Request) -> bool:
    if claims.content is None or use.content is None:
        return claims.content is None and not use.content
    return set(use.content) <= set(claims.content)


def unchanged_until(request: Request, facts: Facts, *, latest: datetime) -> datetime:
    """Return when a fact that cleared a request first ends or changes, at most `latest`.

    That is the agreement's end, the end of a consent or an approval, a consent that is recorded
    and comes into force later, a hold that begins later, the end of a build's service.
    """
    begins = request.at
    later = (end for end in _changes(request, facts) if begins is not None and end > begins)
    return min([latest, *later])


def _changes(request: Request, facts: Facts) -> Iterator[datetime]:
    if facts.agreement and facts.agreement.ends_at:
        yield facts.agreement.ends_at
    for version in (v for person in facts.contributors for v in person.versions):
        yield version.in_force_from
        yield from (cell.scope.valid_to for cell in version.cells if cell.scope.valid_to)
    yield from (approval.scope.valid_to for approval in facts.approvals if approval.scope.valid_to)
    yield from (hold.starts_at for hold in facts.holds if hold.concerns(request))
    if facts.build:
        days = (facts.build.retired_on, facts.build.destroy_by)
        yield from (datetime.combine(day, time(), UTC) for day in days if day)
