"""Ageing: what is late, by terms, on any day; it comes to what the books say is owed."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.valuation.invoices.billing import (
    TODAY,
    add_details,
    balance,
    invoiced,
    receive,
    run_night,
)
from valuation.invoices.ageing import age_of, ageing, newest_day
from valuation.words import AccountKind, Age

DUE = TODAY + timedelta(days=30)


def aged(world, on):
    return {
        row.currency: {age.value: int(left) for age, left in row.by_age.items()}
        for row in ageing(agency=world.agency, on=on)
    }


@pytest.mark.parametrize(
    ("days", "age"),
    [(-1, "not_due"), (0, "not_due"), (1, "to_30"), (30, "to_30"), (31, "to_60"), (60, "to_60"),
     (61, "to_90"), (90, "to_90"), (91, "over_90")],
)  # fmt: skip
def test_an_invoice_ages_from_its_due_date(owing, accountant, colleague, days, age):
    add_details(owing, accountant)
    invoiced(owing, accountant, colleague)
    on = DUE + timedelta(days=days)

    assert aged(owing, on) == {"USD": {age: 1000}}
    assert age_of(DUE, on) == Age(age)


def test_ageing_and_what_is_not_invoiced_come_to_what_the_books_say(owing, accountant, colleague):
    add_details(owing, accountant, percent="20")
    invoiced(owing, accountant, colleague)
    owing.use("5")
    receive(owing, "100")
    run_night()

    (row,) = ageing(agency=owing.agency, on=TODAY)

    assert (row.invoiced, row.not_invoiced) == (D(1100), D(500))
    assert row.receivable == balance(AccountKind.RECEIVABLE) == row.invoiced + row.not_invoiced


def test_the_newest_day_is_that_of_the_last_night_where_the_zone_is_behind_it(owing):
    """An evening in California, after the night of the UTC day that has begun there already."""
    run_night()
    night_before = datetime.combine(TODAY, time(1), UTC)

    assert newest_day(night_before, "America/Los_Angeles") == TODAY
    assert newest_day(night_before + timedelta(days=2), "UTC") == TODAY + timedelta(days=2)


def test_money_on_account_stands_beside_what_is_owed(owing, accountant, colleague):
    add_details(owing, accountant)
    invoiced(owing, accountant, colleague)
    receive(owing, "1250")
    run_night()

    (row,) = ageing(agency=owing.agency, on=TODAY)

    assert (row.by_age, row.receivable, row.on_account) == ({}, 0, D(250))


def test_what_came_later_is_no_part_of_an_earlier_day(owing, accountant, colleague):
    add_details(owing, accountant)
    invoiced(owing, accountant, colleague)
    receive(owing, "1000", on=date(2026, 11, 21))
    run_night()

    assert aged(owing, TODAY) == {}
    assert aged(owing, date(2026, 11, 20)) == {}, "nothing was posted by then"


def test_ageing_takes_as_many_queries_however_many_owe(owing, accountant, colleague):
    add_details(owing, accountant)
    invoiced(owing, accountant, colleague)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        ageing(agency=owing.agency, on=TODAY)

    assert len(asked) == 5
