"""How each use of a batch stands to what was agreed, found when it is recorded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.db import transaction

from licensing import failures
from licensing.caps.years import Years, caps_consumed, year_key
from licensing.decision.batch import SharedDecisions, limits_hours
from licensing.decision.decision import Decision, decide, is_failure, standing_of
from licensing.decision.dimensions import counts_channel
from licensing.decision.request import CapFacts, Facts, Request
from licensing.facts.facts import facts_for
from licensing.models import LicenseeTerms
from licensing.permits.draws import Draw, Permits
from licensing.words import Meter, Standing

from .references import KnownUse, request_of, request_of_event

LONGEST_REASON = 200
NOTHING = Decimal(0)

Units = Mapping[str, Decimal]  # how much, by meter


@dataclass(frozen=True, slots=True)
class Stand:
    """A use's standing with its reason.

    `over` is the part of its quantity past a cap, in that cap's meter; it is rated apart, and
    so is the same part of its other meters.
    """

    standing: Standing
    reason: str = ""
    over: Decimal | None = None
    over_meter: str = ""
    permit_id: int | None = None


def standings(
    uses: Sequence[KnownUse], terms: LicenseeTerms, *, received_at: datetime
) -> list[Stand]:
    """Return the standing of each use as of its own time, in order, and consume its caps.

    Every use counts against its caps, cleared or not, also past the limit; the part past it is
    told. A permit clears what it covers and draws on its reservation; of all else `decide`
    speaks. What an amendment replaces is given back first. Takes a fixed number of queries, and
    locks permits and caps until the transaction ends.
    """
    originals = [use.replaced for use in uses if use.replaced]
    requests = [
        *(request_of(use, terms.licensee.slug) for use in uses),
        *(request_of_event(event, terms.licensee.slug) for event in originals),
    ]
    facts = facts_for(requests, terms=terms, known_at=received_at)
    permits = Permits((use.reported.permit for use in uses if use.reported.permit), at=received_at)
    # Uses that ask about the same share their facts.
    distinct = {id(each): each for each in facts}.values()
    keys = {year_key(cap) for each in distinct for cap in each.caps}
    years = Years.lock(keys, ids=permits.year_ids, at=received_at)
    desk = _Desk(terms.agency.slug, permits, years, received_at, SharedDecisions(received_at))
    asked = list(zip(requests, facts, strict=True))
    replaced = iter(asked[len(uses) :])
    stands = []
    seconds: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for use, (request, each) in zip(uses, asked, strict=False):
        if use.replaced:
            original, about = next(replaced)
            _give_back(original, about, years)
            seconds[_cell_of(original)] -= use.replaced.seconds or NOTHING
        units, cell = dict(request.units), _cell_of(request)
        each = _with_seconds(each, seconds[cell])
        stands.append(_stand(use.reported.permit, request, units, each, desk))
        seconds[cell] += units.get(Meter.SECONDS.value, NOTHING)
    permits.write()
    years.write()
    if desk.failed_decisions:
        # Once the uses are kept: a rehearsal and a preview are undone, and alarm nobody.
        report = partial(failures.report_failure, terms=terms, mail=failures.USE_FAILED)
        transaction.on_commit(partial(report, desk.failed_decisions[0], at=received_at))
    return stands


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a batch is held against: its permits, its caps' years, and when it came.

    `failed_decisions` are the decisions that the desk itself failed to make.
    """

    agency: str
    permits: Permits
    years: Years
    received_at: datetime
    precedents: SharedDecisions
    failed_decisions: list[Decision] = field(default_factory=list)


def _cell_of(request: Request) -> tuple[str, str, str]:
    return request.twin, request.right, request.use


def _with_seconds(facts: Facts, moved: Decimal) -> Facts:
    """Return the facts with what the batch itself has added to the hours of a twin's use so far."""
    if not moved or not limits_hours(facts):
        return facts
    contributors = tuple(
        one
        if one.seconds_used is None
        else replace(one, seconds_used=max(NOTHING, one.seconds_used + moved))
        for one in facts.contributors
    )
    return replace(facts, contributors=contributors)


def _give_back(request: Request, facts: Facts, years: Years) -> None:
    units = dict(request.units)
    for cap in caps_consumed(facts.caps, request):
        years.of(cap).give_back(units[cap.meter])


def _stand(token: str | None, request: Request, units: Units, facts: Facts, desk: _Desk) -> Stand:
    counting = [cap for cap in facts.caps if counts_channel(cap, request.channel)]
    caps = [cap for cap in counting if cap.meter in units]
    measurable = len(caps) == len(counting)
    draw: Draw | str = ""
    if token and measurable:
        draw = desk.permits.draw(token, request, caps, desk.years, agency=desk.agency)
    if isinstance(draw, Draw) and draw.covers:
        _consume(caps, units, desk.years, draw)
        return Stand(
            Standing.CLEARED, f"Cleared by permit C{draw.permit_id}.", draw.over or None,
            draw.over_meter, draw.permit_id,
        )  # fmt: skip
    over, meter = _past(caps, units, draw, desk.years)
    decision = roomy = desk.precedents.without_caps(request, facts)
    if meter or not measurable:
        seen = _seen(facts.caps, draw, desk.years)
        decision = decide(request, replace(facts, caps=seen), desk.received_at)
    if (
        meter
        and standing_of(decision) is Standing.OVER_CAP
        and standing_of(roomy) is not Standing.CLEARED
    ):
        # With all the room in the world it would be outside: no part of it is within.
        decision, over, meter = roomy, None, ""
    _consume(caps, units, desk.years, draw)
    if is_failure(decision):
        desk.failed_decisions.append(decision)
    reason = decision.deciding.public or decision.deciding.rule
    if token:
        reason += f" Its permit does not speak for it ({_why(draw)})."
    return Stand(standing_of(decision), reason[:LONGEST_REASON], over, meter)


def _why(draw: Draw | str) -> str:
    return "too few units left" if isinstance(draw, Draw) else draw or "a cap's meter is missing"


def _seen(caps: Iterable[CapFacts], draw: Draw | str, years: Years) -> tuple[CapFacts, ...]:
    """Return caps as they are now, without what the use itself has confirmed beforehand."""
    own = _own(draw)
    return tuple(
        replace(cap, used=cap.used - own.get(years.of(cap).pk, NOTHING))
        for cap in years.caps_now(caps)
    )


def _consume(caps: Iterable[CapFacts], units: Units, years: Years, draw: Draw | str) -> None:
    own = _own(draw)
    for cap in caps:
        year = years.of(cap)
        year.use(units[cap.meter] - own.get(year.pk, NOTHING))


def _own(draw: Draw | str) -> dict[int, Decimal]:
    """Return what a use has confirmed beforehand, by cap year."""
    return draw.used_already if isinstance(draw, Draw) else {}


def _past(
    caps: Iterable[CapFacts], units: Units, draw: Draw | str, years: Years
) -> tuple[Decimal | None, str]:
    """Return the part past a cap and its meter; of several, where the largest part is past.

    (None, "") within all of them. What others have reserved is theirs: it is no room for a use
    without their permit.
    """
    own = _own(draw)
    past = []
    for cap in caps:
        quantity, year = units[cap.meter], years.of(cap)
        over = year.past_limit(quantity, used_already=own.get(year.pk, NOTHING))
        if over > NOTHING:
            past.append((over / quantity, over, cap.meter))
    _share, over, meter = max(past, default=(NOTHING, None, ""))
    return over, meter
