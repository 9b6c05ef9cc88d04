"""The sandbox: answered as a real event would be, and seen by nothing that counts."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import msgspec
import psycopg
import pytest
from django.utils import timezone

from licensing import api_keys
from licensing.models import (
    Cap,
    CapYear,
    ClearanceDecision,
    DeadLetter,
    EventKey,
    PromptText,
    SandboxEvent,
    UsageBatch,
    UsageEvent,
    WebhookMessage,
)
from licensing.usage import feed
from licensing.usage.recording.messages import Reception
from licensing.usage.recording.record import record_events
from licensing.usage.sandbox import KEPT, purge, rehearsal, rehearse
from valuation import night
from valuation.models import Reading, ResidualLine, StatementLine, UsageTotal

pytestmark = pytest.mark.django_db
TOLD = ("reception", "standing", "standing_reason", "faults")


@pytest.fixture
def key(terms):
    return api_keys.issue(terms=terms, label="Trial", at=timezone.now(), by=None, sandbox=True).key


@pytest.fixture
def trial(origin, key):
    return replace(origin, api_key=key)


@pytest.fixture
def cap(agreement):
    return Cap.objects.create(
        agreement=agreement, meter="lines", limit=D(5), starts_on="2026-01-01"
    )


def told(outcome):
    return {name: getattr(outcome, name) for name in TOLD}


def test_answers_are_those_of_real_events(use, origin, trial, cap):
    sent = [
        use("a"),
        use("b", data={"territory": "DE", "use": "advertising"}),
        use("c", data={"quantities": {"lines": "9"}}),
        use("d", data={"twin": "T0"}),
        use("a"),
        use("a", data={"territory": "DE"}),
    ]

    tried = rehearse(sent, trial)
    real = record_events(sent, origin)

    assert [told(one) for one in tried] == [told(one) for one in real]
    assert [one.index for one in tried] == list(range(6))


def test_a_trial_leaves_nothing_that_counts(use, trial, cap):
    rehearse([use("a", data={"prompt": "Weep."}), use("b", data={"twin": "T0"})], trial)

    for model in (UsageEvent, UsageBatch, EventKey, DeadLetter, PromptText, WebhookMessage):
        assert not model.objects.exists(), model
    assert not CapYear.objects.exists()
    assert SandboxEvent.objects.count() == 2


def test_a_night_after_trials_posts_nothing(use, trial, monkeypatch):
    monkeypatch.setattr(night.draw, "draw_due", lambda **_: [])
    rehearse([use(f"take-{i}") for i in range(3)], trial)

    run = night.run_night(as_of=trial.received_at.date(), now=trial.received_at)

    assert (run.events_read, run.amounts) == (0, {})
    for model in (ResidualLine, Reading, StatementLine, UsageTotal):
        assert not model.objects.exists(), model


def test_the_portal_shows_no_trial(use, trial, twin, django_user_model):
    operator = django_user_model.objects.create_superuser("operator@desk.example", "x")
    rehearse([use()], trial)

    assert not list(feed.stream_rows(feed.uses_of(operator, [twin])))
    assert not UsageEvent.objects.visible_to(operator).exists()


def test_a_trial_leaves_the_caps_hours_to_real_use(use, origin, trial, cap):
    rehearse([use("a", data={"quantities": {"lines": "5"}})], trial)

    (real,) = record_events([use("a", data={"quantities": {"lines": "5"}})], origin)

    assert UsageEvent.objects.get(pk=real.event_id).over is None


def test_a_trial_feels_what_real_use_has_taken(use, origin, trial, cap):
    record_events([use("a", data={"quantities": {"lines": "5"}})], origin)

    (real,) = record_events([use("b")], origin)
    (tried,) = rehearse([use("c")], trial)

    assert (tried.standing, tried.standing_reason) == (real.standing, real.standing_reason)


def test_the_same_event_again_gets_the_first_receipt(use, trial):
    (first,) = rehearse([use()], trial)
    (again,) = rehearse([use()], trial)
    (other,) = rehearse([use(data={"territory": "DE"})], trial)

    assert again == msgspec.structs.replace(first, reception=Reception.KNOWN)
    assert other.reception is Reception.CONFLICT
    assert other.digest_sent != other.digest_known
    assert SandboxEvent.objects.count() == 1


def test_keys_of_trials_and_of_real_events_do_not_meet(use, origin, trial):
    record_events([use(data={"territory": "DE"})], origin)

    (tried,) = rehearse([use()], trial)

    assert tried.reception is Reception.RECORDED


def test_what_stays_obscure_is_kept_once(use, trial):
    (first,) = rehearse([use(data={"twin": "T0"})], trial)
    (again,) = rehearse([use(data={"twin": "T0"})], trial)

    row = SandboxEvent.objects.get()
    assert first.dead_letter_id == again.dead_letter_id == row.pk
    assert (row.code, row.pointer, row.standing) == ("unknown_twin", "/data/twin", "")


def test_a_receipt_of_the_sandbox_is_none_of_the_log(use, origin, trial):
    (tried,) = rehearse([use()], trial)
    (real,) = record_events([use()], origin)

    assert len(tried.entry) == len(real.entry) == 65
    assert (tried.entry[0], real.entry[0]) == (0, 1)


def test_prompts_of_trials_are_not_kept(use, trial):
    rehearse([use(data={"prompt": "Weep as if the moon had left."})], trial)

    assert b"moon" not in bytes(SandboxEvent.objects.get().canonical)


def test_trials_are_deleted_after_thirty_days(use, trial):
    rehearse([use("old")], trial)
    rehearse([use("new")], replace(trial, received_at=trial.received_at + timedelta(days=1)))

    assert purge(at=trial.received_at + KEPT + timedelta(hours=1)) == 1
    assert SandboxEvent.objects.get().key == "new"


def test_what_is_undone_was_never_there(terms):
    with rehearsal():
        ClearanceDecision.objects.create(
            terms=terms, outcome="refused", at=timezone.now(), known_at=timezone.now(),
            request_digest=b"", request={}, facts={}, decision={},
        )  # fmt: skip
        assert ClearanceDecision.objects.exists()

    assert not ClearanceDecision.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_batch(use, trial, monkeypatch):
    sent, execute = [], psycopg.Cursor.execute

    def spy(self, query, *args, **options):
        sent.append(query)
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", spy)
    counts = []
    for name, size in (("warm", 2), ("few", 2), ("many", 40)):
        sent.clear()
        good = [use(f"{name}-{i}") for i in range(size)]
        rehearse(
            [*good, *good, *(use(f"{name}-{i}-odd", data={"twin": "T0"}) for i in range(size))],
            trial,
        )
        counts.append(len(sent))

    assert counts[1] == counts[2]


def test_a_key_of_the_sandbox_says_so_and_stays_one(key):
    rotated = api_keys.rotate(key_id=key.pk, at=timezone.now(), by=None)

    assert key.prefix.startswith("desk_sb_")
    assert rotated.key.sandbox
    assert api_keys.key_with(rotated.secret, at=timezone.now()) == rotated.key
