"""How each use of a batch stands to what was agreed, found when it is recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from licensing.clearance.decision import decide, standing
from licensing.clearance.facts import facts_for, name_of
from licensing.clearance.question import CapFacts, Facts, Request
from licensing.models import CapYear, LicenseeTerms
from licensing.usage.references import KnownUse
from licensing.words import Standing

LONGEST_REASON = 200
NOTHING = Decimal(0)

YearKey = tuple[int, date]


@dataclass(frozen=True, slots=True)
class Stand:
    """A use's standing with its reason; `over` is the part of its quantity past a cap."""

    standing: Standing
    reason: str = ""
    over: Decimal | None = None
    permit_id: int | None = None


def standings(
    uses: Sequence[KnownUse], terms: LicenseeTerms, *, received_at: datetime
) -> list[Stand]:
    """Return the standing of each use as of its own time, in order, and consume its caps.

    Every use counts against its caps, cleared or not, also past the limit; the part past it is
    told. Takes a fixed number of queries, and locks the caps' years until the transaction ends.
    """
    requests = [_request(use, terms) for use in uses]
    facts = facts_for(requests, terms=terms, known_at=received_at)
    used = _locked({key for each in facts for key in map(_year, each.caps)})
    before = dict(used)
    stands = [
        _stand(request, each, used, received_at)
        for request, each in zip(requests, facts, strict=True)
    ]
    _consume({key: now - before[key] for key, now in used.items() if now != before[key]})
    return stands


def _request(use: KnownUse, terms: LicenseeTerms) -> Request:
    reported = use.reported
    return Request(
        twin=name_of(use.twin),
        right=reported.right,
        use=reported.use,
        licensee=terms.licensee.slug,
        at=reported.occurred_at,
        agreement=name_of(use.agreement) if use.agreement else None,
        territory=reported.territory,
        language=reported.language,
        channel=reported.channel,
        production=name_of(use.production) if use.production else None,
        build=name_of(use.build) if use.build else None,
        prompt_class=reported.prompt_class or "",
        real_time=bool(reported.real_time),
        units=tuple(reported.quantities.items()),
    )


def _stand(
    request: Request, facts: Facts, used: dict[YearKey, Decimal], received_at: datetime
) -> Stand:
    caps = tuple(replace(cap, used=used[_year(cap)]) for cap in facts.caps)
    decision = decide(request, replace(facts, caps=caps), received_at)
    past = _past(caps, request)
    for cap in _counted(caps, request):
        used[_year(cap)] += dict(request.units)[cap.meter]
    cleared = decision.deciding.public or decision.deciding.rule
    return Stand(standing(decision), cleared[:LONGEST_REASON], past)


def _counted(caps: Iterable[CapFacts], request: Request) -> list[CapFacts]:
    """Return the caps that a use consumes: those of its channel whose meter it carries."""
    meters = {meter for meter, _ in request.units}
    return [
        cap
        for cap in caps
        if cap.meter in meters and (cap.channels is None or request.channel in cap.channels)
    ]


def _past(caps: Iterable[CapFacts], request: Request) -> Decimal | None:
    """Return the part of a quantity that lies past the nearest cap; None within all of them."""
    units = dict(request.units)
    past = [
        min(units[cap.meter], cap.used + units[cap.meter] - cap.limit)
        for cap in _counted(caps, request)
    ]
    return max((part for part in past if part > NOTHING), default=None)


# The caps' years


def _year(cap: CapFacts) -> YearKey:
    if cap.starts_on is None:
        raise ValueError(f"Cap {cap.id} was loaded without its year.")
    return int(cap.id), cap.starts_on


def _locked(keys: set[YearKey]) -> dict[YearKey, Decimal]:
    """Lock the years, in the order of their ids as everybody does, and return what they used."""
    if not keys:
        return {}
    CapYear.objects.bulk_create(
        [CapYear(cap_id=cap, starts_on=starts_on) for cap, starts_on in sorted(keys)],
        ignore_conflicts=True,
    )
    years = CapYear.objects.filter(
        cap__in={cap for cap, _ in keys}, starts_on__in={starts_on for _, starts_on in keys}
    )
    locked = years.select_for_update().order_by("pk")
    return {(year.cap_id, year.starts_on): year.used for year in locked}


def _consume(quantities: dict[YearKey, Decimal]) -> None:
    if not quantities:
        return
    years = CapYear.objects.filter(
        cap__in={cap for cap, _ in quantities}, starts_on__in={day for _, day in quantities}
    )
    changed = [year for year in years if (year.cap_id, year.starts_on) in quantities]
    for year in changed:
        year.used += quantities[year.cap_id, year.starts_on]
    CapYear.objects.bulk_update(changed, ["used"])
