"""Beneficiaries: who is paid for a twin, and with what weight."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet

from talent.errors import Refused
from talent.models import Beneficiary, CompositeSource, DigitalTwin, EstateShare, Performer
from talent.words import Life

ONE = Decimal(1)


class NobodyToPay(Refused):
    code = "nobody_to_pay"


@dataclass(frozen=True, slots=True)
class Share:
    """A beneficiary's weight in what a twin earns, and the performer it comes through."""

    beneficiary_id: int
    weight: Decimal
    performer_id: int | None


def shares_of(twin: DigitalTwin) -> list[Share]:
    """Return who is paid for a twin, in a fixed order.

    A performer's twin pays the performer, a composite its sources by weight, a persona
    without sources its owner. A deceased performer's part goes to the heirs by
    the weights of their estate shares.
    Weights are relative; they need not add up to one. Raises NobodyToPay.
    """
    sources = list(_sources(twin))
    if not sources:
        return [_owner(twin)]
    heirs = _heirs([performer for performer, _ in sources])
    return [share for performer, weight in sources for share in _shares(performer, weight, heirs)]


def twins_paying(beneficiary: Beneficiary) -> QuerySet[DigitalTwin]:
    """Return the twins whose earnings the beneficiary has a part in."""
    performers = Performer.objects.filter(
        Q(pk=beneficiary.performer_id) | Q(estate_shares__beneficiary=beneficiary)
    )
    return DigitalTwin.objects.filter(
        Q(pk__in=DigitalTwin.objects.of_performers(performers).values("pk")) | Q(owner=beneficiary)
    )


def _sources(twin: DigitalTwin) -> Iterator[tuple[Performer, Decimal]]:
    if twin.performer is not None:
        yield twin.performer, ONE
        return
    rows = CompositeSource.objects.filter(twin=twin).select_related("performer__beneficiary")
    for source in rows.order_by("performer_id"):
        yield source.performer, source.weight


def _owner(twin: DigitalTwin) -> Share:
    if twin.owner_id is None:
        raise NobodyToPay(f"{twin} has neither human sources nor an owner: name one to pay.")
    return Share(twin.owner_id, ONE, None)


def _heirs(performers: list[Performer]) -> dict[int, list[EstateShare]]:
    heirs: dict[int, list[EstateShare]] = {}
    rows = EstateShare.objects.filter(performer__in=performers, performer__life=Life.DECEASED.value)
    for row in rows.order_by("beneficiary_id"):
        heirs.setdefault(row.performer_id, []).append(row)
    return heirs


def _shares(
    performer: Performer, weight: Decimal, heirs: dict[int, list[EstateShare]]
) -> Iterator[Share]:
    if inherited := heirs.get(performer.pk):
        whole = sum((heir.weight for heir in inherited), Decimal(0))
        for heir in inherited:
            yield Share(heir.beneficiary_id, weight * heir.weight / whole, performer.pk)
        return
    try:
        beneficiary = performer.beneficiary
    except Beneficiary.DoesNotExist as missing:
        raise NobodyToPay(f"{performer} has no beneficiary: add one to pay.") from missing
    yield Share(beneficiary.pk, weight, performer.pk)
