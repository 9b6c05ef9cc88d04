"""Holds: placed over a guild, performer, twin or agreement, and lifted, each with who and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from licensing.models import Agreement, Hold, HoldStep
from licensing.words import HoldKind, HoldStepKind
from talent.errors import Refused
from talent.models import DigitalTwin, Performer, User
from talent.words import Guild


class HoldIsOver(Refused):
    """Only a hold that is still in force can be lifted."""

    code = "hold_is_over"


class HoldEndsBeforeItStarts(Refused):
    """A hold ends after it starts."""

    code = "hold_ends_before_it_starts"


@dataclass(frozen=True)
class HoldInForce:
    """A hold as the people of the twins read it: without its reason, which is for staff only."""

    kind: str
    starts_at: datetime
    ends_at: datetime | None
    about: str


@transaction.atomic
def place(*, at: datetime, by: User | None, **terms: Any) -> Hold:
    """Place a hold; `terms` are its fields, its reason among them. It counts from `starts_at`.

    A permit that it concerns stops being valid at its next heartbeat, which decides anew.
    """
    hold = Hold(**terms)
    hold.full_clean()
    hold.save(force_insert=True)
    _record_step(hold, HoldStepKind.PLACED, at=at, by=by, reason=hold.reason)
    return hold


@transaction.atomic
def lift(*, hold: Hold, ends_at: datetime, at: datetime, by: User | None, reason: str) -> Hold:
    """Let a hold end at an instant; what was refused while it was in force stays refused.

    Raises HoldIsOver, and HoldEndsBeforeItStarts for an end that is not after its start.
    """
    locked = Hold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
    if locked.ends_at is not None and locked.ends_at <= at:
        raise HoldIsOver(f"{locked} has ended; place a new one if it lies again.")
    if ends_at <= locked.starts_at:
        raise HoldEndsBeforeItStarts(
            f"{locked} starts on {locked.starts_at:%d %B %Y, %H:%M} UTC; let it end after that."
        )
    locked.ends_at = ends_at
    locked.save(update_fields=["ends_at"])
    _record_step(locked, HoldStepKind.LIFTED, at=at, by=by, reason=reason)
    return locked


def holds_in_force(twins: Sequence[DigitalTwin], *, at: datetime) -> list[HoldInForce]:
    """Return the holds that are in force over some twins at an instant, the latest first.

    The caller has made sure that the reader may see the twins' use.
    """
    people = Performer.objects.filter(twins__in=twins) | Performer.objects.filter(
        composite_sources__twin__in=twins
    )
    agreements = Agreement.objects.filter(twin__in=twins)
    holds = Hold.objects.at(at).filter(
        Q(twin__in=twins)
        | Q(performer__in=people)
        | Q(agreement__in=agreements)
        | Q(guild__in=people.values("guild"))
        | Q(guild__in=agreements.values("guild"))
    )
    about_somebody = holds.exclude(guild=Guild.NONE.value).select_related(
        "performer", "twin", "agreement__licensee"
    )
    return [
        HoldInForce(HoldKind(hold.kind).label, hold.starts_at, hold.ends_at, _about(hold))
        for hold in about_somebody.order_by("-starts_at", "-pk").distinct()
    ]


def _about(hold: Hold) -> str:
    if hold.guild:
        return ": ".join(filter(None, (hold.get_guild_display(), hold.scope_in_words)))
    if hold.agreement:
        return f"{hold.agreement.licensee.name}, {hold.agreement.reference}"
    return str(hold.twin or hold.performer)


def _record_step(
    hold: Hold, kind: HoldStepKind, *, at: datetime, by: User | None, reason: str
) -> None:
    HoldStep.objects.create(hold=hold, kind=kind.value, at=at, by=by, reason=reason)
