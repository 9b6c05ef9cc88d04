"""Many statements at once: found by what is known of them, looked at together, taken a step."""

import re
from datetime import date, timedelta
from decimal import Decimal as D
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from talent.models import Beneficiary, User
from talent.words import Role
from tests.factories import admin_page, confirm, make_member, messages_of, sign_in
from tests.valuation.cash.accounting import add_details
from tests.valuation.world import JULY, OCTOBER, TONIGHT
from valuation.models import BankDetails, Statement, StatementStep
from valuation.statements import looked_at
from valuation.words import StatementWarning as W


@pytest.fixture
def accountant(world):
    return make_member(world.agency, Role.ACCOUNTING, email="ria@harbour.example")


@pytest.fixture
def colleague(world):
    return make_member(world.agency, Role.BUSINESS_AFFAIRS, email="ben@harbour.example")


def draft(world, closing, payee="", *, currency="USD", previous=None, on=JULY):
    beneficiary = Beneficiary.objects.create(name=payee) if payee else world.beneficiary
    opening = previous.closing if previous else D(0)
    statement = Statement.objects.create(
        kind="beneficiary", agency=world.agency, beneficiary=beneficiary, currency=currency,
        period_on=on, period_ends_on=on + timedelta(92), from_index=0, to_index=1, opening=opening,
        earned=D(closing) - opening, received=D(closing) - opening, deductions=0,
        net=D(closing) - opening, closing=D(closing), outstanding=0, due_on=OCTOBER, content={},
        previous=previous,
    )  # fmt: skip
    StatementStep.objects.create(statement=statement, kind="draft", at=TONIGHT)
    return statement


def preview(client, action, statements):
    chosen = {"action": action, "_selected_action": [one.pk for one in statements]}
    return client.post(admin_page(Statement, name="changelist"), chosen)


class TestThePreview:
    def test_lists_each_and_adds_them_up_by_currency(self, world, accountant, colleague):
        rows = [draft(world, "100"), draft(world, "-20", "Bea Specimen"),
                draft(world, "7.50", "Cy Dummy", currency="EUR")]  # fmt: skip
        page = preview(sign_in(accountant), "review", rows)
        told = {str(name): value for name, value in page.context["in_all"]}

        assert told["Closing in all, USD"] == "$80.00"
        assert told["Closing in all, EUR"] == "€7.50"
        assert told["To look at"] == 3
        assert "owes money back" in page.text
        assert "was never paid before" in page.text
        assert page.text.count('<th scope="row">Draft for') == 3

    def test_is_what_one_is_bound_to(self, world, accountant, colleague):
        rows = [draft(world, "100"), draft(world, "50", "Bea Specimen")]
        client = sign_in(accountant)
        page = preview(client, "review", rows)
        add_details(world, world.beneficiary, accountant, colleague)
        again = confirm(client, page)

        assert "has changed since" in again.text
        assert not StatementStep.objects.filter(kind="reviewed").exists()
        assert "is reviewed" in messages_of(confirm(client, again))
        assert StatementStep.objects.filter(kind="reviewed").count() == 2

    def test_takes_as_many_queries_for_many_as_for_two(self, world, accountant, colleague):
        client = sign_in(accountant)
        rows = [draft(world, "100"), draft(world, "50", "P")]

        def queries():
            with CaptureQueriesContext(connection) as found:
                assert preview(client, "review", rows).context["rows"]
            return len(found)

        queries()
        two = queries()
        rows += [draft(world, "50", f"P{n}") for n in range(10)]
        assert queries() == two


class TestWhatIsLookedAtTwice:
    def of(self, statement):
        return looked_at.warnings_of([statement])[statement.pk]

    def test_is_a_first_payment_and_an_account_that_nobody_approved(self, world):
        assert self.of(draft(world, "100")) == [W.FIRST_TIME, W.NO_ACCOUNT]
        assert self.of(draft(world, "0", "Bea Specimen")) == []
        assert self.of(draft(world, "-1", "Cy Dummy")) == [W.NEGATIVE]

    @pytest.mark.parametrize(("net", "changed"), [("150", False), ("150.01", True),
                                                  ("49.99", True), ("50", False)])  # fmt: skip
    def test_is_a_change_by_more_than_half(self, world, net, changed):
        before = draft(world, "100")
        now = draft(world, D(100) + D(net), previous=before, on=date(2026, 10, 1))

        assert (W.CHANGED in self.of(now)) == changed

    def test_is_another_account_than_before(self, world, accountant, colleague):
        early = TONIGHT - timedelta(300)
        add_details(world, world.beneficiary, accountant, colleague, at=early)
        now = draft(world, "100")
        assert self.of(now) == [W.FIRST_TIME]

        details = add_details(world, world.beneficiary, accountant, colleague)
        assert self.of(now) == [W.FIRST_TIME, W.NEW_ACCOUNT]

        BankDetails.objects.create(
            agency=world.agency, beneficiary=world.beneficiary, currency="USD", holder="Ada",
            masked="…", sealed=details.sealed, written_at=TONIGHT, written_by=accountant,
        )  # fmt: skip
        assert self.of(now) == [W.FIRST_TIME, W.NEW_ACCOUNT, W.DETAILS_WAIT]


@pytest.mark.parametrize("term", ["1234.5", "1,234.50", "1.234,50 €", "$1,234.5", "Specimen"])
def test_one_box_finds_by_payee_and_amount(world, accountant, term):
    wanted = draft(world, "1234.50", "Bea Specimen")
    draft(world, "1234.51", "Cy Dummy")
    client = sign_in(accountant)
    shown = client.get(admin_page(Statement, name="changelist"), {"q": term})

    assert list(shown.context["cl"].result_list) == [wanted]
    found = client.get(reverse("admin:search"), {"s": term, "extended": 1})
    assert admin_page(Statement, wanted.pk) in found.text
    assert "Cy Dummy" not in found.text


def test_lists_of_money_say_what_their_rows_come_to(world, accountant, elsewhere):
    """Of all pages, of what is filtered, and of nobody else's."""
    for n in range(60):
        draft(world, "10", f"P{n}")
    client = sign_in(accountant)
    url = admin_page(Statement, name="changelist")

    def totals(client, **filters):
        told = client.get(url, filters).context.get("totals") or []
        return {currency: dict(sums)["carried forward"] for currency, sums in told}

    assert totals(client) == {"USD": D(600)}
    assert totals(client, q="P7") == {"USD": D(10)}
    assert totals(client, p=2) == {"USD": D(600)}
    stranger = make_member(elsewhere, Role.ACCOUNTING, email="far@away.example")
    assert totals(sign_in(stranger)) == {}


def test_each_figure_of_a_statement_leads_to_rows_that_come_to_it(demo):
    """Its net, what it earned, its closing balance: of statements of the demo."""
    client = sign_in(User.objects.get(email="cora@meridian.example"))
    statements = Statement.objects.filter(agency__slug="meridian", kind="beneficiary")
    followed = 0
    for statement in statements.order_by("-closing")[:3]:
        page = client.get(admin_page(Statement, statement.pk)).text
        rows = dict(re.findall(r"<td>(Net|Earned|Closing)</td>.*?href=\"([^\"]+)\"", page))
        sums = {"Net": statement.net, "Earned": statement.earned, "Closing": -statement.closing}
        for what, url in rows.items():
            ((_currency, told),) = client.get(unescape(url)).context["totals"]
            assert sum(amount or 0 for _label, amount in told) == sums[what], (statement, what)
            followed += 1
    assert followed == 9
