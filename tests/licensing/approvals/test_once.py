"""An approval for once: spent by a reservation or a reported use, never by a question."""

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from licensing.caps import reservations
from licensing.clearance.ask import ask, ask_batch
from licensing.models import (
    ApprovalSpending,
    ClearanceDecision,
)
from licensing.permits.revocations import revoke
from licensing.usage.recording.record import record_events
from tests.licensing.approvals.requests import (
    APPROVE,
    DAY_BEFORE,
    HOUR,
    MARCH,
    ONCE,
    assert_they_replay,
    opened,
    reserved,
    run_at_once,
    said,
    with_description,
)

pytestmark = pytest.mark.django_db


class TestOnce:
    def test_it_clears_one_reservation(self, question, terms, part, ada):
        said(part, ada, ONCE)
        first, second = reserved(question, terms), reserved(question, terms)

        assert (first.outcome, second.outcome) == ("cleared", "needs_approval")
        assert ApprovalSpending.objects.get().decision == first
        assert_they_replay(first, second)

    def test_in_one_batch_it_clears_the_first_that_needs_it(self, question, terms, part, ada):
        said(part, ada, ONCE)
        batch = dict.fromkeys(range(2), replace(with_description(question), reserve=True))
        rows = ask_batch(batch, sent=[], terms=terms, asked_at=DAY_BEFORE)

        assert [row.outcome for row in rows.values()] == ["cleared", "needs_approval"]
        assert ApprovalSpending.objects.get().decision == rows[0]

    def test_a_refused_or_repeated_question_spends_nothing(self, question, terms, part, ada):
        said(part, ada, ONCE)
        reserved(replace(question, territory="US"), terms)
        assert not ApprovalSpending.objects.exists()
        keyed = {"terms": terms, "asked_at": DAY_BEFORE, "idempotency_key": "k"}
        sent = replace(with_description(question), reserve=True)
        assert ask(sent, **keyed) == ask(sent, **keyed)
        assert ApprovalSpending.objects.count() == 1

    def test_one_for_good_is_used_before_one_for_once(self, question, terms, part, ada):
        said(part, ada, ONCE)
        another = opened(question, terms, amount=Decimal(1), at=MARCH)
        said(another.parts.get(), ada, APPROVE)

        assert reserved(question, terms).outcome == "cleared"
        assert not ApprovalSpending.objects.get().once

    def test_what_is_released_unused_leaves_it_for_another(self, question, terms, part, ada):
        said(part, ada, ONCE)
        first = reserved(question, terms)
        reservations.release(decision_id=first.pk, terms=terms, at=DAY_BEFORE + HOUR)
        second, third = (reserved(question, terms, at=DAY_BEFORE + 2 * HOUR) for _ in range(2))

        assert (second.outcome, third.outcome) == ("cleared", "needs_approval")
        spent = ApprovalSpending.objects.order_by("pk").values_list("decision", "once")
        assert list(spent) == [(first.pk, True), (second.pk, True)]
        assert_they_replay(first, second, third)

    def test_what_expires_unused_leaves_it_once_that_is_noted(self, question, terms, part, ada):
        said(part, ada, ONCE)
        first = reserved(question, terms)
        over = first.reservation.expires_at
        reservations.expire(at=over)

        assert reserved(question, terms, at=over).outcome == "cleared"

    def test_what_was_released_after_a_use_was_reported_spent_it(
        self, question, terms, part, ada, production, use, origin
    ):
        said(part, ada, ONCE)
        row = reserved(question, terms)
        told = {
            "production": production.title,
            "permit": row.permit.token,
            "quantities": {"lines": "1"},
        }
        day = DAY_BEFORE + timedelta(days=1)
        origin = replace(origin, received_at=day + HOUR)
        (outcome,) = record_events([use("a", data=told, time="2026-06-15T00:30:00Z")], origin)
        reservations.release(decision_id=row.pk, terms=terms, at=day + 2 * HOUR)

        assert outcome.standing == "cleared"
        again = reserved(question, terms, at=day + 3 * HOUR)
        assert again.outcome == "needs_approval"
        assert "is used up" in str(again.decision["deciding"])

    def test_what_was_taken_back_may_cover_a_use_that_is_reported_later(
        self, question, terms, part, ada
    ):
        said(part, ada, ONCE)
        row = reserved(question, terms)
        revoke(decision_id=row.pk, at=DAY_BEFORE + HOUR, by=None, reason="Another cut.")

        again = reserved(question, terms, at=DAY_BEFORE + 2 * HOUR)
        assert again.outcome == "needs_approval"

    @pytest.mark.django_db(transaction=True)
    def test_of_many_at_once_one_gets_what_was_released(self, question, terms, part, ada):
        said(part, ada, ONCE)
        first = reserved(question, terms)
        reservations.release(decision_id=first.pk, terms=terms, at=DAY_BEFORE + HOUR)
        rows = run_at_once(lambda: reserved(question, terms, at=DAY_BEFORE + 2 * HOUR), 6)

        outcomes = sorted(row.outcome for row in rows)
        assert outcomes == ["cleared"] + ["needs_approval"] * 5
        assert ApprovalSpending.objects.count() == 2

    @pytest.mark.django_db(transaction=True)
    def test_of_many_at_once_it_clears_one(self, question, terms, part, ada):
        said(part, ada, ONCE)
        rows = run_at_once(lambda: reserved(question, terms), 6)

        outcomes = sorted(row.outcome for row in rows)
        assert outcomes == ["cleared"] + ["needs_approval"] * 5
        assert ApprovalSpending.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_batches_that_need_the_same_approvals_in_two_orders_do_not_deadlock(
        self, question, terms, part, ada
    ):
        other = opened(question, terms, scene="Scene 42").parts.get()
        said(part, ada)
        said(other, ada)
        one = replace(question, units=(("lines", Decimal(1)),), reserve=True)
        there = [with_description(one, scene=f"Scene {n}") for n in (41, 42) * 3]
        orders = itertools.cycle([there, there[::-1]])

        def send():
            batch = dict(enumerate(next(orders)))
            return ask_batch(batch, sent=[], terms=terms, asked_at=DAY_BEFORE)

        for rows in run_at_once(send, 4):
            assert "not_decided" not in {row.decision["deciding"]["code"] for row in rows.values()}
        cleared = ClearanceDecision.objects.filter(outcome="cleared")
        assert cleared.count() == 12, "Six lines of each scene, one at a time."
