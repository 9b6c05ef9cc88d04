"""What a leak drill finds of one item: gathered from the facts, in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from talent import locales
from talent.access import roles_with
from talent.custody import keys
from talent.models import (
    CustodyGrant,
    CustodyItem,
    CustodyRead,
    HeldElsewhere,
    ItemOfOwnKey,
    Membership,
    User,
)
from talent.models.custody import APPROVALS_NEEDED
from talent.periods import starts_at
from talent.words import GrantStepKind

from .notices import Due, due

BREAKS = "talent.break_custodyglass"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A grant that was open at some time of the range, from when until when."""

    grant: CustodyGrant
    approved_by: tuple[User, ...]
    opened_at: datetime
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Drill:
    """Who could have read an item within some days, who did, and what to tell whom by when."""

    item: CustodyItem
    starts_on: date
    ends_on: date
    known_at: datetime
    allowed: tuple[Allowed, ...]
    reads: tuple[CustodyRead, ...]
    glass: tuple[Membership, ...]
    operators: tuple[User, ...]
    key_holders: tuple[tuple[str, str], ...]
    elsewhere: tuple[HeldElsewhere, ...]
    notices: tuple[Due, ...]


def drill(*, item: CustodyItem, starts_on: date, ends_on: date, known_at: datetime) -> Drill:
    """Return what is known of an item from a day to another, both included, in its agency's zone.

    `known_at` is when the desk learned of the leak: deadlines run from it. The item has agency and
    performer loaded.
    """
    zone = item.agency.time_zone
    begins, ends = starts_at(starts_on, zone), starts_at(ends_on + timedelta(days=1), zone)
    # One that began before may have gone on into the range.
    lasted = Q(at__gte=begins) | Q(end__at__gt=begins)
    reads = CustodyRead.objects.filter(lasted, item=item, at__lt=ends)
    held = HeldElsewhere.objects.filter(item=item, at__lt=ends).with_state()
    return Drill(
        item=item,
        starts_on=starts_on,
        ends_on=ends_on,
        known_at=known_at,
        allowed=tuple(_allowed(item, begins, ends)),
        reads=tuple(reads.select_related("by", "grant", "end").order_by("at", "pk")),
        glass=tuple(_could_break_glass(item, starts_on, ends_on)),
        operators=tuple(User.objects.filter(is_superuser=True, is_active=True).order_by("email")),
        key_holders=tuple(_key_holders(item, ends)),
        elsewhere=tuple(held.order_by("pk")),
        notices=tuple(due(item.performer.domicile, known_at=known_at, zone=zone)),
    )


def _key_holders(item: CustodyItem, until: datetime) -> list[tuple[str, str]]:
    """Return who opens a file that was exported until an instant; a desk without its key says so.

    A performer's own key counts that was taken off it since, too.
    """
    written = ItemOfOwnKey.objects.filter(item=item, is_written=True, at__lt=until)
    own = sorted(set(written.values_list("key__recipient", flat=True)))
    try:
        holders = keys.who_opens(item.pk)
    except keys.KeyMissing as missing:
        holders = [(_("The desk"), str(missing))]
    known = {key for _who, key in holders}
    return [*holders, *((_("Its performer, then"), key) for key in own if key not in known)]


def _allowed(item: CustodyItem, begins: datetime, ends: datetime) -> list[Allowed]:
    """Return the grants that were open at some time between two instants, also if nobody used them.

    One opens with its window or its second approval, and closes with its window, its use, or when
    somebody took it back.
    """
    grants = CustodyGrant.objects.filter(item=item, starts_at__lt=ends, ends_at__gt=begins)
    rows = grants.select_related("asked_by").prefetch_related("steps__by", "reads").order_by("pk")
    told = []
    for grant in rows:
        opened = _opened(grant)
        if opened is not None and opened.opened_at < ends and opened.closed_at > begins:
            told.append(opened)
    return told


def _opened(grant: CustodyGrant) -> Allowed | None:
    """Return from when until when a grant could be used; None: never."""
    steps = sorted(grant.steps.all(), key=lambda step: step.pk)
    approved = [step for step in steps if step.kind == GrantStepKind.APPROVED]
    if len(approved) < APPROVALS_NEEDED:
        return None
    ended = [step.at for step in steps if step.kind != GrantStepKind.APPROVED]
    used = [read.at for read in grant.reads.all()]
    opened_at = max(grant.starts_at, approved[APPROVALS_NEEDED - 1].at)
    # A read goes on after it began, at most until the window's end.
    closed_at = grant.ends_at if used else min([grant.ends_at, *ended])
    if closed_at <= opened_at:
        return None
    return Allowed(grant, tuple(step.by for step in approved), opened_at, closed_at)


def _could_break_glass(item: CustodyItem, starts_on: date, ends_on: date) -> Sequence[Membership]:
    """Return the seats that could read without a grant on some of the days."""
    overlaps = Q(starts_on__lte=ends_on) & (Q(ends_on=None) | Q(ends_on__gt=starts_on))
    seats = Membership.objects.filter(overlaps, agency=item.agency_id, role__in=roles_with(BREAKS))
    return list(seats.select_related("user").order_by("starts_on", "pk"))


def drawn(told: Drill, *, at: datetime) -> bytes:
    """Return a drill as a PDF. Raises NotDrawn."""
    # Imported here: WeasyPrint takes longer to import than all the rest together.
    from talent.papers.draw import draw_for_everybody

    agency = told.item.agency
    values = values_of(told) | {
        "agency": agency.name,
        "paper": agency.paper_format,
        "at": written(at, agency.time_zone),
    }
    html = render_to_string("custody/leak_drill.html", values)
    return draw_for_everybody(html, dated=timezone.localdate(at)).pdf


def values_of(told: Drill) -> dict[str, object]:
    """Return what page and PDF say of a drill, written out in the agency's zone."""
    zone = told.item.agency.time_zone
    notices = [_notice_values(one, zone) for one in told.notices]
    return {
        "drill": told,
        "zone": zone,
        "from_day": locales.short_day(told.starts_on, "en"),
        "to_day": locales.short_day(told.ends_on, "en"),
        "known": written(told.known_at, zone),
        "headline": _headline(told),
        "first_notice": f"{notices[0]['to']}: {notices[0]['by']}" if notices else "–",
        "allowed": [_allowed_values(one, zone) for one in told.allowed],
        "reads": [_read_values(read, zone) for read in told.reads],
        "notices": notices,
    }


def _headline(told: Drill) -> str:
    """Say in a sentence how many read it, and how many could have."""
    readers = {read.by_id for read in told.reads}
    could = {one.grant.asked_by_id for one in told.allowed}
    could |= {seat.user_id for seat in told.glass} | {one.pk for one in told.operators}
    more = len(could - readers)
    return f"{_people(len(readers))} read it; {more} more could have."


def _people(number: int) -> str:
    return {0: "Nobody", 1: "One person"}.get(number, f"{number} people")


def _allowed_values(one: Allowed, zone: str) -> dict[str, object]:
    return {
        "who": one.grant.asked_by,
        "purpose": one.grant.get_purpose_display() or "The performer's own copy",
        "reason": one.grant.reason,
        "from": written(one.opened_at, zone),
        "until": written(one.closed_at, zone),
        "approved_by": ", ".join(str(person) for person in one.approved_by),
    }


def _read_values(read: CustodyRead, zone: str) -> dict[str, object]:
    cause = read.get_cause_display()
    return {
        "who": read.by,
        "at": written(read.at, zone),
        "right": f"{cause}, no. {read.grant_id}" if read.grant_id else cause,
        "reason": read.reason,
        "address": read.address or "not known",
        "came": f"{read.end.get_ending_display()}: {filesizeformat(read.end.sent)}"
        if hasattr(read, "end")
        else "Under way, or cut off with its server",
    }


def _notice_values(one: Due, zone: str) -> dict[str, str]:
    on = locales.short_day(one.on, "en") if one.on else "at once"
    return {
        "to": one.notice.to,
        "by": written(one.at, zone) if one.at else on,
        "instrument": one.notice.instrument,
        "unless": one.notice.unless,
        "confidence": one.notice.confidence.label,
        "source": one.notice.source,
    }


def written(instant: datetime, zone: str) -> str:
    """Write an instant in a zone, to the minute."""
    return locales.minute(instant, zone, "en")
