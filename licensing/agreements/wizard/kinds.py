"""Kinds of deal: what a draft of each begins with.

Which cells it is about and what it counts is read from `kinds.toml`, its figures from the template
of its text, each with its source.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from licensing.agreements.clauses.clause_library import templates
from licensing.models import DealTerms
from licensing.words import DealKind, Engagement, Meter
from talent.consent.matrix import CellKey
from talent.errors import Refused

FILE = Path(__file__).with_name("kinds.toml")
EVERY = "every"


class KindsAreBroken(Refused):
    """The file of the kinds of deal names what there is not."""

    code = "kinds_are_broken"


@dataclass(frozen=True, slots=True)
class KindOfDeal:
    """What a kind of deal begins with. Figures a month are examples, no forecast.

    `real_time` of the first meter's units a month answer in real time; zero: none do.
    """

    kind: DealKind
    cells: frozenset[CellKey]
    engagement: Engagement
    meters: Mapping[str, Decimal]
    real_time: Decimal
    terms: Mapping[str, Any]
    because: Mapping[str, str]


def kind_of_deal(code: str) -> KindOfDeal:
    """Return what a kind of deal begins with."""
    return _kinds()[DealKind(code)]


@cache
def _kinds() -> Mapping[DealKind, KindOfDeal]:
    read = tomllib.loads(FILE.read_text())
    every = read.pop(EVERY)
    if set(read) != set(DealKind.codes()):
        raise KindsAreBroken(f"{FILE.name} does not describe each kind of deal once.")
    return {DealKind(code): _kind(DealKind(code), told, every) for code, told in read.items()}


def _kind(kind: DealKind, told: Mapping[str, Any], every: Mapping[str, Any]) -> KindOfDeal:
    cells = (tuple(key.split(".")) for key in told["cells"])
    terms, because = _begins_with(kind, told, every)
    return KindOfDeal(
        kind=kind,
        cells=frozenset((right, use) for right, use in cells),
        engagement=Engagement(told["engagement"]),
        meters={Meter(code).value: Decimal(count) for code, count in told["meters"].items()},
        real_time=Decimal(told.get("real_time", 0)),
        terms=terms,
        because=because,
    )


def _begins_with(
    kind: DealKind, told: Mapping[str, Any], every: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what a kind's terms begin with, and why: its own, and the figures of its template."""
    terms = {**every["terms"], **told.get("terms", {})}
    because = {**every.get("because", {}), **told.get("because", {})}
    for default in templates()[kind.value].defaults:
        column = DealTerms._meta.get_field(default.field)
        terms.setdefault(default.field, column.to_python(default.value))  # type: ignore[union-attr]
        because.setdefault(default.field, f"{default.source} ({default.confidence.label.lower()})")
    return terms, because
