"""Event keys: licensee, source and id lead to one event for ever. The key's row is its lock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from talent.database import binary_rows
from talent.database.sql import sql_file

from .messages import MessageKey

FIND = sql_file(__file__, "find_keys.sql")
LOCK = sql_file(__file__, "lock_keys.sql")
CLAIM = sql_file(__file__, "claim_keys.sql")


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """The event that a key leads to, and the digest of the content that it came with."""

    event_id: int
    digest: bytes


def find_events(licensee_id: int, keys: Collection[MessageKey]) -> dict[MessageKey, KnownEvent]:
    """Return the events that keys lead to; a key that is new is left out."""
    rows = binary_rows.execute(FIND, {"licensee": licensee_id, **_columns(keys)})
    return {
        MessageKey(source, key): KnownEvent(event_id, digest)
        for source, key, event_id, digest in rows
    }


def lock_events(
    licensee_id: int, keys: Collection[MessageKey], event_ids: Sequence[int]
) -> dict[MessageKey, int]:
    """Lock events that are named by key or by id until the transaction ends.

    Returns the ids of a licensee's own events by key; what is not known is left out.
    """
    named = {"licensee": licensee_id, "event_ids": list(event_ids), **_columns(keys)}
    rows = binary_rows.execute(LOCK, named)
    return {MessageKey(source, key): event_id for source, key, event_id in rows}


def lock_event(event_id: int) -> None:
    """Lock an event's key until the transaction ends.

    Everything that amends the event or rules on it takes this lock.
    """
    statement = "SELECT FROM licensing_eventkey WHERE event_id = %(event)s FOR UPDATE"
    binary_rows.execute(statement, {"event": event_id})


def claim_keys(licensee_id: int, digests: Mapping[MessageKey, bytes]) -> dict[MessageKey, int]:
    """Enter keys with the digests of their content; return the event ids of those that are new.

    The ids rise in the order of the keys. A key that another connection is just entering is
    waited for; it then is not new.
    """
    claims = {"licensee": licensee_id, **_columns(digests), "digests": list(digests.values())}
    rows = binary_rows.execute(CLAIM, claims)
    return {MessageKey(source, key): event_id for source, key, event_id in rows.fetchall()}


def _columns(keys: Collection[MessageKey]) -> dict[str, list[str]]:
    return {"sources": [key.source for key in keys], "keys": [key.id for key in keys]}
