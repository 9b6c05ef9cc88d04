"""Burn-down: how much of a cap's year is gone, at what pace, and when it will be full."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from licensing.models import Cap, CapYear, UsageEvent
from licensing.words import LeafKind, Meter
from talent.models import DigitalTwin, User
from talent.periods import local_day, starts_at

PACE_DAYS = 90  # the pace is that of this many days, or of those since the year began
A_YEAR = 366
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class BurnDown:
    """One fiscal year of a cap; `pace` is units a day over the last 90 days, or since it began.

    `full_on` is the day on which the limit is reached at that pace; None if not in this year.
    """

    cap: Cap
    starts_on: date
    ends_on: date
    used: Decimal
    reserved: Decimal
    limit: Decimal
    pace: Decimal
    full_on: date | None

    @property
    def left(self) -> Decimal:
        """Return how many units are neither used nor reserved; zero past the limit."""
        return max(NOTHING, self.limit - self.used - self.reserved)

    @property
    def percent(self) -> int:
        """Return how much of the limit is used or reserved; over 100 past it."""
        return percent_gone(self.used + self.reserved, self.limit)


def percent_gone(gone: Decimal, limit: Decimal) -> int:
    """Return a part of a limit in percent, cut to a whole: 100 is said only where none is left."""
    return int(100 * gone / limit)


def burn_downs(caps: Sequence[Cap], *, at: datetime) -> list[BurnDown]:
    """Return the present year of each cap, in their order. Three queries, however many caps.

    The caps come with their agreement, twin and performer loaded.
    """
    years = {
        (year.cap_id, year.starts_on): year
        for year in CapYear.objects.with_still_reserved(at).filter(cap__in=caps)
    }
    used = _used_lately(caps, at)
    return [_burn_down(cap, years, used.get(cap.pk, NOTHING), at) for cap in caps]


def _burn_down(
    cap: Cap, years: dict[tuple[int, date], CapYear], lately: Decimal, at: datetime
) -> BurnDown:
    today = local_day(at, cap.time_zone)
    days = cap.year_of(today)
    year = years.get((cap.pk, days.starts_on))
    used = year.used if year else NOTHING
    reserved = year.still_reserved if year else NOTHING
    pace = lately / max(1, (today - _since(cap, at)).days)
    full_on = _full_on(today, cap.limit - used - reserved, pace)
    return BurnDown(
        cap,
        *days,
        used=used,
        reserved=reserved,
        limit=cap.limit,
        pace=pace,
        full_on=full_on if full_on and full_on < days.ends_on else None,
    )


def _full_on(today: date, left: Decimal, pace: Decimal) -> date | None:
    if left <= NOTHING:
        return today
    if pace <= NOTHING or left > pace * A_YEAR:
        return None
    return today + timedelta(days=math.ceil(left / pace))


def _since(cap: Cap, at: datetime) -> date:
    """Return the first day that counts for the pace: 90 days ago, or later in a younger year."""
    today = local_day(at, cap.time_zone)
    begun = max(cap.year_of(today).starts_on, cap.starts_on)
    return max(begun, today - timedelta(days=PACE_DAYS))


def _used_lately(caps: Iterable[Cap], at: datetime) -> dict[int, Decimal]:
    """Sum, by cap, the uses of the days that count for its pace, in one query of the events."""
    conditions = _conditions(caps, at)
    if not conditions:
        return {}
    recent = UsageEvent.objects.filter(
        kind=LeafKind.USE.value,
        occurred_at__gte=at - timedelta(days=PACE_DAYS + 1),
        occurred_at__lt=at,
    )
    any_of = Q()
    for _meter, about in conditions.values():
        any_of |= about
    sums = recent.filter(any_of).aggregate(
        **{f"cap_{pk}": Sum(meter, filter=about) for pk, (meter, about) in conditions.items()}
    )
    return {pk: sums[f"cap_{pk}"] or NOTHING for pk in conditions}


def _conditions(caps: Iterable[Cap], at: datetime) -> dict[int, tuple[str, Q]]:
    """Return for each cap its meter, and which events count for its pace."""
    caps = list(caps)
    twins = _twins_of({cap.performer_id for cap in caps if cap.performer_id})
    return {cap.pk: (cap.meter, _counts_for(cap, twins, at)) for cap in caps}


def _counts_for(cap: Cap, twins: dict[int, set[int]], at: datetime) -> Q:
    about = Q(occurred_at__gte=starts_at(_since(cap, at), cap.time_zone))
    if cap.agreement_id:
        about &= Q(agreement=cap.agreement_id)
    elif cap.performer_id:
        about &= Q(twin__in=twins[cap.performer_id])
    else:
        about &= Q(twin=cap.twin_id)
    if cap.channels is not None:
        about &= Q(channel__in=cap.channels)
    return about


def _twins_of(performers: set[int]) -> dict[int, set[int]]:
    twins: dict[int, set[int]] = {performer: set() for performer in performers}
    if performers:
        rows = DigitalTwin.objects.of_performers(performers)
        for pk, own, source in rows.values_list("pk", "performer", "sources__performer"):
            for performer in {own, source} & performers:
                twins[performer].add(pk)
    return twins


@dataclass(frozen=True)
class CapLeft:
    """How much of a cap's fiscal year is left, and when it will be gone at the present pace."""

    subject: str
    meter: Meter
    limit: Decimal
    left: Decimal
    full_on: date | None = None

    @property
    def percent(self) -> int:
        """Return how much of the limit is used or reserved, at most 100."""
        return percent_gone(self.limit - self.left, self.limit)


def caps_left(
    user: User, twins: Sequence[DigitalTwin], *, at: datetime, limit: int = 6
) -> list[CapLeft]:
    """Return what is left of the caps on these twins that a user may see, the fullest first.

    At most `limit` of them, found among the first fifty that count on this day.
    """
    performers = {twin.performer_id for twin in twins if twin.performer_id}
    on = at.date()
    caps = list(
        Cap.objects.visible_to(user)
        .filter(Q(twin__in=twins) | Q(performer__in=performers) | Q(agreement__twin__in=twins))
        .filter(Q(ends_on=None) | Q(ends_on__gt=on), starts_on__lte=on)
        .select_related("agreement__licensee", "twin", "performer")
        .order_by("pk")[:50]
    )
    left = [_cap_left(year) for year in burn_downs(caps, at=at)]
    return sorted(left, key=lambda cap: (-cap.percent, cap.subject))[:limit]


def _cap_left(year: BurnDown) -> CapLeft:
    cap = year.cap
    return CapLeft(
        subject=cap.agreement.licensee.name if cap.agreement else str(cap.twin or cap.performer),
        meter=Meter(cap.meter),
        limit=year.limit,
        left=year.left,
        full_on=year.full_on if year.left else None,
    )
