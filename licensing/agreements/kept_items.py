"""Items of the vault that are kept for a licence: their clocks follow the licence's end."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat

from licensing.models import Agreement, Renewal
from talent.custody.retention import standing
from talent.errors import Refused
from talent.models import CustodyItem, RetentionFact, User
from talent.periods import local_day
from talent.words import ClockStart

# What a licence is called in the clocks of items begins so.
PREFIX = "agreement-"


class NotItsItem(Refused):
    """An item is kept for a licence of its own performer, at its own agency."""

    code = "not_its_item"


@transaction.atomic
def keep_for(*, agreement: Agreement, item_id: int, at: datetime, by: User) -> RetentionFact:
    """Keep an item for a licence: once the last such licence ends, it is to be destroyed.

    Raises NotItsItem.
    """
    items = CustodyItem.objects.filter(
        agency=agreement.agency_id, performer=agreement.twin.performer_id
    )
    if not items.filter(pk=item_id).exists():
        raise NotItsItem("This item is of another performer, or of another agency.")
    return _tell(agreement, item_id, at=at, by=by)


def follow(agreement: Agreement, *, at: datetime, by: User | None) -> int:
    """Have the clocks of a licence's items say its end as it stands, within the transaction that
    moves it; return how many moved.

    A renewal takes over what is kept for the licence that it carries on.
    """
    own = source_of(agreement.pk)
    renewed = Renewal.objects.filter(agreement=agreement).values(
        source=Concat(Value(PREFIX), Cast("renews", CharField()))
    )
    facts = RetentionFact.objects.filter(Q(source=own) | Q(source__in=renewed)).order_by("pk")
    last = {fact.item_id: fact for fact in sorted(facts, key=lambda fact: fact.source == own)}
    moved = [
        item_id
        for item_id, fact in last.items()
        if fact.source != own or fact.on != _ends_on(agreement)
    ]
    for item_id in moved:
        _tell(agreement, item_id, at=at, by=by)
    return len(moved)


def source_of(agreement_id: int) -> str:
    """Return what a licence is called in the clocks of items."""
    return f"{PREFIX}{agreement_id}"


def _tell(agreement: Agreement, item_id: int, *, at: datetime, by: User | None) -> RetentionFact:
    return standing.tell(
        item_id=item_id, starts=ClockStart.LICENCE_ENDS, on=_ends_on(agreement),
        why=f"It is kept for {agreement.reference}.", at=at, by=by,
        source=source_of(agreement.pk),
    )  # fmt: skip


def _ends_on(agreement: Agreement) -> date | None:
    """Return the day on which a licence ends in its own zone; None: it has no end."""
    ends_at = agreement.ends_at
    return local_day(ends_at, agreement.time_zone) if ends_at else None
