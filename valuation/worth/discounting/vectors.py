"""Worth vectors: cash flow cases that others published, run through the desk's own arithmetic.

The format is a JSON object with a list of cases for each function. Rates are fractions per period,
`when` says whether payments come at the "end" of a period or at its "begin". `dp` is the number of
decimal places to which the source compares; without it, all places that the source prints count.
`expect` null: there is no answer; a list: all answers. An unknown key fails its case by name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from talent.errors import Refused
from valuation.worth.discounting import cashflow
from valuation.worth.discounting.tax import amortisation_benefit

ZERO = Decimal(0)
# Published figures of many places were computed with some 15 to 28 digits.
MOST_PLACES = 12
ABOUT = {"id", "src", "source", "note", "expect", "dp"}
DUE = {"end": False, "begin": True, "0": False, "1": True, "false": False, "true": True}
Case = Mapping[str, Any]
Answer = Decimal | tuple[Decimal, ...]


class NotAVector(Refused):
    """A case holds what this module does not know, or what is no number."""

    code = "not_a_vector"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case; `differs` says how it came out otherwise than expected."""

    case: str
    differs: str = ""


def run_vectors(file: Mapping[str, Any]) -> Iterator[Outcome]:
    """Run every case of a file. Raises NotAVector for a list that is not known."""
    for name, cases in file.items():
        if name == "about":
            continue
        if name not in FUNCTIONS:
            raise NotAVector(f"“{name}” is not a list of cases that this desk knows.")
        for number, case in enumerate(cases, start=1):
            yield Outcome(f"{name} {case.get('id', number)}", _compare(name, case))


def _compare(name: str, case: Case) -> str:
    known, function = FUNCTIONS[name]
    try:
        _know(case, known)
        expected = case["expect"]
        answer = _answer(function, case)
        if isinstance(expected, list):
            return _differences(name, case, expected)
        if expected is None or answer is None:
            return "" if answer is None and expected is None else f"{answer}, expected {expected}"
        return _difference(answer, expected, case.get("dp"))
    except (Refused, ArithmeticError, InvalidOperation, KeyError, ValueError) as failure:
        return f"{type(failure).__name__}: {failure}"


def _answer(function: Callable[[Case], Decimal], case: Case) -> Decimal | None:
    try:
        return function(case)
    except (cashflow.NoReturn, cashflow.NoSuchAnnuity):
        return None


def _differences(name: str, case: Case, expected: list[Any]) -> str:
    if name != "irr":
        raise NotAVector(f"“{name}” has one answer")
    found = cashflow.rates_of_return(_flows(case))
    if len(found) != len(expected):
        return f"{len(found)} rates, expected {len(expected)}"
    pairs = zip(found, sorted(map(Decimal, map(str, expected))), strict=True)
    return "; ".join(
        filter(None, (_difference(one, other, case.get("dp")) for one, other in pairs))
    )


def _difference(answer: Decimal, expected: object, places: int | None) -> str:
    value = Decimal(str(expected))
    if places is None:
        places = min(MOST_PLACES, max(0, -int(value.as_tuple().exponent)))
    allowed = Decimal("1.5").scaleb(-places)
    return "" if abs(answer - value) < allowed else f"{answer}, expected {expected}"


def _know(case: Case, known: Iterable[str]) -> None:
    unknown = sorted(set(case) - set(known) - ABOUT)
    if unknown:
        raise NotAVector(f"unknown key “{unknown[0]}”")


def _number(case: Case, key: str, otherwise: Decimal | None = None) -> Decimal:
    if key not in case and otherwise is not None:
        return otherwise
    return Decimal(str(case[key]))


def _flows(case: Case) -> list[Decimal]:
    return [Decimal(str(flow)) for flow in case["cashflows"]]


def _dated(case: Case) -> list[tuple[date, Decimal]]:
    if case.get("basis", "actual/365") != "actual/365":
        raise NotAVector(f"basis “{case['basis']}” is not known")
    days = [date.fromisoformat(day) for day in case["dates"]]
    return list(zip(days, _flows(case), strict=True))


def _is_due(case: Case) -> bool:
    when = str(case.get("when", "end")).lower()
    if when not in DUE:
        raise NotAVector(f"payments at “{when}” are not known")
    return DUE[when]


def _periods(case: Case) -> int:
    periods = _number(case, "nper")
    if periods != int(periods):
        raise NotAVector("a rate is found for a whole number of payments")
    return int(periods)


def _irr(case: Case) -> Decimal:
    return cashflow.irr(_flows(case))


def _annuity(function: Callable[..., Decimal], *keys: str) -> Callable[[Case], Decimal]:
    """Read an annuity's figures; the last one may be left out and is then zero."""

    def run(case: Case) -> Decimal:
        *first, last = keys
        figures = [_number(case, key) for key in first]
        return function(*figures, _number(case, last, ZERO), due=_is_due(case))

    return run


def _rate(case: Case) -> Decimal:
    figures = (_number(case, "pmt"), _number(case, "pv"), _number(case, "fv", ZERO))
    return cashflow.rate(_periods(case), *figures, due=_is_due(case))


def _benefit(case: Case) -> Decimal:
    return amortisation_benefit(
        tax=_number(case, "tax_rate"),
        discount=_number(case, "rate"),
        years=int(case["years"]),
        mid_year=bool(case.get("mid_year", True)),
    )


ANNUITY = {"rate", "nper", "pmt", "pv", "fv", "when"}
FUNCTIONS: Mapping[str, tuple[set[str], Callable[[Case], Decimal]]] = {
    "npv": (
        {"rate", "cashflows"},
        lambda case: cashflow.npv(_number(case, "rate"), _flows(case)),
    ),
    "xnpv": (
        {"rate", "dates", "cashflows", "basis"},
        lambda case: cashflow.xnpv(_number(case, "rate"), _dated(case)),
    ),
    "irr": ({"cashflows"}, _irr),
    "xirr": ({"dates", "cashflows", "basis"}, lambda case: cashflow.xirr(_dated(case))),
    "mirr": (
        {"cashflows", "finance_rate", "reinvest_rate"},
        lambda case: cashflow.mirr(
            _flows(case), _number(case, "finance_rate"), _number(case, "reinvest_rate")
        ),
    ),
    "pv": (ANNUITY, _annuity(cashflow.pv, "rate", "nper", "pmt", "fv")),
    "fv": (ANNUITY, _annuity(cashflow.fv, "rate", "nper", "pmt", "pv")),
    "pmt": (ANNUITY, _annuity(cashflow.pmt, "rate", "nper", "pv", "fv")),
    "nper": (ANNUITY, _annuity(cashflow.nper, "rate", "pmt", "pv", "fv")),
    "rate": (ANNUITY, _rate),
    "tax_amortisation_benefit": ({"rate", "tax_rate", "years", "mid_year"}, _benefit),
}
