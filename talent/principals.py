"""For whom a user acts in the portal: themselves, or those who delegated something to them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date

from django.db.models import F, QuerySet
from django.db.models.functions import Now, TruncDate

from talent.models import Beneficiary, Delegation, DigitalTwin, Performer, User
from talent.words import DelegateKind, Power

EVERYTHING = frozenset(Power)


@dataclass(frozen=True)
class Principal:
    """Somebody the user speaks for, and what the user may see and do for them.

    Either a performer, or (an heir, a persona's owner) only a beneficiary. `as_` says in what
    capacity; empty where the user is the principal.
    """

    name: str
    powers: frozenset[Power]
    performer_id: int | None = None
    beneficiary_id: int | None = None
    as_: str = ""

    @property
    def key(self) -> str:
        return f"p{self.performer_id}" if self.performer_id else f"b{self.beneficiary_id}"

    @property
    def sorted_powers(self) -> list[Power]:
        return [power for power in Power if power in self.powers]

    def twins(self, user: User) -> QuerySet[DigitalTwin]:
        """Return the principal's twins that the user may see, as a queryset."""
        performers = [self.performer_id] if self.performer_id else []
        return DigitalTwin.objects.visible_to(user).of_performers(performers).distinct()

    def beneficiaries(self, user: User) -> QuerySet[Beneficiary]:
        """Return the principal's beneficiaries whose money the user may see, as a queryset."""
        seen = Beneficiary.objects.spoken_for_by(user)
        if self.performer_id:
            return seen.filter(performer=self.performer_id)
        return seen.filter(pk=self.beneficiary_id) if self.beneficiary_id else seen.none()


def principals_of(user: User) -> list[Principal]:
    """Return everybody the user may act for today: themselves first, then others by name.

    Delegations that have not begun or are over do not count.
    """
    principals = [*_oneself(user), *_delegated(user)]
    performers = {principal.performer_id for principal in principals}
    heirs = Beneficiary.objects.filter(user=user).order_by("name", "pk")
    return principals + [
        Principal(
            name=heir.name,
            powers=frozenset({Power.SEE_MONEY}),
            beneficiary_id=heir.pk,
        )
        for heir in heirs
        if heir.performer_id is None or heir.performer_id not in performers
    ]


def deciders(performers: Collection[int], *, on: date) -> dict[int, list[User]]:
    """Return who may decide for each performer on a day, in two queries.

    A living adult decides for themselves. A guardian, an estate or any other delegate decides only
    if their delegation gives that power. A performer for whom nobody may decide has an empty list.
    """
    users: dict[int, list[User]] = defaultdict(list)
    for performer in Performer.objects.filter(pk__in=performers).select_related("user"):
        users[performer.pk] = []
        if performer.user and performer.user.is_active and performer.decides_alone(on):
            users[performer.pk].append(performer.user)
    delegations = (
        Delegation.objects.current()
        .filter(performer__in=performers, powers__contains=[Power.DECIDE.value])
        .filter(user__is_active=True)
        .exclude(performer__user=F("user"))
        .select_related("user")
        .order_by("performer", "pk")
    )
    for delegation in delegations:
        users[delegation.performer_id].append(delegation.user)
    return dict(users)


def _oneself(user: User) -> list[Principal]:
    performers = Performer.objects.filter(user=user).annotate(today=TruncDate(Now(), tzinfo=UTC))
    return [
        Principal(
            name=performer.name,
            powers=EVERYTHING
            if performer.decides_alone(performer.today)  # type: ignore[attr-defined]
            else EVERYTHING - {Power.DECIDE},
            performer_id=performer.pk,
        )
        for performer in performers
    ]


def _delegated(user: User) -> list[Principal]:
    delegations = (
        Delegation.objects.current()
        .filter(user=user)
        .exclude(performer__user=user)
        .select_related("performer")
        .order_by("performer__name", "pk")
    )
    return [
        Principal(
            name=delegation.performer.name,
            powers=frozenset(Power(code) for code in delegation.powers),
            performer_id=delegation.performer_id,
            as_=DelegateKind(delegation.kind).label,
        )
        for delegation in delegations
    ]
