"""Numbers that somebody typed into free text, to be held against those of the terms.

Looked for are figures that mean something in an agreement: amounts of money, percentages, spans of
time, and counts of what is metered. A season, a year or a house number is none.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from licensing.words import Meter

_FIGURE = r"\d[\d,.'’\u00a0\u202f]*"
_UNITS = {
    "percent": r"%|per\s?cent\b|percent\b",
    "hours": r"hours?\b",
    "days": r"(?:calendar |business |working )?days?\b",
    "months": r"months?\b",
    "years": r"years?\b(?! old| of age)",
    **{meter.value: rf"{meter.label.lower().removesuffix('s')}s?\b" for meter in Meter},
}
METERED = frozenset(meter.value for meter in Meter)
_AFTER = re.compile(
    rf"(?P<figure>{_FIGURE})\s?-?(?:{'|'.join(f'(?P<{name}>{p})' for name, p in _UNITS.items())})",
    re.IGNORECASE,
)
# What stands beside an amount; other capitals before a number name an act or a reference.
_CURRENCY = r"[$€£¥]|\b(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|INR|KRW|MXN|BRL)\b"
_MONEY = re.compile(
    rf"(?:{_CURRENCY})\s?(?P<before>{_FIGURE})|(?P<after>{_FIGURE})\s?(?:{_CURRENCY})"
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A figure in a text: of what, how much, and as it is written."""

    unit: str
    figure: Decimal
    written: str


def stated_in(text: str) -> Iterator[Stated]:
    """Yield the figures of a text that mean something in an agreement, in their order."""
    found = [
        *((match, "money", match["before"] or match["after"]) for match in _MONEY.finditer(text)),
        *((match, str(match.lastgroup), match["figure"]) for match in _AFTER.finditer(text)),
    ]
    for match, unit, written in sorted(found, key=lambda one: one[0].start()):
        figure = _figure(written)
        if figure is not None:
            yield Stated(unit, figure, match[0].strip())


def unlike(text: str, agreed: Mapping[str, Collection[Decimal]]) -> list[Stated]:
    """Return the figures of a text that no term of the same unit has.

    Of what is metered they count only where a term limits or prices by a number of it: a
    commercial of 30 seconds is a description, unless seconds are what is capped.
    """
    return [
        one
        for one in stated_in(text)
        if one.figure not in agreed.get(one.unit, ())
        if one.unit not in METERED or agreed.get(one.unit)
    ]


def _figure(written: str) -> Decimal | None:
    """Read a figure as people write it; a last group of one or two digits is its fraction."""
    digits = re.sub(r"[’'\u00a0\u202f]", "", written.rstrip(".,"))
    whole, sign, fraction = digits, "", ""
    if found := re.fullmatch(r"(.*?)([.,])(\d{1,2})", digits):
        whole, sign, fraction = found.groups()
    try:
        return Decimal(re.sub(r"[.,]", "", whole) + ("." + fraction if sign else ""))
    except InvalidOperation:
        return None
