"""Answers: by who may give one, once, and narrower than what was asked."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError

from licensing.approvals.answers import (
    AnsweredBefore,
    AnsweredTooLate,
    MayNotDecide,
    Narrowing,
    NotInTheTwin,
    NotNarrower,
)
from licensing.models import (
    ApprovalAnswer,
)
from talent.models import Performer, User
from tests.licensing.approvals.requests import (
    APPROVE,
    DUE,
    HOUR,
    JUNE,
    MARCH,
    NARROW,
    ONCE,
    VETO,
    assert_they_replay,
    decided,
    opened,
    run_at_once,
    said,
)

pytestmark = pytest.mark.django_db


class TestWhoMayAnswer:
    def test_nobody_but_the_performer_where_nobody_else_was_given_the_power(
        self, part, ada, agent, delegate, performer
    ):
        counsel = delegate(performer, "counsel", "see_twins", "see_usage")
        operator = User.objects.create_superuser("operator@desk.example", "x")
        for user in (agent, operator, counsel):
            with pytest.raises(MayNotDecide):
                said(part, user)
        assert said(part, ada).by == ada

    def test_counsel_who_was_given_the_power(self, part, delegate, performer):
        counsel = delegate(performer, "counsel", "decide")
        assert said(part, counsel, VETO).by == counsel

    @pytest.mark.parametrize(
        "life",
        [
            {"life": "minor", "born_on": "2015-01-01"},
            {"life": "living", "born_on": "2015-01-01"},
            {"life": "deceased", "died_on": "2020-01-01"},
        ],
    )
    def test_a_guardian_or_estate_decides_not_the_minor_nor_an_account_of_the_deceased(
        self, part, ada, performer, delegate, life
    ):
        Performer.objects.filter(pk=performer.pk).update(**life)
        kind = "estate" if life["life"] == "deceased" else "guardian"
        guardian = delegate(performer, kind, "decide")

        with pytest.raises(MayNotDecide):
            said(part, ada)
        assert said(part, guardian).by == guardian

    def test_a_delegation_that_is_over_gives_nothing(self, part, performer, delegate):
        counsel = delegate(performer, "counsel", "decide")
        counsel.delegations.update(ends_on="2021-01-01")
        with pytest.raises(MayNotDecide):
            said(part, counsel)

    def test_who_is_not_in_the_twin_any_more_has_nothing_to_answer(self, part, ada, twin, terms):
        other = Performer.objects.create(name="Somebody Else")
        twin.performer = other
        twin.save()
        with pytest.raises(NotInTheTwin):
            said(part, ada)


class TestAnswering:
    def test_an_approval_clears_every_use_within_the_description(self, question, terms, part, ada):
        assert decided(question, terms).outcome == "needs_approval"
        said(part, ada)

        for other in (
            {},
            {"territory": "DE", "language": "de"},
            {"units": (("lines", Decimal(5)),)},
        ):
            assert decided(replace(question, **other), terms).outcome == "cleared"

    @pytest.mark.parametrize(
        "other",
        [
            {"territory": "US"},
            {"language": "en"},
            {"channel": "streaming"},
            {"at": JUNE + timedelta(days=60)},
            {"at": JUNE - timedelta(days=1)},
            {"units": (("lines", Decimal(7)),)},
            {"units": (("words", Decimal(6)),)},
            {"production": None},
            {"content": ("violence",)},
        ],
    )
    def test_it_clears_no_other_use(self, question, terms, part, ada, other):
        said(part, ada)
        assert decided(replace(question, **other), terms).outcome == "needs_approval"

    def test_a_veto_refuses_and_its_reason_is_for_staff_alone(self, question, terms, part, ada):
        said(part, ada, VETO, reason="Not after the last film")
        row = decided(question, terms)

        assert row.outcome == "refused"
        assert row.decision["studio_text"] == "Refused: Voice in Dubbing was not approved."
        assert "Not after the last film" in row.decision["staff_text"]

    def test_a_reason_is_shown_to_the_studio_if_the_approver_says_so(
        self, question, terms, part, ada
    ):
        said(part, ada, VETO, reason="Not after the last film", reason_shown=True)
        text = decided(question, terms).decision["studio_text"]
        assert text.endswith("was not approved. Reason given: Not after the last film")

    def test_a_later_answer_replaces_an_earlier_one_for_decisions_to_come_only(
        self, question, terms, part, ada
    ):
        first = said(part, ada)
        cleared = decided(question, terms)
        said(part, ada, VETO, at=MARCH + 3 * HOUR, replaces=first.pk)

        assert decided(question, terms, at=MARCH + 4 * HOUR).outcome == "refused"
        assert_they_replay(cleared)
        assert ApprovalAnswer.objects.count() == 2

    def test_the_answer_is_kept_and_the_decision_refuses_where_the_consent_says_no_meanwhile(
        self, question, terms, part, ada, consent, performer
    ):
        consent("deny", performer=performer, at=MARCH, recorded_at=MARCH + HOUR)
        said(part, ada)

        row = decided(question, terms)
        assert row.decision["deciding"]["code"] == "denied"
        assert ApprovalAnswer.objects.get().kind == APPROVE

    def test_of_two_answers_to_one_question_the_first_stands(self, part, ada):
        said(part, ada)
        with pytest.raises(AnsweredBefore, match="the first answer stands"):
            said(part, ada, VETO)

    @pytest.mark.django_db(transaction=True)
    def test_two_approvers_at_once_get_one_answer(self, part, ada, delegate, performer):
        counsel = delegate(performer, "counsel", "decide")
        voices = iter([(ada, APPROVE), (counsel, VETO), (ada, APPROVE)])
        results = run_at_once(lambda: said(part, *next(voices)), 3)

        assert sum(isinstance(result, ApprovalAnswer) for result in results) == 1
        assert sum(isinstance(result, AnsweredBefore) for result in results) == 2
        assert ApprovalAnswer.objects.count() == 1

    def test_the_database_itself_takes_one_first_answer(self, part, ada):
        said(part, ada)
        with pytest.raises(DatabaseError, match="approval_answer_one_is_first"):
            ApprovalAnswer.objects.create(part=part, kind="veto", answered_at=MARCH, by=ada)

    def test_after_the_deadline_no_answer_is_taken_that_was_not_given(self, part, ada):
        with pytest.raises(AnsweredTooLate, match="may ask again"):
            said(part, ada, at=DUE)
        assert said(part, ada, at=DUE - timedelta(microseconds=1))

    def test_after_the_deadline_an_approval_can_only_be_vetoed(self, question, terms, part, ada):
        first = said(part, ada)
        with pytest.raises(AnsweredTooLate, match="can still be vetoed"):
            said(part, ada, ONCE, at=DUE, replaces=first.pk)
        veto = said(part, ada, VETO, at=DUE, replaces=first.pk)
        with pytest.raises(AnsweredTooLate):
            said(part, ada, at=DUE + HOUR, replaces=veto.pk)
        assert decided(question, terms, at=DUE + HOUR).outcome == "refused"


class TestNarrowing:
    @pytest.mark.parametrize(
        ("narrower", "inside", "outside"),
        [
            (Narrowing(territories=("FR",)), {}, {"territory": "DE"}),
            (Narrowing(languages=("fr",)), {}, {"language": "de"}),
            (
                Narrowing(ends_at=JUNE + timedelta(days=20)),
                {},
                {"at": JUNE + timedelta(days=20)},
            ),
            (
                Narrowing(units={"lines": Decimal(3)}),
                {"units": (("lines", Decimal(3)),)},
                {"units": (("lines", Decimal(4)),)},
            ),
        ],
    )
    def test_what_is_left_is_approved_and_the_rest_waits(
        self, question, terms, part, ada, narrower, inside, outside
    ):
        said(part, ada, NARROW, narrowing=narrower)
        assert decided(replace(question, **inside), terms).outcome == "cleared"
        assert decided(replace(question, **outside), terms).outcome == "needs_approval"

    @pytest.mark.parametrize(
        "narrower",
        [
            None,
            Narrowing(),
            Narrowing(territories=("FR", "DE")),
            Narrowing(units={"lines": Decimal(6)}),
            Narrowing(territories=("FR", "US")),
            Narrowing(territories=()),
            Narrowing(territories=(), languages=("fr",)),
            Narrowing(languages=("en",)),
            Narrowing(ends_at=JUNE + timedelta(days=61)),
            Narrowing(ends_at=JUNE),
            Narrowing(units={"lines": Decimal(7)}),
            Narrowing(units={"words": Decimal(1)}),
            Narrowing(units={"lines": Decimal(0)}),
        ],
    )
    def test_nothing_wider_nothing_empty_and_nothing_the_same(self, part, ada, narrower):
        with pytest.raises(NotNarrower):
            said(part, ada, NARROW, narrowing=narrower)
        assert not ApprovalAnswer.objects.exists()

    def test_a_part_of_a_country_is_narrower_than_the_country(self, question, terms, ada):
        request = opened(
            replace(question, territory="US-CA"), terms, territories=("US",), languages=()
        )
        narrower = Narrowing(territories=("US-CA",))
        assert said(request.parts.get(), ada, NARROW, narrowing=narrower)
