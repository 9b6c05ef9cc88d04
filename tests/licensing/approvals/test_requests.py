"""Requests: asked specifically, of whom it concerns; silence is a veto."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from licensing.approvals.answers import (
    joint_answer,
)
from licensing.approvals.requests import (
    DescribedOtherwise,
    NobodyToAsk,
    NothingToApprove,
    NotSpecific,
    VetoedBefore,
    open_request,
)
from licensing.models import (
    ApprovalPart,
    ApprovalRequest,
    ClearanceDecision,
)
from talent.models import Beneficiary
from tests.licensing.approvals.requests import (
    DUE,
    HOUR,
    MARCH,
    SPECIFIC,
    VETO,
    decided,
    licence,
    opened,
    run_at_once,
    said,
)

pytestmark = pytest.mark.django_db


class TestAsking:
    def test_what_a_consent_asks_about_opens_one_request_with_a_part_for_the_performer(
        self, question, terms, performer, ada
    ):
        request = opened(question, terms)

        assert (request.opened_at, request.due_at) == (MARCH, DUE)
        assert request.territories == ["DE", "FR"]
        assert request.units == {"lines": "6"}
        assert request.parts.get().performer == performer

    def test_a_generic_description_is_refused_with_what_is_missing(self, question, terms):
        with pytest.raises(NotSpecific) as refusal:
            opened(question, terms, lines="Any use, all media", scene="")

        pointers = [fault.pointer for fault in refusal.value.faults]
        assert pointers == ["/description/scene", "/description/lines"]
        assert not ApprovalRequest.objects.exists()

    @pytest.mark.parametrize("stance", ["allow", "deny"])
    def test_what_needs_no_approval_or_would_not_be_helped_by_one_is_not_asked(
        self, question, terms, consent, performer, stance
    ):
        consent(stance, performer=performer)
        with pytest.raises(NothingToApprove):
            opened(question, terms)

    def test_the_same_question_again_finds_the_request_that_waits(self, question, terms, ada):
        first = opened(question, terms)
        again = opened(question, terms, at=MARCH + HOUR)

        assert again == first
        assert ApprovalPart.objects.count() == 1
        assert first.askings.count() == 2

    def test_a_clearance_is_asked_about_with_one_description(self, question, terms, ada):
        decision = decided(question, terms)
        given = {"decision": decision, "at": decision.known_at}
        first = open_request(description=SPECIFIC, **given)

        assert open_request(description=SPECIFIC, **given) == first
        with pytest.raises(DescribedOtherwise):
            open_request(description=replace(SPECIFIC, scene="Scene 42"), **given)

    def test_what_was_vetoed_is_asked_again_only_with_another_offer(self, question, terms, ada):
        said(opened(question, terms).parts.get(), ada, VETO)

        with pytest.raises(VetoedBefore):
            opened(question, terms, at=MARCH + 2 * HOUR)
        better = opened(question, terms, at=MARCH + 2 * HOUR, amount=Decimal("9000.00"))
        assert decided(question, terms, at=MARCH + 3 * HOUR).outcome == "needs_approval"
        said(better.parts.get(), ada, at=MARCH + 4 * HOUR)
        assert decided(question, terms, at=MARCH + 5 * HOUR).outcome == "cleared"

    def test_the_deadline_is_the_agencys_or_the_studios_if_that_is_earlier(
        self, question, terms, ada
    ):
        terms.approval_hours = 24
        terms.save()
        assert opened(question, terms).due_at == MARCH + 24 * HOUR
        sooner = opened(question, terms, scene="Scene 42", answer_by=MARCH + 6 * HOUR)
        assert sooner.due_at == MARCH + 6 * HOUR
        later = opened(question, terms, scene="Scene 43", answer_by=MARCH + 90 * HOUR)
        assert later.due_at == MARCH + 24 * HOUR

    def test_a_persona_without_people_has_nobody_to_ask(
        self, question, terms, agency, twin, consent, agreement
    ):
        owner = Beneficiary.objects.create(name="Northlight", agency=agency)
        halcyon = twin.__class__.objects.create(
            name="Halcyon Example",
            agency=agency,
            owner=owner,
            tier="autonomous_generative_persona",
            legal_class="synthetic",
            union_notice_on="2026-01-01",
        )
        consent("ask", twin=halcyon)
        licence(agreement, halcyon)
        with pytest.raises(NobodyToAsk):
            opened(replace(question, twin=halcyon.name, agreement="NA-2"), terms)

    @pytest.mark.django_db(transaction=True)
    def test_the_same_question_asked_at_once_opens_one_request(self, question, terms, ada):
        run_at_once(lambda: opened(question, terms), 3)

        assert ApprovalRequest.objects.count() == 1
        assert ClearanceDecision.objects.count() == 3

    def test_a_request_can_not_be_changed(self, part):
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            ApprovalRequest.objects.update(amount=1)


class TestSilence:
    def test_silence_is_a_veto_from_the_deadline_on_whoever_recorded_it(
        self, question, terms, part
    ):
        before = decided(question, terms, at=DUE - timedelta(microseconds=1))
        after = decided(question, terms, at=DUE)

        assert before.outcome == "needs_approval"
        assert "until 2026-03-04 00:00 UTC" in before.decision["studio_text"]
        assert after.outcome == "refused"
        assert after.decision["deciding"]["code"] == "lapsed"
        assert after.decision["nearest_change"] == "Ask for the approval again."

    def test_a_request_says_so_before_any_sweep_has_come_by(self, part):
        assert joint_answer(part.request, at=DUE - timedelta(microseconds=1)).state == "waiting"
        assert joint_answer(part.request, at=DUE).state == "lapsed"

    def test_after_a_lapse_the_same_may_be_asked_again(self, question, terms, part):
        again = opened(question, terms, at=DUE + HOUR)
        assert again != part.request
        assert decided(question, terms, at=DUE + 2 * HOUR).outcome == "needs_approval"

    def test_silence_about_more_takes_no_approval_of_less_away(self, question, terms, part, ada):
        said(part, ada)
        more = replace(question, units=(("lines", Decimal(60)),))
        opened(more, terms, at=MARCH + 2 * HOUR)

        assert decided(question, terms, at=MARCH + 3 * HOUR).outcome == "cleared"
        assert decided(question, terms, at=DUE + 3 * HOUR).outcome == "cleared"
        assert decided(more, terms, at=DUE + 3 * HOUR).outcome == "refused"
