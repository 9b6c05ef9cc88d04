"""Obligations as the desk reads them: from rows, facts and what people said, on real PostgreSQL."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from licensing.agreements import agreements
from licensing.agreements.obligations import derived, ticks
from licensing.agreements.obligations.facts import KnownFacts, UsedMonth
from licensing.agreements.rules import rulesets
from licensing.models import DealTerms, ObligationTick
from licensing.words import ObligationState, TickKind
from tests import factories

MAY = datetime(2026, 5, 15, 12, tzinfo=UTC)


@pytest.fixture
def deal(agreement):
    return DealTerms.objects.create(
        agreement=agreement, kind="dubbing_adr", usage_report_days=30, statement_days=40,
        payment_days=20, renewal_notice_days=60,
    )  # fmt: skip


@pytest.fixture
def known(monkeypatch):
    """What the nights would know: sets the facts that the next reading stands on."""

    def knows(used=(), stated=None, agreement=None):
        facts = KnownFacts(
            {agreement.pk: frozenset(UsedMonth(*one) for one in used)},
            {agreement.pk: stated or {}},
        )
        monkeypatch.setattr(derived, "facts_about", lambda _numbers: facts)

    return knows


def of(agreement, at=MAY):
    return {one.duty.key: one for one in derived.obligations_of([agreement.pk], at=at)}


def test_a_period_nobody_reported_is_late_and_the_next_lies_ahead(agreement, deal):
    found = of(agreement)

    first = found["usage_report:2026-01-01"]
    assert (first.state, first.duty.due_on) == (ObligationState.LATE, date(2026, 4, 30))
    assert first.what == "Report use: 1 January – 31 March 2026"
    assert found["usage_report:2026-04-01"].state is ObligationState.AHEAD


def test_use_that_was_reported_fulfils_it_and_what_is_taken_back_no_longer_does(
    agreement, deal, known
):
    known(used=[(date(2026, 2, 1), None)], agreement=agreement)
    assert of(agreement)["usage_report:2026-01-01"].state is ObligationState.DONE

    known(agreement=agreement)

    assert of(agreement)["usage_report:2026-01-01"].state is ObligationState.LATE


def test_a_period_that_is_not_over_is_not_reported_yet(agreement, deal, known):
    known(used=[(date(2026, 4, 1), None)], agreement=agreement)

    assert of(agreement)["usage_report:2026-04-01"].fulfilment is None
    at = datetime(2026, 7, 1, tzinfo=UTC)
    assert of(agreement, at)["usage_report:2026-04-01"].fulfilment.is_fact


def test_a_statement_that_was_issued_fulfils_it_and_dates_the_payment(agreement, deal, known):
    used, months = [(date(2026, 3, 1), None)], date(2026, 3, 1)
    known(used=used, agreement=agreement)
    before = of(agreement)
    known(used=used, stated={months: date(2026, 4, 8)}, agreement=agreement)
    after = of(agreement)

    assert before["statement:2026-01-01"].state is ObligationState.LATE
    assert before["payment:2026-01-01"].duty.due_on == date(2026, 5, 30)
    assert after["statement:2026-01-01"].state is ObligationState.DONE
    assert after["payment:2026-01-01"].duty.due_on == date(2026, 4, 28)
    assert after["payment:2026-01-01"].state is ObligationState.LATE


def test_a_statement_issued_before_the_period_was_over_is_not_the_periods(agreement, deal, known):
    used, stated = [(date(2026, 1, 1), None)], {date(2026, 1, 1): date(2026, 2, 9)}
    known(used=used, stated=stated, agreement=agreement)

    assert of(agreement)["statement:2026-01-01"].state is ObligationState.LATE


def test_without_use_there_is_nothing_to_state_or_pay(agreement, deal):
    found = of(agreement)

    assert found["statement:2026-01-01"].fulfilment.text.startswith("No use of it is known")
    assert found["payment:2026-01-01"].state is ObligationState.DONE


def test_an_amendment_and_an_early_end_count_at_once(agreement, deal):
    factories.change_deal_terms(usage_report_days=60)
    assert of(agreement)["usage_report:2026-01-01"].duty.due_on == date(2026, 5, 30)

    agreements.end(
        agreement=agreement, ends_at=datetime(2026, 2, 1, tzinfo=UTC), at=MAY, by=None,
        reason="They stopped.",
    )  # fmt: skip

    found = of(agreement)
    assert "usage_report:2026-04-01" not in found
    assert found["usage_report:2026-01-01"].duty.due_on == date(2026, 4, 1)
    assert not any(key.startswith("renewal") for key in found)


def test_a_draft_and_an_agreement_without_deal_terms_oblige_to_nothing(agreement):
    assert of(agreement) == {}


def test_the_rulebook_speaks_where_the_terms_are_silent(agreement, production):
    rulesets.load_rules()
    DealTerms.objects.create(agreement=agreement, kind="dubbing_adr", captures=["face_scan"])
    agreement.guild = "sag_aftra"
    agreement.save()
    agreement.productions.add(production)
    type(production).objects.update(photography_starts_on=date(2026, 6, 1))

    (notice,) = (one for key, one in of(agreement).items() if key.startswith("capture"))

    assert notice.duty.due_at == datetime(2026, 5, 30, tzinfo=UTC)
    assert "XX.A.2.a (read in a secondary source)" in notice.source


def test_it_takes_as_many_queries_for_several_agreements(
    agreement, deal, agency, licensee, twin, django_assert_num_queries
):
    others = [
        factories.make_agreement(agency, licensee, twin, reference=f"NA-{number}")
        for number in (2, 3)
    ]
    for other in others:
        DealTerms.objects.create(agreement=other, kind="dubbing_adr", usage_report_days=10)
    numbers = [agreement.pk, *(other.pk for other in others)]
    derived.obligations_of(numbers, at=MAY)  # reads what is read once

    with django_assert_num_queries(8):
        found = derived.obligations_of(numbers, at=MAY)

    assert {one.agreement.reference for one in found} == {"NA-1", "NA-2", "NA-3"}


class TestTicks:
    KEY = "usage_report:2026-01-01"
    DUE = date(2026, 4, 30)

    @pytest.fixture
    def said(self, agreement, deal, affairs):
        def say(kind=TickKind.DONE, *, key=self.KEY, seen=self.DUE, at=MAY):
            return ticks.say(
                agreement, key, kind=kind, seen=seen, note="By mail, on 2 May.", at=at, by=affairs
            )

        return say

    def test_somebodys_word_fulfils_what_no_fact_speaks_for(self, agreement, said):
        said()

        done = of(agreement)[self.KEY]
        assert (done.state, done.fulfilment.text) == (ObligationState.DONE, "By mail, on 2 May.")
        assert not done.fulfilment.is_fact

    def test_it_can_be_taken_back_and_both_are_kept(self, agreement, said):
        said()
        said(TickKind.NOT_DONE)

        assert of(agreement)[self.KEY].state is ObligationState.LATE
        assert ObligationTick.objects.count() == 2
        with pytest.raises(DatabaseError), transaction.atomic():
            ObligationTick.objects.update(note="Otherwise.")

    def test_twice_is_once(self, said):
        with pytest.raises(ticks.SaidBefore):
            said(TickKind.NOT_DONE)
        said()
        with pytest.raises(ticks.SaidBefore):
            said()

    def test_what_a_fact_says_nobody_says(self, agreement, said, known):
        known(used=[(date(2026, 2, 1), None)], agreement=agreement)

        with pytest.raises(ticks.KnownByItsFact):
            said()

    def test_it_is_bound_to_the_day_that_was_shown(self, said):
        factories.change_deal_terms(usage_report_days=45)

        with pytest.raises(ticks.ObligationMoved):
            said()

    def test_what_the_agreement_does_not_oblige_to_is_refused(self, said):
        with pytest.raises(ticks.NoSuchObligation):
            said(key="usage_report:1999-01-01")

    def test_a_chance_that_has_passed_is_not_ticked(self, said):
        with pytest.raises(ticks.NotPossibleAnyMore):
            said(
                key="renewal_notice:", seen=date(2026, 11, 1),
                at=datetime(2026, 11, 2, tzinfo=UTC) + timedelta(days=1),
            )  # fmt: skip
