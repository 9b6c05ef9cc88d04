"""A failure inside the desk is a refusal, and somebody is told, once a minute."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.core.cache import caches

from licensing import api_keys, failures
from licensing.clearance import drafts
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.decision import decision
from licensing.models import ClearanceDecision
from licensing.usage.recording.record import record_events
from licensing.usage.sandbox import rehearse
from talent.models import Membership, OutboxMessage, User

MARCH = datetime(2026, 3, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet():
    caches["redis"].clear()
    yield
    caches["redis"].clear()


@pytest.fixture
def staff(agency):
    for role in ("business_affairs", "agent"):
        Membership.objects.create(
            agency=agency,
            user=User.objects.create_user(f"{role}@desk.example"),
            role=role,
            starts_on="2020-01-01",
        )
    User.objects.create_superuser("operator@desk.example")


@pytest.fixture
def asked(twin, agreement):
    return SentRequest(
        twin=twin.name, right="voice", use="dubbing", at=MARCH, agreement=agreement.reference
    )


def failing(*_given, **_more):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("module", "name"),
    [(drafts, "facts_of"), (decision, "case_of")],
    ids=["loading facts", "deciding"],
)
def test_a_failure_is_a_refusal_with_a_reference_and_a_mail(
    asked, terms, staff, monkeypatch, module, name
):
    monkeypatch.setattr(module, name, failing)
    row = ask(asked, terms=terms, asked_at=MARCH)
    assert (row.outcome, row.decision["deciding"]["code"]) == ("refused", "not_decided")
    told = OutboxMessage.objects.order_by("pk")
    assert [mail.recipient for mail in told] == [
        "business_affairs@desk.example",
        "operator@desk.example",
    ]
    reference = row.decision["studio_text"].split()[-1].rstrip(".")
    assert reference in told[0].body


def test_a_broken_deploy_sends_no_thousand_mails(asked, terms, staff, monkeypatch):
    monkeypatch.setattr(drafts, "facts_of", failing)
    for _ in range(5):
        ask(asked, terms=terms, asked_at=MARCH)
    assert ClearanceDecision.objects.count() == 5
    assert OutboxMessage.objects.count() == 2


def test_a_report_that_fails_takes_no_refusal_with_it(asked, terms, staff, monkeypatch, caplog):
    monkeypatch.setattr(drafts, "facts_of", failing)
    monkeypatch.setattr(failures.caches["redis"], "add", failing)
    assert ask(asked, terms=terms, asked_at=MARCH).outcome == "refused"
    assert "Nobody could be told" in caplog.text


def test_a_decision_that_was_made_is_reported_to_nobody(asked, terms, staff):
    assert ask(asked, terms=terms, asked_at=MARCH).outcome == "refused"
    assert not OutboxMessage.objects.exists()


def test_a_batch_of_uses_that_the_desk_fails_to_judge_is_kept_and_reported_once(
    use, origin, staff, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(decision, "case_of", failing)
    with django_capture_on_commit_callbacks(execute=True) as told_later:
        outcomes = record_events([use(f"take-{number}") for number in range(3)], origin)

    assert {(one.reception.value, one.standing) for one in outcomes} == {("recorded", "uncleared")}
    assert len(told_later) == 1
    told = OutboxMessage.objects.order_by("pk")
    assert [mail.recipient for mail in told] == [
        "business_affairs@desk.example",
        "operator@desk.example",
    ]
    assert told[0].subject == "A reported use could not be judged"
    reference = outcomes[0].standing_reason.split()[-1].rstrip(".")
    assert reference in told[0].body


def test_a_rehearsal_that_fails_is_reported_to_nobody_and_silences_no_later_report(
    use, origin, staff, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(decision, "case_of", failing)
    key = api_keys.issue(terms=origin.terms, label="Trial", at=MARCH, by=None, sandbox=True).key
    with django_capture_on_commit_callbacks(execute=True):
        rehearse([use()], replace(origin, api_key=key))
    assert not OutboxMessage.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        record_events([use()], origin)
    assert OutboxMessage.objects.count() == 2


def test_uses_that_were_judged_are_reported_to_nobody(
    use, origin, staff, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True) as told_later:
        record_events([use()], origin)
    assert told_later == []
