"""What people say of obligations: that one is done, or after all not. Kept for ever, with why."""

from datetime import date, datetime

from django.db import transaction

from licensing.models import Agreement, ObligationTick
from licensing.words import TickKind
from talent.errors import Refused
from talent.models import User

from .. import agreements
from . import waiting
from .derived import Obligation, obligations_of


class NoSuchObligation(Refused):
    """The agreement obliges to nothing of this name any more."""

    code = "no_such_obligation"

    def __init__(self) -> None:
        super().__init__(
            "The agreement does not oblige to this any more: its terms, its end or a production "
            "changed. Open the list anew."
        )


class ObligationMoved(Refused):
    """The day is another than the one that was shown."""

    code = "obligation_moved"

    def __init__(self) -> None:
        super().__init__("Its day has changed since you opened the page. Look at it again.")


class KnownByItsFact(Refused):
    """A fact of the desk speaks for it, and nobody's word does."""

    code = "known_by_its_fact"

    def __init__(self) -> None:
        super().__init__("The desk knows by itself that this is done, so nobody ticks it off.")


class NotPossibleAnyMore(Refused):
    """It could be done until its day."""

    code = "not_possible_any_more"

    def __init__(self) -> None:
        super().__init__("This could be done until its day, which is over.")


class SaidBefore(Refused):
    """It stands so already."""

    code = "said_before"

    def __init__(self) -> None:
        super().__init__("It stands so already: somebody else was faster.")


@transaction.atomic
def say(
    agreement: Agreement, key: str, *, kind: TickKind, seen: date | None, note: str, at: datetime,
    by: User,
) -> ObligationTick:  # fmt: skip
    """Say of an obligation that it is done, or after all not; `seen` is the day that was shown.

    Raises NoSuchObligation, ObligationMoved, KnownByItsFact, NotPossibleAnyMore and SaidBefore.
    """
    locked = agreements.lock(agreement)
    obligation = obligation_of(locked, key, at=at)
    if obligation.duty.due_on != seen:
        raise ObligationMoved
    if obligation.fulfilment is not None and obligation.fulfilment.is_fact:
        raise KnownByItsFact
    if not obligation.may_be_ticked:
        raise NotPossibleAnyMore
    if (obligation.fulfilment is not None) == (kind is TickKind.DONE):
        raise SaidBefore
    waiting.forget()
    return ObligationTick.objects.create(
        agreement=locked, key=key, kind=kind.value, due_on=seen, note=note, at=at, by=by
    )


def obligation_of(agreement: Agreement, key: str, *, at: datetime) -> Obligation:
    """Return one obligation of an agreement by its name. Raises NoSuchObligation."""
    found = obligations_of([agreement.pk], at=at)
    named = next((one for one in found if one.duty.key == key), None)
    if named is None:
        raise NoSuchObligation
    return named
