"""Price vectors: cases that others published, run through the desk's own arithmetic.

The format is a JSON object with lists of cases: `rating` (a price and the totals that cumulative
quantities add), `minimum_guarantee`, `credits` and `recoupment`. Quantities and amounts are decimal
strings, `up_to` is included in its bracket. A key that this module does not know fails its case by
name, because a term that is silently left out would pass for agreement.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from licensing.money import rounded
from licensing.pricing import Price, PriceBracket, PriceTerms, price
from licensing.words import Pricing
from talent.errors import Refused
from valuation.cash.waterfall import Recoupment, recoup, true_up

ZERO, HUNDRED = Decimal(0), Decimal(100)
CENT = Decimal("0.01")
# A currency of two places; those of the cases say none.
CURRENCY = "USD"
ABOUT = {"id", "src", "source", "note"}

MODELS = {
    "unit": Pricing.PER_UNIT,
    "graduated": Pricing.GRADUATED,
    "volume": Pricing.VOLUME,
    "package": Pricing.PACKAGE,
    "flat": Pricing.FLAT,
    "percentage": Pricing.PERCENTAGE,
    "graduated_percentage": Pricing.PERCENTAGE,
}
ROUNDINGS = {"none", "exact", "2dp"}
Case = Mapping[str, Any]


class NotAVector(Refused):
    """A case holds what this module does not know, or what is no number."""

    code = "not_a_vector"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case; `differs` says how it came out otherwise than expected."""

    case: str
    differs: str = ""

    @property
    def passed(self) -> bool:
        return not self.differs


def run_vectors(file: Mapping[str, Any]) -> Iterator[Outcome]:
    """Run every case of a file; a list of cases that is not known fails by its name."""
    for name, cases in file.items():
        if name in {"about", "conventions"}:
            continue
        if name not in CHECKS:
            yield Outcome(name, "it is not a list of cases that this desk knows")
            continue
        for case in cases:
            yield _run(name, case)


def _run(name: str, case: Case) -> Outcome:
    try:
        label = f"{name} {case.get('id', 'without an id')}"
    except AttributeError:
        return Outcome(name, f"a case is an object, not {case!r}")
    try:
        return Outcome(label, CHECKS[name](case))
    except (Refused, ArithmeticError, LookupError, TypeError, ValueError) as failure:
        return Outcome(label, f"{type(failure).__name__}: {failure}")


# Prices


def _check_price(case: Case) -> str:
    _know(case, {"model", "price", "phases", "rounding", "flat_at_zero", "lines"})
    rounding = case.get("rounding", "none")
    if rounding not in ROUNDINGS:
        raise NotAVector(f"rounding “{rounding}” is not known")
    if not case["phases"]:
        raise NotAVector("no phase is priced")
    terms, booked = _terms_of(case), ZERO
    for phase in case["phases"]:
        _know(phase, {"cumulative_qty", "expect_total"})
        priced = price(terms, Decimal(phase["cumulative_qty"]))
        reached = rounded(priced.exact, CURRENCY) if rounding == "2dp" else priced.exact
        if reached - booked != Decimal(phase["expect_total"]):
            return (
                f"{phase['cumulative_qty']} adds {reached - booked}, "
                f"expected {phase['expect_total']}"
            )
        booked = reached
    return _check_lines(case.get("lines", []), priced)


def _terms_of(case: Case) -> PriceTerms:
    shape = case["price"]
    _know(
        shape,
        {"unit", "rate_percent", "package_price", "package_size", "free_units", "tiers",
         "minimum", "maximum", "discount_percent", "factor"},
    )  # fmt: skip
    if case["model"] not in MODELS:
        raise NotAVector(f"model “{case['model']}” is not known")
    prices = [shape[name] for name in ("unit", "rate_percent", "package_price") if name in shape]
    return PriceTerms(
        kind=MODELS[case["model"]],
        currency=CURRENCY,
        unit_price=Decimal(prices[0]) if prices else ZERO,
        brackets=tuple(map(_bracket, shape.get("tiers", []))),
        package_size=Decimal(shape.get("package_size", 1)),
        free_quantity=Decimal(shape.get("free_units", 0)),
        factor=Decimal(shape.get("factor", 1)),
        discount=Decimal(shape.get("discount_percent", 0)),
        minimum=_optional(shape.get("minimum")),
        maximum=_optional(shape.get("maximum")),
    )


def _bracket(tier: Case) -> PriceBracket:
    _know(tier, {"up_to", "unit", "rate_percent", "flat"})
    unit_price = tier["unit"] if "unit" in tier else tier.get("rate_percent", 0)
    return PriceBracket(_optional(tier["up_to"]), Decimal(unit_price), Decimal(tier.get("flat", 0)))


def _check_lines(expected: Sequence[str], priced: Price) -> str:
    """Compare the amounts with which the expected lines end; words before them are the source's."""
    if not expected:
        return ""
    amounts = [Decimal(line.split()[-1]) for line in expected]
    found = [line.amount for line in priced.lines if line.amount]
    return "" if found == amounts else f"lines of {_list(found)}, expected {_list(amounts)}"


# Guarantees, credits, advances


def _check_minimum(case: Case) -> str:
    _know(case, {"minimum_cents", "used_cents", "expect_true_up_cents"})
    terms = PriceTerms(Pricing.PER_UNIT, CURRENCY, unit_price=CENT)
    earned = price(terms, Decimal(case["used_cents"])).gross
    found = true_up(Decimal(case["minimum_cents"]) * CENT, earned) / CENT
    expected = Decimal(case["expect_true_up_cents"])
    return "" if found == expected else f"a true-up of {found}, expected {expected}"


def _check_credits(case: Case) -> str:
    _know(case, {"tiers", "qty", "credits", "expect_lines", "expect_net", "model"})
    terms = PriceTerms(
        MODELS[case.get("model", "graduated")],
        CURRENCY,
        brackets=tuple(map(_bracket, case["tiers"])),
    )
    gross = [line.amount for line in price(terms, Decimal(case["qty"])).lines if line.amount]
    rows = recoup(gross, sum(map(Decimal, case["credits"]), ZERO))
    for row in case["expect_lines"]:
        _know(row, {"gross", "credit", "net"})
    expected = [
        Recoupment(Decimal(row["gross"]), Decimal(row["credit"]), Decimal(row["net"]))
        for row in case["expect_lines"]
    ]
    net = sum((row.net for row in rows), ZERO)
    if list(rows) != expected:
        return f"lines {_list(rows)}, expected {_list(expected)}"
    return "" if net == Decimal(case["expect_net"]) else f"net {net}"


def _check_recoupment(case: Case) -> str:
    _know(case, {"rate", "gross", "advance", "already_recouped", "expect"})
    _know(case["expect"], {"earned", "recouped", "payable"})
    terms = PriceTerms(Pricing.PERCENTAGE, CURRENCY, unit_price=Decimal(case["rate"]) * HUNDRED)
    earned = price(terms, Decimal(case["gross"])).gross
    still_open = Decimal(case["advance"]) - Decimal(case["already_recouped"])
    (row,) = recoup([earned], still_open)
    found = {"earned": row.gross, "recouped": row.credit, "payable": row.net}
    expected = {name: Decimal(amount) for name, amount in case["expect"].items()}
    return "" if found == expected else f"{found}, expected {expected}"


CHECKS: Mapping[str, Callable[[Case], str]] = {
    "rating": _check_price,
    "minimum_guarantee": _check_minimum,
    "credits": _check_credits,
    "recoupment": _check_recoupment,
}


def _know(values: Mapping[str, Any], known: Iterable[str]) -> None:
    unknown = sorted(set(values) - set(known) - ABOUT)
    if unknown:
        raise NotAVector(f"unknown key “{unknown[0]}”")


def _optional(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
