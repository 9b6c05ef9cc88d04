"""Beneficiaries: who is paid for a twin, from which day on, and with what weight."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection
from django.db.models import Q, QuerySet

from talent.database.sql import among, sql_file
from talent.errors import Refused
from talent.models import (
    Beneficiary,
    CompositeSource,
    DigitalTwin,
    EarlierOwner,
    EstateShare,
    Performer,
    User,
)
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
class Corrected:
    """Rows, saved or not, that take the place of those kept; None: those kept.

    Of `heirs` all are of one performer, of `sources` and `earlier_owners` of the twin.
    """

    sources: Sequence[CompositeSource] | None = None
    heirs: Sequence[EstateShare] | None = None
    earlier_owners: Sequence[EarlierOwner] | None = None


AS_KEPT = Corrected()


@dataclass(frozen=True, slots=True)
class _Source:
    """A performer on whom a twin draws from `starts_on` to before `ends_on`, and their heirs."""

    performer: Performer
    weight: Decimal = ONE
    starts_on: date = ALWAYS
    ends_on: date = NEVER
    heirs: tuple[EstateShare, ...] = ()


def splits_of(twin: DigitalTwin, corrected: Corrected = AS_KEPT) -> tuple[Split, ...]:
    """Return who is paid for a twin, by the day of the use; the first split counts from ever.

    A performer's twin pays the performer, a composite its sources by weight while they are in it,
    a persona without sources on a day its owner of that day. From the day of death on a performer's
    part goes to the heirs by the weights of their estate shares of the day. `corrected` tells how
    it would be with other rows. Raises NobodyToPay.
    """
    return _splits(twin, _kept_of([twin], corrected), corrected)


def splits_of_twins(twins: Sequence[DigitalTwin]) -> dict[int, tuple[Split, ...]]:
    """Return the splits of many twins by id, in a fixed number of queries.

    Twins come with their performer and the performer's beneficiary. Those for which `splits_of`
    raises NobodyToPay are left out.
    """
    kept = _kept_of(twins, AS_KEPT)
    found = {}
    for twin in twins:
        with suppress(NobodyToPay):
            found[twin.pk] = _splits(twin, kept, AS_KEPT)
    return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of whom twins draw on and belonged to, by twin, and of heirs, by performer."""

    sources: Mapping[int, Sequence[CompositeSource]]
    earlier_owners: Mapping[int, Sequence[EarlierOwner]]
    heirs: Mapping[int, Sequence[EstateShare]]


def _kept_of(twins: Sequence[DigitalTwin], corrected: Corrected) -> _Kept:
    personas = [twin for twin in twins if twin.performer is None]
    rows = CompositeSource.objects.filter(twin__in=among(twin.pk for twin in personas))
    sources: dict[int, list[CompositeSource]] = defaultdict(list)
    for source in rows.select_related("performer__beneficiary"):
        sources[source.twin_id].append(source)
    owners: dict[int, list[EarlierOwner]] = defaultdict(list)
    for owner in EarlierOwner.objects.filter(twin__in=among(twin.pk for twin in twins)):
        owners[owner.twin_id].append(owner)
    performers = [
        *(twin.performer for twin in twins if twin.performer is not None),
        *(source.performer for of_twin in sources.values() for source in of_twin),
        *(source.performer for source in corrected.sources or ()),
    ]
    dead = {one.pk for one in performers if one.life == Life.DECEASED}
    heirs: dict[int, list[EstateShare]] = defaultdict(list)
    for heir in EstateShare.objects.filter(performer__in=among(dead)):
        heirs[heir.performer_id].append(heir)
    return _Kept(sources, owners, heirs)


def _splits(twin: DigitalTwin, kept: _Kept, corrected: Corrected) -> tuple[Split, ...]:
    sources, owners = _sources(twin, kept, corrected), _owners(twin, kept, corrected)
    if not sources and not owners:
        raise NobodyToPay(f"{twin} has neither human sources nor an owner: name one to pay.")
    splits: list[Split] = []
    for day in sorted(_days_of_change(sources, owners)):
        shares = tuple(share for source in sources for share in _shares_on(source, day))
        shares = shares or tuple(_share_of_owner(owners, day))
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


def reader_of(beneficiary: Beneficiary | None) -> User | None:
    """Return who can be written to about a payee's money; None: nobody has an address."""
    if beneficiary is None:
        return None
    if beneficiary.user or not beneficiary.performer:
        return beneficiary.user
    return beneficiary.performer.user


def twins_paying(beneficiary: Beneficiary) -> QuerySet[DigitalTwin]:
    """Return the twins whose earnings the beneficiary has, or had, a part in."""
    performers = Performer.objects.filter(
        Q(pk=beneficiary.performer_id) | Q(estate_shares__beneficiary=beneficiary)
    )
    return DigitalTwin.objects.filter(
        Q(pk__in=DigitalTwin.objects.of_performers(performers).values("pk"))
        | Q(owner=beneficiary)
        | Q(pk__in=EarlierOwner.objects.filter(beneficiary=beneficiary).values("twin"))
    )


def _sources(twin: DigitalTwin, kept: _Kept, corrected: Corrected) -> list[_Source]:
    if twin.performer is not None:
        heirs = _heirs([twin.performer], kept, corrected)
        return [_Source(twin.performer, heirs=heirs.get(twin.performer.pk, ()))]
    rows = kept.sources.get(twin.pk, ()) if corrected.sources is None else corrected.sources
    rows = sorted(rows, key=lambda row: (row.performer_id, row.starts_on or ALWAYS))
    heirs = _heirs([row.performer for row in rows], kept, corrected)
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


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whom a persona pays for use on the days from `starts_on` to before `ends_on`."""

    beneficiary_id: int
    starts_on: date
    ends_on: date


def _owners(twin: DigitalTwin, kept: _Kept, corrected: Corrected) -> list[_Owner]:
    """Return a persona's owners, one after the other; none for a twin of a performer."""
    owners: list[_Owner] = []
    starts_on = ALWAYS
    rows = corrected.earlier_owners
    rows = kept.earlier_owners.get(twin.pk, ()) if rows is None else rows
    for earlier in sorted(rows, key=lambda row: row.ends_on):
        owners.append(_Owner(earlier.beneficiary_id, starts_on, earlier.ends_on))
        starts_on = earlier.ends_on
    if twin.owner_id is not None:
        owners.append(_Owner(twin.owner_id, starts_on, NEVER))
    return owners


def _share_of_owner(owners: Sequence[_Owner], day: date) -> Iterator[Share]:
    for owner in owners:
        if owner.starts_on <= day < owner.ends_on:
            yield Share(owner.beneficiary_id, ONE, None)


def _heirs(
    performers: Iterable[Performer], kept: _Kept, corrected: Corrected
) -> dict[int, tuple[EstateShare, ...]]:
    dead = {one.pk for one in performers if one.life == Life.DECEASED}
    rows = [row for pk in dead for row in kept.heirs.get(pk, ())]
    if corrected.heirs is not None:
        anew = {row.performer_id for row in corrected.heirs}
        rows = [row for row in rows if row.performer_id not in anew]
        rows += [row for row in corrected.heirs if row.performer_id in dead]
    heirs: dict[int, tuple[EstateShare, ...]] = {}
    for row in sorted(rows, key=lambda row: (row.beneficiary_id, row.starts_on or ALWAYS)):
        heirs[row.performer_id] = (*heirs.get(row.performer_id, ()), row)
    return heirs


def _days_of_change(sources: Iterable[_Source], owners: Iterable[_Owner]) -> set[date]:
    days: set[date | None] = {ALWAYS, *(owner.ends_on for owner in owners)}
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
