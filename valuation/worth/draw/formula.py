"""What a twin is worth: V = (savings + expansion) − (licensing + compute + depreciation)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from licensing.money import rounded
from talent.errors import Refused
from valuation.words import Term

ZERO = Decimal(0)
SIGNS: Mapping[str, int] = {
    Term.SAVINGS: 1,
    Term.EXPANSION: 1,
    Term.LICENSING: -1,
    Term.COMPUTE: -1,
    Term.DEPRECIATION: -1,
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """The stored rate by which an amount becomes the scenario's currency: a fraction."""

    of: str
    numerator: Decimal
    denominator: Decimal
    on: date
    source: str

    @property
    def rate(self) -> Decimal:
        return self.numerator / self.denominator


class NoSource(Refused):
    """An item of a valuation does not say where its amount comes from."""

    code = "valuation_item_without_source"


@dataclass(frozen=True, slots=True)
class Item:
    """A part of one term: its amount, above zero also where the term counts against V.

    Raises NoSource if `source` is empty: every amount must be traceable.
    """

    term: Term
    label: str
    amount: Decimal
    source: str

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise NoSource(f"“{self.label}” needs a source: a contract, usage or an assumption.")


@dataclass(frozen=True, slots=True)
class TwinValue:
    """V in one currency: `total` is the signed sum of `terms`, each the sum of its items."""

    items: tuple[Item, ...]
    terms: Mapping[Term, Decimal]
    total: Decimal
    currency: str


def value(items: Iterable[Item], currency: str) -> TwinValue:
    """Add items up to V; `terms` has every term, zero if it has no items.

    Each item is rounded to the currency's precision first, so that the figures shown add up.
    """
    payable = tuple(replace(item, amount=rounded(item.amount, currency)) for item in items)
    terms = {term: _sum_of(payable, term, currency) for term in Term}
    total = sum((SIGNS[term] * amount for term, amount in terms.items()), ZERO)
    return TwinValue(payable, terms, total, currency)


def _sum_of(items: Iterable[Item], term: Term, currency: str) -> Decimal:
    return sum((item.amount for item in items if item.term == term), rounded(ZERO, currency))
