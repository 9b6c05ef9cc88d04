"""Explained: the lines of a price in words and figures from which an accountant recomputes it.

A priced line is kept as JSON with what it explains; the words are made of that, whenever read.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from licensing.models import RateLine
from licensing.pricing import ONE, Bound, PricedLine, Rise, price
from licensing.quantities import measured
from licensing.words import Factor, PricePart, Pricing
from talent import locales

from .price_terms import terms_of

Line = Mapping[str, Any]  # a priced line as JSON


def as_json(line: PricedLine) -> dict[str, Any]:
    """Return a priced line as JSON values; what has no effect is left out."""
    values: dict[str, Any] = {
        "part": line.part.value,
        "bracket": line.bracket,
        "quantity": str(line.quantity),
        "unit_price": str(line.unit_price),
        "factor": str(line.factor),
        "amount": str(line.amount),
    }
    if line.divisor != ONE:
        values["divisor"] = str(line.divisor)
    if line.bound is not None:
        values |= _bound_as_json(line.bound)
    return values | _rise_as_json(line.rise)


def _bound_as_json(bound: Bound) -> dict[str, Any]:
    values: dict[str, Any] = {"bound": str(bound.amount)}
    if bound.elsewhere:
        values["elsewhere"] = str(bound.elsewhere)
    if bound.days != bound.of_days:
        values |= {"days": bound.days, "of_days": bound.of_days}
    return values | _rise_as_json(bound.rise)


def _rise_as_json(rise: Rise) -> dict[str, Any]:
    if not rise.name:
        return {}
    return {"rise": f"{rise.times:f}", "escalator": rise.name}


def factors_in_words(factors: Iterable[Iterable[tuple[str, str, str]]], locale: str) -> str:
    """Name the factors that a reading's factor is of: "Territory Japan × 1.5".

    Uses of one factor may have come to it by several ways, which are told one after the other.
    """
    ways = (", ".join(_factor(*one, locale) for one in way) for way in factors)
    return _(" or ").join(filter(None, ways))


def _factor(dimension: str, value: str, times: str, locale: str) -> str:
    names = {Factor.TERRITORY: locales.territory, Factor.LANGUAGE: locales.language}
    label = _(Factor(dimension).label)
    if dimension in names:
        label = f"{label} {names[Factor(dimension)](value, locale)}"
    return f"{label} × {plain(times)}"


def in_words(line: Line, *, meter: str, currency: str, locale: str, factors: str = "") -> str:
    """Say how one line of a price came to its amount; amounts are in the currency, in full.

    `factors` names those that the line's factor is of.
    """
    part = PricePart(line["part"])
    words = _PARTS[part](line, meter, locale)
    if "divisor" in line:
        words += _(" × %(days)s of %(of)s days") % {
            "days": plain(line["quantity"]), "of": plain(line["divisor"]),
        }  # fmt: skip
    if part != PricePart.DISCOUNT and Decimal(line["factor"]) != 1:
        words += f" × {plain(line['factor'])}" + (f" ({factors})" if factors else "")
    if "rise" in line and part not in BOUNDS:
        words += f" × {line['rise']} ({line['escalator']})"
    return f"{words} = {plain(line['amount'])} {currency}"


def _units(line: Line, meter: str, locale: str) -> str:
    words = f"{measured(Decimal(line['quantity']), meter, locale)} × {plain(line['unit_price'])}"
    if line["bracket"] is None:
        return words
    return _("bracket %(number)d: %(words)s") % {"number": line["bracket"], "words": words}


def _packages(line: Line, _meter: str, _locale: str) -> str:
    return _("%(count)s packages × %(price)s") % {
        "count": plain(line["quantity"]), "price": plain(line["unit_price"]),
    }  # fmt: skip


def _revenue(line: Line, _meter: str, _locale: str) -> str:
    return _("%(percent)s %% of revenue of %(revenue)s") % {
        "percent": plain(Decimal(line["unit_price"]) * 100), "revenue": plain(line["quantity"]),
    }  # fmt: skip


def _flat(line: Line, _meter: str, _locale: str) -> str:
    fee = plain(line["unit_price"])
    if line["bracket"] is None:
        return _("flat fee of %s") % fee
    return _("bracket %(number)d: fee of %(fee)s") % {"number": line["bracket"], "fee": fee}


def _discount(line: Line, _meter: str, _locale: str) -> str:
    return _("discount of %(percent)s %% on %(price)s") % {
        "percent": plain(-Decimal(line["factor"]) * 100), "price": plain(line["unit_price"]),
    }  # fmt: skip


def _minimum(line: Line, _meter: str, _locale: str) -> str:
    return _("up to the minimum") + _of_bound(line)


def _maximum(line: Line, _meter: str, _locale: str) -> str:
    return _("down to the maximum") + _of_bound(line)


def _of_bound(line: Line) -> str:
    if "bound" not in line:  # Lines kept from before bounds were named.
        return ""
    words = _(" of %s") % plain(line["bound"])
    if "days" in line:
        words += _(" for %(days)d of %(of)d days") % {"days": line["days"], "of": line["of_days"]}
    if "rise" in line:
        words += f" ({line['escalator']}: × {line['rise']})"
    if "elsewhere" in line:
        words += _(", of which %s is charged elsewhere") % plain(line["elsewhere"])
    return words


def _rounding(_line: Line, _meter: str, _locale: str) -> str:
    return _("rounded")


def _guarantee(line: Line, _meter: str, _locale: str) -> str:
    return _("guaranteed: %s") % plain(line["unit_price"])


def _earned(_line: Line, _meter: str, _locale: str) -> str:
    return _("less what use earned of it")


def _advance(line: Line, _meter: str, _locale: str) -> str:
    return _("advance of %s") % plain(line["unit_price"])


def _contribution(line: Line, _meter: str, _locale: str) -> str:
    return _("%(percent)s %% of pay of %(pay)s below the ceiling, less what was found before") % {
        "percent": plain(line["unit_price"]), "pay": plain(line["quantity"]),
    }  # fmt: skip


_PARTS = {
    PricePart.UNITS: _units,
    PricePart.PACKAGES: _packages,
    PricePart.REVENUE: _revenue,
    PricePart.FLAT: _flat,
    PricePart.DISCOUNT: _discount,
    PricePart.MINIMUM: _minimum,
    PricePart.MAXIMUM: _maximum,
    PricePart.ROUNDING: _rounding,
    PricePart.GUARANTEE: _guarantee,
    PricePart.EARNED: _earned,
    PricePart.ADVANCE: _advance,
    PricePart.CONTRIBUTION: _contribution,
}
BOUNDS = {PricePart.MINIMUM, PricePart.MAXIMUM}


# Worked examples

EXAMPLE_QUANTITY = Decimal(1000)


def example(line: RateLine, currency: str, locale: str) -> str:
    """Work out what a line charges for a quantity that shows what it says, in one sentence.

    Without a factor, in the first period. Raises UnpriceableTerms.
    """
    terms = terms_of(line, currency)
    quantity = _quantity_that_tells(line)
    priced = price(terms, quantity)
    free = min(quantity, terms.free_quantity)
    steps = [
        in_words(as_json(one), meter=line.meter, currency=currency, locale=locale)
        for one in priced.lines
    ]
    if free and line.pricing != Pricing.FLAT:
        steps.insert(0, _("%s free") % measured(free, line.meter, locale))
    used = (
        _("A period costs")
        if line.pricing == Pricing.FLAT
        else _("%s a period cost") % measured(quantity, line.meter, locale)
    )
    return f"{used} {locales.money(priced.gross, currency, locale)}: {'; '.join(steps) or '0'}."


def _quantity_that_tells(line: RateLine) -> Decimal:
    """Return a round quantity that reaches into the last bracket, past what is free."""
    tops = [bracket.up_to for bracket in line.brackets.all() if bracket.up_to is not None]
    reached = max(tops, default=Decimal(0)) + line.free_quantity
    return max(EXAMPLE_QUANTITY, Decimal(10) ** (len(str(int(reached)))) if reached else ONE)


def plain(figure: Decimal | str) -> str:
    """Write a figure in full, without the zeros at its end and without an exponent."""
    return f"{Decimal(figure).normalize():f}"
