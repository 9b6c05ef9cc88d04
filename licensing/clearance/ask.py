"""Clearances: asking whether a twin may be used, and keeping the answer with what it stood on.

Requests that are asked together are decided on facts read once, and stored with what they reserve.
There are two ways to decide and store them:

* without a lock, in one statement, where it can be seen that the caps have room to spare;
* under the lock of the caps' years, where they are near a limit or an alert, do not exist yet,
  where an approval may be spent, or where a consent limits how much, which are then locked as well.

The first is tried first: a year of a popular cap is a row for which everybody who reserves would
wait, for as long as it takes to decide and to store. Either way nobody is refused while units are
free, and no unit is granted twice.
"""

import hashlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction

from licensing.approvals.spending import LockedApprovals, store_spending_of_reservations
from licensing.caps.years import Years
from licensing.decision.decision import is_failure, refusal_for_failure, to_json
from licensing.failures import report_failure
from licensing.idempotency import KeyConflict, do_once
from licensing.models import ApiKey, ClearanceBatch, ClearanceDecision, LicenseeTerms
from licensing.permits.keys import Signing, next_numbers
from licensing.wire.faults import Fault
from talent.errors import Refused

from .drafts import Caller, Draft, LoadedRequests, Submission, decide_in_order, load_requests
from .reserve import attach_reservation
from .sent_request import SentRequest
from .store import NoRoom, store, store_where_room

logger = logging.getLogger(__name__)


class RequestNotUnderstood(Refused):
    """What was sent is no request. `faults` say where and why."""

    code = "invalid"

    def __init__(self, faults: Sequence[Fault]):
        super().__init__("What was sent is no question the desk can read; nothing of it was kept.")
        self.faults = tuple(faults)


def ask(
    sent: SentRequest,
    *,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None = None,
    idempotency_key: str | None = None,
) -> ClearanceDecision:
    """Decide a request of a licensee and store the decision with the facts it stood on.

    A cleared request that asks for it reserves its units and gets a permit. A failure of the
    desk itself is a refusal with a reference number. The same idempotency key with the same
    request gets the first decision. Raises KeyConflict where it comes with another request.
    """
    caller = Caller(terms, api_key, asked_at)
    submission = Submission(sent, digest_of(sent), idempotency_key=idempotency_key)

    def first() -> ClearanceDecision:
        (row,) = decide_and_store([submission], caller)
        return row

    if idempotency_key is None:
        return first()
    row = do_once(
        f"clearance {terms.pk} {idempotency_key}",
        lambda: _decision_under(terms, idempotency_key),
        first,
    )
    _refuse_another(row.request_digest, submission.digest)
    return row


def ask_batch(
    requests: Mapping[int, SentRequest],
    *,
    sent: object,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None = None,
    idempotency_key: str | None = None,
) -> dict[int, ClearanceDecision]:
    """Decide many requests, by their places in what was sent, in a fixed number of queries.

    They are decided in order: what one reserves is gone for the next. With an idempotency key
    the same batch gets the first decisions. Raises KeyConflict where the key comes with another
    batch.
    """
    caller = Caller(terms, api_key, asked_at)

    def decisions(batch: ClearanceBatch | None = None) -> dict[int, ClearanceDecision]:
        submissions = [
            Submission(request, digest_of(request), batch=batch, seat=seat if batch else None)
            for seat, request in requests.items()
        ]
        return dict(zip(requests, decide_and_store(submissions, caller), strict=True))

    if idempotency_key is None:
        with transaction.atomic():
            return decisions()
    digest = digest_of(sent)

    def first() -> tuple[ClearanceBatch, dict[int, ClearanceDecision]]:
        batch = ClearanceBatch.objects.create(
            terms=terms,
            asked_at=asked_at,
            idempotency_key=idempotency_key,
            request_digest=digest,
        )
        return batch, decisions(batch)

    batch, rows = do_once(
        f"clearances {terms.pk} {idempotency_key}",
        lambda: _batch_under(terms, idempotency_key),
        first,
    )
    _refuse_another(batch.request_digest, digest)
    return rows


def digest_of(sent: object) -> bytes:
    """Return the SHA-256 that tells under one idempotency key whether the same came again."""
    return hashlib.sha256(msgspec.json.encode(sent, order="deterministic")).digest()


def _refuse_another(known: bytes | memoryview, sent: bytes) -> None:
    if bytes(known) != sent:
        raise KeyConflict(sent=sent, known=bytes(known))


def _decision_under(terms: LicenseeTerms, idempotency_key: str) -> ClearanceDecision | None:
    rows = ClearanceDecision.objects.with_permit()
    return rows.filter(terms=terms, idempotency_key=idempotency_key).first()


def _batch_under(
    terms: LicenseeTerms, idempotency_key: str
) -> tuple[ClearanceBatch, dict[int, ClearanceDecision]] | None:
    batches = ClearanceBatch.objects.filter(terms=terms, idempotency_key=idempotency_key)
    batch = batches.first()
    if batch is None:
        return None
    rows = ClearanceDecision.objects.with_permit().filter(batch=batch).order_by("seat")
    return batch, {row.seat: row for row in rows if row.seat is not None}


# Deciding and storing


def decide_and_store(submissions: Sequence[Submission], caller: Caller) -> list[ClearanceDecision]:
    """Decide requests in order and store the decisions, in a fixed number of queries.

    Where the desk itself fails, every request is refused with a reference number, and nothing is
    reserved.
    """
    try:
        return _decide_and_store(submissions, caller)
    except Exception:
        reference = secrets.token_hex(6)
        logger.exception("Clearance %s could not be decided", reference)
        drafts = [Draft(submission, refusal_for_failure(reference)) for submission in submissions]
        with transaction.atomic():
            signing = next_numbers(len(submissions), at=caller.asked_at)
            return _store_drafts(drafts, signing, caller)


def _decide_and_store(submissions: Sequence[Submission], caller: Caller) -> list[ClearanceDecision]:
    try:
        with _savepoint():
            loaded = load_requests(submissions, caller)
            rows = decide_and_store_without_lock(loaded)
    except NoRoom:
        # Others took of the same caps since they were read. Nothing was written.
        rows = None
    return decide_and_store_under_lock(loaded) if rows is None else rows


def _savepoint() -> AbstractContextManager[object]:
    """Keep what the caller's transaction wrote where a statement inside fails.

    Outside of a transaction each statement commits by itself, so no savepoint is needed.
    """
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def decide_and_store_without_lock(loaded: LoadedRequests) -> list[ClearanceDecision] | None:
    """Decide on the caps as they were read, store, and reserve, all in one statement.

    Returns None, and has written nothing, where that is not enough: a year is missing or gets
    full, a failure is to be reported, an approval may be spent. Raises NoRoom, and has written
    nothing, where the database finds a year near its limit or next alert.
    """
    if not loaded.needs_no_lock:
        return None
    years = Years.as_read(loaded.records.caps, at=loaded.caller.asked_at)
    drafts = decide_in_order(loaded, years, LockedApprovals((), at=loaded.caller.asked_at))
    if any(is_failure(draft.decision) for draft in drafts):
        return None
    if any(year.is_full for year in years.changes()):
        return None
    rows = _rows_of(drafts, loaded.signing, loaded.caller)
    store_where_room(rows)
    return rows


def decide_and_store_under_lock(loaded: LoadedRequests) -> list[ClearanceDecision]:
    """Decide on the caps as they are under the lock of their years, store, and write the years.

    Locks the limits of consents, then the years in the order of their ids, then the approvals that
    may be spent. All are read after their lock, so no two callers see the same units free.
    """
    with transaction.atomic():
        loaded = loaded.under_lock_of_limits()
        years = Years.lock(loaded.years_to_lock, at=loaded.caller.asked_at)
        approvals = LockedApprovals(loaded.facts_to_lock, at=loaded.caller.asked_at)
        drafts = decide_in_order(loaded, years, approvals)
        rows = _store_drafts(drafts, loaded.signing, loaded.caller)
        years.write()
        return rows


# Storing


def _store_drafts(
    drafts: Sequence[Draft], signing: Signing, caller: Caller
) -> list[ClearanceDecision]:
    """Store decisions and what they spend of approvals, report the first failure."""
    broken = next((draft.decision for draft in drafts if is_failure(draft.decision)), None)
    if broken is not None:
        report_failure(broken, terms=caller.terms, at=caller.asked_at)
    rows = _rows_of(drafts, signing, caller)
    store(rows)
    spendings = [(draft.spending, row) for row, draft in zip(rows, drafts, strict=True)]
    store_spending_of_reservations(spendings, at=caller.asked_at)
    return rows


def _rows_of(drafts: Sequence[Draft], signing: Signing, caller: Caller) -> list[ClearanceDecision]:
    """Return the decisions with what they reserve, numbered and signed, unsaved."""
    plain = _PlainFacts()
    rows = []
    for number, draft in zip(signing.numbers, drafts, strict=True):
        row = _row(number, draft, plain.of(draft), caller)
        attach_reservation(row, draft.reservation, signing.key)
        rows.append(row)
    return rows


class _PlainFacts:
    """Facts as JSON, made once for all requests that share them."""

    def __init__(self) -> None:
        self._by_identity: dict[int, dict[str, Any]] = {}

    def of(self, draft: Draft) -> dict[str, Any]:
        facts = draft.facts
        if facts is None:
            return {}
        if id(facts) not in self._by_identity:
            self._by_identity[id(facts)] = to_json(facts)
        return self._by_identity[id(facts)]


def _row(number: int, draft: Draft, facts: dict[str, Any], caller: Caller) -> ClearanceDecision:
    named, submission, request = draft.named, draft.submission, draft.request
    return ClearanceDecision(
        pk=number,
        terms=caller.terms,
        api_key=caller.api_key,
        batch=submission.batch,
        seat=submission.seat,
        agreement=named.agreement if named else None,
        twin=named.twin if named else None,
        outcome=draft.decision.outcome.value,
        at=request.at if request and request.at else submission.sent.at,
        known_at=caller.asked_at,
        idempotency_key=submission.idempotency_key,
        request_digest=submission.digest,
        request=to_json(request) if request else msgspec.to_builtins(submission.sent),
        facts=facts,
        decision=to_json(draft.decision),
    )
