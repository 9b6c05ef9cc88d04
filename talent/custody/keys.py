"""Keys of the vault: to whom items are written, and what the headers of items are sealed under.

All of them lie outside the database. An item's header wraps its file's key for the desk, for the
escrow holder where there is one, and for the performer where they gave a key of their own. The
header itself is sealed under the key of an **epoch**, a file of 32 bytes: once something is
destroyed, the living headers are sealed under a new one and the old one is deleted. So a backup of
the database that is restored later opens nothing of what was destroyed since. That it opens the
living, too, a copy of each sealed header lies beside its file (`mend_after_restore`).
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils.translation import gettext as _

from talent import envelope
from talent.database.locks import lock_until_commit
from talent.errors import Refused
from talent.models import CustodyItem, CustodyKey, ItemOfOwnKey, OwnKey

from . import places, token
from .age import AgeBroken, Identity, KeyUnreadable, NoMatch, Recipient, open_header, seal_header

PURPOSE = "vault identity"
KEY_FILE = re.compile(r"epoch-(\d+)\.key")
FIRST = 1
AT_ONCE = 100
EPOCHS = "the epochs of the vault"


class KeyMissing(Refused):
    """A key of the vault is not where it should be; what it opens stays closed."""

    code = "custody_key_missing"


class ItemClosed(Refused):
    """An item has no key any more: it was destroyed, or its upload was abandoned."""

    code = "custody_item_closed"


def desk_identity() -> Identity:
    """Return the desk's own key: `VAULT_IDENTITY`, else one that follows from the desk's key.

    Raises KeyMissing for a setting that is no key.
    """
    if not settings.VAULT_IDENTITY:
        key = settings.KEY_ENCRYPTION_KEY
        return Identity(envelope.key_for(PURPOSE, key_encryption_key=key))
    return _parsed("VAULT_IDENTITY", settings.VAULT_IDENTITY)


def _parsed(setting: str, text: str) -> Identity:
    """Read an identity, or have the security module open it. Raises KeyMissing."""
    try:
        if text.startswith(token.PREFIX):
            return Identity(token.opened(text))
        return Identity.parse(text)
    except (KeyUnreadable, token.TokenAway) as wrong:
        raise KeyMissing(f"{setting}: {wrong}") from wrong


def identities() -> list[Identity]:
    """Return the desk's key, and those that it had before: they open what is not rotated yet.

    Raises KeyMissing.
    """
    before = settings.VAULT_OLD_IDENTITIES
    return [desk_identity(), *(_parsed("VAULT_OLD_IDENTITIES", text) for text in before)]


def recipients(*, of_performer: str = "") -> list[Recipient]:
    """Return to whom an item is written: the desk, the escrow holder, and a performer's own key.

    Raises KeyMissing, KeyUnreadable.
    """
    told = [desk_identity().recipient]
    if settings.VAULT_ESCROW:
        try:
            told.append(Recipient.parse(settings.VAULT_ESCROW))
        except KeyUnreadable as wrong:
            raise KeyMissing(f"VAULT_ESCROW: {wrong}") from wrong
    if of_performer:
        told.append(Recipient.parse(of_performer))
    return told


def keep(item: CustodyItem, file_key: bytes, to: Sequence[Recipient]) -> CustodyKey:
    """Store the header that wraps an item's key, within a transaction. Raises KeyMissing."""
    lock_until_commit(EPOCHS)
    epoch = current_epoch()
    header = seal_header(file_key, to)
    sealed = envelope.seal(header, key=_epoch_key(epoch), about=_about(item.pk))
    kept = CustodyKey.objects.create(
        item=item, epoch=epoch, sealed=sealed, wrapped_for=_digest_of(to)
    )
    _write_beside(item.place, kept)
    return kept


def header_of(item_id: int) -> bytes:
    """Return an item's header, in the age format. Raises ItemClosed, KeyMissing."""
    kept = CustodyKey.objects.filter(item=item_id).first()
    if kept is None:
        raise ItemClosed("This item has no key any more: nobody can open it here.")
    return _opened(kept)


def file_key_of(item_id: int) -> bytes:
    """Return the key of an item's file, 16 bytes. Raises ItemClosed, KeyMissing."""
    try:
        return open_header(header_of(item_id), identities())
    except NoMatch as other:
        raise KeyMissing(
            "The desk's key of the vault is not the one that this item was written to. Name the "
            "key of that time in VAULT_OLD_IDENTITIES, or have the escrow holder open it."
        ) from other


# Wrapping anew: the header changes, the file stays


@dataclass(frozen=True, slots=True)
class Rotation:
    """How far the headers are wrapped for today's keys: how many are, were now, failed, of all."""

    done: int
    now: int
    failed: int
    total: int


@transaction.atomic
def rewrap(item: CustodyItem) -> None:
    """Wrap an item's header for today's recipients. Raises ItemClosed, KeyMissing."""
    lock_until_commit(EPOCHS)
    kept = CustodyKey.objects.select_for_update().filter(item=item).first()
    if kept is None:
        raise ItemClosed("This item has no key any more: nobody can open it here.")
    kept.item = item
    _rewrap(kept, own_recipients([item.pk]).get(item.pk, ""))


def rotate(*, at_most: int = 500) -> Rotation:
    """Wrap headers that are not wrapped for the keys of desk and escrow yet, some at once.

    What was wrapped stays so, whatever is killed: a later call goes on with the rest. A header that
    none of the desk's keys opens is left as it is and counted. Raises KeyMissing.
    """
    present = _digest_of(recipients())
    stale = CustodyKey.objects.exclude(wrapped_for=present).order_by("pk")
    now = failed = 0
    for first in list(stale.values_list("pk", flat=True)[:at_most:AT_ONCE]):
        some = _rotate_some(stale.filter(pk__gte=first), limit=min(AT_ONCE, at_most))
        now, failed = now + some[0], failed + some[1]
    total = CustodyKey.objects.count()
    return Rotation(total - stale.count(), now, failed, total)


@transaction.atomic
def _rotate_some(stale: QuerySet[CustodyKey], *, limit: int) -> tuple[int, int]:
    """Wrap some stale headers anew; return how many were, and how many could not be."""
    lock_until_commit(EPOCHS)
    rows = list(stale.select_related("item").select_for_update(of=("self",))[:limit])
    own = own_recipients([kept.item_id for kept in rows])
    failed = 0
    for kept in rows:
        try:
            _rewrap(kept, own.get(kept.item_id, ""))
        except (KeyMissing, AgeBroken):
            failed += 1
    return len(rows) - failed, failed


def _rewrap(kept: CustodyKey, own: str) -> None:
    try:
        file_key = open_header(_opened(kept), identities())
    except NoMatch as other:
        raise KeyMissing("None of the desk's keys opens the header of this item.") from other
    header = seal_header(file_key, recipients(of_performer=own))
    kept.sealed = envelope.seal(header, key=_epoch_key(kept.epoch), about=_about(kept.item_id))
    kept.wrapped_for = _digest_of(recipients())
    kept.save(update_fields=["sealed", "wrapped_for"])
    _write_beside(kept.item.place, kept)


def own_recipients(items: Iterable[int]) -> dict[int, str]:
    """Return the performers' own keys that items are written to, by the items' ids."""
    told = ItemOfOwnKey.objects.filter(item__in=items, key__in=OwnKey.objects.in_use())
    last = told.order_by("item", "-pk").distinct("item").select_related("key")
    return {one.item_id: one.key.recipient for one in last if one.is_written}


def who_opens(item_id: int) -> list[tuple[str, str]]:
    """Return who opens an item, and the public part of their key: desk, escrow, its performer.

    Raises KeyMissing.
    """
    desk, *escrow = map(str, recipients())
    own = own_recipients([item_id]).get(item_id)
    return [
        (_("The desk"), desk),
        *((_("The escrow holder, offline"), key) for key in escrow),
        *([(_("Its performer"), own)] if own else []),
    ]


def _digest_of(to: Iterable[Recipient]) -> str:
    return hashlib.sha256("\n".join(map(str, to)).encode()).hexdigest()


# Epochs


def current_epoch() -> int:
    """Return the number of the newest epoch; the first is made where there is none yet.

    Raises KeyMissing where items name an epoch and no key is there: a folder was lost or is away.
    """
    newest = max(_epochs(), default=0)
    named = CustodyKey.objects.aggregate(newest=Max("epoch"))["newest"] or 0
    if newest < named:
        raise KeyMissing(
            f"The keys of the vault are not in {settings.VAULT_KEYS.name}/, up to epoch {named}. "
            "Mount that folder again; nothing was stored."
        )
    return newest or _make(FIRST)


@transaction.atomic
def destroy(item: CustodyItem) -> None:
    """Destroy an item's key: its header, and with the living sealed anew, what opens its copies.

    Raises KeyMissing; then nothing is destroyed.
    """
    lock_until_commit(EPOCHS)
    epoch = _make(current_epoch() + 1)
    CustodyKey.objects.filter(item=item).delete()
    _list_destroyed(item)
    kept = list(CustodyKey.objects.select_for_update().order_by("pk"))
    key = _epoch_key(epoch)
    for one in kept:
        one.sealed = envelope.seal(_opened(one), key=key, about=_about(one.item_id))
        one.epoch = epoch
    CustodyKey.objects.bulk_update(kept, ["sealed", "epoch"], batch_size=500)


@transaction.atomic
def end_old_epochs() -> int:
    """Delete the keys of epochs that no living item is sealed under; return how many.

    What lies beside the files is sealed anew first. Backups of that time open nothing afterwards.
    """
    lock_until_commit(EPOCHS)
    used = CustodyKey.objects.aggregate(oldest=Min("epoch"))["oldest"] or current_epoch()
    old = [number for number in _epochs() if number < used]
    if old:
        for kept in CustodyKey.objects.select_related("item"):
            _write_beside(kept.item.place, kept)
    for number in old:
        file = _file_of(number)
        # What lies on a disk that keeps old blocks is beyond this; docs/custody.md says so.
        file.write_bytes(secrets.token_bytes(envelope.KEY_SIZE))
        file.unlink()
    return len(old)


@transaction.atomic
def mend_after_restore() -> dict[str, list[CustodyItem]]:
    """Put right what an older database says: take living headers from beside their files.

    Returns items by what was found: `mended`, `destroyed` (on the list outside the database, which
    an older database does not know of), `lost` (no key anywhere opens them).
    """
    lock_until_commit(EPOCHS)
    gone = destroyed_places()
    found: dict[str, list[CustodyItem]] = {"mended": [], "destroyed": [], "lost": []}
    for kept in CustodyKey.objects.select_related("item").order_by("pk"):
        if kept.item.place in gone:
            found["destroyed"].append(kept.item)
            kept.delete()
        elif not _file_of(kept.epoch).exists():
            found["mended" if _take_from_beside(kept) else "lost"].append(kept.item)
    return found


def is_database_behind() -> bool:
    """Tell whether the database is of before something was destroyed, as after a restore.

    Then it has keys of what is on the list outside it, or names an epoch that is over.
    """
    if CustodyKey.objects.filter(item__place__in=destroyed_places()).exists():
        return True
    oldest = CustodyKey.objects.aggregate(oldest=Min("epoch"))["oldest"]
    return oldest is not None and oldest < min(_epochs(), default=oldest)


def destroyed_places() -> set[str]:
    """Return the places of all items that were destroyed, by the list outside the database."""
    try:
        return set(_list_file().read_text().split())
    except FileNotFoundError:
        return set()


def _opened(kept: CustodyKey) -> bytes:
    try:
        return envelope.open_envelope(
            bytes(kept.sealed), key=_epoch_key(kept.epoch), about=_about(kept.item_id)
        )
    except envelope.EnvelopeBroken as broken:
        raise KeyMissing("The key of this item was sealed under another epoch's key.") from broken


def _epoch_key(number: int) -> bytes:
    try:
        key = _file_of(number).read_bytes()
    except FileNotFoundError as missing:
        raise KeyMissing(
            f"The key of epoch {number} is not there: this is from before something was destroyed, "
            "or the folder of the vault's keys is away."
        ) from missing
    if len(key) != envelope.KEY_SIZE:
        raise KeyMissing(f"The key of epoch {number} is cut off.")
    return key


def _epochs() -> list[int]:
    folder = Path(settings.VAULT_KEYS)
    names = [KEY_FILE.fullmatch(file.name) for file in folder.glob("epoch-*.key")]
    return sorted(int(name[1]) for name in names if name)


def _make(number: int) -> int:
    """Write a new epoch's key; whoever comes second takes the one that is there."""
    file = _file_of(number)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    opened = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(opened, "wb") as target:
        target.write(secrets.token_bytes(envelope.KEY_SIZE))
        target.flush()
        os.fsync(target.fileno())
    try:
        os.link(new, file)
    except FileExistsError:
        pass
    finally:
        new.unlink()
    return number


def _list_destroyed(item: CustodyItem) -> None:
    """Write an item on the list outside the database, before the database says that it is gone."""
    if item.place in destroyed_places():
        return
    opened = os.open(_list_file(), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    with os.fdopen(opened, "a") as target:
        target.write(f"{item.place}\n")
        target.flush()
        os.fsync(target.fileno())


def _write_beside(place: str, kept: CustodyKey) -> None:
    """Keep a sealed header beside its file, for a database that is restored from a backup."""
    places.write_beside(place, kept.epoch.to_bytes(4, "big") + bytes(kept.sealed))


def _take_from_beside(kept: CustodyKey) -> bool:
    """Take what lies beside the file where the database's header opens no more; tell if it does."""
    beside = places.read_beside(kept.item.place)
    kept.epoch, kept.sealed = int.from_bytes(beside[:4], "big"), beside[4:]
    try:
        _opened(kept)
    except KeyMissing:
        return False
    kept.wrapped_for = ""  # by which keys, that database does not know
    kept.save(update_fields=["epoch", "sealed", "wrapped_for"])
    return True


def _list_file() -> Path:
    return Path(settings.VAULT_KEYS) / "destroyed"


def _file_of(number: int) -> Path:
    return Path(settings.VAULT_KEYS) / f"epoch-{number}.key"


def _about(item_id: int) -> str:
    return f"header of item {item_id}"
