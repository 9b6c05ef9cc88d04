"""What an amount rests on is said where it comes to it, and is left out where it does not."""

from decimal import Decimal as D

import pytest

from valuation.invoices.rates import in_words

UNITS = {"part": "units", "quantity": "500", "unit_price": "3.90", "factor": "1", "amount": "1950"}
TIMES = UNITS | {"quantity": "2", "factor": "7.5", "amount": "58.50"}
FEE = UNITS | {"part": "flat", "quantity": "1", "unit_price": "8.50", "amount": "8.50"}


@pytest.mark.parametrize(
    ("lines", "amount", "told"),
    [
        ([UNITS, TIMES], "2008.50", ("500 × 3.90", "2 × 3.90 × 7.5")),
        # A share of it, or what is left of it after an invoice before.
        ([UNITS], "975.00", ()),
        ([UNITS, FEE], "1958.50", ()),
        ([], "0", ()),
    ],
)
def test_rates_are_told_where_they_come_to_the_amount(lines, amount, told):
    assert in_words(lines, D(amount), "USD", "en-GB") == told
