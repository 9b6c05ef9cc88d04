"""Performers' own keys: named, proven by opening something with them, and written to item by item.

The desk never sees the secret part. Writing an item to a key wraps its header anew; its file stays
as it is.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from talent.errors import Refused
from talent.models import CustodyItem, ItemOfOwnKey, OwnKey, OwnKeyStep, Performer, User
from talent.words import CustodyStepKind, OwnKeyStepKind

from . import keys
from .age import KeyUnreadable, Recipient, sealed_file

# Who has not opened it by then names the key again.
PROVES_WITHIN = timedelta(days=1)
REWRAPPED_STATES = (CustodyStepKind.STORED, CustodyStepKind.PROVEN)


class NotAKey(Refused):
    """What was entered is no public age key, or one that the vault has for itself."""

    code = "custody_not_a_key"


class NotProven(Refused):
    """The answer is not what the file said, or came too late."""

    code = "custody_key_not_proven"


class NoOwnKey(Refused):
    """The performer has no key that counts, or has one already."""

    code = "custody_no_own_key"


def name(*, performer: Performer, recipient: str, by: User, at: datetime) -> OwnKey:
    """Name a key; return it with the file that whoever has the key opens. Raises NotAKey."""
    try:
        parsed = Recipient.parse(recipient)
    except KeyUnreadable as wrong:
        raise NotAKey(str(wrong)) from wrong
    if parsed in keys.recipients():
        raise NotAKey(_("This is a key of the vault itself, and so not yours."))
    answer = secrets.token_hex(16)
    return OwnKey.objects.create(
        performer=performer, recipient=str(parsed), by=by, at=at,
        answer_sha256=_digest(answer), challenge=sealed_file(f"{answer}\n".encode(), [parsed]),
    )  # fmt: skip


@transaction.atomic
def prove(*, key_id: int, answer: str, by: User, at: datetime) -> OwnKey:
    """Take what the file of a key said: the key counts from now on, and another ends.

    Raises NotProven.
    """
    key = OwnKey.objects.select_related("performer").get(pk=key_id)
    Performer.objects.select_for_update().get(pk=key.performer_id)
    if at > key.at + PROVES_WITHIN:
        raise NotProven(_("That took too long: name the key again."))
    if not hmac.compare_digest(_digest(answer.strip()), key.answer_sha256):
        raise NotProven(_("That is not what the file says."))
    for other in OwnKey.objects.in_use().filter(performer=key.performer_id).exclude(pk=key.pk):
        end(key_id=other.pk, by=by, at=at)
    OwnKeyStep.objects.get_or_create(
        key=key, kind=OwnKeyStepKind.PROVEN.value, defaults={"by": by, "at": at}
    )
    return key


@transaction.atomic
def end(*, key_id: int, by: User, at: datetime) -> int:
    """Write no item to a key any more; return how many were. Copies taken before still open."""
    key = OwnKey.objects.get(pk=key_id)
    OwnKeyStep.objects.get_or_create(
        key=key, kind=OwnKeyStepKind.ENDED.value, defaults={"by": by, "at": at}
    )
    written = ItemOfOwnKey.objects.filter(key=key).values("item")
    items = CustodyItem.objects.filter(pk__in=written).in_state(*REWRAPPED_STATES)
    for item in items:
        keys.rewrap(item)
    return len(items)


@transaction.atomic
def write_to(*, item_id: int, by: User, at: datetime) -> None:
    """Write an item to its performer's own key, too. Raises NoOwnKey, and as `keys.rewrap`."""
    item = _locked(item_id)
    key = of(item.performer_id)
    if key is None or item.state not in REWRAPPED_STATES:
        raise NoOwnKey(_("Name a key of your own first, and prove that you have it."))
    if item.pk not in keys.own_recipients([item.pk]):
        ItemOfOwnKey.objects.create(item=item, key=key, by=by, at=at)
    keys.rewrap(item)


@transaction.atomic
def take_off(*, item_id: int, by: User, at: datetime) -> None:
    """Write one item to its performer's own key no more; copies taken before still open.

    Raises NoOwnKey, and as `keys.rewrap`.
    """
    item = _locked(item_id)
    key = of(item.performer_id)
    if key is None or item.pk not in keys.own_recipients([item.pk]):
        raise NoOwnKey(_("This item is not written to a key of your own."))
    ItemOfOwnKey.objects.create(item=item, key=key, is_written=False, by=by, at=at)
    keys.rewrap(item)


def _locked(item_id: int) -> CustodyItem:
    CustodyItem.objects.select_for_update().get(pk=item_id)
    return CustodyItem.objects.with_state().get(pk=item_id)


def of(performer_id: int) -> OwnKey | None:
    """Return the key of a performer that counts; None: they have none."""
    return OwnKey.objects.in_use().filter(performer=performer_id).order_by("pk").last()


def recipient_of(item: CustodyItem) -> Recipient:
    """Return the own key that an item is written to. Raises NoOwnKey."""
    told = keys.own_recipients([item.pk]).get(item.pk)
    if told is None:
        raise NoOwnKey(_("This item is not written to a key of your own yet."))
    return Recipient.parse(told)


def _digest(answer: str) -> str:
    return hashlib.sha256(answer.encode()).hexdigest()
