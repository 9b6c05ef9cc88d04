"""Approvals: asked specifically, answered by who may, and counted for what was said."""

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import jwt
import pytest
from django.db import DatabaseError, connection, transaction

from licensing.approvals import answers
from licensing.approvals.answers import (
    AnsweredBefore,
    AnsweredTooLate,
    MayNotDecide,
    Narrowing,
    NotInTheTwin,
    NotNarrower,
    joint_answer,
    record_answer,
)
from licensing.approvals.requests import (
    DescribedOtherwise,
    NobodyToAsk,
    NothingToApprove,
    NotSpecific,
    VetoedBefore,
    open_request,
)
from licensing.caps import reservations
from licensing.clearance.ask import ask, ask_batch
from licensing.clearance.heartbeat import heartbeat
from licensing.clearance.replays import replays_of
from licensing.models import (
    Agreement,
    ApprovalAnswer,
    ApprovalPart,
    ApprovalRequest,
    ApprovalSpending,
    ClearanceDecision,
    Grant,
    WebhookMessage,
)
from licensing.permits.revocations import revoke
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.recording.record import record_events
from licensing.webhooks import endpoints
from licensing.words import Announcement, ApprovalAnswerKind, ApprovalState
from talent.models import Beneficiary, Delegation, Performer, User
from tests.licensing.approvals.requests import (
    DUE,
    HOUR,
    JUNE,
    MARCH,
    SPECIFIC,
    opened,
    with_description,
)

pytestmark = pytest.mark.django_db

APPROVE, ONCE, NARROW, VETO, LAPSED = ApprovalAnswerKind
DAY_BEFORE = datetime(2026, 6, 14, tzinfo=UTC)


def said(part, by, kind=APPROVE, *, at=MARCH + HOUR, **more):
    return record_answer(part_id=part.pk, kind=kind, by=by, at=at, **more)


def decided(question, terms, *, at=MARCH + 2 * HOUR, **described):
    """Ask with the description that was approved, or one that differs in what the test says."""
    return ask(with_description(question, **described), terms=terms, asked_at=at)


def reserved(question, terms, *, at=DAY_BEFORE, **described):
    """Ask for the use and reserve it, so near to it that units can be held."""
    return decided(replace(question, reserve=True), terms, at=at, **described)


@pytest.fixture
def part(question, terms, ada):
    return opened(question, terms).parts.get()


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


def licence(agreement, twin):
    made = Agreement.objects.create(
        agency=agreement.agency,
        licensee=agreement.licensee,
        twin=twin,
        reference="NA-2",
        status="signed",
        signed_at=agreement.signed_at,
        starts_at=agreement.starts_at,
        ends_at=agreement.ends_at,
        currency="USD",
    )
    Grant.objects.create(agreement=made, right="voice", use="dubbing")
    return made


def run_at_once(call, times):
    """Call from several connections at once; return what each returned or raised."""
    results, start = [], threading.Barrier(times)

    def run():
        start.wait()
        try:
            results.append(call())
        except answers.Refused as refusal:
            results.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == times
    return results


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


def assert_they_replay(*rows):
    for found in replays_of(rows, terms=rows[0].terms):
        assert (found.same, found.differences) == (True, ())


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
