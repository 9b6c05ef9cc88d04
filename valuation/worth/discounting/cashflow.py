"""Cash flows in time: their present value, their rates of return, and annuities.

Signs and periods are those of spreadsheets and of numpy-financial: what is paid is below zero,
rates are per period and fractions, and the first flow is now, which is not discounted.

A plan can have several rates of return, or none. Every one is found: between two rates at which the
present value's slope is zero it has at most one zero, and the slope is a sum of the same kind with
one change of sign fewer (the generalised theorem of Rolle, as in Descartes' rule of signs), so
the search goes down until no sign changes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from itertools import pairwise

from licensing.money import EXACT
from talent.errors import Refused

ZERO, ONE = Decimal(0), Decimal(1)
DAYS_A_YEAR = Decimal(365)
DIGITS = 50
# Rates are looked for from the loss of all but a millionth to a millionfold gain each period.
LOWEST, HIGHEST = Decimal("-0.999999"), Decimal(1_000_000)
PRECISE_ENOUGH = Decimal("1e-30")
# Where the present value comes this close to zero, beside the sum of its parts, it touches zero.
TOUCHES = Decimal("1e-25")


class NoReturn(Refused):
    """No rate makes the present value zero."""

    code = "no_rate_of_return"


class NoSuchAnnuity(Refused):
    """No number of payments, or no payment, comes to the values asked for."""

    code = "no_such_annuity"


@dataclass(frozen=True, slots=True)
class Flow:
    """An amount some periods from now; the time need not be whole."""

    time: Decimal
    amount: Decimal


def npv(rate: Decimal, flows: Sequence[Decimal]) -> Decimal:
    """Return the present value of one flow per period; the first is now."""
    return _present_value(rate, _by_period(flows))


def xnpv(rate: Decimal, dated: Sequence[tuple[date, Decimal]]) -> Decimal:
    """Return the value on the first day of dated flows at a yearly rate (actual days / 365)."""
    return _present_value(rate, _by_day(dated))


def irr(flows: Sequence[Decimal]) -> Decimal:
    """Return the rate of return nearest zero. Raises NoReturn."""
    return _nearest_zero(rates_of_return(flows))


def xirr(dated: Sequence[tuple[date, Decimal]]) -> Decimal:
    """Return the yearly rate (actual days / 365) of dated flows nearest zero. Raises NoReturn."""
    return _nearest_zero(_rates_where_zero(_by_day(dated)))


def rates_of_return(flows: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return every rate per period at which the present value is zero, the lowest first."""
    return _rates_where_zero(_by_period(flows))


def mirr(flows: Sequence[Decimal], finance_rate: Decimal, reinvest_rate: Decimal) -> Decimal:
    """Return the rate of return with one rate for debts, another for gains. Raises NoReturn."""
    gains = npv(reinvest_rate, [max(flow, ZERO) for flow in flows])
    losses = -npv(finance_rate, [min(flow, ZERO) for flow in flows])
    if not gains or not losses:
        raise NoReturn("Only flows in both directions have a rate of return.")
    with localcontext(EXACT):
        growth = (gains / losses) ** (ONE / (len(flows) - 1))
        return growth * (ONE + reinvest_rate) - ONE


# Annuities: value now + payments + value at the end come to nothing.


def pv(
    rate: Decimal, nper: Decimal, pmt: Decimal, fv: Decimal = ZERO, *, due: bool = False
) -> Decimal:
    """Return the value now of `nper` payments and of `fv` after them.

    Payments are made at the end of each period, or where `due`, at its beginning.
    """
    growth, payments = _annuity(rate, nper, due=due)
    with localcontext(prec=DIGITS):
        return -(fv + pmt * payments) / growth


def fv(
    rate: Decimal, nper: Decimal, pmt: Decimal, pv: Decimal = ZERO, *, due: bool = False
) -> Decimal:
    """Return the value after `nper` payments of them and of `pv`. Arguments as for `pv`."""
    growth, payments = _annuity(rate, nper, due=due)
    with localcontext(prec=DIGITS):
        return -(pv * growth + pmt * payments)


def pmt(
    rate: Decimal, nper: Decimal, pv: Decimal, fv: Decimal = ZERO, *, due: bool = False
) -> Decimal:
    """Return the payment that `nper` times pays off `pv` down to `fv`. Raises NoSuchAnnuity."""
    growth, payments = _annuity(rate, nper, due=due)
    if not payments:
        raise NoSuchAnnuity("Without a period nothing is paid.")
    with localcontext(prec=DIGITS):
        return -(fv + pv * growth) / payments


def nper(
    rate: Decimal, pmt: Decimal, pv: Decimal, fv: Decimal = ZERO, *, due: bool = False
) -> Decimal:
    """Return how many payments pay off `pv` down to `fv`, with a part. Raises NoSuchAnnuity."""
    with localcontext(prec=DIGITS):
        if not rate:
            if not pmt:
                raise NoSuchAnnuity("Payments of nothing never come to an end.")
            return -(fv + pv) / pmt
        a_period = pmt * (ONE + rate * due) / rate
        if not (a_period + pv) or (a_period - fv) / (a_period + pv) <= 0:
            raise NoSuchAnnuity("The payments never make up for the interest.")
        return ((a_period - fv) / (a_period + pv)).ln() / (ONE + rate).ln()


def rate(nper: int, pmt: Decimal, pv: Decimal, fv: Decimal, *, due: bool = False) -> Decimal:
    """Return the rate of `nper` payments that pay off `pv` down to `fv`. Raises NoReturn."""
    flows = [ZERO] * (nper + 1)
    flows[0] += pv
    flows[-1] += fv
    for period in range(nper):
        flows[period if due else period + 1] += pmt
    return irr(flows)


def _annuity(rate: Decimal, nper: Decimal, *, due: bool) -> tuple[Decimal, Decimal]:
    """Return what 1 grows to in `nper` periods, and what payments of 1 come to by then."""
    with localcontext(prec=DIGITS):
        growth = (ONE + rate) ** nper
        return growth, (ONE + rate * due) * (growth - ONE) / rate if rate else nper


# Zeros of the present value


def _by_period(flows: Sequence[Decimal]) -> list[Flow]:
    return [Flow(Decimal(period), flow) for period, flow in enumerate(flows)]


def _by_day(dated: Sequence[tuple[date, Decimal]]) -> list[Flow]:
    first = min(day for day, _ in dated)
    with localcontext(prec=DIGITS):
        return [Flow((day - first).days / DAYS_A_YEAR, amount) for day, amount in sorted(dated)]


def _present_value(rate: Decimal, flows: Sequence[Flow]) -> Decimal:
    """Add up from the last flow to the first: each step discounts by the time between two."""
    with localcontext(prec=DIGITS):
        discount, sum_, later = ONE / (ONE + rate), ZERO, None
        powers: dict[Decimal, Decimal] = {}
        for flow in reversed(flows):
            if later is not None:
                between = later - flow.time
                sum_ *= powers.setdefault(between, discount**between)
            sum_, later = sum_ + flow.amount, flow.time
        return sum_ * discount**later if later else sum_


def _nearest_zero(rates: Sequence[Decimal]) -> Decimal:
    if not rates:
        raise NoReturn("No rate makes the present value of these flows zero.")
    return min(rates, key=abs)


def _rates_where_zero(flows: Sequence[Flow]) -> tuple[Decimal, ...]:
    """Return, the lowest first, the rates at which flows sorted by time come to zero."""
    flows = [flow for flow in flows if flow.amount]
    turn = next((a for a in pairwise(flows) if a[0].amount * a[1].amount < 0), None)
    if turn is None:
        return ()
    with localcontext(prec=DIGITS):
        # The slope of the flows as seen from a time between the two that differ in sign.
        seen_from = (turn[0].time + turn[1].time) / 2
        slope = [Flow(flow.time, (flow.time - seen_from) * flow.amount) for flow in flows]
        between = [LOWEST, *_rates_where_zero(slope), HIGHEST]
        found = [_zero_between(flows, low, high) for low, high in pairwise(between)]
        touched = [rate for rate in between[1:-1] if _is_zero(flows, rate)]
        return tuple(sorted({rate for rate in (*found, *touched) if rate is not None}))


def _is_zero(flows: Sequence[Flow], rate: Decimal) -> bool:
    size = _present_value(rate, [Flow(flow.time, abs(flow.amount)) for flow in flows])
    return abs(_present_value(rate, flows)) <= TOUCHES * size


def _zero_between(flows: Sequence[Flow], low: Decimal, high: Decimal) -> Decimal | None:
    """Return the one zero between two rates that are none themselves, if there is one."""
    if _is_zero(flows, low) or _is_zero(flows, high):
        return None
    at_low = _present_value(low, flows)
    if at_low * _present_value(high, flows) > 0:
        return None
    return _bisect(lambda rate: _present_value(rate, flows) * at_low > 0, low, high)


def _bisect(is_before: Callable[[Decimal], bool], low: Decimal, high: Decimal) -> Decimal:
    with localcontext(prec=DIGITS):
        while high - low > PRECISE_ENOUGH:
            middle = (low + high) / 2
            low, high = (middle, high) if is_before(middle) else (low, middle)
    return round(low, 28)
