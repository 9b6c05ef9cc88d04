"""What the desk knows that fulfils obligations, and who knows it.

Which use the nights counted, and which statements were issued, valuation knows: it lends its lookup
when it starts.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple


class UsedMonth(NamedTuple):
    """The first day of a month in which a production was used; None: none was named."""

    month_on: date
    production_id: int | None


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """By agreement: months with use that was reported, and when a statement last showed a month."""

    used: Mapping[int, frozenset[UsedMonth]] = field(default_factory=dict)
    stated: Mapping[int, Mapping[date, date]] = field(default_factory=dict)


Lookup = Callable[[Collection[int]], KnownFacts]

_lookups: list[Lookup] = []


def learn_facts(lookup: Lookup) -> None:
    """Ask a lookup from now on; it takes the numbers of agreements, in some queries."""
    _lookups.append(lookup)


def facts_about(agreements: Collection[int]) -> KnownFacts:
    """Return what is known of some agreements."""
    used: dict[int, frozenset[UsedMonth]] = {}
    stated: dict[int, Mapping[date, date]] = {}
    for lookup in _lookups if agreements else ():
        known = lookup(agreements)
        used |= known.used
        stated |= known.stated
    return KnownFacts(used, stated)
