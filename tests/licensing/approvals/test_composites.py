"""Approvals of a composite: everybody who wants to be asked has a part, and all must approve."""

from dataclasses import replace
from decimal import Decimal

import pytest

from licensing.approvals.answers import (
    MayNotDecide,
    Narrowing,
    joint_answer,
)
from licensing.models import (
    ApprovalPart,
    WebhookMessage,
)
from licensing.webhooks import endpoints
from licensing.words import Announcement, ApprovalState
from tests.licensing.approvals.requests import (
    HOUR,
    MARCH,
    NARROW,
    VETO,
    decided,
    licence,
    opened,
    said,
)

pytestmark = pytest.mark.django_db


class TestComposites:
    @pytest.fixture
    def parts(self, question, terms, sources, agreement):
        persona, _people = sources
        licence(agreement, persona)
        request = opened(replace(question, twin=persona.name, agreement="NA-2"), terms)
        return list(request.parts.order_by("pk"))

    @pytest.fixture
    def vesper(self, question, sources):
        return replace(question, twin=sources[0].name, agreement="NA-2")

    def test_each_who_wants_to_be_asked_has_a_part_with_their_share(self, parts, sources):
        assert [(part.performer.name, part.share_percent) for part in parts] == [
            ("Bea Example", Decimal("37.500")),
            ("Cleo Example", Decimal("12.500")),
        ]

    def test_a_share_is_that_of_the_day_the_question_is_asked(
        self, question, terms, sources, agreement
    ):
        persona, (bea, *_others) = sources
        licence(agreement, persona)
        bea_before = persona.sources.get(performer=bea)
        bea_before.ends_on = MARCH.date()
        bea_before.save()
        persona.sources.create(performer=bea, weight=11, starts_on=MARCH.date())

        request = opened(replace(question, twin=persona.name, agreement="NA-2"), terms)

        # Weights 3, 4 and 1 become 11, 4 and 1.
        assert [part.share_percent for part in request.parts.order_by("pk")] == [
            Decimal("68.750"),
            Decimal("6.250"),
        ]

    def test_everybody_must_approve(self, parts, vesper, terms):
        for part in parts:
            assert decided(vesper, terms).outcome == "needs_approval"
            said(part, part.performer.user)
        assert decided(vesper, terms).outcome == "cleared"

    def test_one_veto_is_enough(self, parts, vesper, terms):
        said(parts[0], parts[0].performer.user)
        said(parts[1], parts[1].performer.user, VETO)
        assert decided(vesper, terms).outcome == "refused"
        assert joint_answer(parts[0].request, at=MARCH + HOUR).state is ApprovalState.VETOED

    def test_nobody_answers_or_sees_the_part_of_another(self, parts):
        bea, cleo = (part.performer.user for part in parts)
        with pytest.raises(MayNotDecide):
            said(parts[1], bea)
        assert list(ApprovalPart.objects.visible_to(cleo)) == [parts[1]]

    def test_the_studio_hears_what_all_left_of_it(self, parts):
        request = parts[0].request
        one, other = Narrowing(territories=("FR",)), Narrowing(units={"lines": Decimal(2)})
        said(parts[0], parts[0].performer.user, NARROW, narrowing=one)
        assert joint_answer(request, at=MARCH + HOUR).state is ApprovalState.WAITING
        said(parts[1], parts[1].performer.user, NARROW, narrowing=other)

        standing = joint_answer(request, at=MARCH + HOUR)
        assert standing.state is ApprovalState.APPROVED
        assert standing.scope.territories == {"FR"}
        assert standing.units == {"lines": Decimal(2)}

    def test_a_decision_is_announced_once_the_last_has_answered(self, parts, settings):
        settings.WEBHOOK_PRIVATE_TARGETS = True
        request, kinds = parts[0].request, [Announcement.APPROVAL_DECIDED]
        endpoints.add(
            agency_id=request.terms.agency_id,
            terms=request.terms,
            url="http://127.0.0.1:1029/",
            kinds=kinds,
            at=MARCH,
            by=None,
        )
        said(parts[0], parts[0].performer.user)
        assert not WebhookMessage.objects.exists()
        said(parts[1], parts[1].performer.user)

        data = WebhookMessage.objects.get().data
        assert (data["request"], data["state"]) == (request.pk, ApprovalState.APPROVED.value)
        assert "Example" not in str(data), "No performer is named."


def test_facts_take_the_same_queries_for_any_number_of_answers(
    question, terms, part, ada, django_assert_num_queries, django_assert_max_num_queries
):
    def queries():
        with django_assert_max_num_queries(30) as counted:
            decided(question, terms)
        return len(counted)

    said(part, ada)
    few = queries()
    for scene in range(50, 55):
        more = opened(question, terms, scene=f"Scene {scene}")
        said(more.parts.get(), ada, VETO)
    assert queries() <= few
