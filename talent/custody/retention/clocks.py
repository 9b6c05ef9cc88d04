"""Retention clocks: from what each runs, for how long, and which is the earliest for an item.

The clocks are dated data, in the file beside this one. A day is a day of the agency's zone.
"""

import tomllib
from calendar import isleap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from talent.territories import covers_place, territories_in, touches
from talent.words import ClockStart, Confidence

CLOCKS = Path(__file__).with_name("clocks.toml")
SINCE_BEFORE_OUR_RECORDS = date(1900, 1, 1)
UNSURE = (Confidence.UNVERIFIED, Confidence.CONFLICTING)


class ClocksAreBroken(Exception):
    """The file of clocks does not say what a clock must say."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock, and the days on which it counts, both included.

    Without a jurisdiction it counts everywhere; without a length it is shown, never computed.
    """

    code: str
    title: str
    starts: ClockStart
    instrument: str
    source: str
    confidence: Confidence
    jurisdiction: str = ""
    rule: str = ""
    url: str = ""
    years: int | None = None
    days: int | None = None
    effective_from: date = SINCE_BEFORE_OUR_RECORDS
    effective_to: date | None = None

    def counts_on(self, day: date) -> bool:
        """Tell whether it is in force on a day."""
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )

    def reaches(self, domicile: str) -> bool:
        """Tell whether it counts for somebody who lives there; who lives anywhere, is reached."""
        if not self.jurisdiction or not domicile:
            return True
        within = covers_place(frozenset({self.jurisdiction}), domicile)
        return within or touches(territories_in([domicile]), self.jurisdiction)

    @property
    def may_be_relied_on(self) -> bool:
        """Whether the desk may apply it."""
        return self.confidence not in UNSURE

    def destroy_by(self, started_on: date) -> date | None:
        """Return the last day on which an item may be there; None: never computed."""
        if self.years is None and self.days is None:
            return None
        try:
            return _years_after(started_on, self.years or 0) + timedelta(days=self.days or 0)
        except (OverflowError, ValueError):
            return date.max


@dataclass(frozen=True, slots=True)
class Started:
    """What a clock of an item runs from, on which day, and why; no day: it does not run."""

    starts: ClockStart
    on: date | None
    why: str


@dataclass(frozen=True, slots=True)
class Running:
    """A clock that runs for an item, and by when it has the item destroyed (None: not computed)."""

    clock: Clock
    started: Started
    destroy_by: date | None

    @property
    def is_applied(self) -> bool:
        """Whether the desk goes by it."""
        return self.destroy_by is not None and self.clock.may_be_relied_on


def running(
    started: Sequence[Started], *, domicile: str, on: date, clocks: Iterable[Clock] | None = None
) -> list[Running]:
    """Return the clocks that run for an item on a day, those that are applied first, the earliest
    of them first. `domicile` is where its performer lives (ISO 3166; empty: not known)."""
    told = [
        Running(clock, since, clock.destroy_by(since.on))
        for clock in (read_clocks() if clocks is None else clocks)
        if clock.counts_on(on) and clock.reaches(domicile)
        for since in _together(clock.starts, started)
        if since.on is not None
    ]
    return sorted(
        told,
        key=lambda one: (not one.is_applied, one.destroy_by or date.max, one.clock.code),
    )


def _together(starts: ClockStart, started: Sequence[Started]) -> list[Started]:
    """Return from which of several days of one kind a clock runs.

    A contract by the earliest. Of licences the last that ends, and none while one has no end: the
    item is kept for each of them. Interactions by the last.
    """
    those = [one for one in started if one.starts is starts]
    if starts is ClockStart.LICENCE_ENDS and any(one.on is None for one in those):
        return []
    dated = [one for one in those if one.on is not None]
    if not dated:
        return []
    choose = min if starts in (ClockStart.CONTRACT, ClockStart.WITHDRAWN) else max
    return [choose(dated, key=lambda one: one.on or date.min)]


@lru_cache(maxsize=1)
def read_clocks() -> tuple[Clock, ...]:
    """Read the file of clocks. Raises ClocksAreBroken, which names the clock."""
    return tuple(_clock(table) for table in tomllib.loads(CLOCKS.read_text("utf-8"))["clock"])


def _clock(table: dict[str, object]) -> Clock:
    where = str(table.get("code", "a clock without a code"))
    source = table.get("source")
    if not isinstance(source, dict) or not source.get("name"):
        raise ClocksAreBroken(f"{where}: it names no source.")
    unknown = sorted(set(table) - {column.name for column in fields(Clock)})
    if unknown:
        raise ClocksAreBroken(f"{where}: {', '.join(unknown)} is not known.")
    told = {
        **table,
        "source": source["name"],
        "url": source.get("url", ""),
        "starts": ClockStart(str(table["starts"])),
        "confidence": Confidence(str(table["confidence"])),
    }
    return Clock(**told)


def _years_after(day: date, years: int) -> date:
    """Return the same day that many years later; after a leap day, the 28th."""
    year = day.year + years
    if (day.month, day.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return day.replace(year=year)
