"""The accountant's home: what is next, of one's own agencies, in as many queries for many."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from talent.models import Beneficiary
from talent.words import Role
from tests.factories import make_member, sign_in
from tests.valuation.cash.accounting import bank_line, receive
from tests.valuation.world import JULY, OCTOBER, TONIGHT
from valuation.models import PeriodClose


@pytest.fixture
def accountant(world):
    return make_member(world.agency, Role.ACCOUNTING, email="ria@harbour.example")


def test_says_what_is_next_and_leads_there(world, accountant):
    bank_line(world, "5", reference="R", by=accountant, on=JULY)
    bank_line(world, "-3", reference="S", by=accountant, on=JULY)
    bank_line(world, "9", reference="F", by=accountant, on=TONIGHT.date() + timedelta(999))
    receive(world, world.beneficiary, "100", commission="10")
    client = sign_in(accountant)
    (desk,) = client.get(reverse("admin:money")).context["desks"]

    ((label, count, worth, url),) = desk["items"]
    assert (label, count, worth) == ("Bank lines that nobody has decided about", 2, "$8.00")
    assert client.get(url).context["cl"].result_count == 2
    balances = {label: amount for label, amount, _url in desk["balances"]}
    assert balances == {
        "Trust cash": "$110.00", "Payable to a beneficiary": "$100.00", "Commission": "$10.00",
    }  # fmt: skip
    for link in (*(url for *_told, url in desk["balances"]), desk["close_url"],
                 desk["reconcile_url"]):  # fmt: skip
        assert client.get(link).status_code == 200


def test_a_close_that_waits_for_a_second_person_is_what_is_next(world, accountant):
    receive(world, world.beneficiary, "100")
    close = PeriodClose.objects.create(
        agency=world.agency, currency="USD", period_on=JULY, period_ends_on=OCTOBER
    )
    close.steps.create(kind="asked", at=TONIGHT, by=accountant, figures=[])
    page = sign_in(accountant).get(reverse("admin:money"))

    (desk,) = page.context["desks"]
    assert (desk["closes_waiting"], "Nothing waits here" in page.text) == (1, False)
    assert sign_in(accountant).get(desk["closes_url"]).context["cl"].result_count == 1


def test_says_what_to_do_where_nothing_is(world, accountant, elsewhere):
    receive(world, world.beneficiary, "100")
    stranger = make_member(elsewhere, Role.ACCOUNTING, email="far@away.example")
    page = sign_in(stranger).get(reverse("admin:money"))

    assert page.context["desks"] == []
    assert "No money was posted yet" in page.text


def test_takes_as_many_queries_for_many_rows(world, accountant):
    client = sign_in(accountant)

    def queries():
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("admin:money"))
        return len(found)

    receive(world, world.beneficiary, "1")
    queries()
    one = queries()
    for n in range(8):
        receive(world, Beneficiary.objects.create(name=f"P{n}"), "10")
        bank_line(world, "5", reference=f"R{n}", by=accountant, on=JULY)
    many = queries()
    assert many == one <= 16
