"""Beneficiaries: who is paid for a twin, from which day on, and with what weight."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import Q, QuerySet

from talent.database.sql import sql_file
from talent.errors import Refused
from talent.models import Beneficiary, CompositeSource, DigitalTwin, EstateShare, Performer
from talent.words import Life

ONE = Decimal(1)
# From before the first use; until after the last.
ALWAYS, NEVER = date.min, date.max

DIGESTS = sql_file(__file__, "digests_of_shares.sql")


class NobodyToPay(Refused):
    code = "nobody_to_pay"


@dataclass(frozen=True, slots=True)
class Share:
    """A beneficiary's weight in what a twin earns, and the performer it comes through."""

    beneficiary_id: int
    weight: Decimal
    performer_id: int | None


@dataclass(frozen=True, slots=True)
class Split:
    """The shares in what a twin earns by its use from a day on, until the next split.

    Weights are relative; they need not add up to one. Without shares nobody can be paid.
    """

    starts_on: date
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A performer on whom a twin draws from `starts_on` to before `ends_on`, and their heirs."""

    performer: Performer
    weight: Decimal = ONE
    starts_on: date = ALWAYS
    ends_on: date = NEVER
    heirs: tuple[EstateShare, ...] = ()


def splits_of(twin: DigitalTwin) -> tuple[Split, ...]:
    """Return who is paid for a twin, by the day of the use; the first split counts from ever.

    A performer's twin pays the performer, a composite its sources by weight while they are in it,
    a persona without sources its owner. From the day of death on a performer's part goes to the
    heirs by the weights of their estate shares of the day. Raises NobodyToPay.
    """
    sources = _sources(twin)
    if not sources:
        return (Split(ALWAYS, (_owner(twin),)),)
    splits: list[Split] = []
    for day in sorted(_days_of_change(sources)):
        shares = tuple(share for source in sources for share in _shares_on(source, day))
        if not splits or shares != splits[-1].shares:
            splits.append(Split(day, shares))
    return tuple(splits)


def shares_on(splits: Sequence[Split], day: date) -> tuple[Share, ...]:
    """Return the shares that count for use on a day. Raises NobodyToPay."""
    split = next(split for split in reversed(splits) if split.starts_on <= day)
    if not split.shares:
        raise NobodyToPay(f"Nobody has a share in what is earned on {day}: date the shares anew.")
    return split.shares


def digests_of_shares() -> dict[int, str]:
    """Return for each twin a digest of all that decides who is paid for it, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(DIGESTS)
        return dict(cursor.fetchall())


def twins_paying(beneficiary: Beneficiary) -> QuerySet[DigitalTwin]:
    """Return the twins whose earnings the beneficiary has, or had, a part in."""
    performers = Performer.objects.filter(
        Q(pk=beneficiary.performer_id) | Q(estate_shares__beneficiary=beneficiary)
    )
    return DigitalTwin.objects.filter(
        Q(pk__in=DigitalTwin.objects.of_performers(performers).values("pk")) | Q(owner=beneficiary)
    )


def _sources(twin: DigitalTwin) -> list[_Source]:
    if twin.performer is not None:
        heirs = _heirs([twin.performer])
        return [_Source(twin.performer, heirs=heirs.get(twin.performer.pk, ()))]
    rows = list(
        CompositeSource.objects.filter(twin=twin)
        .select_related("performer__beneficiary")
        .order_by("performer_id", "starts_on")
    )
    heirs = _heirs([row.performer for row in rows])
    return [
        _Source(
            row.performer,
            row.weight,
            row.starts_on or ALWAYS,
            row.ends_on or NEVER,
            heirs.get(row.performer_id, ()),
        )
        for row in rows
    ]


def _owner(twin: DigitalTwin) -> Share:
    if twin.owner_id is None:
        raise NobodyToPay(f"{twin} has neither human sources nor an owner: name one to pay.")
    return Share(twin.owner_id, ONE, None)


def _heirs(performers: Iterable[Performer]) -> dict[int, tuple[EstateShare, ...]]:
    heirs: dict[int, tuple[EstateShare, ...]] = {}
    rows = EstateShare.objects.filter(performer__in=performers, performer__life=Life.DECEASED.value)
    for row in rows.order_by("beneficiary_id", "starts_on"):
        heirs[row.performer_id] = (*heirs.get(row.performer_id, ()), row)
    return heirs


def _days_of_change(sources: Iterable[_Source]) -> set[date]:
    days: set[date | None] = {ALWAYS}
    for source in sources:
        days |= {source.starts_on, source.ends_on}
        if source.heirs:
            days.add(source.performer.died_on)
        for heir in source.heirs:
            days |= {heir.starts_on, heir.ends_on}
    return {day for day in days if day is not None and day != NEVER}


def _shares_on(source: _Source, day: date) -> Iterator[Share]:
    if not source.starts_on <= day < source.ends_on:
        return
    performer = source.performer
    heirs = [heir for heir in source.heirs if _inherits_on(heir, performer, day)]
    if not heirs:
        yield Share(_own_account(performer).pk, source.weight, performer.pk)
        return
    whole = sum((heir.weight for heir in heirs), Decimal(0))
    for heir in heirs:
        yield Share(heir.beneficiary_id, source.weight * heir.weight / whole, performer.pk)


def _inherits_on(heir: EstateShare, performer: Performer, day: date) -> bool:
    since = max(performer.died_on or ALWAYS, heir.starts_on or ALWAYS)
    return since <= day < (heir.ends_on or NEVER)


def _own_account(performer: Performer) -> Beneficiary:
    try:
        return performer.beneficiary
    except Beneficiary.DoesNotExist as missing:
        raise NobodyToPay(f"{performer} has no beneficiary: add one to pay.") from missing
