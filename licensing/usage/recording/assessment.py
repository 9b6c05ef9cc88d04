"""Assessment: how each use of a batch compares with what was agreed, and what it counts against."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial

import msgspec
from django.db import transaction

from licensing import failures
from licensing.approvals.spending import EventSpending, LockedApprovals, spendings_of_events
from licensing.caps.years import Years, caps_consumed, year_key
from licensing.decision.batch import SharedDecisions, UnitsOfBatch
from licensing.decision.decision import Decision, decide, is_failure, standing_of
from licensing.decision.dimensions import counts_channel
from licensing.decision.request import CapFacts, Facts, Request
from licensing.facts.facts import facts_of, records_of, with_used_now
from licensing.facts.held import lock_limits
from licensing.facts.rows import FactRows
from licensing.models import ApprovalSpending, LicenseeTerms, UsageEvent
from licensing.permits.draws import Draw, Permits
from licensing.wire.instants import is_ahead
from licensing.words import HoldKind, Standing

from .references import KnownUse, request_of, request_of_event

LONGEST_REASON = 200
STRUCK = "a strike has held it since"
NOTHING = Decimal(0)

Units = Mapping[str, Decimal]  # how much, by meter


class Assessment(msgspec.Struct, frozen=True, gc=False):
    """A use's standing with its reason.

    `over` is the part of its quantity past a cap, in that cap's meter; it is rated apart, and
    so is the same part of its other meters. `spending` is what it takes of approvals that it
    names, and `given_back` what the event that it replaces had taken.
    """

    standing: Standing
    reason: str = ""
    over: Decimal | None = None
    over_meter: str = ""
    permit_id: int | None = None
    spending: EventSpending | None = None
    given_back: tuple[ApprovalSpending, ...] = ()


def assess_uses(
    uses: Sequence[KnownUse], rows: FactRows, terms: LicenseeTerms, *, received_at: datetime
) -> list[Assessment]:
    """Count uses against their caps and permits, and return how each compares with what was agreed.

    Each is judged as of its own time, in order, on what the uses before it have left. Every use
    consumes its caps, cleared or not, also past the limit. A permit clears what it covers and
    draws on its reservation; `decide` judges all else. What an amendment replaces is given back
    first. `rows` are what the uses name, with all that lies on it. Takes a fixed number of queries,
    and locks permits, caps and approvals until the transaction ends.
    """
    batch = _Batch(uses, rows, terms, received_at)
    assessments = [batch.assess(use, place) for place, use in enumerate(uses)]
    batch.write()
    if batch.failure:
        # After the commit only: a rehearsal and a preview are rolled back, and report nothing.
        report = partial(failures.report_failure, terms=terms, mail=failures.USE_FAILED)
        transaction.on_commit(partial(report, batch.failure, at=received_at))
    return assessments


class _Measured(msgspec.Struct, frozen=True, gc=False):
    """A request with its units and the caps it counts against.

    `caps` count its channel, in a meter that it has units of. `is_measurable` says that it has
    units in the meter of every cap that counts its channel.
    """

    request: Request
    units: Units
    caps: Sequence[CapFacts]
    is_measurable: bool

    @classmethod
    def of(cls, request: Request, facts: Facts) -> "_Measured":
        units = dict(request.units)
        of_channel = [cap for cap in facts.caps if counts_channel(cap, request.channel)]
        caps = [cap for cap in of_channel if cap.meter in units]
        return cls(request, units, caps, len(caps) == len(of_channel))


class _Batch:
    """What a batch's uses count against, under lock; each use changes it for those after it."""

    def __init__(
        self,
        uses: Sequence[KnownUse],
        rows: FactRows,
        terms: LicenseeTerms,
        received_at: datetime,
    ):
        originals = [use.replaced for use in uses if use.replaced]
        licensee = terms.licensee.slug
        requests = [
            *(request_of(use, licensee) for use in uses),
            *(request_of_event(event, licensee) for event in originals),
        ]
        # An amendment stays with its twin and agreement, so the rows are also those of what it
        # replaces, of which only the caps are looked at.
        records = records_of(rows, terms, received_at)
        facts = facts_of(requests, records)
        if lock_limits(facts):
            facts = facts_of(requests, with_used_now(records))
        self._requests, self._facts = requests, facts
        replaced = zip(requests[len(uses) :], facts[len(uses) :], strict=True)
        self._cases_replaced = {
            event.pk: case for event, case in zip(originals, replaced, strict=True)
        }
        tokens = (use.reported.permit for use in uses if use.reported.permit)
        # Permits before years, as everybody locks them.
        self._permits = Permits(tokens, at=received_at)
        # Requests about the same rows share one object of facts.
        distinct = {id(known): known for known in facts}.values()
        keys = {year_key(cap) for known in distinct for cap in known.caps}
        self._years = Years.lock(keys, ids=self._permits.year_ids, at=received_at)
        self._taken_before = spendings_of_events({event.pk for event in originals})
        cases = zip(requests[: len(uses)], facts, strict=False)
        named = [about for asked, about in cases if asked.approval]
        given_back = [self._cases_replaced[event][1] for event in self._taken_before]
        self._approvals = LockedApprovals([*named, *given_back], at=received_at)
        self._decisions = SharedDecisions(received_at)
        self._received_at = received_at
        self._agency = terms.agency.slug
        # What the batch itself adds to what consents limit.
        self._added = UnitsOfBatch(distinct)
        # The first decision that the desk itself failed to make.
        self.failure: Decision | None = None

    def assess(self, use: KnownUse, place: int) -> Assessment:
        """Count the use in that place of the batch; return how it compares with what was agreed."""
        given_back = self._give_back(use.replaced) if use.replaced else ()
        request, facts = self._requests[place], self._facts[place]
        if request.approval:
            facts = self._approvals.facts_now(facts)
        measured = _Measured.of(request, facts)
        draw, fault = self._draw(use.reported.permit, measured)
        struck = draw is not None and _is_struck(request, facts)
        if draw:
            # What its permit held counted already, for the limits of consents too.
            self._added.add(request, facts, draw.units, sign=-1)
        facts_now = self._added.put_into(facts, request)
        # A permit's use that was confirmed counts as used already, by cap year.
        used_already = draw.used_already if draw else {}
        if draw and draw.covers and not struck:
            assessment = _cleared_by(draw)
        else:
            fault = STRUCK if struck else fault
            assessment = self._decide(measured, facts_now, used_already, fault)
        assessment = _flagged_if_ahead(assessment, use.reported.occurred_at, self._received_at)
        for cap in measured.caps:
            year = self._years.of(cap)
            year.use(measured.units[cap.meter] - used_already.get(year.pk, NOTHING))
        self._added.add(request, facts, measured.units)
        spending = None if draw and draw.covers else self._spend(measured, facts_now, draw)
        if spending or given_back:
            return msgspec.structs.replace(assessment, spending=spending, given_back=given_back)
        return assessment

    def _spend(self, use: _Measured, facts: Facts, draw: Draw | None) -> EventSpending | None:
        """Take what no permit covers of the approvals that a use names, cleared or not."""
        if not use.request.approval:
            return None
        drawn = draw.units if draw else {}
        units = {meter: left - drawn.get(meter, NOTHING) for meter, left in use.units.items()}
        taken = self._approvals.take(use.request, facts, self._received_at, units)
        return EventSpending(taken, units) if taken else None

    def write(self) -> None:
        """Write what was drawn from permits and consumed of caps."""
        self._permits.write()
        self._years.write()

    def _give_back(self, event: UsageEvent) -> tuple[ApprovalSpending, ...]:
        """Take an event's units off its caps, its approvals, and off what consents limit."""
        request, facts = self._cases_replaced[event.pk]
        units = dict(request.units)
        for cap in caps_consumed(facts.caps, request):
            self._years.of(cap).give_back(units[cap.meter])
        self._added.add(request, facts, units, sign=-1)
        taken = tuple(self._taken_before.get(event.pk, ()))
        self._approvals.give_back(taken)
        return taken

    def _draw(self, token: str | None, use: _Measured) -> tuple[Draw | None, str]:
        """Draw a use's units from its permit; return the draw, and why it does not clear the use.

        Without a permit (None, ""); with a permit that clears it the reason is empty.
        """
        if not token:
            return None, ""
        if not use.is_measurable:
            return None, "a cap's meter is missing"
        draw = self._permits.draw(token, use.request, self._years, agency=self._agency)
        if not isinstance(draw, Draw):
            return None, draw
        return draw, "" if draw.covers else "too few units left"

    def _decide(
        self,
        use: _Measured,
        facts: Facts,
        used_already: Mapping[int, Decimal],
        permit_fault: str,
    ) -> Assessment:
        over, meter = self._part_past_caps(use, used_already)
        decision = without_caps = self._decisions.without_caps(use.request, facts)
        if meter or not use.is_measurable:
            facts = replace(facts, caps=self._caps_now(facts.caps, used_already))
            decision = decide(use.request, facts, self._received_at)
        if (
            meter
            and standing_of(decision) is Standing.OVER_CAP
            and standing_of(without_caps) is not Standing.CLEARED
        ):
            # It would be outside even if no cap were near its limit: no part of it is within.
            decision, over, meter = without_caps, None, ""
        if is_failure(decision):
            self.failure = self.failure or decision
        reason = decision.deciding.public or decision.deciding.rule
        if permit_fault:
            reason += f" Its permit does not speak for it ({permit_fault})."
        return Assessment(standing_of(decision), reason[:LONGEST_REASON], over, meter)

    def _part_past_caps(
        self, use: _Measured, used_already: Mapping[int, Decimal]
    ) -> tuple[Decimal | None, str]:
        """Return the part past a cap and its meter; of several, where the largest part is past.

        (None, "") within all of them. What others have reserved is not available to a use
        without their permit.
        """
        past = []
        for cap in use.caps:
            quantity, year = use.units[cap.meter], self._years.of(cap)
            over = year.past_limit(quantity, used_already=used_already.get(year.pk, NOTHING))
            if over > NOTHING:
                past.append((over / quantity, over, cap.meter))
        if not past:
            return None, ""
        _share, over, meter = max(past)
        return over, meter

    def _caps_now(
        self, caps: Iterable[CapFacts], used_already: Mapping[int, Decimal]
    ) -> tuple[CapFacts, ...]:
        """Return caps as they are by now, without what the use itself has used already."""
        return tuple(
            replace(cap, used=cap.used - used_already.get(self._years.of(cap).pk, NOTHING))
            for cap in self._years.caps_now(caps)
        )


def _flagged_if_ahead(assessment: Assessment, at: datetime, received_at: datetime) -> Assessment:
    """Say of a use that came before it happened that it is held until then."""
    if not is_ahead(at, received_at=received_at):
        return assessment
    flag = f"In the future when it came: held until it has happened, {at:%Y-%m-%d %H:%M} UTC."
    reason = f"{flag} {assessment.reason}".strip()[:LONGEST_REASON]
    return msgspec.structs.replace(assessment, reason=reason)


def _is_struck(request: Request, facts: Facts) -> bool:
    """Tell whether a strike lies on a use: a permit of before speaks for no use during it."""
    at = request.at
    return at is not None and any(
        hold.kind == HoldKind.STRIKE and hold.lies_at(at) and hold.concerns(request)
        for hold in facts.holds
    )


def _cleared_by(draw: Draw) -> Assessment:
    return Assessment(
        Standing.CLEARED,
        f"Cleared by permit C{draw.permit_id}.",
        draw.over or None,
        draw.over_meter,
        draw.permit_id,
    )
