"""Clearances: asking whether a twin may be used, and keeping the answer with what it stood on."""

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from licensing.models import ApiKey, ClearanceDecision, LicenseeTerms
from licensing.usage.references import Named, References
from talent.errors import Refused

from .alarms import alarm
from .decision import Decision, decide, failed, to_json, undecided
from .facts import facts_for, name_of
from .question import Facts, Request

logger = logging.getLogger(__name__)


class KeyConflict(Refused):
    """An idempotency key came before, with another question. Carries both digests."""

    code = "key_conflict"

    def __init__(self, *, sent: bytes, known: bytes):
        super().__init__(
            "This idempotency key came before with another question. "
            f"Digest sent: {sent.hex()}; digest known: {known.hex()}."
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A use that a licensee asks about, in the API's names: T7 or a HAND ID, a reference, a title.

    `units` are quantities by meter, in the meter's own unit.
    """

    twin: str
    right: str
    use: str
    at: datetime
    agreement: str | None = None
    territory: str | None = None
    language: str | None = None
    channel: str | None = None
    production: str | None = None
    build: str | None = None
    prompt_class: str = ""
    real_time: bool = False
    content: tuple[str, ...] = ()
    units: tuple[tuple[str, Decimal], ...] = ()


def ask(
    asked: Asked,
    *,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None = None,
    idempotency_key: str | None = None,
) -> ClearanceDecision:
    """Decide a request of a licensee and keep the decision with the facts it stood on.

    A failure of the desk itself is a refusal with a reference number. The same idempotency key
    with the same question gets the first answer; raises KeyConflict for another question.
    """
    digest = _digest(asked)
    if idempotency_key is None:
        return _decided(asked, digest, terms, asked_at, api_key, None)
    known = _known(terms, idempotency_key)
    if known is None:
        try:
            with transaction.atomic():
                return _decided(asked, digest, terms, asked_at, api_key, idempotency_key)
        except IntegrityError:
            # Another connection was first with this key; without it, the error is another.
            known = _known(terms, idempotency_key)
            if known is None:
                raise
    if bytes(known.request_digest) != digest:
        raise KeyConflict(sent=digest, known=bytes(known.request_digest))
    return known


def _known(terms: LicenseeTerms, idempotency_key: str) -> ClearanceDecision | None:
    return ClearanceDecision.objects.filter(terms=terms, idempotency_key=idempotency_key).first()


def _decided(
    asked: Asked,
    digest: bytes,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
    idempotency_key: str | None,
) -> ClearanceDecision:
    stood_on = _answered(asked, terms, asked_at)
    if failed(stood_on.decision):
        alarm(stood_on.decision, terms=terms, at=asked_at)
    return ClearanceDecision.objects.create(
        terms=terms,
        api_key=api_key,
        agreement=stood_on.named.agreement if stood_on.named else None,
        twin=stood_on.named.twin if stood_on.named else None,
        outcome=stood_on.decision.outcome.value,
        at=asked.at,
        known_at=asked_at,
        idempotency_key=idempotency_key,
        request_digest=digest,
        request=to_json(stood_on.request) if stood_on.request else msgspec.to_builtins(asked),
        facts=to_json(stood_on.facts) if stood_on.facts else {},
        decision=to_json(stood_on.decision),
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """A decision with what it stood on; nothing, if the desk failed."""

    decision: Decision
    named: Named | None = None
    request: Request | None = None
    facts: Facts | None = None


def _answered(asked: Asked, terms: LicenseeTerms, asked_at: datetime) -> _Answer:
    try:
        # Of its own, so that a failed query does not take the record of the failure with it.
        with transaction.atomic():
            named = References([asked], terms).named(asked)
            request = _request(asked, named, terms, asked_at)
            (facts,) = facts_for([request], terms=terms, known_at=asked_at)
            return _Answer(decide(request, facts, asked_at), named, request, facts)
    except Exception:
        reference = secrets.token_hex(6)
        logger.exception("Clearance %s could not be decided", reference)
        return _Answer(undecided(reference))


def _request(asked: Asked, named: Named, terms: LicenseeTerms, asked_at: datetime) -> Request:
    return Request(
        twin=name_of(named.twin) if named.twin else "",
        right=asked.right,
        use=asked.use,
        licensee=terms.licensee.slug,
        at=asked.at,
        agreement=_name(asked.agreement, named.agreement),
        territory=asked.territory,
        language=asked.language,
        channel=asked.channel,
        production=_name(asked.production, named.production),
        build=_name(asked.build, named.build),
        prompt_class=asked.prompt_class,
        real_time=asked.real_time,
        content=asked.content,
        units=asked.units,
        noticed_at=asked_at,
    )


_UNKNOWN = "?"  # what was named and is not known; it names no row


def _name(sent: str | None, row: Any) -> str | None:
    if row is not None:
        return name_of(row)
    return _UNKNOWN if sent else None


def _digest(asked: Asked) -> bytes:
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).digest()
