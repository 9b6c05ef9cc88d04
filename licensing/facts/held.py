"""Held: what permits have reserved or confirmed of twins, which counts for consents' limits too.

Whoever reserves, or records uses, of somebody whose consent limits how much locks that person's
limits first, and reads what counts after the lock: so no two see the same rest.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from licensing.decision.batch import limits_units
from licensing.decision.request import Facts
from talent.database.locks import lock_until_commit
from talent.database.sql import sql_file

HELD_UNITS = sql_file(__file__, "held_units.sql")


@dataclass(frozen=True, slots=True)
class HeldUnits:
    """What permits of one licensee hold of a twin's use in one calendar year (UTC), in a meter."""

    twin: int
    right: str
    use: str
    licensee: str
    year: int
    meter: str
    used: Decimal
    reserved: Decimal


def held_units(
    twins: Collection[int], uses: Collection[str], *, at: datetime, own: int | None = None
) -> Iterator[HeldUnits]:
    """Yield what permits hold of twins and no event has reported yet. One query."""
    with connection.cursor() as cursor:
        cursor.execute(HELD_UNITS, {"twins": list(twins), "uses": list(uses), "at": at, "own": own})
        for row in cursor.fetchall():
            yield HeldUnits(*row)


def lock_limits(facts: Iterable[Facts]) -> bool:
    """Lock the limits of the people in facts until the transaction ends; tell if there are any.

    In the order of their names, before reservations and caps' years, as by everybody.
    """
    # Requests about the same rows share one object of facts.
    distinct = {id(known): known for known in facts}.values()
    people = {
        person.id for known in distinct if limits_units(known) for person in known.contributors
    }
    for person in sorted(people):
        lock_until_commit(f"limits of {person}")
    return bool(people)
