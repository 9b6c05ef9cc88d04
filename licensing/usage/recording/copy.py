"""Rows of usage into the database, a batch at a time.

Everything here goes through a binary cursor of its own: Django's cursor writes parameters into
the statement as text, which takes twice as long for a batch of a thousand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection, models

from licensing.models import PromptCommitment, PromptText, UsageEvent, UsageRecord

from .arrivals import Key

_WIRE_TYPES = {
    "AutoField": "int4",
    "BigAutoField": "int8",
    "BigIntegerField": "int8",
    "BinaryField": "bytea",
    "BooleanField": "bool",
    "CharField": "text",
    "DateTimeField": "timestamptz",
    "DecimalField": "numeric",
    "ForeignKey": "int8",
    "IntegerField": "int4",
    "OneToOneField": "int8",
}


@dataclass(frozen=True, slots=True)
class Known:
    """The event that a key already leads to, and the digest of the content it came with."""

    event_id: int
    digest: bytes


def known_keys(licensee_id: int, keys: Sequence[Key]) -> dict[Key, Known]:
    """Return what the ledger holds of these keys."""
    # Each is looked up by itself, whatever the planner believes of a licensee it has no figures
    # of: it takes one for small and goes through all of its keys for each that was sent.
    rows = _cursor().execute(
        """
        SELECT sent.source, sent.key, ledger.event_id, ledger.digest
        FROM unnest(%b::text[], %b::text[]) AS sent (source, key)
        CROSS JOIN LATERAL (
            SELECT event_id, digest FROM licensing_eventkey
            WHERE licensee_id = %b AND source = sent.source AND key = sent.key
            LIMIT 1
        ) ledger
        """,
        [[key.source for key in keys], [key.id for key in keys], licensee_id],
    )
    return {Key(source, key): Known(event_id, digest) for source, key, event_id, digest in rows}


def locked_keys(
    licensee_id: int, keys: Sequence[tuple[str | None, str | None]], event_ids: Sequence[int]
) -> dict[tuple[str, str], int]:
    """Lock what the ledger holds of these keys and events until the transaction ends.

    Returns event ids by (source, id). Everybody locks in the order of the events.
    """
    rows = _cursor().execute(
        """
        SELECT ledger.source, ledger.key, ledger.event_id
        FROM licensing_eventkey ledger
        WHERE ledger.licensee_id = %b
            AND (ledger.event_id = ANY(%b)
                 OR (ledger.source, ledger.key) IN (SELECT * FROM unnest(%b::text[], %b::text[])))
        ORDER BY ledger.event_id
        FOR UPDATE
        """,
        [licensee_id, list(event_ids), [source for source, _ in keys], [key for _, key in keys]],
    )
    return {(source, key): event_id for source, key, event_id in rows}


def lock_event(event_id: int) -> None:
    """Lock an event's key, as everybody does who is about to change what counts of it."""
    _cursor().execute("SELECT FROM licensing_eventkey WHERE event_id = %b FOR UPDATE", [event_id])


def claim_keys(licensee_id: int, claims: dict[Key, bytes]) -> dict[Key, int]:
    """Enter keys with their digests into the ledger; return the event ids of those that are new.

    The ids rise in the order of the claims. A key that another connection is just entering is
    waited for; it then counts as known.
    """
    # Entered in one order by everybody, so that two overlapping batches can't wait for each other.
    rows = _cursor().execute(
        """
        INSERT INTO licensing_eventkey (licensee_id, source, key, digest, event_id)
        SELECT %b, source, key, digest, event_id
        FROM (
            SELECT source, key, digest, nextval('licensing_usageevent_id_seq') AS event_id
            FROM unnest(%b::text[], %b::text[], %b::bytea[])
                WITH ORDINALITY AS sent (source, key, digest, place)
            ORDER BY place
        ) numbered
        ORDER BY source, key
        ON CONFLICT ON CONSTRAINT event_key_once DO NOTHING
        RETURNING source, key, event_id
        """,
        [
            licensee_id,
            [key.source for key in claims],
            [key.id for key in claims],
            list(claims.values()),
        ],
    )
    return {Key(source, key): event_id for source, key, event_id in rows.fetchall()}


def add_events(rows: Iterable[Sequence[object]], columns: Sequence[str]) -> None:
    _copy(UsageEvent, columns, rows)


def add_records(rows: Iterable[tuple[int, bytes, bytes]]) -> None:
    """Store (event id, salt, sealed bytes)."""
    _copy(UsageRecord, ("event", "salt", "canonical"), rows)


def add_prompts(rows: Iterable[tuple[int, bytes, bytes]]) -> None:
    """Store (event id, salt, commitment)."""
    _copy(PromptCommitment, ("event", "salt", "commitment"), rows)


def add_prompt_texts(rows: Iterable[tuple[int, int, bytes, bytes]]) -> None:
    """Store (event id, agency id, wrapped key, sealed text)."""
    _copy(PromptText, ("event", "agency", "wrapped_key", "sealed"), rows)


def resolve_letters(
    terms_id: int, recorded: Sequence[tuple[Key, bytes, int]], *, at: datetime
) -> None:
    """Close the dead letters of messages that have become events (key, digest, event id)."""
    _cursor().execute(
        """
        UPDATE licensing_deadletter letter
        SET resolved_at = %b, resolved_event_id = recorded.event_id
        FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::bigint[])
            AS recorded (source, key, digest, event_id)
        WHERE letter.terms_id = %b AND letter.resolved_at IS NULL
            AND letter.source = recorded.source AND letter.key = recorded.key
            AND letter.digest = recorded.digest
        """,
        [
            at,
            [key.source for key, _, _ in recorded],
            [key.id for key, _, _ in recorded],
            [digest for _, digest, _ in recorded],
            [event_id for _, _, event_id in recorded],
            terms_id,
        ],
    )


def _copy(
    model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    found = [model._meta.get_field(name) for name in fields]
    columns = ", ".join(f'"{field.column}"' for field in found)
    statement = f"COPY {model._meta.db_table} ({columns}) FROM STDIN (FORMAT BINARY)"
    with _cursor().copy(statement.encode()) as copy:
        copy.set_types([_WIRE_TYPES[field.get_internal_type()] for field in found])
        for row in rows:
            copy.write_row(row)


def _cursor() -> psycopg.Cursor[tuple[Any, ...]]:
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
