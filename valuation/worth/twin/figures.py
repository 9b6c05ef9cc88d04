"""Figures: what exposure and the worth of a twin stand on, dated, each with its source.

The rulebook has one for each; an agency records its own beside them, and its own count. A figure
that nobody verified is used, since nothing better is known, and is shown as what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache

from licensing.agreements.rules.rulebook import RULES_DIRECTORY, Rule, read_rules
from licensing.agreements.rules.rulesets import rule_of
from licensing.models import RuleSet
from licensing.words import Channel, Confidence
from talent.errors import Refused
from valuation.models import WorthParameter
from valuation.words import WorthParameter as Parameter
from valuation.worth.twin.exposure import ChannelWeight, Curve, WearRules

FILE = "worth.toml"
CODES = "worth."
ANY_CHANNEL = ""


class MissingFigure(Refused):
    """Neither the rulebook nor the agency has a figure for a day."""

    code = "missing_figure"


class Case(StrEnum):
    """Which end of a figure's range is taken: that where the twin is worth least, or most."""

    LOW = "worst"
    BASE = "value"
    HIGH = "best"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its range, where it comes from, and how sure the desk is of it."""

    parameter: Parameter
    channel: str
    value: Decimal
    worst: Decimal
    best: Decimal
    title: str
    source: str
    confidence: Confidence
    counts_from: date
    of_agency: bool = False

    @property
    def is_assumption(self) -> bool:
        return self.confidence in (Confidence.UNVERIFIED, Confidence.CONFLICTING)

    def at(self, case: Case) -> Decimal:
        worth: Decimal = getattr(self, case.value)
        return worth

    def as_json(self) -> dict[str, str]:
        return {
            "parameter": self.parameter.value,
            "channel": self.channel,
            **{case.value: str(self.at(case)) for case in Case},
            "title": self.title,
            "source": self.source,
            "confidence": self.confidence.value,
            "counts_from": self.counts_from.isoformat(),
        }


class Figures:
    """All figures that count on a day for an agency."""

    def __init__(self, day: date, figures: Mapping[tuple[str, str], Figure]) -> None:
        self.day, self.all = day, figures

    def of(self, parameter: Parameter, channel: str = ANY_CHANNEL) -> Figure:
        """Return a figure; one for any channel where a channel has none. Raises MissingFigure."""
        for key in ((parameter.value, channel), (parameter.value, ANY_CHANNEL)):
            if key in self.all:
                return self.all[key]
        raise MissingFigure(f"There is no figure for “{parameter.label}” on {self.day}.")

    def wear_rules(self, case: Case = Case.BASE) -> WearRules:
        """Return what exposure does, in one case. Raises BadExposureParameters."""
        return WearRules(
            channels={
                channel.value: ChannelWeight(
                    weight=self.of(Parameter.WEIGHT, channel.value).at(case),
                    half_life_days=self.of(Parameter.HALF_LIFE, channel.value).at(case),
                )
                for channel in Channel
            },
            curve=Curve(
                half_at=self.of(Parameter.HALF_AT).at(case),
                steepness=self.of(Parameter.STEEPNESS).at(case),
                floor=self.of(Parameter.FLOOR).at(case),
            ),
            congruence=self.of(Parameter.CONGRUENCE).at(case),
            concentration=self.of(Parameter.CONCENTRATION).at(case),
        )

    def shown(self) -> list[Figure]:
        """Return them in the order of their words."""
        order = Parameter.codes()
        return sorted(self.all.values(), key=lambda one: (order.index(one.parameter), one.channel))


def figures_on(day: date, *, agency_id: int, known_at: datetime) -> Figures:
    """Return the figures that count on a day for an agency, as it knew them at an instant."""
    found = rules_on(day, file=FILE, codes=CODES).values()
    figures = {(one.parameter.value, one.channel): one for one in map(_of_rule, found)}
    own = WorthParameter.objects.filter(agency=agency_id).counting(day, known_at=known_at)
    for row in reversed(own):
        figures[row.parameter, row.channel] = _of_row(row)
    return Figures(day, figures)


def rules_on(day: date, *, file: str, codes: str) -> dict[str, Rule]:
    """Return by code the rules that count on a day: a file's, and over them the rulebook's rows.

    The file is there for a desk that has not loaded the rulebook.
    """
    found = {
        rule.code: rule
        for rule in _rules_of(file)
        if rule.code.startswith(codes) and rule.counts_on(day)
    }
    rows = RuleSet.objects.on(day).filter(code__startswith=codes)
    return found | {row.code: rule_of(row) for row in rows.order_by("effective_from")}


@cache
def _rules_of(file: str) -> list[Rule]:
    return read_rules(RULES_DIRECTORY / file)


def _of_rule(rule: Rule) -> Figure:
    _, parameter, *channel = rule.code.split(".")
    return Figure(
        parameter=Parameter(parameter),
        channel=channel[0] if channel else ANY_CHANNEL,
        title=rule.title,
        source=rule.source.name,
        confidence=rule.confidence,
        counts_from=rule.effective_from,
        value=Decimal(str(rule.values[Case.BASE.value])),
        worst=Decimal(str(rule.values[Case.LOW.value])),
        best=Decimal(str(rule.values[Case.HIGH.value])),
    )


def _of_row(row: WorthParameter) -> Figure:
    return Figure(
        parameter=Parameter(row.parameter),
        channel=row.channel,
        title=str(row),
        source=row.source,
        confidence=Confidence(row.confidence),
        counts_from=row.counts_from,
        value=row.value.normalize(),
        worst=row.worst.normalize(),
        best=row.best.normalize(),
        of_agency=True,
    )
