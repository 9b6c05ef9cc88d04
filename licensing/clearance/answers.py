"""Answers: questions decided together on facts loaded once, kept with what they hold.

What reserves units is decided on caps under lock, so that nobody is refused while units are
free and no cap is granted twice.
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from licensing.models import ApiKey, ClearanceBatch, ClearanceDecision, LicenseeTerms
from licensing.usage.references import Named, References
from licensing.words import Outcome

from .alarms import alarm
from .asked import Asked
from .caps import Years, counted, key_of
from .decision import Decision, decide, failed, to_json, undecided
from .facts import facts_for, name_of
from .holdings import Holding, begins, held, keep
from .question import Facts, Request
from .spending import Settled, settle, spend

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, with the digest of it, and under which key or in which batch."""

    asked: Asked
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


def digest_of(asked: Asked) -> bytes:
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
        # Of its own, so that a failed query does not take the record of the failure with it.
        with transaction.atomic():
            return _answered(questions, terms, asked_at, api_key)
    except IntegrityError:
        raise  # Another connection was first with the key: the caller has its answer.
    except Exception:
        reference = secrets.token_hex(6)
        logger.exception("Clearance %s could not be decided", reference)
        refusals = [Answer(undecided(reference)) for _ in questions]
        with transaction.atomic():
            return _kept(questions, refusals, terms, asked_at, api_key)


def _answered(
    questions: Sequence[Question],
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
) -> list[ClearanceDecision]:
    answers, years = _decided([question.asked for question in questions], terms, asked_at)
    rows = _kept(questions, answers, terms, asked_at, api_key)
    years.write()
    return rows


def _kept(
    questions: Sequence[Question],
    answers: Sequence[Answer],
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
) -> list[ClearanceDecision]:
    rows = [
        _row(question, answer, terms, asked_at, api_key)
        for question, answer in zip(questions, answers, strict=True)
    ]
    broken = next((answer.decision for answer in answers if failed(answer.decision)), None)
    if broken is not None:
        alarm(broken, terms=terms, at=asked_at)
    ClearanceDecision.objects.bulk_create(rows)
    spend([(answer.settled, row) for row, answer in zip(rows, answers, strict=True)])
    keep([(row, answer.holding) for row, answer in zip(rows, answers, strict=True)], terms)
    return rows


def _decided(
    asked: Sequence[Asked], terms: LicenseeTerms, asked_at: datetime
) -> tuple[list[Answer], Years]:
    references = References(asked, terms)
    named = [references.named(one) for one in asked]
    requests = [
        _request(one, rows, terms, asked_at) for one, rows in zip(asked, named, strict=True)
    ]
    facts = facts_for(requests, terms=terms, known_at=asked_at, once=True)
    years = Years(_to_lock(requests, facts), at=asked_at)
    answers: list[Answer] = []
    taken: set[int] = set()
    for one, rows, request, about in zip(asked, named, requests, facts, strict=True):
        seen = replace(about, caps=years.seen(about.caps)) if request.reserve else about
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
    return answers, years


def _to_lock(requests: Sequence[Request], facts: Sequence[Facts]):
    return {
        key_of(cap)
        for request, about in zip(requests, facts, strict=True)
        if request.reserve
        for cap in counted(about.caps, request)
    }


def _request(asked: Asked, named: Named, terms: LicenseeTerms, asked_at: datetime) -> Request:
    return Request(
        twin=name_of(named.twin) if named.twin else "",
        right=asked.right,
        use=asked.use,
        licensee=terms.licensee.slug,
        at=begins(asked.at, asked_at) if asked.reserve else asked.at,
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
        reserve=asked.reserve,
    )


_UNKNOWN = "?"  # what was named and is not known; it names no row


def _name(sent: str | None, row: Any) -> str | None:
    if row is not None:
        return name_of(row)
    return _UNKNOWN if sent else None


def _row(
    question: Question,
    answer: Answer,
    terms: LicenseeTerms,
    asked_at: datetime,
    api_key: ApiKey | None,
) -> ClearanceDecision:
    named = answer.named
    asked = question.asked
    return ClearanceDecision(
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
        facts=to_json(answer.settled.facts) if answer.settled else {},
        decision=to_json(answer.decision),
    )
