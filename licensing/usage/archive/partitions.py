"""Partitions: the ranges of ids in which events and their records lie, made ahead of need.

Events and records have partitions of the same bounds, so that old ones leave together. The
default partition takes what no other holds: a job that did not run loses nothing.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from django.db import OperationalError, connection, transaction

from talent.database.locks import hold_lock
from talent.database.sql import sql_file
from talent.errors import Refused

LOCK = "usage partitions"
# Ten million events take minutes; a holder that takes hours hangs.
LONGEST = timedelta(hours=6)
EVENTS, RECORDS = "licensing_usageevent", "licensing_usagerecord"
DEFAULT = "{table}_default"
# Whoever waits for a table's lock makes everybody behind wait too: briefly, and again later.
LOCK_TIMEOUT = "500ms"
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)

Result = TypeVar("Result")

_BOUNDS = re.compile(r"FOR VALUES FROM \('?(-?[0-9]+)'?\) TO \('?(-?[0-9]+)'?\)")
ATTACHED = sql_file(__file__, "attached_partitions.sql")


class PartitionsAreBusy(Refused):
    """Long reads kept the tables locked each time."""

    code = "partitions_are_busy"


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The tables that hold events of the ids [starts, ends) and their records."""

    starts: int
    ends: int
    events: str
    records: str

    def __str__(self) -> str:
        return f"{self.starts:,} to {self.ends - 1:,}"


def attached_partitions() -> list[Partition]:
    """Return the partitions that are attached, in order; the default one is not among them."""
    tables: dict[tuple[int, int], dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(ATTACHED)
        for parent, part, bounds in cursor.fetchall():
            if match := _BOUNDS.fullmatch(bounds):
                tables.setdefault((int(match[1]), int(match[2])), {})[parent] = part
    return sorted(
        Partition(starts, ends, parts[EVENTS], parts[RECORDS])
        for (starts, ends), parts in tables.items()
    )


def newest_id() -> int:
    """Return the last id that was given to an event, kept or not."""
    return _value(
        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {table}_id_seq", EVENTS
    )


def make_ahead(*, rows: int, ahead: int) -> list[Partition]:
    """Keep `ahead` empty partitions of `rows` ids each; return those that were made.

    Runs while events come in; of two at once, one has nothing to add. What a late run finds in
    the default partition stays where it is: its table becomes the partition of its ids, and a
    new default takes its place. Raises PartitionsAreBusy; the next run tries again.
    """
    with hold_lock(LOCK, wait=False, at_most=LONGEST) as alone:
        return list(_make_missing(rows, ahead)) if alone else []


def _make_missing(rows: int, ahead: int) -> Iterator[Partition]:
    if any(_holds_rows(DEFAULT.format(table=table)) for table in (EVENTS, RECORDS)):
        yield retry_while_locked(lambda: _adopt_default(rows))
    newest = newest_id()
    while sum(partition.starts > newest for partition in attached_partitions()) < ahead:
        yield retry_while_locked(lambda: _add_partition(_next_start(), rows))


def _next_start() -> int:
    return max((partition.ends for partition in attached_partitions()), default=0)


def _add_partition(starts: int, rows: int) -> Partition:
    new = partition_of_ids(starts, starts + rows)
    create(new)
    attach(new)
    return new


def _adopt_default(rows: int) -> Partition:
    """Make the default partition that of its ids, and of the next ones to be given."""
    starts = _next_start()
    new = partition_of_ids(starts, starts + rows * ((newest_id() - starts) // rows + 2))
    for parent, part in ((EVENTS, new.events), (RECORDS, new.records)):
        default = DEFAULT.format(table=parent)
        _execute(f"ALTER TABLE {parent} DETACH PARTITION {default}")
        _execute(f"ALTER TABLE {default} RENAME TO {part}")
    attach(new)
    for parent in (EVENTS, RECORDS):
        _execute(f"CREATE TABLE {DEFAULT.format(table=parent)} PARTITION OF {parent} DEFAULT")
    return new


def partition_of_ids(starts: int, ends: int) -> Partition:
    """Return the partition that holds these ids, with the names its tables get."""
    return Partition(starts, ends, f"{EVENTS}_from_{starts}", f"{RECORDS}_from_{starts}")


def create(partition: Partition) -> None:
    """Make a partition's tables, which nothing reads before they are attached."""
    for parent, part in ((EVENTS, partition.events), (RECORDS, partition.records)):
        _execute(f"CREATE TABLE {part} (LIKE {parent} INCLUDING ALL)")


def attach(partition: Partition) -> None:
    """Attach tables: unlike CREATE … PARTITION OF, this does not stop those who write."""
    for parent, part in ((EVENTS, partition.events), (RECORDS, partition.records)):
        _execute(
            f"ALTER TABLE {parent} ATTACH PARTITION {part}"
            f" FOR VALUES FROM ({partition.starts}) TO ({partition.ends})"
        )


def drop(partition: Partition) -> None:
    """Drop a partition's tables. No trigger forbids it: archives proves their file first."""
    _execute(f"DROP TABLE IF EXISTS {partition.events}, {partition.records}")


def retry_while_locked(change: Callable[[], Result]) -> Result:
    """Change tables in a transaction that waits only briefly for locks; try again if it gets none.

    Raises PartitionsAreBusy.
    """
    for pause in PAUSES:
        try:
            with transaction.atomic():
                _execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                return change()
        except OperationalError:
            time.sleep(pause)
    raise PartitionsAreBusy("The tables of usage are being read for long; try again later.")


def _holds_rows(table: str) -> bool:
    return bool(_value("SELECT EXISTS (SELECT FROM {table})", table))


def _value(statement: str, table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(table=table))
        value: int = cursor.fetchone()[0]
        return value


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
