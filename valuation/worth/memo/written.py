"""A valuation written for one reader: what it stood on, what it came to, and its figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from talent import locales
from valuation.models import Valuation
from valuation.worth.memo.drawings import Look
from valuation.worth.scenario import valuations
from valuation.worth.scenario.outcomes import Result
from valuation.worth.scenario.plans import Plan, PlanInput

WORD_JOINER = "\N{WORD JOINER}"


@dataclass(frozen=True)
class Written:
    """One valuation, one reader; `width` is that of its charts."""

    valuation: Valuation
    locale: str
    width: int | str = "container"

    @cached_property
    def plan(self) -> Plan:
        return valuations.plan_of(self.valuation)

    @cached_property
    def result(self) -> Result:
        return valuations.result_of(self.valuation)

    @cached_property
    def inputs(self) -> Mapping[str, PlanInput]:
        return {one.key: one for one in self.plan.inputs()}

    @property
    def look(self) -> Look:
        return Look(self.plan.currency, self.locale, self.width)

    def money(self, value: float) -> str:
        return _joined(locales.money(exact(value), self.plan.currency, self.locale))

    def about(self, value: float) -> str:
        return _joined(locales.about(exact(value), self.plan.currency, self.locale))

    def short(self, value: float) -> str:
        return locales.short_money(exact(value), self.plan.currency, self.locale)

    def quantity(self, value: float) -> str:
        return locales.quantity(exact(value), self.locale)


def exact(value: float) -> Decimal:
    """Return a float as a decimal; nothing has a sign."""
    return Decimal(repr(value + 0.0))


def _joined(text: str) -> str:
    """Keep a minus and the sign of its currency on one line."""
    return text.replace(locales.MINUS, locales.MINUS + WORD_JOINER)
