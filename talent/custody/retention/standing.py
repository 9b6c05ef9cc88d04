"""How long items may be kept: what their clocks run from, gathered in a fixed number of queries."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Count, Max, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from talent.errors import Refused
from talent.models import (
    ConsentCell,
    ConsentMatrix,
    ConsentVersion,
    CustodyItem,
    LegalHold,
    RetentionFact,
    User,
)
from talent.periods import local_day
from talent.words import ClockStart, LegalHoldKind, Stance

from .clocks import Running, Started, running

# What staff say of an item. The rest the desk knows, or a licence says.
TOLD_BY_STAFF = (
    ClockStart.SATISFIED,
    ClockStart.INTERACTION,
    ClockStart.PURPOSE_ENDS,
    ClockStart.CONTRACT,
)


class NotTold(Refused):
    """Somebody says of an item what is not theirs to say, or a day that cannot be."""

    code = "custody_not_told"


@dataclass(frozen=True, slots=True)
class Standing:
    """How long an item may be kept: its clocks, the earliest first, and what suspends them."""

    clocks: tuple[Running, ...]
    hold: LegalHold | None
    today: date

    @property
    def earliest(self) -> Running | None:
        """The clock that the desk goes by; None: none runs."""
        return next((one for one in self.clocks if one.is_applied), None)

    @property
    def destroy_by(self) -> date | None:
        """The last day on which the item may be there, a legal hold aside."""
        return self.earliest.destroy_by if self.earliest else None

    @property
    def is_due(self) -> bool:
        """Whether its time is over, and nothing suspends that."""
        return self.hold is None and self.destroy_by is not None and self.destroy_by <= self.today

    @property
    def sha256(self) -> str:
        """The digest of what it says, to which whoever decides is bound."""
        one = self.earliest
        told = [one.clock.code, str(one.started.on), str(one.destroy_by)] if one else []
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def __str__(self) -> str:
        one = self.earliest
        if one is None:
            return _("No clock runs.")
        return _("By %(day)s: %(title)s (%(instrument)s). %(why)s") % {
            "day": one.destroy_by,
            "title": one.clock.title,
            "instrument": one.clock.instrument,
            "why": one.started.why,
        }


@transaction.atomic
def tell(
    *,
    item_id: int,
    starts: ClockStart,
    on: date | None,
    why: str,
    at: datetime,
    by: User | None,
    source: str = "",
) -> RetentionFact:
    """Keep what a clock of an item runs from; no day: it runs no more.

    The last that one source said of one kind counts; `source` names a licence, and is empty for
    staff. Raises NotTold.
    """
    if not source and starts not in TOLD_BY_STAFF:
        raise NotTold(_("The desk knows that by itself, or a licence says it."))
    # Locked, so that nobody approves a destruction by what this changes.
    item = CustodyItem.objects.select_for_update(of=("self",)).select_related("agency").get(
        pk=item_id
    )  # fmt: skip
    past_only = starts in (ClockStart.SATISFIED, ClockStart.INTERACTION)
    if past_only and on is not None and on > local_day(at, item.agency.time_zone):
        raise NotTold(_("That day has not come yet."))
    return RetentionFact.objects.create(
        item=item, starts=starts.value, on=on, why=why.strip(), at=at, by=by, source=source
    )


def standing_of(item: CustodyItem, *, at: datetime) -> Standing:
    """Return how long one item may be kept."""
    return standings([item], at=at)[item.pk]


def standings(items: Sequence[CustodyItem], *, at: datetime) -> dict[int, Standing]:
    """Return how long items may be kept, by their ids. They have agency and performer loaded.

    Takes a fixed number of queries.
    """
    told = _told(items)
    known = _known(items, at)
    holds = _holds(items)
    found = {}
    for item in items:
        today = local_day(at, item.agency.time_zone)
        started = [*told[item.pk], *known[item.pk]]
        clocks = running(started, domicile=item.performer.domicile, on=today)
        found[item.pk] = Standing(tuple(clocks), holds.get(item.pk), today)
    return found


def _told(items: Iterable[CustodyItem]) -> dict[int, list[Started]]:
    """Return what people and licences said of items, the last of each source."""
    last: dict[tuple[int, str, str], RetentionFact] = {}
    for fact in RetentionFact.objects.filter(item__in=items).order_by("pk"):
        last[fact.item_id, fact.starts, fact.source] = fact
    told = defaultdict(list)
    for fact in last.values():
        told[fact.item_id].append(Started(ClockStart(fact.starts), fact.on, fact.why))
    return told


def _known(items: Sequence[CustodyItem], at: datetime) -> dict[int, list[Started]]:
    """Return what the desk knows by itself: when it had to do with a performer, what they withdrew.

    Each item counts from its capture; what a performer signs since is an interaction, too.
    """
    versions = _versions_in_force(items, at)
    signed_at = _last_consents(items, at)
    still_allow = {
        row["version"]: row["allowed"]
        for row in ConsentCell.objects.filter(version__in=versions)
        .values("version")
        .annotate(allowed=Count("pk", filter=~Q(stance=Stance.DENY.value)))
    }
    of_performer = defaultdict(list)
    for version in versions:
        of_performer[_whose(version.matrix)].append(version)
    known = {}
    for item in items:
        consents = of_performer[item.performer_id]
        zone = item.agency.time_zone
        known[item.pk] = [
            _last_interaction(item, signed_at.get(item.performer_id), zone),
            *_withdrawn(consents, still_allow, zone),
        ]
    return known


def _versions_in_force(items: Sequence[CustodyItem], at: datetime) -> list[ConsentVersion]:
    versions = ConsentVersion.objects.in_force(at, at).filter(_of_their_performers(items))
    return list(versions.select_related("matrix__twin"))


def _last_consents(items: Sequence[CustodyItem], at: datetime) -> dict[int | None, datetime]:
    """Return by performer when a consent of theirs was last recorded, in force by now or not."""
    versions = ConsentVersion.objects.known(at).filter(_of_their_performers(items))
    whose = Coalesce("matrix__performer", "matrix__twin__performer")
    last = versions.order_by().values_list(whose).annotate(Max("recorded_at"))
    return dict(last)


def _of_their_performers(items: Iterable[CustodyItem]) -> Q:
    performers = {item.performer_id for item in items}
    return Q(matrix__performer__in=performers) | Q(matrix__twin__performer__in=performers)


def _whose(matrix: ConsentMatrix) -> int | None:
    return matrix.twin.performer_id if matrix.twin else matrix.performer_id


def _last_interaction(item: CustodyItem, signed_at: datetime | None, zone: str) -> Started:
    days = [(local_day(item.begun_at, zone), _("It was stored then."))]
    if item.captured_on:
        days.append((item.captured_on, _("It was captured then.")))
    if signed_at:
        days.append((local_day(signed_at, zone), _("Their consent was recorded then.")))
    on, why = max(days, key=lambda one: one[0])
    return Started(ClockStart.INTERACTION, on, why)


def _withdrawn(
    consents: Sequence[ConsentVersion], still_allow: dict[int, int], zone: str
) -> list[Started]:
    """Return since when nothing is allowed any more: all consents in force deny all they say."""
    if not consents or any(still_allow.get(version.pk, 1) for version in consents):
        return []
    on = max(local_day(version.in_force_from, zone) for version in consents)
    return [Started(ClockStart.WITHDRAWN, on, _("Every consent of the performer denies by then."))]


def _holds(items: Iterable[CustodyItem]) -> dict[int, LegalHold]:
    last = {hold.item_id: hold for hold in LegalHold.objects.filter(item__in=items).order_by("pk")}
    return {pk: hold for pk, hold in last.items() if hold.kind == LegalHoldKind.PLACED}
