"""What follows a dispute: a decision leads to rating anew; an agreement says until when."""

from datetime import UTC, date, datetime, time
from decimal import Decimal as D

import pytest
from django.urls import reverse

from licensing.models import RateLine
from talent import four_eyes
from talent.words import Role
from tests import factories
from tests.factories import admin_page, sign_in
from tests.valuation.world import OCTOBER, TONIGHT
from valuation import night, rerating
from valuation.cash.disputed import deciding, periods, raising
from valuation.cash.disputed.refusals import NotItsTurn, ObjectionPeriodOver
from valuation.models import (
    Dispute,
    DisputeCorrection,
    ObjectionTerms,
    Reading,
    ResidualLine,
    Statement,
)
from valuation.statements import snapshot, steps
from valuation.words import DisputeOutcome, DisputeReason, DisputeRemedy

pytestmark = pytest.mark.usefixtures("short_papers")
JANUARY = date(2026, 1, 1)
RERATE = reverse("admin:rerate")


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def rated(world):
    world.line(unit_price=D(1))
    world.use("10")
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    return world


def disputed(by):
    return raising.raise_for_licensee(
        reading_id=Reading.objects.get().pk, reason=DisputeReason.RATE, text="It is 1.50.", by=by,
        at=TONIGHT,
    )  # fmt: skip


def uphold(dispute, by, second, remedy=DisputeRemedy.RATE):
    deciding.propose(
        dispute_id=dispute.pk, outcome=DisputeOutcome.UPHELD, remedy=remedy,
        note="It is so.",
        by=by, at=TONIGHT,
    )  # fmt: skip
    deciding.approve(dispute_id=dispute.pk, by=second, at=TONIGHT)


def test_a_decision_leads_to_the_preview_and_what_is_posted_stands_with_it(
    rated, accountant, colleague
):
    dispute = disputed(factories.make_member(rated.agency, Role.ACCOUNTING, email="c@x.example"))
    RateLine.objects.update(unit_price=D("1.50"))
    seen = rerating.preview(agreement_ids=[rated.agreement.pk], now=TONIGHT).digest
    told = {"because": "D-1", "by": accountant, "now": TONIGHT, "seen": seen,
            "dispute_id": dispute.pk}  # fmt: skip
    with pytest.raises(NotItsTurn):
        rerating.post(agreement_ids=[rated.agreement.pk], **told)
    uphold(dispute, accountant, colleague)
    with pytest.raises(rerating.OtherAgreement):
        rerating.post(agreement_ids=[rated.agreement.pk, 0], **told)
    assert ResidualLine.objects.count() == 1

    client = sign_in(accountant)
    page = client.get(admin_page(Dispute, dispute.pk)).content.decode()
    start = f"{RERATE}?dispute={dispute.pk}"
    assert start in page
    form = client.get(start).context["form"]
    assert form.initial["agreements"] == [rated.agreement.pk]
    sent = {"dispute": dispute.pk, "agreements": [rated.agreement.pk],
            "reason": form.initial["reason"]}  # fmt: skip
    look = client.post(RERATE, sent | {"look": "1"})
    assert look.context["outcome"].totals == [("NA-1", "Ada Example", "USD", D(5))]
    client.post(RERATE, sent | {"post": "1", "seen": look.context["outcome"].digest})

    correction = DisputeCorrection.objects.get()
    assert (correction.step.dispute, correction.run.rerated_because) == (
        dispute, f"Puts {dispute.reference} right, as it was decided.",
    )  # fmt: skip
    assert (
        f"run__id__exact={correction.run_id}"
        in client.get(admin_page(Dispute, dispute.pk)).content.decode()
    )
    stranger = sign_in(factories.make_member(factories.make_agency("other"), Role.ACCOUNTING))
    assert stranger.get(start).status_code == 404
    assert client.get(f"{RERATE}?dispute=x").status_code == 404


def test_what_is_put_right_otherwise_is_not_rated_anew_for_it(rated, accountant, colleague):
    dispute = disputed(factories.make_member(rated.agency, Role.ACCOUNTING, email="c@x.example"))
    uphold(dispute, accountant, colleague, DisputeRemedy.SHARES)

    with pytest.raises(NotItsTurn, match="not put right by rating anew"):
        deciding.upheld(dispute.pk)


def terms(world, by, months, starts_on=JANUARY):
    return ObjectionTerms.objects.create(
        agreement=world.agreement, months=months, starts_on=starts_on, source="Clause 12",
        written_at=TONIGHT, written_by=by,
    )  # fmt: skip


def test_an_agreement_names_its_own_time_and_a_statement_holds_it(rated, accountant, colleague):
    own, later = terms(rated, accountant, 2), terms(rated, accountant, 50, date(2027, 1, 1))
    with pytest.raises(four_eyes.FourEyes):
        periods.approve(terms_id=own.pk, by=accountant, at=TONIGHT)
    waiting = periods.agreed_months([rated.agreement.pk], OCTOBER)
    assert waiting == {}
    for one in (own, later):
        periods.approve(terms_id=one.pk, by=colleague, at=TONIGHT)
    with pytest.raises(NotItsTurn):
        periods.approve(terms_id=own.pk, by=colleague, at=TONIGHT)
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    statement = Statement.objects.get(kind="beneficiary")
    content = snapshot.statement_from_json(statement.content)
    assert "Lines under NA-1 may be disputed within 2 months after the issue." in content.objections
    steps.review(statement_id=statement.pk, by=accountant, at=TONIGHT)
    steps.approve(statement_id=statement.pk, by=colleague, at=TONIGHT)
    statement = steps.issue(statement_id=statement.pk, by=accountant, at=TONIGHT)

    # A shorter time that is told later takes nothing from who was told two months.
    shorter = terms(rated, accountant, 1)
    periods.approve(terms_id=shorter.pk, by=colleague, at=TONIGHT)
    assert raising.period_of(statement, "NA-1").last_day == date(2027, 1, 22)
    assert raising.period_of(statement).last_day == date(2027, 1, 22)
    assert raising.period_of(statement, "NA-2") is None
    told = {"statement_id": statement.pk, "reading_id": Reading.objects.get().pk,
            "reason": DisputeReason.RATE, "text": "1.50", "by": colleague}  # fmt: skip
    with pytest.raises(ObjectionPeriodOver, match="NA-1"):
        raising.raise_on_statement(at=datetime.combine(date(2027, 1, 23), time(9), UTC), **told)
    raising.raise_on_statement(at=datetime.combine(date(2027, 1, 22), time(9), UTC), **told)
