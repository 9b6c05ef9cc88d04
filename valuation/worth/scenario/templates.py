"""Templates: what a scenario of each tier begins with, read from the dated file beside this one."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from licensing.words import Confidence
from talent.words import Tier
from valuation.words import InputRole, SourceStanding, Spreading, Term, View
from valuation.worth.scenario.input_figures import InputFigures

FILE = Path(__file__).with_name("templates.toml")


@dataclass(frozen=True, slots=True)
class SourcedFigures:
    """InputFigures with where they come from, and how sure the desk is of that."""

    figures: InputFigures
    source: str
    confidence: Confidence
    standing: SourceStanding

    @property
    def source_in_full(self) -> str:
        return f"{self.source} ({self.confidence.label.lower()})"


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """An input as it begins; `measured` names the fact of the desk that comes before a default."""

    role: InputRole
    name: str
    unit: str
    measured: str
    by_view: Mapping[View, SourcedFigures]


@dataclass(frozen=True, slots=True)
class TemplateItem:
    """An item as it begins."""

    term: Term
    label: str
    begins_in: int
    months: int
    inputs: tuple[TemplateInput, ...]


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates, as they were known on a day."""

    dated: date
    currency: str
    discount_percent: Decimal
    discount_source: str
    items: Mapping[Tier, tuple[TemplateItem, ...]]


@cache
def templates() -> Templates:
    """Return the templates. What is wrong with the file raises KeyError or ValueError."""
    content = tomllib.loads(FILE.read_text())
    sources = content["sources"]
    return Templates(
        dated=content["dated"],
        currency=content["currency"],
        discount_percent=Decimal(content["discount"]["percent"]),
        discount_source=content["discount"]["source"],
        items={tier: tuple(_item(one, sources) for one in content[tier.value]) for tier in Tier},
    )


def _item(content: Mapping[str, Any], sources: Mapping[str, Any]) -> TemplateItem:
    return TemplateItem(
        Term(content["term"]),
        content["label"],
        content.get("begins_in", 1),
        content.get("months", 1),
        tuple(_input(one, sources) for one in content["inputs"]),
    )


def _input(content: Mapping[str, Any], sources: Mapping[str, Any]) -> TemplateInput:
    studio = _sourced(content, sources)
    independent = content.get("independent")
    return TemplateInput(
        InputRole(content["role"]),
        content["name"],
        content.get("unit", ""),
        content.get("measured", ""),
        {
            View.STUDIO: studio,
            View.INDEPENDENT: _sourced(independent, sources) if independent else studio,
        },
    )


def _sourced(content: Mapping[str, Any], sources: Mapping[str, Any]) -> SourcedFigures:
    source = sources[content["source"]]
    low, middle, high = (
        Decimal(content[name]) if name in content else None for name in ("low", "middle", "high")
    )
    figures = InputFigures(Spreading(content["spreading"]), low, middle, high)
    # Raises ImpossibleDistribution, a ValueError of this file.
    figures.distribution()
    return SourcedFigures(
        figures,
        source["text"],
        Confidence(source["confidence"]),
        SourceStanding(source["standing"]),
    )
