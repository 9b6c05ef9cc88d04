"""Drafts: requests of one caller, read once and decided in order, before anything is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Model

from licensing.approvals.spending import (
    NO_SPENDING,
    LockedApprovals,
    Spending,
    approvals_named,
    approved_parts,
)
from licensing.caps.years import YearKey, Years, caps_consumed, year_key
from licensing.decision.batch import UnitsOfBatch, limits_units
from licensing.decision.decision import Decision, decide
from licensing.decision.request import Facts, Request, request_about
from licensing.facts.facts import Records, facts_of, records_of, with_used_now
from licensing.facts.held import lock_limits
from licensing.facts.rows import NamedRows, fact_rows
from licensing.models import ApiKey, ClearanceBatch, LicenseeTerms
from licensing.permits.keys import Signing, signing_of
from licensing.wire.names import UNKNOWN
from licensing.words import Outcome

from .reserve import NewReservation, reserve, start_of
from .sent_request import SentRequest


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, on which terms, and when."""

    terms: LicenseeTerms
    api_key: ApiKey | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Submission:
    """A request with what finds its decision later: its idempotency key, or its seat in a batch.

    `digest` tells whether the same request came again under the key.
    """

    sent: SentRequest
    digest: bytes
    idempotency_key: str | None = None
    batch: ClearanceBatch | None = None
    seat: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that is not stored yet, with what it stood on, what it reserves and spends.

    Where the desk failed, there is nothing but the decision.
    """

    submission: Submission
    decision: Decision
    named: NamedRows | None = None
    request: Request | None = None
    facts: Facts | None = None
    reservation: NewReservation | None = None
    spending: Spending = NO_SPENDING


@dataclass(frozen=True, slots=True)
class LoadedRequests:
    """Requests of one caller with the rows they name and the facts about them, as read once."""

    submissions: Sequence[Submission]
    caller: Caller
    named: Sequence[NamedRows]
    requests: Sequence[Request]
    facts: Sequence[Facts]
    records: Records
    signing: Signing

    @property
    def years_to_lock(self) -> set[YearKey]:
        """The years of caps of which units are taken, if every request is cleared."""
        return {
            year_key(cap)
            for request, facts in zip(self.requests, self.facts, strict=True)
            if request.reserve
            for cap in caps_consumed(facts.caps, request)
        }

    @property
    def facts_to_lock(self) -> list[Facts]:
        """The facts of those that may spend an approval: they reserve, and say which."""
        return [
            facts
            for request, facts in zip(self.requests, self.facts, strict=True)
            if request.reserve and (request.described or request.approval)
        ]

    @property
    def needs_no_lock(self) -> bool:
        """Whether all years exist, no approval may be spent, and no consent limits how much."""
        years = {(cap.pk, year.starts_on) for cap in self.records.caps for year in cap.years.all()}
        return (
            self.years_to_lock <= years
            and not approved_parts(self.facts_to_lock)
            and not any(map(limits_units, self.facts_that_reserve))
        )

    @property
    def facts_that_reserve(self) -> list[Facts]:
        """The facts of the requests that reserve."""
        pairs = zip(self.requests, self.facts, strict=True)
        return [facts for request, facts in pairs if request.reserve]

    def under_lock_of_limits(self) -> "LoadedRequests":
        """Lock the limits of consents, and return the requests with what is used of them by now."""
        if not lock_limits(self.facts_that_reserve):
            return self
        records = with_used_now(self.records)
        return replace(self, records=records, facts=facts_of(self.requests, records))


def load_requests(submissions: Sequence[Submission], caller: Caller) -> LoadedRequests:
    """Read what requests name and what they are decided on, in a fixed number of queries.

    Also takes a number for each decision, and reads the key that signs permits.
    """
    sent = [submission.sent for submission in submissions]
    rows = fact_rows(sent, caller.terms, caller.asked_at, count=len(sent))
    named = rows.named_in(sent)
    requests = [
        _request(request, named_rows, caller)
        for request, named_rows in zip(sent, named, strict=True)
    ]
    records = records_of(rows, caller.terms, caller.asked_at)
    return LoadedRequests(
        submissions,
        caller,
        named,
        requests,
        facts_of(requests, records),
        records,
        signing_of(rows.signing, at=caller.asked_at),
    )


def _request(sent: SentRequest, named: NamedRows, caller: Caller) -> Request:
    request = request_about(
        twin=_pk(named.twin),
        agreement=_pk(named.agreement),
        build=_pk(named.build),
        production=_pk(named.production),
        right=sent.right,
        use=sent.use,
        licensee=caller.terms.licensee.slug,
        at=start_of(sent.at, caller.asked_at) if sent.reserve else sent.at,
        territory=sent.territory,
        language=sent.language,
        channel=sent.channel,
        prompt_class=sent.prompt_class,
        real_time=sent.real_time,
        content=sent.content,
        brand=named.brand,
        units=sent.units,
        noticed_at=caller.asked_at,
        reserve=sent.reserve,
        described=sent.described,
        approval=sent.approval,
    )
    return replace(
        request,
        agreement=_or_unknown(request.agreement, sent.agreement),
        build=_or_unknown(request.build, sent.build),
        production=_or_unknown(request.production, sent.production),
    )


def _or_unknown(name: str | None, sent: str | None) -> str | None:
    """Return a row's name, or `UNKNOWN` where a row was named and the desk does not know it."""
    return UNKNOWN if sent and name is None else name


def _pk(row: Model | None) -> int | None:
    return None if row is None else row.pk


def decide_in_order(
    loaded: LoadedRequests, years: Years, approvals: LockedApprovals
) -> list[Draft]:
    """Decide each request on what the ones before it have left of caps and approvals."""
    at = loaded.caller.asked_at
    drafts: list[Draft] = []
    held = UnitsOfBatch(loaded.facts)  # what the ones before it have reserved
    for submission, named, request, facts in zip(
        loaded.submissions, loaded.named, loaded.requests, loaded.facts, strict=True
    ):
        now = facts
        if request.reserve:
            now = approvals.facts_now(replace(facts, caps=years.caps_now(facts.caps)))
            now = held.put_into(now, request)
        decision = decide(request, now, at)
        reservation, spending = None, NO_SPENDING
        if request.reserve and decision.outcome is Outcome.CLEARED:
            reservation = reserve(
                request,
                now,
                years,
                minutes=submission.sent.reserve_minutes,
                zone=named.agreement.time_zone if named.agreement else "UTC",
                at=at,
            )
        if reservation is not None:
            held.add(request, now, dict(request.units))
            spending = approvals.take(request, now, at, dict(request.units))
            reservation = replace(reservation, approvals=approvals_named(spending))
        drafts.append(Draft(submission, decision, named, request, now, reservation, spending))
    return drafts
