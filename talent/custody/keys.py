"""Keys of the vault: to whom items are written, and what the headers of items are sealed under.

All of them lie outside the database. An item's header wraps its file's key for the desk, for the
escrow holder where there is one, and for the performer where they gave a key of their own. The
header itself is sealed under the key of an **epoch**, a file of 32 bytes: once something is
destroyed, the living headers are sealed under a new one and the old one is deleted. So a backup of
the database that is restored later opens nothing of what was destroyed since.
"""

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db.models import Max

from talent import envelope
from talent.errors import Refused
from talent.models import CustodyItem, CustodyKey

from .age import Identity, KeyUnreadable, NoMatch, Recipient, open_header, seal_header

PURPOSE = "vault identity"
KEY_FILE = re.compile(r"epoch-(\d+)\.key")
FIRST = 1


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
    try:
        return Identity.parse(settings.VAULT_IDENTITY)
    except KeyUnreadable as wrong:
        raise KeyMissing(f"VAULT_IDENTITY: {wrong}") from wrong


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
    """Store the header that wraps an item's key. Raises KeyMissing."""
    epoch = current_epoch()
    header = seal_header(file_key, to)
    sealed = envelope.seal(header, key=_epoch_key(epoch), about=_about(item.pk))
    return CustodyKey.objects.create(item=item, epoch=epoch, sealed=sealed)


def header_of(item_id: int) -> bytes:
    """Return an item's header, in the age format. Raises ItemClosed, KeyMissing."""
    kept = CustodyKey.objects.filter(item=item_id).first()
    if kept is None:
        raise ItemClosed("This item has no key any more: nobody can open it here.")
    return _opened(kept)


def file_key_of(item_id: int) -> bytes:
    """Return the key of an item's file, 16 bytes. Raises ItemClosed, KeyMissing."""
    try:
        return open_header(header_of(item_id), [desk_identity()])
    except NoMatch as other:
        raise KeyMissing(
            "The desk's key of the vault is not the one that this item was written to. Set "
            "VAULT_IDENTITY to the key of that time, or have the escrow holder open it."
        ) from other


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


def begin_epoch() -> int:
    """Make the key of the next epoch; return its number."""
    return _make(current_epoch() + 1)


def seal_again(epoch: int) -> int:
    """Seal the header of each living item under an epoch's key; return how many there were.

    To be called within the transaction that destroys something. Raises KeyMissing.
    """
    kept = list(CustodyKey.objects.select_for_update().exclude(epoch=epoch).order_by("pk"))
    key = _epoch_key(epoch)
    for one in kept:
        one.sealed = envelope.seal(_opened(one), key=key, about=_about(one.item_id))
        one.epoch = epoch
    CustodyKey.objects.bulk_update(kept, ["sealed", "epoch"], batch_size=500)
    return len(kept)


def end_epochs_before(epoch: int) -> None:
    """Delete the keys of earlier epochs. Backups of that time open nothing from now on."""
    for number in _epochs():
        if number < epoch:
            file = _file_of(number)
            # What lies on a disk that keeps old blocks is beyond this; docs/custody.md says so.
            file.write_bytes(secrets.token_bytes(envelope.KEY_SIZE))
            file.unlink()


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


def _file_of(number: int) -> Path:
    return Path(settings.VAULT_KEYS) / f"epoch-{number}.key"


def _about(item_id: int) -> str:
    return f"header of item {item_id}"
