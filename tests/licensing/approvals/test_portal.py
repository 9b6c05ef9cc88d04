"""The portal's approvals: what waits, the answer given on a page, who may give it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from licensing.approvals.requests import open_request
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import ApprovalAnswer, ApprovalPart
from talent.models import Delegation, Performer, User
from tests.factories import make_performer, make_user, record_consent
from tests.licensing.approvals.requests import SPECIFIC

pytestmark = pytest.mark.django_db

HOME, LIST = "portal:home", "portal:approvals"


@pytest.fixture
def ada(client, ada):
    client.force_login(ada)
    return ada


@pytest.fixture
def request_open(performer, twin, agreement, terms, production):
    """A request that was opened just now and waits for two more days."""
    record_consent("ask", performer=performer, at=timezone.now() - timedelta(days=1))
    type(agreement).objects.update(ends_at=None)

    def make(**described):
        now = timezone.now()
        question = SentRequest(
            twin=f"T{twin.pk}",
            right="voice",
            use="dubbing",
            at=now + timedelta(days=2),
            agreement=agreement.reference,
            territory="FR",
            language="fr",
            channel="cinema",
            production="Harbor Nine",
            units=(("lines", Decimal(6)),),
        )
        description = replace(
            SPECIFIC, starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=60)
        )
        return open_request(
            decision=ask(question, terms=terms, asked_at=now),
            description=replace(description, **described),
            at=now,
        ).parts.get()

    return make


def page(client, name, *args):
    return client.get(reverse(name, args=args)).content.decode()


def send(client, part, kind, **more):
    address = reverse("portal:answer-approval", args=[part.pk])
    return client.post(address, {"kind": kind, **more}, follow=True)


def test_what_the_desk_cannot_read_is_for_the_approver_to_judge(client, ada, request_open):
    note = "The desk does not read the language of this description."
    russian = "Шесть реплик капитана переписаны после пробного показа."
    read, unread = request_open(), request_open(lines=russian)

    assert note not in page(client, "portal:approval", read.pk)
    assert note in page(client, "portal:approval", unread.pk)


def test_home_says_who_asks_for_what_where_how_much_and_until_when(client, ada, request_open):
    request_open()
    home = page(client, HOME)

    for said in (
        "Paper Moon Pictures asks to use <strong>your voice</strong> for <strong>Dubbing</strong>",
        "<em>Harbor Nine</em>, Scene 41:",
        "Six lines of the captain are rewritten after the test screening.",
        "6 lines, Cinema, France and Germany",
        "$2,566.00, flat for the six lines",
        "is a veto.",
        "Approve this use",
    ):
        assert said in home


@pytest.mark.parametrize(
    ("kind", "done"),
    [("approve", "Approved."), ("approve_once", "Approved once."), ("veto", "Vetoed.")],
)
def test_one_button_answers(client, ada, request_open, kind, done):
    part = request_open()
    answered = send(client, part, kind)

    given = ApprovalAnswer.objects.get()
    assert (given.kind, given.by) == (kind, ada)
    assert done in answered.content.decode()
    assert "asks to use" not in page(client, HOME)


def test_the_page_says_what_the_consent_says_and_since_when(client, ada, request_open):
    text = page(client, "portal:approval", request_open().pk)
    assert "Your voice may be dubbed only after you have approved it." in text
    assert "Set by Performer Ada Example, version 1, in force since" in text


def test_a_narrower_approval_keeps_what_was_chosen(client, ada, request_open):
    part = request_open()
    last = (part.request.starts_at + timedelta(days=10)).date()
    send(
        client,
        part,
        "narrow",
        territories=["FR"],
        languages=["fr", "de"],
        last_day=last.isoformat(),
        units_lines="3",
    )

    given = ApprovalAnswer.objects.get()
    assert (given.kind, given.territories, given.languages) == ("narrow", ["FR"], None)
    assert given.ends_at.date() == last + timedelta(days=1)
    assert given.units == {"lines": "3"}
    assert "until" in page(client, LIST)


@pytest.mark.parametrize(
    "sent",
    [
        {"kind": "lapsed"},
        {"kind": "narrow", "territories": ["US"]},
        {"kind": "narrow", "last_day": "soon"},
        {"kind": "narrow", "units_lines": "many"},
        {"kind": "narrow", "units_lines": "7", "territories": ["FR"], "languages": ["fr"]},
        {"kind": "narrow"},
    ],
)
def test_what_is_not_understood_or_wider_is_said_and_answers_nothing(
    client, ada, request_open, sent
):
    part = request_open()
    answered = send(client, part, **sent)
    assert answered.status_code == 200
    assert not ApprovalAnswer.objects.exists()


def test_a_double_submit_leaves_the_first_answer(client, ada, request_open):
    part = request_open()
    send(client, part, "approve")
    again = send(client, part, "veto")

    assert "the first answer stands" in again.content.decode()
    assert ApprovalAnswer.objects.get().kind == "approve"


def test_an_answer_is_changed_by_who_saw_it_and_both_stay_in_the_history(client, ada, request_open):
    part = request_open()
    send(client, part, "approve")
    first = ApprovalAnswer.objects.get()
    send(client, part, "veto", replaces=first.pk, reason="I thought again")

    text = page(client, "portal:approval", part.pk)
    assert "Change the answer" in text
    assert "I thought again" in text
    assert text.count('<span class="chip') >= 2


def test_what_lapsed_says_so_and_offers_no_button(client, ada, request_open, monkeypatch):
    part = request_open()
    after = part.request.due_at + timedelta(seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: after)

    assert "Approve this use" not in page(client, "portal:approval", part.pk)
    assert "The time to answer is over" in send(client, part, "approve").content.decode()
    assert not ApprovalAnswer.objects.exists()


def test_what_a_yes_settled_is_counted_beside_it(client, ada, performer, twin, agreement, terms):
    assert "No studio asked for anything that you allow already" in page(client, LIST)
    record_consent(performer=performer, at=timezone.now() - timedelta(days=1))
    type(agreement).objects.update(ends_at=None)
    now = timezone.now()
    question = SentRequest(
        twin=f"T{twin.pk}",
        right="voice",
        use="dubbing",
        at=now,
        agreement=agreement.reference,
        territory="FR",
        channel="cinema",
    )
    assert ask(question, terms=terms, asked_at=now).outcome == "cleared"

    for name in (LIST, HOME):
        text = page(client, name)
        assert "1 request matched a “yes” of yours." in text
        assert "Paper Moon Pictures, <em>voice × Dubbing</em>" in text


def test_strangers_and_staff_find_no_page(client, ada, request_open, agency):
    part = request_open()
    stranger = make_user("ben@desk.example", performer=make_performer("Ben Sample"))
    operator = User.objects.create_superuser("operator@desk.example", "x")
    agent = User.objects.create_user("agent@desk.example", "x", is_staff=True)
    agency.memberships.create(user=agent, role="agent", starts_on="2020-01-01")
    for user in (stranger, operator, agent):
        client.force_login(user)
        assert client.get(reverse("portal:approval", args=[part.pk])).status_code == 404
        assert send(client, part, "approve").status_code == 404
    assert not ApprovalAnswer.objects.exists()


class TestDelegates:
    @pytest.fixture
    def delegate(self, client, performer):
        def make(kind, *powers):
            user = User.objects.create_user("delegate@desk.example", "x")
            Delegation.objects.create(
                performer=performer,
                user=user,
                kind=kind,
                powers=["see_twins", *powers],
                starts_on="2020-01-01",
            )
            client.force_login(user)
            return user

        return make

    def test_who_may_decide_answers_for_the_performer(self, client, ada, request_open, delegate):
        part = request_open()
        counsel = delegate("counsel", "decide")
        assert "<strong>Ada Example’s voice</strong>" in page(client, HOME)
        send(client, part, "veto")
        assert ApprovalAnswer.objects.get().by == counsel

    def test_who_may_only_see_finds_nothing(self, client, ada, request_open, delegate):
        part = request_open()
        delegate("counsel", "see_usage")
        assert "asks to use" not in page(client, HOME)
        assert client.get(reverse(LIST)).status_code == 404
        assert send(client, part, "approve").status_code == 404

    def test_a_minor_does_not_decide_but_the_guardian(
        self, client, ada, performer, request_open, delegate
    ):
        part = request_open()
        Performer.objects.filter(pk=performer.pk).update(life="minor", born_on="2014-01-01")
        assert "asks to use" not in page(client, HOME)
        assert send(client, part, "approve").status_code == 404
        guardian = delegate("guardian", "decide")
        send(client, part, "approve")
        assert ApprovalAnswer.objects.get().by == guardian

    def test_a_link_leads_to_the_performer_it_is_about(
        self, client, ada, request_open, delegate, performer
    ):
        part = request_open()
        other = Performer.objects.create(name="Aaron Other")
        counsel = delegate("counsel", "decide")
        Delegation.objects.create(
            performer=other,
            user=counsel,
            kind="counsel",
            powers=["decide"],
            starts_on="2020-01-01",
        )
        assert "asks to use" not in page(client, HOME)
        assert "Ada Example’s voice" in page(client, "portal:approval", part.pk)
        assert "asks to use" in page(client, HOME)


def test_the_pages_keep_their_query_budget(
    client, ada, request_open, django_assert_max_num_queries
):
    parts = [request_open(scene=f"Scene {number}") for number in range(41, 46)]
    send(client, parts[0], "veto")
    with django_assert_max_num_queries(14):
        client.get(reverse(LIST))
    with django_assert_max_num_queries(20):
        client.get(reverse("portal:approval", args=[parts[1].pk]))
    assert ApprovalPart.objects.count() == 5


def test_approving_asks_who_one_is_and_a_veto_does_not(client, ada, request_open):
    """Silence is a veto: who says no shall not be held up."""
    part = request_open()
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    answer = reverse("portal:answer-approval", args=[part.pk])

    assert client.post(answer, {"kind": "approve"}).url.startswith("/sign-in/again/")
    assert not ApprovalAnswer.objects.exists()
    client.post(answer, {"kind": "veto"})
    assert ApprovalAnswer.objects.get().kind == "veto"
