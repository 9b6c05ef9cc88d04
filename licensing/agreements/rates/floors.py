"""Floors: the least that a guild's rules have a rate line pay, and whether it does.

A rule is a floor if its values name a `guild` and a `meter`, and an `amount` for one unit of it in
a `currency`, or a `floor_rule` that has them. It may name `legal_classes`, `engagements`,
`production_kinds` and `real_time`; what it does not name it does not ask for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from licensing.words import Confidence, RuleStatus, Trigger

from ..rules.rulebook import Rule


@dataclass(frozen=True, slots=True)
class Rated:
    """What a rate line rates, as far as floors ask, and on which days."""

    guild: str
    legal_class: str
    engagement: str
    meter: str
    currency: str
    production_kinds: frozenset[str]
    days: Mapping[Trigger, date]  # Of the facts that are known; else the day of use counts.
    used_on: date


@dataclass(frozen=True, slots=True)
class Floor:
    """What one unit has to pay by a rule, in a currency, and how sure that is.

    `assumed` means that the day of use stands in for the day of a fact that nobody entered.
    """

    rule: Rule
    amount: Decimal
    currency: str
    confidence: Confidence
    source: str
    real_time: bool
    assumed: bool

    @property
    def may_be_relied_on(self) -> bool:
        return self.confidence not in (Confidence.UNVERIFIED, Confidence.CONFLICTING)


def floors_of(rated: Rated, rules: Sequence[Rule]) -> Iterator[Floor]:
    """Yield the floors that ask for what a line rates, each as of the day of its fact."""
    for rule in rules:
        on, assumed = _day_of(rule, rated)
        if not (_asks_for(rule, rated) and _is_in_force(rule, on)):
            continue
        figure = _figure(rule, rules, rated)
        if figure is not None:
            yield Floor(
                rule=rule,
                amount=Decimal(str(figure.values["amount"])),
                currency=str(figure.values["currency"]),
                confidence=_weaker(rule.confidence, figure.confidence),
                source=figure.source.name,
                real_time=bool(rule.values.get("real_time")),
                assumed=assumed,
            )


def is_floor(rule: Rule) -> bool:
    """Tell whether a rule says the least that something pays."""
    names_amount = "amount" in rule.values or bool(rule.values.get("floor_rule"))
    return {"guild", "meter"} <= rule.values.keys() and names_amount


def _asks_for(rule: Rule, rated: Rated) -> bool:
    if not is_floor(rule):
        return False
    values = rule.values
    return (
        values["guild"] == rated.guild
        and values["meter"] == rated.meter
        and _names(values.get("legal_classes"), [rated.legal_class])
        and _names(values.get("engagements"), [rated.engagement])
        and _names(values.get("production_kinds"), rated.production_kinds)
    )


def _names(codes: object, ours: Iterable[str]) -> bool:
    return not isinstance(codes, list) or not set(codes).isdisjoint(ours)


def _day_of(rule: Rule, rated: Rated) -> tuple[date, bool]:
    """Return the day on which a rule looks, and whether the day of use stands in for it."""
    known = rated.days.get(rule.trigger)
    return (rated.used_on, True) if known is None else (known, False)


def _is_in_force(rule: Rule, day: date) -> bool:
    return rule.status is RuleStatus.IN_FORCE and rule.counts_on(day)


def _figure(rule: Rule, rules: Sequence[Rule], rated: Rated) -> Rule | None:
    """Return the rule that has a floor's amount: itself, or the one it refers to, on its day."""
    if "amount" in rule.values:
        return rule
    for other in rules:
        if other.code == rule.values["floor_rule"] and "amount" in other.values:
            on, _assumed = _day_of(other, rated)
            if _is_in_force(other, on):
                return other
    return None


def _weaker(one: Confidence, other: Confidence) -> Confidence:
    order = list(Confidence)
    return max(one, other, key=order.index)
