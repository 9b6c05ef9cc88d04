"""When twins were seen, and for how long: what stretches of the log say of it, day by day."""

from datetime import datetime
from typing import Any

from django.db import connection

from licensing.models import UsageBatch
from licensing.usage.totals.of_leaves import batches_between
from licensing.usage.totals.statements import quoted
from talent.database.sql import Sql, sql_file

WHOSE = ("agency_id", "twin_id")
SEEN_BY = ("licensee_id", "production_id", "use", "channel", "brand", "on")
FIGURES = ("seconds", "unmeasured")
COLUMNS = (*WHOSE, *SEEN_BY, *FIGURES)

OF_ONE_TWIN = sql_file(__file__, "seen_time.sql")
OF_ONE = "-- of one twin"
OF_ALL = Sql("\n".join(line for line in OF_ONE_TWIN.splitlines() if not line.endswith(OF_ONE)))
OF_ALL.files = OF_ONE_TWIN.files


def leaves_known(*, at: datetime | None = None) -> int:
    """Return how many leaves the log had at an instant; now: all that are sealed."""
    sealed = UsageBatch.objects.exclude(first_index=None)
    if at is not None:
        sealed = sealed.filter(sealed_at__lte=at)
    last = sealed.order_by("-first_index").first()
    return (last.first_index or 0) + last.size if last else 0


def end_of_stretch(*, from_index: int, leaves: int) -> int:
    """Return where a stretch of some leaves ends, or the log: no batch is cut."""
    beyond = UsageBatch.objects.filter(first_index__gte=from_index + leaves)
    first = beyond.order_by("first_index").values_list("first_index", flat=True).first()
    return leaves_known() if first is None else first


def insert_seen_time(*, table: str, keys: dict[str, int], from_index: int, to_index: int) -> None:
    """Insert when the leaves [from_index, to_index) say that twins were seen.

    The table is the caller's: it has the columns of `COLUMNS`, time in seconds, and those of
    `keys`, whose values every row gets.
    """
    span = batches_between(from_index, to_index)
    if span is None:
        return
    statement = f"""
        INSERT INTO "{table}" ({quoted([*keys, *COLUMNS])})
        SELECT {", ".join(f"%({name})s" for name in keys)}, {quoted(COLUMNS)}
        FROM ({OF_ALL}) seen
    """  # noqa: S608 - names of tables and columns
    with connection.cursor() as cursor:
        cursor.execute(statement, {**keys, **span})


def seen_time(
    *, agency_id: int, twin_id: int, from_index: int, to_index: int
) -> list[dict[str, Any]]:
    """Return when the leaves [from_index, to_index) say that a twin was seen for an agency.

    Each row is a dict by the names of `SEEN_BY` and `FIGURES`. What was archived is not in it.
    """
    span = batches_between(from_index, to_index)
    if span is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(OF_ONE_TWIN, {**span, "agency": agency_id, "twin": twin_id})
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in cursor.fetchall()]
    return [{name: row[name] for name in (*SEEN_BY, *FIGURES)} for row in rows]
