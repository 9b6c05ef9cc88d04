"""Cash flows in time: their present value and their rate of return.

Nothing in the desk calls these yet; scenarios of a twin's worth will. They are tested against
figures that others computed.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, localcontext

from licensing.money import EXACT
from talent.errors import Refused

ZERO, ONE = Decimal(0), Decimal(1)
DAYS_A_YEAR = Decimal(365)
LOWEST, HIGHEST = Decimal("-0.999999"), Decimal(1_000_000)
PRECISE_ENOUGH = Decimal("1e-30")


class NoReturn(Refused):
    """All flows go in one direction, so no rate makes their present value zero."""

    code = "no_rate_of_return"


def npv(rate: Decimal, flows: Sequence[Decimal]) -> Decimal:
    """Return the present value of one flow per period; the first is now and not discounted.

    The rate is per period, as a fraction.
    """
    return _present_value(rate, [(Decimal(period), flow) for period, flow in enumerate(flows)])


def irr(flows: Sequence[Decimal]) -> Decimal:
    """Return the rate per period at which the present value is zero. Raises NoReturn."""
    return _rate_where_zero(lambda rate: npv(rate, flows))


def mirr(flows: Sequence[Decimal], finance_rate: Decimal, reinvest_rate: Decimal) -> Decimal:
    """Return the rate of return with one rate for debts, another for gains. Raises NoReturn."""
    gains = npv(reinvest_rate, [max(flow, ZERO) for flow in flows])
    losses = -npv(finance_rate, [min(flow, ZERO) for flow in flows])
    if not gains or not losses:
        raise NoReturn("Only flows in both directions have a rate of return.")
    with localcontext(EXACT):
        growth = (gains / losses) ** (ONE / (len(flows) - 1))
        return growth * (ONE + reinvest_rate) - ONE


def xirr(dated: Sequence[tuple[date, Decimal]]) -> Decimal:
    """Return the yearly rate (actual days / 365) of dated flows. Raises NoReturn."""
    first = min(day for day, _ in dated)
    flows = [((day - first).days / DAYS_A_YEAR, flow) for day, flow in dated]
    return _rate_where_zero(lambda rate: _present_value(rate, flows))


def _present_value(rate: Decimal, flows: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    with localcontext(prec=50):
        return sum((flow / (ONE + rate) ** time for time, flow in flows), ZERO)


def _rate_where_zero(worth: Callable[[Decimal], Decimal]) -> Decimal:
    """Return the rate at which `worth` is zero, by bisection. Raises NoReturn."""
    low, high = LOWEST, HIGHEST
    at_low = worth(low)
    if at_low * worth(high) > 0:
        raise NoReturn("Only flows in both directions have a rate of return.")
    with localcontext(prec=50):
        while high - low > PRECISE_ENOUGH:
            middle = (low + high) / 2
            if worth(middle) * at_low > 0:
                low = middle
            else:
                high = middle
    return +low
