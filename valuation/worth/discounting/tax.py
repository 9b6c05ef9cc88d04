"""What it is worth to a buyer that an asset's price can be written off against taxes."""

from decimal import Decimal, localcontext

from talent.errors import Refused
from valuation.worth.discounting.cashflow import DIGITS, ONE, pv


class NoBenefit(Refused):
    """A tax rate, a discount rate or a number of years has no amortisation benefit."""

    code = "no_tax_amortisation_benefit"


def amortisation_benefit(
    *, tax: Decimal, discount: Decimal, years: int, mid_year: bool = True
) -> Decimal:
    """Return the factor by which a value before the tax amortisation benefit is multiplied.

    The asset is written off in equal parts over `years`, which saves `tax` of each: factor = 1 / (1
    − tax × annuity / years), the annuity of 1 a year at `discount`, and for savings in the
    middle of each year × √(1 + discount). At 25 %, 12 % and 15 years: 1.1365 (15 years: 26 U.S.C.
    § 197). Rates are fractions. Raises NoBenefit.
    """
    if not 0 <= tax < 1 or discount <= -1 or years < 1:
        raise NoBenefit("A tax rate is from 0 up to 100 %, and an asset is written off in years.")
    with localcontext(prec=DIGITS):
        annuity = -pv(discount, Decimal(years), ONE)
        if mid_year:
            annuity *= (ONE + discount).sqrt()
        saved = tax * annuity / years
        if saved >= 1:
            raise NoBenefit("These rates would save more in taxes than was paid for the asset.")
        return round(ONE / (ONE - saved), 28)
