"""Amendments: two people change a signed agreement, from a day, on what holds by then."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, transaction

from licensing.admin.terms_in_words import LABELS
from licensing.agreements import amendments
from licensing.agreements.agreements import GrantsExceedConsent
from licensing.agreements.amendments import (
    CAP,
    GRANT,
    RATE_CARD,
    AlreadyDecided,
    Change,
    CountsInThePast,
    HoldsNoMore,
    NotAmendable,
    WrongTerms,
)
from licensing.agreements.rates.rate_cards import CardIncomplete
from licensing.models import Amendment, Cap, CapAlert, CapYear, Grant, RateCard, RateLine
from licensing.words import AmendmentState
from talent import four_eyes
from talent.models import OutboxMessage
from talent.words import Role
from tests.factories import (
    admin_page,
    make_member,
    make_uses,
    messages_of,
    sign_in,
)
from tests.pages import form_on

pytestmark = pytest.mark.django_db

TODAY = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LIMIT = {
    "meter": "lines", "limit": "330", "channels": None, "hard": True, "starts_on": "2026-01-01",
    "ends_on": None,
}  # fmt: skip


@pytest.fixture
def partner(agency):
    """A second person in business affairs."""
    return make_member(agency, Role.BUSINESS_AFFAIRS, email="partner@northlight.example")


@pytest.fixture
def cap(agreement):
    return Cap.objects.create(agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01")


@pytest.fixture
def ask(agreement, agent, affairs):
    """Have an agent ask for something."""

    def make(change, *, by=agent, counts_from=None, at=TODAY):
        return amendments.ask(
            agreement=agreement,
            change=change,
            counts_from=counts_from or at.date(),
            reason="As agreed.",
            by=by,
            at=at,
        )

    return make


def approve(amendment, by, *, at=TODAY):
    return amendments.approve(amendment_id=amendment.pk, by=by, at=at)


def state(amendment):
    return Amendment.objects.get(pk=amendment.pk).state


def raised(cap, limit):
    return Change(CAP, {**amendments.cap_terms(cap), "limit": limit}, cap.pk)


class TestTwoPeople:
    def test_a_limit_is_raised_once_another_person_approves(self, ask, cap, affairs):
        amendment = ask(raised(cap, "20"))
        cap.refresh_from_db()
        assert (cap.limit, state(amendment)) == (10, AmendmentState.WAITING)

        approve(amendment, affairs)

        cap.refresh_from_db()
        assert (cap.limit, state(amendment)) == (20, AmendmentState.APPLIED)
        assert (amendment.before["limit"], amendment.after["limit"]) == ("10", "20")
        assert cap.agreement.steps.last().kind == "amended"

    def test_who_asked_does_not_approve_not_even_as_operator(self, ask, cap, operator, affairs):
        amendment = ask(raised(cap, "20"), by=operator)
        with pytest.raises(four_eyes.FourEyes):
            approve(amendment, operator)
        assert state(amendment) is AmendmentState.WAITING

    def test_nothing_is_asked_that_nobody_else_could_approve(self, ask, cap, affairs):
        with pytest.raises(four_eyes.NobodyToApprove):
            ask(raised(cap, "20"), by=affairs)
        assert not Amendment.objects.exists()

    def test_it_is_decided_once(self, ask, cap, affairs, agent, partner):
        rejected, taken_back = ask(raised(cap, "20")), ask(raised(cap, "30"))
        amendments.reject(amendment_id=rejected.pk, by=affairs, at=TODAY, reason="Too many.")
        amendments.reject(amendment_id=taken_back.pk, by=agent, at=TODAY, reason="A slip.")

        assert state(rejected) is AmendmentState.REJECTED
        assert state(taken_back) is AmendmentState.TAKEN_BACK
        for amendment in (rejected, taken_back):
            with pytest.raises(AlreadyDecided):
                approve(amendment, partner)
        cap.refresh_from_db()
        assert cap.limit == 10

    def test_who_could_not_approve_rejects_nothing_that_others_asked_for(
        self, ask, cap, agency, affairs
    ):
        amendment = ask(raised(cap, "20"))
        other_agent = make_member(agency, Role.AGENT, email="other@northlight.example")

        with pytest.raises(four_eyes.FourEyes):
            amendments.reject(amendment_id=amendment.pk, by=other_agent, at=TODAY, reason="No.")
        assert state(amendment) is AmendmentState.WAITING

    def test_a_cap_that_has_ended_is_not_taken_up_again(self, ask, cap):
        """It has counted no use since: another is asked for, which counts them all."""
        Cap.objects.filter(pk=cap.pk).update(ends_on=TODAY.date())
        cap.refresh_from_db()
        longer = {**amendments.cap_terms(cap), "ends_on": None}
        with pytest.raises(WrongTerms, match="has ended"):
            ask(Change(CAP, longer, cap.pk))

    def test_neither_an_amendment_nor_what_became_of_it_is_edited(self, ask, cap, affairs):
        amendment = ask(raised(cap, "20"))
        approve(amendment, affairs)
        for rows in (Amendment.objects.all(), amendment.steps.all()):
            with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
                rows.update(reason="Another")


class TestWhatHolds:
    def test_it_is_approved_on_what_was_seen_or_not_at_all(self, ask, cap, affairs):
        first, second = ask(raised(cap, "20")), ask(raised(cap, "30"))
        approve(first, affairs)
        with pytest.raises(HoldsNoMore):
            approve(second, affairs)
        cap.refresh_from_db()
        assert cap.limit == 20

    def test_a_draft_is_edited_and_an_ended_one_is_neither(self, ask, cap, agreement):
        agreement.status = "ended"
        agreement.save()
        with pytest.raises(NotAmendable):
            ask(raised(cap, "20"))

    @pytest.mark.parametrize(
        "terms",
        [
            {"limit": "0"},
            {"meter": "words"},
            {"starts_on": "2026-02-01"},
            {"channels": ["game"]},
            {},
        ],
    )
    def test_a_cap_keeps_what_it_counts_and_a_change_changes_something(self, ask, cap, terms):
        after = {**amendments.cap_terms(cap), **terms}
        with pytest.raises(WrongTerms):
            ask(Change(CAP, after, cap.pk))

    def test_a_grant_lies_within_the_consent_whenever_it_is_looked_at(
        self, ask, agreement, affairs, consent, performer
    ):
        grant = agreement.grants.get()
        within = Change(GRANT, {**amendments.grant_terms(grant), "territories": ["FR"]}, grant.pk)
        with pytest.raises(GrantsExceedConsent):
            ask(within)  # Nobody has consented to anything.
        consent(performer=performer)
        amendment = ask(within)
        consent("deny", performer=performer, at=TODAY, recorded_at=TODAY)
        with pytest.raises(GrantsExceedConsent):
            approve(amendment, affairs)
        consent(performer=performer, at=TODAY + DAY, recorded_at=TODAY + DAY)
        approve(amendment, affairs, at=TODAY + 2 * DAY)
        grant.refresh_from_db()
        assert grant.territories == ["FR"]

    def test_a_grant_is_added_and_ended(self, ask, agreement, affairs, consent, performer):
        consent(performer=performer, use="game")
        terms = amendments.grant_terms(Grant(right="voice", use="game"))
        approve(ask(Change(GRANT, terms)), affairs)
        grant = agreement.grants.get(use="game")
        approve(ask(Change(GRANT, None, grant.pk)), affairs)
        assert not agreement.grants.filter(use="game").exists()


class TestFromADay:
    def test_a_new_cap_counts_from_the_log_and_warns_at_once(
        self, ask, agreement, terms, twin, affairs
    ):
        make_uses(terms, twin, 320, at=datetime(2026, 5, 4, tzinfo=UTC), agreement=agreement)
        approve(ask(Change(CAP, LIMIT)), affairs)

        assert CapYear.objects.get().used == 320
        assert list(CapAlert.objects.values_list("percent", flat=True)) == [80]

    def test_a_change_waits_for_its_day_and_is_checked_again_then(self, ask, cap, affairs, agent):
        amendment = ask(raised(cap, "20"), counts_from=date(2026, 7, 1))
        approve(amendment, affairs)
        assert amendments.apply_due(at=TODAY) == {"applied": 0, "failed": 0}
        assert state(amendment) is AmendmentState.APPROVED

        july = datetime(2026, 7, 1, tzinfo=UTC)
        assert amendments.apply_due(at=july - timedelta(seconds=1))["applied"] == 0
        assert amendments.apply_due(at=july) == {"applied": 1, "failed": 0}
        assert amendments.apply_due(at=july) == {"applied": 0, "failed": 0}
        cap.refresh_from_db()
        assert cap.limit == 20

    def test_what_does_not_hold_on_its_day_is_not_applied_and_both_are_told(
        self, ask, cap, affairs, agent
    ):
        later = ask(raised(cap, "20"), counts_from=date(2026, 7, 1))
        now = ask(raised(cap, "15"))
        approve(later, affairs)
        approve(now, affairs)

        assert amendments.apply_due(at=datetime(2026, 7, 1, tzinfo=UTC))["failed"] == 1
        assert state(later) is AmendmentState.FAILED
        told = OutboxMessage.objects.values_list("recipient", flat=True)
        assert set(told) == {agent.email, affairs.email}
        cap.refresh_from_db()
        assert cap.limit == 15

    def test_caps_and_grants_do_not_change_in_the_past(self, ask, cap):
        with pytest.raises(CountsInThePast):
            ask(raised(cap, "20"), counts_from=TODAY.date() - DAY)

    def test_a_cap_ends_on_a_day(self, ask, cap, affairs):
        approve(ask(Change(CAP, None, cap.pk)), affairs)
        cap.refresh_from_db()
        assert cap.ends_on == TODAY.date()


class TestRates:
    @pytest.fixture
    def card(self, agreement):
        card = RateCard.objects.create(
            agreement=agreement, effective_from="2026-07-01", proposed=True
        )
        RateLine.objects.create(
            card=card, code="lines", label="Lines", meter="lines", pricing="per_unit",
            unit_price=D("3.90"),
        )  # fmt: skip
        return card

    def asked(self, ask, card):
        change = Change(RATE_CARD, amendments.card_terms(card), card.pk)
        return ask(change, counts_from=date(2026, 7, 1))

    def test_a_card_rates_once_it_is_approved(self, ask, card, affairs):
        amendment = self.asked(ask, card)
        assert not RateCard.objects.agreed().exists()
        approve(amendment, affairs, at=datetime(2026, 7, 1, tzinfo=UTC))
        assert RateCard.objects.agreed().get().agreed_at

    def test_prices_that_changed_since_are_asked_for_anew(self, ask, card, affairs):
        amendment = self.asked(ask, card)
        card.lines.update(unit_price=D("39.00"))
        with pytest.raises(HoldsNoMore):
            approve(amendment, affairs)

    def test_a_card_without_a_line_is_not_asked_for(self, ask, card):
        card.lines.all().delete()
        with pytest.raises(CardIncomplete):
            self.asked(ask, card)


def taken(client, row, step, **values):
    """Take a step by its page, as somebody who reads it and sends it."""
    url = admin_page(type(row), row.pk, name=step)
    page = client.get(url)
    assert page.status_code == 200, page
    return client.post(url, {"seen": page.context["seen"], **values})


def test_an_agent_asks_on_the_caps_page_and_business_affairs_approves_on_the_amendments(
    agent, affairs, cap, agreement
):
    soon = (datetime.now(UTC) + 2 * DAY).date().isoformat()
    asking = sign_in(agent)
    page = asking.get(admin_page(Cap, cap.pk))
    assert 'name="limit"' not in page.text
    told = taken(asking, cap, "ask_to_change", limit="25", counts_from=soon, reason="More lines.")
    assert "Somebody else approves it" in messages_of(told)

    amendment = Amendment.objects.get()
    page = sign_in(affairs).get(admin_page(Amendment, amendment.pk))
    assert ("More lines." in page.text, "Waits for approval" in page.text) == (True, True)
    assert asking.get(admin_page(Amendment, amendment.pk, name="approve")).status_code == 403
    assert "is approved" in messages_of(taken(sign_in(affairs), amendment, "approve"))
    assert state(amendment) is AmendmentState.APPROVED
    history = sign_in(affairs).get(admin_page(type(agreement), agreement.pk))
    assert "Approved, counts later" in history.text


def test_a_cap_and_a_grant_are_asked_for_on_the_agreements_page(
    agent, affairs, agreement, consent, performer
):
    consent(performer=performer, use="game")
    client, today = sign_in(agent), (datetime.now(UTC) + DAY).date().isoformat()
    taken(client, agreement, "ask_for_cap", meter="lines", limit="330", hard="on",
          starts_on="2026-01-01", counts_from=today, reason="New.")  # fmt: skip
    taken(client, agreement, "ask_for_grant", right="voice", use="game", territories="FR, DE",
          counts_from=today, reason="New.")  # fmt: skip

    cap, grant = Amendment.objects.order_by("number")
    assert (cap.after["limit"], cap.before, cap.number) == ("330", None, 1)
    assert (grant.after["territories"], grant.number) == (["DE", "FR"], 2)

    listed, chosen = sign_in(affairs), {"action": "approve", "_selected_action": [cap.pk, grant.pk]}
    page = listed.post(admin_page(Amendment, name="changelist"), chosen)
    heads = page.context["names"]
    told = {
        row.number: dict(zip(heads, values, strict=True)) for row, values in page.context["rows"]
    }
    limit, right = LABELS["limit"], LABELS["right"]
    assert (told[1][limit], told[1][right]) == ("330", "–")
    assert (told[2][limit], told[2][right]) == ("–", "Voice")
    listed.post(admin_page(Amendment, name="changelist"), chosen | {"seen": page.context["seen"]})
    assert {state(cap), state(grant)} == {AmendmentState.APPROVED}
    refused = taken(client, agreement, "ask_for_cap", meter="lines", limit="0", hard="on",
                    starts_on="2026-01-01", counts_from=today, reason="New.")  # fmt: skip
    assert "limit is above zero" in refused.text


def test_new_rates_of_a_signed_agreement_are_entered_whole_wait_and_are_asked_for(
    affairs, agent, agreement
):
    client = sign_in(agent)
    leads = client.get(admin_page(type(agreement), agreement.pk, name="add_rates"))
    assert (leads.status_code, RateCard.objects.exists()) == (302, False)
    line = {"code": "x", "label": "Lines", "meter": "lines", "pricing": "per_unit",
            "unit_price": "2"}  # fmt: skip
    sent = form_on(client, leads.url) | {f"lines-0-{name}": value for name, value in line.items()}
    refused = client.post(leads.url, sent | {"effective_from": "2027-01-02"})
    assert "first day of a month" in str(refused.context["errors"])
    client.post(leads.url, sent | {"effective_from": "2027-01-01"})
    card = RateCard.objects.get()
    assert (card.proposed, card.agreement) == (True, agreement)
    taken(client, card, "ask_for_rates", reason="New prices.")
    assert Amendment.objects.get().about == RATE_CARD


def test_an_ended_agreement_takes_no_new_rates(agent, agreement):
    agreement.status = "ended"
    agreement.save()
    url = admin_page(type(agreement), agreement.pk, name="add_rates")
    assert sign_in(agent).get(url).status_code == 403
