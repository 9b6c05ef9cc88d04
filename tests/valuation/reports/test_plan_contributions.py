"""What is reported to a plan: each row once, corrections in the month in which they are found."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.urls import reverse

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, Production, RuleSet, UsageEvent
from licensing.words import ContributionPlan
from talent.periods import period_containing
from talent.words import Period, Role
from tests import factories
from tests.factories import sign_in
from valuation import night
from valuation.models import Account
from valuation.reports import plan_contributions

pytestmark = pytest.mark.usefixtures("without_statements")
PAGE = reverse("admin:plan_report")


def run_night(as_of):
    night.run_night(as_of=as_of, now=datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC))


@pytest.fixture
def corrected(world):
    """205.00 owed to the plan in September, of which October finds 123.00 too much."""
    load_rules()
    picture = Production.objects.create(
        licensee=world.licensee, title="Harbor Nine", kind="feature",
        photography_starts_on=date(2026, 3, 2),
    )  # fmt: skip
    world.agreement.productions.add(picture)
    Agreement.objects.update(
        guild="sag_aftra", contribution_plan="theatrical", contribution_class="residuals",
        contributions_paid_by="desk",
    )  # fmt: skip
    world.line(unit_price=D(10))
    world.use("100", on="2026-07-15")
    run_night(date(2026, 9, 30))
    world.amend(UsageEvent.objects.get(), "40")
    run_night(date(2026, 10, 1))
    return world


def report(world, month, plan=ContributionPlan.THEATRICAL):
    days = period_containing(date(2026, month, 9), Period.MONTH)
    return plan_contributions.report(world.agency, plan, days)


def test_a_late_correction_is_a_row_of_the_next_report_and_the_first_stays(corrected):
    september, october = report(corrected, 9), report(corrected, 10)

    told = [
        [(row["period"], row["adjustment"], row["amount"]) for row in one.rows]
        for one in (september, october)
    ]
    assert told == [[("1 July – 30 September 2026", "no", 205)], [
        ("1 July – 30 September 2026", "yes", -123),
    ]]  # fmt: skip
    assert (september.owed, october.owed) == ({"USD": D(205)}, {"USD": D(-123)})
    books = Account.objects.with_balances().filter(kind="contributions")
    assert sum(one.balance for one in books) == -(205 - 123)
    assert report(corrected, 11).rows == ()
    assert report(corrected, 9, ContributionPlan.COMMERCIALS).rows == ()
    other = factories.make_agency("other")
    assert plan_contributions.report(other, september.plan, september.days).rows == ()


def test_the_file_has_the_columns_of_the_rule_and_says_that_they_are_unverified(corrected):
    client = sign_in(factories.make_member(corrected.agency, Role.ACCOUNTING))
    asked = {"agency": corrected.agency.pk, "plan": "theatrical", "month": "2026-09-15"}
    page = client.get(PAGE, asked)
    assert "$205.00" in page.content.decode()
    assert "unverified" in page.content.decode()

    sent = client.get(PAGE, asked | {"format": "csv"})
    assert "theatrical-UNVERIFIED-northlight-2026-09.csv" in sent["Content-Disposition"]
    head, row = b"".join(sent.streaming_content).decode().splitlines()
    assert head.endswith("Currency,Paid by,UNVERIFIED COLUMNS")
    assert "Harbor Nine" in row
    assert ",205.00" in row.replace("205.0000", "205.00")

    RuleSet.objects.filter(code=plan_contributions.COLUMN_RULE).delete()
    assert client.get(PAGE, asked | {"format": "csv"}).status_code == 409
    agent = sign_in(factories.make_member(corrected.agency, Role.AGENT))
    assert agent.get(PAGE, asked).status_code == 403
    stranger = sign_in(factories.make_member(factories.make_agency("other"), Role.ACCOUNTING))
    assert "$205.00" not in stranger.get(PAGE, asked).content.decode()
