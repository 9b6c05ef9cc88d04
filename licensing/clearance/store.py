"""Storing: decisions with what they reserve, written in one statement.

All who reserve of a cap wait for the row of its year. So that row is changed last, when all else is
written, and stays locked for the commit alone, never while the desk computes.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import msgspec
from django.db import DatabaseError
from django.db.models import Model

from licensing.caps.alerts import PERCENTS
from licensing.models import ClearanceDecision
from licensing.prepared_statements import fetch_prepared
from talent.database.sql import sql_file

NO_ROOM = "LD001"  # the SQLSTATE that `licensing_reserve_units` raises

STORE = sql_file(__file__, "store.sql")


class NoRoom(Exception):
    """Units come near a limit or an alert, so the years must be locked to decide."""


def store(rows: Sequence[ClearanceDecision]) -> None:
    """Write decisions with what they reserve. The caller has locked the years and writes them."""
    fetch_prepared(STORE, _parameters(rows, reserving=False))


def store_where_room(rows: Sequence[ClearanceDecision]) -> None:
    """Write decisions, and take what they reserve from caps' years that nobody has locked.

    Raises NoRoom, and writes nothing, unless each year stays away from its limit and from an
    alert that was not raised: then nothing else follows from taking the units.
    """
    try:
        fetch_prepared(STORE, _parameters(rows, reserving=True))
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == NO_ROOM:
            raise NoRoom from error
        raise


def _parameters(rows: Sequence[ClearanceDecision], *, reserving: bool) -> dict[str, object]:
    reservations = [row.reservation for row in rows if hasattr(row, "reservation")]
    return {
        "reserving": reserving,
        "first_alert": min(PERCENTS),
        "last_alert": max(PERCENTS),
        "decisions": _json(rows),
        "reservations": _json(reservations),
        "units": _json(units for held in reservations for units in held.units.all()),
        "permits": _json(row.permit for row in rows if hasattr(row, "permit")),
    }


def _json(rows: Iterable[Model]) -> str:
    plain = [{name: row.__dict__[name] for name in _columns(type(row))} for row in rows]
    return msgspec.json.encode(plain).decode()


@cache
def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
