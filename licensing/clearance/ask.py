"""Clearances: asking whether a twin may be used, and keeping the answer with what it stood on."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from django.db import transaction

from licensing.idempotency import KeyConflict, once
from licensing.models import ApiKey, ClearanceBatch, ClearanceDecision, LicenseeTerms
from licensing.wire.faults import Fault
from talent.errors import Refused

from .answers import Question, answered, digest_of
from .sent_request import SentRequest


class RequestNotUnderstood(Refused):
    """What was sent is no question. `faults` say where and why."""

    code = "invalid"

    def __init__(self, faults: Sequence[Fault]):
        super().__init__("What was sent is no question the desk can read; nothing of it was kept.")
        self.faults = tuple(faults)


def ask(
    asked: SentRequest,
    *,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None = None,
    idempotency_key: str | None = None,
) -> ClearanceDecision:
    """Decide a request of a licensee and keep the decision with the facts it stood on.

    A cleared request that asks for it reserves its units and gets a permit. A failure of the
    desk itself is a refusal with a reference number. The same idempotency key with the same
    question gets the first answer; raises KeyConflict for another question.
    """
    digest = digest_of(asked)

    def answer() -> ClearanceDecision:
        question = Question(asked, digest, idempotency_key=idempotency_key)
        (row,) = answered([question], terms=terms, asked_at=asked_at, api_key=api_key)
        return row

    if idempotency_key is None:
        return answer()
    known = once(
        f"clearance {terms.pk} {idempotency_key}", lambda: _known(terms, idempotency_key), answer
    )
    if bytes(known.request_digest) != digest:
        raise KeyConflict(sent=digest, known=bytes(known.request_digest))
    return known


def ask_batch(
    asked: Mapping[int, SentRequest],
    *,
    sent: object,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None = None,
    idempotency_key: str | None = None,
) -> dict[int, ClearanceDecision]:
    """Decide many requests, by their seats in what was sent, in a fixed number of queries.

    They are decided in order: what one reserves is gone for the next. With an idempotency key
    the same batch gets the first answers; raises KeyConflict for another one.
    """
    digest = hashlib.sha256(msgspec.json.encode(sent, order="deterministic")).digest()

    def answers(batch: ClearanceBatch | None = None) -> dict[int, ClearanceDecision]:
        questions = [Question(one, digest_of(one), batch, seat) for seat, one in asked.items()]
        rows = answered(questions, terms=terms, asked_at=asked_at, api_key=api_key)
        return dict(zip(asked, rows, strict=True))

    def first() -> tuple[ClearanceBatch, dict[int, ClearanceDecision]]:
        batch = ClearanceBatch.objects.create(
            terms=terms,
            asked_at=asked_at,
            idempotency_key=idempotency_key,
            request_digest=digest,
        )
        return batch, answers(batch)

    if idempotency_key is None:
        with transaction.atomic():
            return answers()
    batch, found = once(
        f"clearances {terms.pk} {idempotency_key}",
        lambda: _known_batch(terms, idempotency_key),
        first,
    )
    if bytes(batch.request_digest) != digest:
        raise KeyConflict(sent=digest, known=bytes(batch.request_digest))
    return found


def _known(terms: LicenseeTerms, idempotency_key: str) -> ClearanceDecision | None:
    rows = ClearanceDecision.objects.with_permit()
    return rows.filter(terms=terms, idempotency_key=idempotency_key).first()


def _known_batch(
    terms: LicenseeTerms, idempotency_key: str
) -> tuple[ClearanceBatch, dict[int, ClearanceDecision]] | None:
    batches = ClearanceBatch.objects.filter(terms=terms, idempotency_key=idempotency_key)
    batch = batches.first()
    if batch is None:
        return None
    rows = ClearanceDecision.objects.with_permit().filter(batch=batch).order_by("seat")
    return batch, {row.seat: row for row in rows}
