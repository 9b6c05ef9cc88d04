"""What holds of a vault item now, in a few sentences: its page begins with them."""

from collections.abc import Iterator

from django.utils import formats, timezone
from django.utils.translation import gettext as _now
from django.utils.translation import ngettext

from talent.custody import destruction
from talent.custody.retention.standing import Standing
from talent.models import CustodyItem
from talent.words import CustodyStepKind, DestructionState, GrantState

OPEN = (GrantState.WAITING, GrantState.AHEAD, GrantState.OPEN)
OVER = (DestructionState.CLOSED, DestructionState.DONE)


def in_short(item: CustodyItem, standing: Standing) -> str:
    """Say what became of an item, until when it is kept, and who reads it."""
    return " ".join(_sentences(item, standing))


def until(standing: Standing) -> str:
    """Say until when an item may be kept, and which clock says so."""
    if standing.hold:
        return _now("A legal hold keeps it: %(hold)s.") % {"hold": standing.hold.reason}
    one = standing.earliest
    if one is None:
        return _now("No clock runs.")
    return _now("It goes by %(day)s: %(title)s (%(instrument)s). %(why)s") % {
        "day": formats.date_format(one.destroy_by),
        "title": one.clock.title,
        "instrument": one.clock.instrument,
        "why": one.started.why,
    }


def _sentences(item: CustodyItem, standing: Standing) -> Iterator[str]:
    last = item.steps.latest("pk")
    if item.state in destruction.DESTROYED_STATES or item.state == CustodyStepKind.BEGUN:
        day = formats.date_format(timezone.localtime(last.at))
        yield _now("%(state)s on %(day)s.") % {"state": last.get_kind_display(), "day": day}
        return
    yield f"{last.get_kind_display()}."
    if last.note:
        yield last.note
    yield until(standing)
    if any(one.state not in OVER for one in item.destructions.with_state()):
        yield _now("Its destruction was asked for.")
    yield from _reads(item)


def _reads(item: CustodyItem) -> Iterator[str]:
    now = timezone.now()
    may_be_open = item.grants.with_state().filter(ends_at__gt=now)
    waiting = sum(grant.state_at(now) in OPEN for grant in may_be_open)
    if waiting:
        told = ngettext(
            "%d reading grant waits or is open.", "%d reading grants wait or are open.", waiting
        )
        yield told % waiting
    last = item.reads.select_related("by").order_by("pk").last()
    if last is None:
        yield _now("Nobody has read it.")
        return
    day = formats.date_format(timezone.localtime(last.at))
    yield _now("Read last by %(who)s on %(day)s.") % {"who": last.by, "day": day}
