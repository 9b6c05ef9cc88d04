"""Contributions: on top of pay, by dated rate and ceiling, one figure of each plan by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db.models import Sum

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Advance, Agreement, Production, RuleSet, UsageEvent
from talent.models import Performer
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.cash.received import remittances
from valuation.cash.released import matching
from valuation.models import Account, Contribution, Reading

pytestmark = pytest.mark.usefixtures("without_statements")


def run_night(as_of=date(2026, 9, 1)):
    now = datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC)
    return night.run_night(as_of=as_of, now=now)


def balances():
    accounts = Account.objects.with_balances()
    sums: dict[str, D] = {}
    for account in accounts:
        sums[account.kind] = sums.get(account.kind, D(0)) + (account.balance or 0)
    return {kind: balance for kind, balance in sums.items() if balance}


def owed():
    return Contribution.objects.aggregate(sum=Sum("amount"))["sum"]


@pytest.fixture
def filmed(world):
    """A SAG-AFTRA agreement on one picture whose photography began in March 2026."""
    load_rules()
    picture = Production.objects.create(
        licensee=world.licensee,
        title="Harbor Nine",
        kind="feature",
        photography_starts_on=date(2026, 3, 2),
    )
    world.agreement.productions.add(picture)
    Agreement.objects.update(
        guild="sag_aftra",
        contribution_plan="theatrical",
        contribution_class="residuals",
        contributions_paid_by="desk",
    )
    world.line(unit_price=D(10))
    return world


def test_residuals_of_a_picture_by_the_start_of_its_photography(filmed):
    filmed.use("100", on="2026-07-15")

    run_night()

    # From 1 July 2022 residuals carry 20.50 %: of 100 × 10 = 1,000.00 that is 205.00.
    row = Contribution.objects.get()
    assert (row.rate, row.base, row.amount) == (D("20.5"), D(1000), D(205))
    assert (row.clause, row.confidence, row.note) == (
        "SAG-AFTRA Television/Theatrical Agreement, Theatrical reporting",
        "primary",
        "",
    )
    # On top: the licensee owes it, the plan is owed it, the performer's 1,000 are whole.
    assert balances() == {
        "receivable": D(1205),
        "accrued": D(-1000),
        "contributions": D(-205),
    }


def test_it_is_charged_paid_and_given_back_like_use_and_never_taken_of_pay(filmed):
    filmed.use("100", on="2026-07-15")
    run_night()
    remittances.record(
        agency_id=filmed.agency.pk,
        licensee_id=filmed.licensee.pk,
        amount=D(1205),
        currency="USD",
        received_on=date(2026, 9, 2),
        reference="WIRE-1",
        by=None,
        now=TONIGHT,
    )
    matching.match_unmatched(agency_id=filmed.agency.pk, now=TONIGHT)
    assert balances() == {
        "trust_cash": D(1205),
        "contributions": D(-205),
        "payable": D(-900),
        "commission": D(-100),
    }
    filmed.amend(UsageEvent.objects.get(), "40")

    run_night(date(2026, 9, 3))

    # 20.50 % of 400.00 are 82.00; 600 and 123 are the licensee's again.
    assert owed() == D(82)
    assert balances() == {
        "trust_cash": D(1205),
        "unmatched": D(-723),
        "contributions": D(-82),
        "payable": D(-360),
        "commission": D(-40),
    }


def test_nothing_is_owed_above_the_ceiling(filmed):
    filmed.use("20000", on="2026-07-15")
    run_night()
    filmed.use("10000", on="2026-10-15")

    run_night(date(2026, 10, 20))

    # 200,000 in the third quarter; of the fourth's 100,000 only 32,000 lie below 232,000.
    rows = Contribution.objects.order_by("period_on")
    assert [(row.base, row.amount) for row in rows] == [
        (D(200000), D(41000)),
        (D(32000), D(6560)),
    ]


@pytest.mark.parametrize(
    ("plan", "pay_class", "signed_on", "amount"),
    [
        # Interactive: 17.00 % of what is earned in a period that ends before November 2026.
        ("interactive", "principal", date(2026, 6, 1), "170.00"),
        # Commercials: 23.50 % by the day of the agreement, or 19.95 % for an authoriser.
        ("commercials", "principal", date(2026, 6, 1), "235.00"),
        ("commercials", "authorisers", date(2026, 6, 1), "199.50"),
        # Theatrical principals: 21.00 %; background: 20.50 %; home video: 13.50 %.
        ("theatrical", "principal", date(2026, 6, 1), "210.00"),
        ("theatrical", "background", date(2026, 6, 1), "205.00"),
        ("theatrical", "home_video_residuals", date(2026, 6, 1), "135.00"),
        # Television: 21.00 % below the episode's 35,000.
        ("television_hour", "principal", date(2026, 6, 1), "210.00"),
    ],
)
def test_each_plan_has_its_rate(filmed, plan, pay_class, signed_on, amount):
    Agreement.objects.update(contribution_plan=plan, contribution_class=pay_class)
    filmed.use("100", on="2026-07-15")

    run_night()

    assert owed() == D(amount)


def test_interactive_pay_of_november_carries_the_new_rate(filmed):
    Agreement.objects.update(contribution_plan="interactive", contribution_class="principal")
    filmed.use("100", on="2026-11-15")

    run_night(date(2026, 11, 20))

    # 17.50 % since November 2026.
    assert owed() == D("175.00")


@pytest.mark.parametrize(
    ("started_on", "note"),
    [
        (None, "The production's start of photography is not known"),
        # Of pictures begun since July 2026 the combined rate was not found.
        (date(2026, 8, 1), "No rate was found"),
    ],
)
def test_what_is_not_known_is_said_and_not_charged(filmed, started_on, note):
    Production.objects.update(photography_starts_on=started_on)
    filmed.use("100", on="2026-07-15")

    run_night()
    run_night(date(2026, 9, 2))

    row = Contribution.objects.get()
    assert (row.rate, row.amount) == (None, D(0))
    assert row.note.startswith(note)
    assert "contributions" not in balances()


def test_the_day_of_its_agreement_selects_the_rate_of_a_commercial(filmed):
    Agreement.objects.update(contribution_plan="commercials", contribution_class="principal")
    Agreement.objects.update(signed_at=datetime(2025, 3, 31, 12, tzinfo=UTC))
    filmed.use("100", on="2026-07-15")

    run_night()

    # The contract of 2025 begins on 1 April.
    assert Contribution.objects.get().note.startswith("No rate was found")


def test_what_pays_an_advance_back_is_no_pay_a_second_time(filmed):
    Advance.objects.create(
        agreement=filmed.agreement, label="On signing", amount=D(1000), due_on=date(2026, 7, 1)
    )
    filmed.use("30", on="2026-07-15")

    run_night()

    # 20.50 % of the 1,000 advanced; the 300 that use paid back of it are in them.
    assert owed() == D(205)


def test_an_unverified_figure_is_shown_and_says_so_and_is_not_charged(filmed):
    RuleSet.objects.filter(code="contributions.theatrical").update(confidence="unverified")
    filmed.use("100", on="2026-07-15")

    run_night()

    row = Contribution.objects.get()
    assert (row.amount, row.reading) == (D(205), None)
    assert row.note == "The figure is not verified: it is shown, and not charged."
    assert balances() == {"receivable": D(1000), "accrued": D(-1000)}


def test_where_the_licensee_pays_the_plan_it_is_a_memo_line(filmed):
    Agreement.objects.update(contributions_paid_by="licensee")
    filmed.use("100", on="2026-07-15")

    run_night()

    assert owed() == D(205)
    assert not Reading.objects.filter(kind="contribution").exists()
    assert balances() == {"receivable": D(1000), "accrued": D(-1000)}


def test_on_television_nothing_is_owed_on_what_falls_due_after_a_death(filmed):
    Agreement.objects.update(contribution_plan="television_hour", contribution_class="principal")
    Performer.objects.update(life="deceased", died_on=date(2026, 8, 1))
    filmed.use("100", on="2026-07-15")
    filmed.use("100", on="2026-08-15")

    run_night()

    # 21 % of July's 1,000.
    assert owed() == D(210)
