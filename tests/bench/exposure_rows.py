"""The row of exposure: a night's new leaves beside a count of the whole log from nothing."""

from typing import Any

from django.db import connection
from django.db.models import Sum

from licensing.usage.totals.seen_time import FIGURES
from tests.bench.harness import Row, at_most, in_turn, seconds
from tests.bench.rows import NOW
from valuation.models import SeenTime
from valuation.worth.twin.seen_days import add_a_stretch

# As in P7: three in a hundred are new.
KNOWN = 0.97


def nightly(events: int) -> Row:
    """P17: seen time kept night by night; it comes to what a count from nothing does."""
    told: dict[str, Any] = {}

    def ours() -> float:
        _forget()
        add_a_stretch(now=NOW, leaves=int(events * KNOWN))
        taken = seconds(lambda: add_a_stretch(now=NOW, leaves=events))
        told["kept"] = _by_day()
        return taken

    def from_nothing() -> float:
        _forget()
        taken = seconds(lambda: add_a_stretch(now=NOW, leaves=events))
        told["counted"] = _by_day()
        return taken

    kept, counted = in_turn(ours, from_nothing)
    if told["kept"] != told["counted"]:
        raise AssertionError("What was kept night by night is not what the log says.")
    name = f"P17 exposure with 3 % new of {events:,} events, by a count from nothing"
    return at_most(name, 0.1, kept, counted)


def _by_day() -> list[tuple[Any, ...]]:
    days = SeenTime.objects.values_list("agency", "twin", "channel", "on")
    return sorted(days.annotate(*(Sum(figure) for figure in FIGURES)))


def _forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE valuation_exposurerun, valuation_seentime")
