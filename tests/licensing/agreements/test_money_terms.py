"""Guarantees, advances and reserves: entered on a draft, signed, and amended by two people."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from licensing.agreements import amendments, money_terms
from licensing.agreements.amendments import Change
from licensing.agreements.money_terms import GroupDoesNotFit, MoneyTermsUnsound
from licensing.models import Advance, Agreement, Amendment, Guarantee
from talent.models import Beneficiary
from talent.words import Role
from tests.factories import (
    admin_page,
    make_agreement,
    make_member,
    messages_of,
    sign_in,
    sign_on_paper,
    take_step,
)
from tests.pages import form_on

pytestmark = pytest.mark.django_db

TODAY = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def partner(agency):
    """A second person in business affairs."""
    return make_member(agency, Role.BUSINESS_AFFAIRS, email="partner@northlight.example")


@pytest.fixture
def paid(performer):
    return Beneficiary.objects.create(name=performer.name, performer=performer)


@pytest.fixture
def draft(agreement, paid):
    Agreement.objects.filter(pk=agreement.pk).update(status="draft", signed_at=None)
    agreement.refresh_from_db()
    return agreement


def send(client, page, **given):
    """Send a page's form as it stands, with some fields filled in."""
    return client.post(page, {**form_on(client, page), **given})


def test_a_draft_is_given_a_guarantee_an_advance_and_a_reserve_on_its_page(affairs, draft):
    client, page = sign_in(affairs), admin_page(Agreement, draft.pk)

    sent = send(
        client,
        page,
        **{
            "guarantees-TOTAL_FORMS": "1",
            "guarantees-0-amount": "500",
            "guarantees-0-period": "year",
            "guarantees-0-cut_period": "by_days",
            "advances-TOTAL_FORMS": "1",
            "advances-0-label": "On signing",
            "advances-0-amount": "1000",
            "advances-0-due_on": "2026-07-01",
            "advances-0-paid_back_from": "gross",
            "reserve_percent": "20",
            "reserve_periods": "2",
            "contribution_plan": "theatrical",
            "contribution_class": "residuals",
            "contributions_paid_by": "desk",
        },
    )

    assert sent.status_code == 302, sent.context["errors"]
    draft.refresh_from_db()
    assert (draft.reserve_percent, draft.reserve_periods) == (D(20), 2)
    assert (draft.contribution_plan, draft.contributions_paid_by) == ("theatrical", "desk")
    assert draft.guarantees.get().amount == D(500)
    assert draft.advances.get().due_on == date(2026, 7, 1)


def test_the_page_of_sending_says_what_is_promised(affairs, draft):
    Guarantee.objects.create(agreement=draft, amount=D(500))
    Advance.objects.create(
        agreement=draft, label="On signing", amount=D(1000), due_on=date(2026, 7, 1)
    )

    page = sign_in(affairs).get(admin_page(Agreement, draft.pk, name="send"))

    assert "Each fiscal year: 500 USD" in page.text
    assert "On signing: 1000 USD, 2026-07-01" in page.text


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"period": "term", "cut_period": "by_days"}, "counts whole"),
        ({"amount": D("0.001")}, "cannot be paid"),
    ],
)
def test_a_guarantee_that_cannot_be_reckoned_with_is_not_signed(draft, fields, why):
    Guarantee.objects.create(agreement=draft, **{"amount": D(500), **fields})

    with pytest.raises(MoneyTermsUnsound, match=why):
        money_terms.refuse_unsound(draft)


def test_a_guarantee_of_a_whole_term_needs_its_end(draft):
    Agreement.objects.update(ends_at=None)
    draft.refresh_from_db()
    Guarantee.objects.create(agreement=draft, amount=D(500), period="term")

    with pytest.raises(MoneyTermsUnsound, match="term that ends"):
        money_terms.refuse_unsound(draft)


def test_one_guarantee_counts_at_a_time(draft):
    for period in ("year", "quarter"):
        Guarantee.objects.create(agreement=draft, amount=D(500), period=period)

    with pytest.raises(MoneyTermsUnsound, match="at a time"):
        money_terms.refuse_unsound(draft)


def test_two_currencies_of_a_group_are_refused_where_they_are_entered_and_where_they_are_signed(
    affairs, draft, consent, performer
):
    consent(performer=performer)
    make_agreement(
        draft.agency, draft.licensee, draft.twin, reference="NA-2", currency="EUR",
        recoups_with="Voices",
    )  # fmt: skip
    sent = send(sign_in(affairs), admin_page(Agreement, draft.pk), recoups_with="Voices")
    assert "two currencies" in str(sent.context["adminform"].form.errors["recoups_with"])

    Agreement.objects.filter(pk=draft.pk).update(recoups_with="Voices")
    with pytest.raises(GroupDoesNotFit):
        sign_on_paper(agreement=draft, at=TODAY, by=affairs)


# Amendments


@pytest.fixture
def signed(agreement, paid):
    return agreement


def ask(client, name, agreement, **given):
    return take_step(
        client, name, agreement, counts_from="2030-01-01", reason="As agreed.", **given
    )


def test_another_guarantee_takes_the_place_of_the_one_there_is(signed, agent, affairs):
    was = Guarantee.objects.create(agreement=signed, amount=D(500))
    change = Change(
        money_terms.GUARANTEE,
        {**money_terms.guarantee_terms(was), "amount": "800"},
        was.pk,
    )
    amendment = amendments.ask(
        agreement=signed, change=change, counts_from=date(2026, 6, 1), reason="More.", by=agent,
        at=TODAY,
    )  # fmt: skip
    amendments.approve(amendment_id=amendment.pk, by=affairs, at=TODAY)

    was.refresh_from_db()
    now = Guarantee.objects.get(ends_on=None)
    assert was.ends_on == date(2026, 6, 1)
    assert (now.amount, now.starts_on) == (D(800), date(2026, 6, 1))
    # The year that began in January keeps what was promised for it.
    assert was.counts_for(date(2026, 1, 1))
    assert not was.counts_for(date(2027, 1, 1))
    assert now.counts_for(date(2027, 1, 1))
    assert not now.counts_for(date(2026, 1, 1))


def test_a_further_advance_is_asked_for_on_the_page_and_approved_by_another(
    signed, affairs, partner
):
    told = ask(
        sign_in(affairs),
        "ask_for_advance",
        signed,
        label="On delivery",
        amount="250",
        due_on="2030-02-01",
        paid_back_from="gross",
    )
    assert told.status_code == 302, told.context["form"].errors
    amendment = Amendment.objects.get()
    page = sign_in(partner).get(admin_page(Amendment, amendment.pk))
    assert "Advance: On delivery, 250, new" in page.text
    assert "The licensee advances it" in page.text

    amendments.approve(amendment_id=amendment.pk, by=partner, at=datetime(2030, 1, 1, tzinfo=UTC))

    assert signed.advances.get().amount == D(250)


def test_an_advance_is_taken_out_only_before_it_is_due(signed, agent, affairs):
    due, later = (
        Advance.objects.create(agreement=signed, label=str(day), amount=D(10), due_on=day)
        for day in (date(2026, 6, 1), date(2026, 9, 1))
    )
    with pytest.raises(MoneyTermsUnsound, match="due already"):
        amendments.ask(
            agreement=signed, change=Change(money_terms.ADVANCE, None, due.pk),
            counts_from=date(2026, 6, 1), reason="Not wanted.", by=agent, at=TODAY,
        )  # fmt: skip
    amendment = amendments.ask(
        agreement=signed, change=Change(money_terms.ADVANCE, None, later.pk),
        counts_from=date(2026, 6, 1), reason="Not wanted.", by=agent, at=TODAY,
    )  # fmt: skip

    amendments.approve(amendment_id=amendment.pk, by=affairs, at=TODAY)

    assert list(signed.advances.all()) == [due]


def test_another_reserve_is_asked_for_on_the_page(signed, affairs, partner):
    told = ask(sign_in(affairs), "ask_for_money", signed, reserve_percent="15", reserve_periods="2")
    assert told.status_code == 302, messages_of(told)
    amendment = Amendment.objects.get()
    assert amendment.after["contribution_plan"] == "none"

    amendments.approve(amendment_id=amendment.pk, by=partner, at=datetime(2030, 1, 1, tzinfo=UTC))

    signed.refresh_from_db()
    assert (signed.reserve_percent, signed.reserve_periods) == (D(15), 2)


def test_a_reserve_without_an_end_is_refused(signed, agent, affairs):
    after = {**money_terms.terms_of_agreement(signed), "reserve_percent": "15"}

    with pytest.raises(MoneyTermsUnsound, match="1 to 40 periods"):
        amendments.ask(
            agreement=signed, change=Change(money_terms.MONEY, after, signed.pk),
            counts_from=date(2026, 6, 1), reason="As agreed.", by=agent, at=TODAY,
        )  # fmt: skip
