"""Notices: each approver is told once of each thing, and silence is recorded."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from licensing.approvals.answers import record_answer
from licensing.approvals.notices import reminders_due, sweep
from licensing.models import ApprovalAnswer, ApprovalNotice
from licensing.words import ApprovalAnswerKind, ApprovalNoticeKind
from talent.models import OutboxMessage
from tests.licensing.approvals.requests import DUE, HOUR, MARCH, opened

pytestmark = pytest.mark.django_db

HALF, DAY, HOURS = (
    ApprovalNoticeKind.HALF_TIME,
    ApprovalNoticeKind.LAST_DAY,
    ApprovalNoticeKind.LAST_HOURS,
)


def mails(to):
    return list(OutboxMessage.objects.filter(recipient=to).order_by("pk"))


def subjects(to):
    return [mail.subject.split(":")[0] for mail in mails(to)]


@pytest.mark.parametrize(
    ("hours", "after", "due"),
    [
        (72, 35, []),
        (72, 36, [HALF]),
        (72, 48, [HALF, DAY]),
        (72, 68, [HALF, DAY, HOURS]),
        (24, 12, [HALF]),
        (24, 20, [HALF, HOURS]),
        (6, 2, []),
        (6, 3, [HALF]),
        (6, 5, [HALF]),
    ],
)
def test_reminders_come_at_half_time_and_near_the_end(hours, after, due):
    assert list(reminders_due(MARCH, MARCH + hours * HOUR, MARCH + after * HOUR)) == due


def test_a_new_request_is_mailed_with_what_is_asked_and_where_to_answer(question, terms, ada):
    part = opened(question, terms).parts.get()
    (mail,) = mails(ada.email)

    assert mail.subject.startswith("Needs you: Paper Moon Pictures asks for your voice")
    for said in (
        "asks to use your voice for Dubbing in Harbor Nine, Scene 41:",
        "Six lines of the captain are rewritten after the test screening.",
        "How much: 6 lines",
        "Cinema, France and Germany, French and German",
        "US$2,566.00, flat for the six lines",
        "Answer by 4 Mar 2026, 00:00 UTC",
        f"/approvals/{part.pk}/",
    ):
        assert said in mail.body


def test_everybody_who_may_decide_is_told_and_nobody_else(
    question, terms, ada, agent, delegate, performer
):
    delegate(performer, "counsel", "see_usage", email="reads@performers.example")
    delegate(performer, "counsel", "decide", email="decides@performers.example")
    opened(question, terms)

    told = set(OutboxMessage.objects.values_list("recipient", flat=True))
    assert told == {ada.email, "decides@performers.example"}
    assert "Ada Example’s voice" in mails("decides@performers.example")[0].subject


def test_agents_are_told_where_nobody_may_decide(question, terms, agent):
    opened(question, terms)
    (mail,) = mails(agent.email)
    assert mail.subject == "Nobody may decide for Ada Example"
    assert "silence is a veto" in mail.body


def test_each_reminder_is_sent_once(question, terms, ada):
    opened(question, terms)
    for hours in range(0, 72, 2):
        sweep(at=MARCH + hours * HOUR)
        sweep(at=MARCH + hours * HOUR)

    assert subjects(ada.email) == [
        "Needs you",
        "Waits for you, half of the time is over",
        "Waits for you, 24 hours are left",
        "Waits for you, 4 hours are left",
    ]


def test_after_a_pause_of_the_sweep_one_reminder_says_it_all(question, terms, ada):
    opened(question, terms)
    assert sweep(at=MARCH + 70 * HOUR) == {"reminded": 1, "lapsed": 0}
    assert subjects(ada.email) == ["Needs you", "Waits for you, 4 hours are left"]
    assert ApprovalNotice.objects.count() == 4


def test_who_answered_is_not_reminded(question, terms, ada):
    part = opened(question, terms).parts.get()
    record_answer(part_id=part.pk, kind=ApprovalAnswerKind.APPROVE, by=ada, at=MARCH + HOUR)
    assert sweep(at=MARCH + 70 * HOUR) == {"reminded": 0, "lapsed": 0}
    assert sweep(at=DUE) == {"reminded": 0, "lapsed": 0}


def test_what_nobody_answered_lapses_once_and_everybody_is_told(question, terms, ada, agent):
    part = opened(question, terms).parts.get()
    assert sweep(at=DUE - timedelta(microseconds=1))["lapsed"] == 0
    assert sweep(at=DUE)["lapsed"] == 1
    assert sweep(at=DUE + HOUR)["lapsed"] == 0

    lapse = ApprovalAnswer.objects.get(part=part)
    assert (lapse.kind, lapse.by) == ("lapsed", None)
    assert subjects(ada.email)[-1] == "Not answered, so vetoed"
    assert subjects(agent.email) == ["Ada Example"]


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_tell_nobody_twice(question, terms, ada):
    opened(question, terms)
    start = threading.Barrier(4)

    def run():
        start.wait()
        sweep(at=MARCH + 36 * HOUR)
        sweep(at=DUE)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ApprovalAnswer.objects.count() == 1
    assert len(mails(ada.email)) == len(set(subjects(ada.email)))


def test_a_notice_is_one_row_by_the_database(question, terms, ada):
    part = opened(question, terms).parts.get()
    with pytest.raises(DatabaseError, match="approval_notice_once_each"):
        ApprovalNotice.objects.create(part=part, kind="opened", told_at=MARCH)


class TestTheStudio:
    @pytest.fixture
    def veto(self, question, ada):
        def say(terms, **more):
            part = opened(question, terms).parts.get()
            kind = ApprovalAnswerKind.VETO
            record_answer(part_id=part.pk, kind=kind, by=ada, at=MARCH + HOUR, **more)
            return mails("clearance@paper-moon.example")

        return say

    def test_it_hears_how_it_ended_where_its_terms_name_an_address(self, terms, veto):
        terms.contact = "clearance@paper-moon.example"
        terms.save()
        (mail,) = veto(terms, reason="Not after the last film")
        assert "It was not approved." in mail.body
        assert "last film" not in mail.body
        assert "Ada" not in mail.body

    def test_it_reads_a_reason_that_the_approver_shows(self, terms, veto):
        terms.contact = "clearance@paper-moon.example"
        terms.save()
        (mail,) = veto(terms, reason="Not after the last film", reason_shown=True)
        assert "Reason given: Not after the last film" in mail.body

    def test_a_contact_that_is_no_address_gets_no_mail(self, terms, veto):
        terms.contact = "Call Lou"
        terms.save()
        assert veto(terms) == []
        assert not OutboxMessage.objects.filter(recipient="Call Lou").exists()


def test_agents_read_the_answer_with_its_reason(question, terms, ada, agent):
    part = opened(question, terms).parts.get()
    kind = ApprovalAnswerKind.VETO
    record_answer(
        part_id=part.pk, kind=kind, by=ada, at=MARCH + HOUR, reason="Not after the last film"
    )

    (mail,) = mails(agent.email)
    assert mail.subject == "Ada Example: vetoed"
    assert "Reason: Not after the last film" in mail.body
    assert "The reason is not shown to the studio." in mail.body
