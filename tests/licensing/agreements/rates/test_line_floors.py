"""Line floors: rates below a guild's floor are flagged with the clause, and block nothing."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from licensing.agreements.rates.line_floors import below_floors, findings_of_line, floor_rules
from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, Multiplier, Production, RateCard, RateLine, RuleSet
from talent.models import DigitalTwin
from tests.factories import admin_page, sign_in

AUGUST = date(2026, 8, 1)


@pytest.fixture
def scale(agreement):
    """An agreement about a SAG-AFTRA principal's employment-based replica, in dollars."""
    load_rules()
    DigitalTwin.objects.update(legal_class="employment_based")
    Agreement.objects.filter(pk=agreement.pk).update(
        guild="sag_aftra", engagement="principal", currency="USD",
        signed_at=datetime(2026, 7, 1, tzinfo=UTC),
    )  # fmt: skip
    agreement.refresh_from_db()
    return agreement


@pytest.fixture
def card(scale):
    return RateCard.objects.create(agreement=scale, effective_from=AUGUST)


def line(card, price="1283", **fields):
    given = {
        "code": "day", "label": "Equivalent day", "meter": "equivalent_days",
        "pricing": "per_unit", "unit_price": D(price),
    }  # fmt: skip
    return RateLine.objects.create(card=card, **{**given, **fields})


def findings(row, used_on=AUGUST, **paid):
    return findings_of_line(row, floor_rules(), used_on=used_on, **paid)


def test_a_day_below_scale_is_flagged_with_clause_amount_and_how_sure(card):
    (finding,) = findings(line(card, "1282.99"))

    assert finding.is_below
    assert str(finding) == (
        "“Equivalent day” pays 1,282.99 USD, below the floor of 1,283.00 USD. SAG-AFTRA "
        "Television/Theatrical Agreement, XX.A.2.b.i: Pay for use in the same production (derived "
        "from found figures: Worked from the 3 % increase). Nobody entered its start of principal "
        "photography: the day of use was taken."
    )


def test_a_day_at_scale_is_not(card):
    (finding,) = findings(line(card))

    assert not finding.is_below
    assert "pays 1,283.00 USD, not less than the floor of 1,283.00 USD" in str(finding)


def test_the_start_of_photography_selects_the_figure_and_not_the_day_of_use(card, licensee):
    film = Production.objects.create(
        licensee=licensee, title="Old Film", kind="feature",
        photography_starts_on=date(2025, 7, 1),
    )  # fmt: skip

    (finding,) = findings(line(card, "1246", production=film))

    assert (finding.floor.amount, finding.floor.assumed) == (D("1246.00"), False)
    assert not finding.is_below


@pytest.mark.parametrize(
    ("used_on", "clauses"), [(date(2026, 6, 30), []), (date(2026, 7, 1), ["39.C"])]
)
def test_an_independent_replica_has_a_floor_from_july_2026_on(card, used_on, clauses):
    DigitalTwin.objects.update(legal_class="independently_created")

    found = findings(line(card, "1000"), used_on)

    assert [finding.floor.rule.clause for finding in found] == clauses


@pytest.mark.parametrize(
    "fields",
    [
        {"discount_percent": D("0.1")},
        {"free_quantity": D(1)},
        {"pricing": "package", "package_size": D(2), "unit_price": D(2000)},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_takes_off_the_price_counts(card, fields):
    (finding,) = findings(line(card, **fields))

    assert finding.is_below


def test_a_multiplier_that_lowers_the_price_counts_and_one_that_raises_it_does_not(card):
    row = line(card)
    Multiplier.objects.create(card=card, dimension="territory", value="JP", factor=D("1.5"))
    assert not findings(row)[0].is_below
    Multiplier.objects.create(card=card, dimension="territory", value="FR", factor=D("0.9"))

    assert findings(RateLine.objects.get())[0].price == D("1154.7")


def test_an_unverified_figure_is_shown_and_says_so(card, licensee, scale):
    Agreement.objects.update(engagement="voice", signed_at=datetime(2026, 11, 2, tzinfo=UTC))
    game = Production.objects.create(licensee=licensee, title="Game", kind="game")
    row = line(RateCard.objects.get(), "3", meter="lines", label="Generated line", production=game)

    (finding,) = findings(row)

    assert not finding.floor.may_be_relied_on
    assert "That figure is not verified: it is shown, and counts for nothing." in str(finding)


def test_what_was_paid_is_compared_where_it_is_known(card):
    (finding,) = findings(line(card, "2000"), paid=D("1200"))

    assert "pays 1,200.00 USD, below the floor" in str(finding)


@pytest.mark.parametrize(
    ("line_fields", "agreement_fields"),
    [({"pricing": "flat"}, {}), ({}, {"currency": "EUR"})],
    ids=["no price for a unit", "another currency"],
)
def test_what_cannot_be_compared_says_so(card, line_fields, agreement_fields):
    Agreement.objects.update(**agreement_fields)
    (finding,) = findings(line(RateCard.objects.get(), "1", **line_fields))

    assert not finding.is_below
    assert "cannot be compared with the floor of 1,283.00 USD" in str(finding)


@pytest.mark.parametrize(
    ("agreement_fields", "line_fields"),
    [
        ({"guild": "none"}, {}),
        ({"engagement": "not_covered"}, {}),
        ({}, {"meter": "words"}),
        ({}, {"unlicensed": True}),
    ],
)
def test_where_no_rule_asks_there_is_no_floor(card, agreement_fields, line_fields):
    Agreement.objects.update(**agreement_fields)

    assert findings(line(RateCard.objects.get(), "1", **line_fields)) == []


def test_a_proposed_rule_is_no_floor(card):
    RuleSet.objects.filter(code="scale.day_performer").update(status="proposed")

    assert findings(line(card, "1")) == []


def test_the_pages_flag_it_and_signing_does_not_stop_for_it(affairs, card, scale):
    line(card, "1000")

    assert [finding.label for finding in below_floors(scale)] == ["Equivalent day"]
    for page in (admin_page(RateCard, card.pk), admin_page(Agreement, scale.pk)):
        assert (
            "pays 1,000.00 USD, below the floor of 1,283.00 USD" in sign_in(affairs).get(page).text
        )


def test_reading_floors_takes_one_query_however_many_lines(card, django_assert_num_queries):
    rows = [line(card, code=f"day-{n}") for n in range(3)]
    with django_assert_num_queries(1):
        rules = floor_rules()
    assert all(findings_of_line(row, rules, used_on=AUGUST) for row in rows)
