"""An approval is bound to what was described: its words, and its units in total."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import jwt
import pytest

from licensing.approvals.answers import (
    joint_answer,
)
from licensing.approvals.requests import (
    VetoedBefore,
)
from licensing.caps import reservations
from licensing.clearance.ask import ask
from licensing.clearance.heartbeat import heartbeat
from licensing.models import (
    ApprovalSpending,
)
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.recording.record import record_events
from talent.models import Delegation, User
from tests.licensing.approvals.requests import (
    DAY_BEFORE,
    HOUR,
    MARCH,
    ONCE,
    VETO,
    assert_they_replay,
    decided,
    opened,
    reserved,
    run_at_once,
    said,
)

pytestmark = pytest.mark.django_db


class TestWhatWasDescribed:
    """An approval is bound to what was described: product §3."""

    def test_the_text_names_the_person_who_answered_and_not_their_login(
        self, question, terms, part, ada
    ):
        delegate = User.objects.create_user("login@desk.example")
        Delegation.objects.create(
            performer=part.performer, user=delegate, kind="counsel",
            powers=["see_twins", "decide"], starts_on="2020-01-01",
        )  # fmt: skip
        said(part, ada)
        own = decided(question, terms).decision["staff_text"]
        said(part, delegate, at=MARCH + 1.5 * HOUR, replaces=part.answers.last().pk)
        nameless = decided(question, terms).decision["staff_text"]
        User.objects.filter(pk=delegate.pk).update(first_name="Dee", last_name="Legate")
        named = decided(question, terms).decision["staff_text"]

        assert part.performer.name in own
        assert f"somebody who decides for {part.performer.name}" in nameless
        assert "Dee Legate" in named
        assert "@" not in own + nameless + named

    def test_an_approval_of_one_scene_clears_no_other_nor_a_use_that_says_nothing(
        self, question, terms, part, ada
    ):
        said(part, ada)

        assert decided(question, terms).outcome == "cleared"
        assert decided(question, terms, scene="Scene 42").outcome == "needs_approval"
        assert decided(question, terms, lines="Another line altogether").outcome == "needs_approval"
        mute = ask(question, terms=terms, asked_at=MARCH + 2 * HOUR)
        assert mute.outcome == "needs_approval"
        assert "Describe the use" in mute.decision["nearest_change"]

    def test_spaces_and_case_make_no_other_description(self, question, terms, part, ada):
        said(part, ada)
        assert decided(question, terms, scene=" SCENE  41\n").outcome == "cleared"

    def test_a_veto_of_one_scene_is_no_veto_of_another(self, question, terms, part, ada):
        other = opened(question, terms, scene="Scene 42").parts.get()
        said(part, ada)
        said(other, ada, VETO, at=MARCH + 2 * HOUR)

        later = MARCH + 3 * HOUR
        assert decided(question, terms, at=later).outcome == "cleared"
        assert decided(question, terms, at=later, scene="Scene 42").outcome == "refused"
        assert decided(question, terms, at=later, scene="Scene 43").outcome == "needs_approval"

    def test_a_veto_holds_for_more_units_and_for_fewer(self, question, terms, part, ada):
        said(part, ada, VETO)
        for lines in (5, 6, 7, 600):
            sent = replace(question, units=(("lines", Decimal(lines)),))
            assert decided(sent, terms).outcome == "refused"
            with pytest.raises(VetoedBefore):
                opened(sent, terms, at=MARCH + 3 * HOUR)

    def test_a_use_may_name_its_approval_instead_of_repeating_its_words(
        self, question, terms, part, ada
    ):
        said(part, ada)

        def asked(name):
            named = replace(question, approval=name)
            return ask(named, terms=terms, asked_at=MARCH + 2 * HOUR).outcome

        assert asked(f"Q{part.request_id}") == "cleared"
        assert asked(f"Q{part.request_id + 1}") == "needs_approval"
        assert asked("nonsense") == "needs_approval"

    def test_six_lines_are_cleared_in_total_not_six_times(self, question, terms, part, ada):
        said(part, ada)
        two = replace(question, units=(("lines", Decimal(2)),))
        rows = [reserved(two, terms) for _ in range(4)]

        assert [row.outcome for row in rows] == ["cleared"] * 3 + ["needs_approval"]
        assert "is used up" in rows[3].decision["studio_text"]
        assert_they_replay(*rows)
        assert ApprovalSpending.objects.count() == 3

    def test_what_is_released_or_expires_may_be_used_again(self, question, terms, part, ada):
        said(part, ada)
        row = reserved(question, terms)
        assert reserved(question, terms).outcome == "needs_approval"
        reservations.release(decision_id=row.pk, terms=terms, at=DAY_BEFORE + HOUR)
        row = reserved(question, terms, at=DAY_BEFORE + HOUR)
        assert row.outcome == "cleared"
        # Its time is over on the 16th, whether or not a sweep has seen it.
        late = replace(question, at=datetime(2026, 6, 17, tzinfo=UTC))
        assert reserved(late, terms, at=datetime(2026, 6, 16, 1, tzinfo=UTC)).outcome == "cleared"

    def test_what_is_confirmed_stays_taken(self, question, terms, part, ada):
        said(part, ada)
        row = reserved(question, terms)
        four = {"lines": Decimal(4)}
        reservations.confirm(decision_id=row.pk, terms=terms, at=DAY_BEFORE + HOUR, quantities=four)
        later = DAY_BEFORE + 2 * HOUR
        two, three = (replace(question, units=(("lines", Decimal(n)),)) for n in (2, 3))

        assert reserved(three, terms, at=later).outcome == "needs_approval"
        assert reserved(two, terms, at=later).outcome == "cleared"

    def test_an_approver_may_allow_so_much_each_time(self, question, terms, part, ada):
        said(part, ada, each_use=True)
        assert joint_answer(part.request, at=MARCH + HOUR).each_use
        rows = [reserved(question, terms) for _ in range(3)]
        more = replace(question, units=(("lines", Decimal(7)),))

        assert {row.outcome for row in rows} == {"cleared"}
        assert reserved(more, terms).outcome == "needs_approval"

    def test_the_permit_names_its_approval_and_its_own_units_are_no_hindrance_to_it(
        self, question, terms, part, ada
    ):
        said(part, ada)
        row = reserved(question, terms)
        claims = jwt.decode(row.permit.token, options={"verify_signature": False})

        assert claims["approvals"] == [f"Q{part.request_id}"]
        beat = heartbeat(permit=row.permit, at=datetime(2026, 6, 15, 1, tzinfo=UTC))
        assert beat.status == "valid"

    def test_a_question_takes_nothing(self, question, terms, part, ada):
        said(part, ada, ONCE)
        assert {decided(question, terms).outcome for _ in range(3)} == {"cleared"}
        assert not ApprovalSpending.objects.exists()
        assert reserved(question, terms).outcome == "cleared"

    @pytest.mark.django_db(transaction=True)
    def test_of_many_at_once_the_units_are_taken_once(self, question, terms, part, ada):
        said(part, ada)
        two = replace(question, units=(("lines", Decimal(2)),))
        rows = run_at_once(lambda: reserved(two, terms), 5)

        outcomes = sorted(row.outcome for row in rows)
        assert outcomes == ["cleared"] * 3 + ["needs_approval"] * 2


class TestReportedUse:
    """A use without a permit stands on the approval that it names."""

    @pytest.fixture
    def report(self, question, production, origin, use):
        """Report a use of some lines; return its standing."""

        def send(key, lines, **data):
            said_of_it = {
                "production": production.title, "quantities": {"lines": str(lines)}, **data
            }  # fmt: skip
            envelope = use(key, data=said_of_it, time="2026-06-15T10:00:00Z")
            (outcome,) = record_events([envelope], origin)
            return outcome

        return send

    def test_uses_count_in_total(self, report, part, ada):
        said(part, ada)
        name = f"Q{part.request_id}"

        assert report("a", 4, approval=name).standing == "cleared"
        assert report("b", 3, approval=name).standing == "uncleared"
        assert report("c", 2, approval=name).standing == "cleared"
        assert report("d", 1).standing == "uncleared"

    def test_they_count_together_with_reservations(self, report, question, terms, part, ada):
        said(part, ada)
        assert report("a", 4, approval=f"Q{part.request_id}").standing == "cleared"
        assert reserved(question, terms, at=DAY_BEFORE).outcome == "needs_approval"

    def test_one_for_once_is_spent_by_the_first(self, report, question, terms, part, ada):
        said(part, ada, ONCE)
        name = f"Q{part.request_id}"

        assert report("a", 1, approval=name).standing == "cleared"
        assert report("b", 1, approval=name).standing == "uncleared"
        assert reserved(question, terms).outcome == "needs_approval"

    def test_an_amendment_gives_back_what_the_event_took(
        self, report, question, terms, part, ada, use, production, origin
    ):
        said(part, ada)
        name = f"Q{part.request_id}"
        first = report("a", 6, approval=name)
        amended = use(
            "a2",
            type=AMENDMENT.type,
            time="2026-06-15T10:00:00Z",
            data={
                "production": production.title,
                "approval": name,
                "quantities": {"lines": "5"},
                "replaces": {"event": str(first.event_id)},
            },
        )
        (outcome,) = record_events([amended], origin)

        assert outcome.standing == "cleared"
        assert report("b", 2, approval=name).standing == "uncleared"
        assert report("c", 1, approval=name).standing == "cleared"
