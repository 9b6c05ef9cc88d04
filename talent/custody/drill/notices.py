"""Notices of a leak: what has to be told to whom by when, as dated data beside this file."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from talent.periods import local_day
from talent.territories import covers_place, territories_in, touches
from talent.words import Confidence

NOTICES = Path(__file__).with_name("notices.toml")
SINCE_BEFORE_OUR_RECORDS = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Notice:
    """Whom a law has told of a leak. Hours or days run from when it was known; neither: at once."""

    code: str
    to: str
    instrument: str
    unless: str
    source: str
    confidence: Confidence
    jurisdiction: str = ""
    hours: int | None = None
    days: int | None = None
    effective_from: date = SINCE_BEFORE_OUR_RECORDS

    def reaches(self, domicile: str) -> bool:
        """Tell whether it counts for a performer of there; one of anywhere is reached by all."""
        if not self.jurisdiction or not domicile:
            return True
        within = covers_place(frozenset({self.jurisdiction}), domicile)
        return within or touches(territories_in([domicile]), self.jurisdiction)


@dataclass(frozen=True, slots=True)
class Due:
    """A notice, and by when it is due: an instant, or the end of a day; neither: at once."""

    notice: Notice
    at: datetime | None
    on: date | None


def due(domicile: str, *, known_at: datetime, zone: str) -> list[Due]:
    """Return what has to be told of an item of a performer, what is due first before the rest.

    Days are those of the agency's zone.
    """
    known_on = local_day(known_at, zone)
    told = [
        Due(
            notice,
            known_at + timedelta(hours=notice.hours) if notice.hours is not None else None,
            known_on + timedelta(days=notice.days) if notice.days is not None else None,
        )
        for notice in read_notices()
        if notice.effective_from <= known_on and notice.reaches(domicile)
    ]
    return sorted(told, key=lambda one: (_rank(one, zone), one.notice.code))


def _rank(one: Due, zone: str) -> date:
    """Return the day by which something is due, or the first of all for what is due at once."""
    if one.at is not None:
        return local_day(one.at, zone)
    return one.on or date.min


@lru_cache(maxsize=1)
def read_notices() -> tuple[Notice, ...]:
    """Read the file of notices. Raises KeyError, TypeError or ValueError for a broken one."""
    return tuple(_notices(tomllib.loads(NOTICES.read_text("utf-8"))["notice"]))


def _notices(tables: Iterable[dict[str, object]]) -> Iterable[Notice]:
    for table in tables:
        source = table["source"]
        name = source["name"] if isinstance(source, dict) else ""
        told = table | {"source": name, "confidence": Confidence(str(table["confidence"]))}
        yield Notice(**told)  # type: ignore[arg-type]
