"""Answers: questions decided together on facts loaded once, kept with what they hold.

What reserves units is decided on caps under lock, so that nobody is refused while units are
free and no cap is granted twice.
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import Model

from licensing.approvals.once import Settled, settle, spend
from licensing.caps.years import YearKey, Years, caps_consumed, year_key
from licensing.decision.decision import Decision, decide, is_failure, refusal_for_failure, to_json
from licensing.decision.request import Facts, Request, request_about
from licensing.facts.facts import Loaded, facts_of, loaded_from
from licensing.facts.rows import Named, read
from licensing.failures import alarm
from licensing.models import ApiKey, ClearanceBatch, ClearanceDecision, LicenseeTerms
from licensing.permits.keys import Signing, next_numbers, signing_of
from licensing.wire.names import UNKNOWN
from licensing.words import Outcome

from .reserve import Holding, begins, held, hold
from .sent_request import SentRequest
from .store import NoRoom, stored

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, with the digest of it, and under which key or in which batch."""

    asked: SentRequest
    digest: bytes
    batch: ClearanceBatch | None = None
    seat: int | None = None
    idempotency_key: str | None = None


@dataclass(slots=True)
class Answer:
    """A decision with what it stood on and what it holds; nothing, if the desk failed."""

    decision: Decision
    named: Named | None = None
    request: Request | None = None
    settled: Settled | None = None
    holding: Holding | None = None


def digest_of(asked: SentRequest) -> bytes:
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).digest()


def answered(
    questions: Sequence[Question],
    *,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None = None,
) -> list[ClearanceDecision]:
    """Decide the questions, in order, and keep the answers. A fixed number of queries.

    Where the desk itself fails, every answer is a refusal with a reference number, and nothing
    is reserved.
    """
    try:
        return _answered(questions, terms, asked_at, api_key)
    except Exception:
        reference = secrets.token_hex(6)
        logger.exception("Clearance %s could not be decided", reference)
        refusals = [Answer(refusal_for_failure(reference)) for _ in questions]
        with transaction.atomic():
            signing = next_numbers(len(questions), at=asked_at)
            return _kept(questions, refusals, signing, terms, asked_at, api_key)


def _of_its_own() -> AbstractContextManager[object]:
    """Keep a failed query from taking with it what the caller's transaction writes.

    Outside of one, each statement stands for itself.
    """
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _answered(
    questions: Sequence[Question],
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
) -> list[ClearanceDecision]:
    """Answer in one statement where it can be seen that nothing else follows; else under lock."""
    with suppress(NoRoom), _of_its_own():
        case = _case([question.asked for question in questions], terms, asked_at)
        if case.needs_no_lock:
            years = Years.as_read(case.loaded.caps, at=asked_at)
            answers = _decided(case, years, asked_at)
            broken = any(is_failure(answer.decision) for answer in answers)
            if not broken and not any(year.is_full for year in years.changes()):
                rows = _rows(questions, answers, case.signing, terms, asked_at, api_key)
                stored(rows, taking=True)
                return rows
    with transaction.atomic():
        years = Years.lock(case.to_lock, at=asked_at)
        answers = _decided(case, years, asked_at)
        rows = _kept(questions, answers, case.signing, terms, asked_at, api_key)
        years.write()
        return rows


def _kept(
    questions: Sequence[Question],
    answers: Sequence[Answer],
    signing: Signing,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
) -> list[ClearanceDecision]:
    broken = next((answer.decision for answer in answers if is_failure(answer.decision)), None)
    if broken is not None:
        alarm(broken, terms=terms, at=asked_at)
    rows = _rows(questions, answers, signing, terms, asked_at, api_key)
    stored(rows)
    spend([(answer.settled, row) for row, answer in zip(rows, answers, strict=True)])
    return rows


def _rows(
    questions: Sequence[Question],
    answers: Sequence[Answer],
    signing: Signing,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
) -> list[ClearanceDecision]:
    """Return the decisions with what they hold, numbered and signed, unsaved."""
    rows = []
    plain: dict[int, dict[str, Any]] = {}  # of facts that questions share, by their identity
    for number, question, answer in zip(signing.numbers, questions, answers, strict=True):
        facts = answer.settled.facts if answer.settled else None
        if facts is not None and id(facts) not in plain:
            plain[id(facts)] = to_json(facts)
        row = _row(number, question, answer, plain.get(id(facts), {}), terms, asked_at, api_key)
        hold(row, answer.holding, signing)
        rows.append(row)
    return rows


@dataclass(frozen=True, slots=True)
class _Case:
    """Questions with the rows they name and the facts about them, as they were read."""

    asked: Sequence[SentRequest]
    named: Sequence[Named]
    requests: Sequence[Request]
    facts: Sequence[Facts]
    loaded: Loaded
    signing: Signing

    @property
    def to_lock(self) -> set[YearKey]:
        """The years that are taken of, if all is cleared."""
        return {
            year_key(cap)
            for request, about in zip(self.requests, self.facts, strict=True)
            if request.reserve
            for cap in caps_consumed(about.caps, request)
        }

    @property
    def needs_no_lock(self) -> bool:
        """All years are there, and no approval that somebody else may spend."""
        years = {(cap.pk, year.starts_on) for cap in self.loaded.caps for year in cap.years.all()}
        return self.to_lock <= years and not any(
            approval.once for about in self.facts for approval in about.approvals
        )


def _case(asked: Sequence[SentRequest], terms: LicenseeTerms, asked_at: datetime) -> _Case:
    records = read(asked, terms, asked_at, count=len(asked))
    named = records.named(asked)
    requests = [
        _request(one, rows, terms, asked_at) for one, rows in zip(asked, named, strict=True)
    ]
    loaded = loaded_from(records, terms, asked_at, once=True)
    facts = facts_of(requests, loaded)
    return _Case(asked, named, requests, facts, loaded, signing_of(records.signing, at=asked_at))


def _decided(case: _Case, years: Years, asked_at: datetime) -> list[Answer]:
    answers: list[Answer] = []
    taken: set[int] = set()
    for one, rows, request, about in zip(
        case.asked, case.named, case.requests, case.facts, strict=True
    ):
        seen = replace(about, caps=years.caps_now(about.caps)) if request.reserve else about
        decision = decide(request, seen, asked_at)
        settled = settle(request, seen, decision, known_at=asked_at, taken=taken)
        taken.update(settled.once)
        answer = Answer(settled.decision, rows, request, settled)
        if request.reserve and answer.decision.outcome is Outcome.CLEARED:
            answer.holding = held(
                request,
                settled.facts,
                years,
                minutes=one.reserve_minutes,
                zone=rows.agreement.time_zone,
                at=asked_at,
            )
        answers.append(answer)
    return answers


def _request(asked: SentRequest, named: Named, terms: LicenseeTerms, asked_at: datetime) -> Request:
    request = request_about(
        twin=_pk(named.twin),
        agreement=_pk(named.agreement),
        build=_pk(named.build),
        production=_pk(named.production),
        right=asked.right,
        use=asked.use,
        licensee=terms.licensee.slug,
        at=begins(asked.at, asked_at) if asked.reserve else asked.at,
        territory=asked.territory,
        language=asked.language,
        channel=asked.channel,
        prompt_class=asked.prompt_class,
        real_time=asked.real_time,
        content=asked.content,
        units=asked.units,
        noticed_at=asked_at,
        reserve=asked.reserve,
    )
    unknown = {
        field: UNKNOWN
        for field in ("agreement", "build", "production")
        if getattr(asked, field) and getattr(named, field) is None
    }
    return replace(request, **unknown) if unknown else request


def _pk(row: Model | None) -> int | None:
    return None if row is None else row.pk


def _row(
    number: int,
    question: Question,
    answer: Answer,
    facts: dict[str, Any],
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
) -> ClearanceDecision:
    named = answer.named
    asked = question.asked
    return ClearanceDecision(
        pk=number,
        terms=terms,
        api_key=api_key,
        batch=question.batch,
        seat=question.seat if question.batch else None,
        agreement=named.agreement if named else None,
        twin=named.twin if named else None,
        outcome=answer.decision.outcome.value,
        at=answer.request.at if answer.request else asked.at,
        known_at=answer.settled.known_at if answer.settled else asked_at,
        idempotency_key=question.idempotency_key,
        request_digest=question.digest,
        request=to_json(answer.request) if answer.request else msgspec.to_builtins(asked),
        facts=facts,
        decision=to_json(answer.decision),
    )
