"""Stored decisions replay to the same bytes, and differences to the records of their time show."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from licensing.clearance import replays
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.models import Agreement, Cap, CapYear, ClearanceDecision, Grant, Hold
from talent.models import DigitalTwin, Performer

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(twin, agreement, consent, performer):
    consent(performer=performer)
    return SentRequest(
        twin=twin.name,
        right="voice",
        use="dubbing",
        at=JUNE,
        agreement=agreement.reference,
        territory="FR",
        channel="cinema",
        units=(("lines", Decimal("1.50")),),
    )


def report(*options):
    out = StringIO()
    call_command("replay_clearances", *options, stdout=out)
    return out.getvalue()


def test_every_decision_replays_to_the_same_answer(asked, terms):
    for territory in ("FR", "US", "XX"):
        ask(replace(asked, territory=territory), terms=terms, asked_at=MARCH)
    ask(replace(asked, twin="Nobody's"), terms=terms, asked_at=MARCH)
    assert report().startswith(
        "4 decisions replayed, 0 differ on their own facts, 0 on the records of their time."
    )


def test_nothing_stored_is_nothing_to_report(db):
    assert report() == (
        "0 decisions replayed, 0 differ on their own facts, 0 on the records of their time.\n"
    )


def test_consents_recorded_since_do_not_change_what_was_known(asked, terms, consent, twin):
    ask(asked, terms=terms, asked_at=MARCH)
    consent("deny", twin=twin, recorded_at=MARCH + timedelta(seconds=1))
    assert "0 on the records of their time" in report()


def test_an_engine_that_answers_otherwise_is_found(asked, terms, monkeypatch):
    row = ask(asked, terms=terms, asked_at=MARCH)
    decide = replays.decide
    monkeypatch.setattr(
        replays,
        "decide",
        lambda *given: replace(decide(*given), studio_text="Cleared: because."),
    )
    with pytest.raises(CommandError, match=f"do not replay: {row.pk}"):
        report()


@pytest.mark.django_db(transaction=True)
class TestHistory:
    """Each change is a transaction of its own here: the history tells them apart by their time."""

    @pytest.fixture
    def row(self, asked, terms):
        return ask(asked, terms=terms, asked_at=timezone.now())

    @pytest.mark.parametrize(
        "edit",
        [
            lambda of: Hold.objects.create(
                kind="legal", agreement=of.agreement, starts_at=MARCH, reason="A suit."
            ),
            lambda of: DigitalTwin.objects.filter(pk=of.twin_id).update(status="suspended"),
            lambda of: Agreement.objects.filter(pk=of.agreement_id).update(ends_at=MARCH),
            lambda of: Grant.objects.filter(agreement=of.agreement_id).update(territories=["DE"]),
            lambda of: Grant.objects.filter(agreement=of.agreement_id).delete(),
            lambda of: Cap.objects.create(
                agreement=of.agreement, meter="lines", limit=1, starts_on="2026-01-01"
            ),
            lambda of: Performer.objects.update(life="minor", born_on="2015-01-01"),
        ],
        ids=["hold", "twin", "term", "grant", "grant gone", "cap", "performer"],
    )
    def test_what_was_edited_since_is_reconstructed_as_it_was(self, row, edit):
        edit(row)
        assert row.outcome == "cleared"
        assert "0 differ on their own facts, 0 on the records of their time." in report()

    def test_a_hold_lifted_since_lay_on_it_then(self, asked, terms, agreement):
        hold = Hold.objects.create(
            kind="legal", agreement=agreement, starts_at=MARCH, reason="A suit."
        )
        row = ask(asked, terms=terms, asked_at=timezone.now())
        Hold.objects.filter(pk=hold.pk).update(ends_at=MARCH + timedelta(days=1))
        assert row.outcome == "refused"
        assert "0 differ on their own facts, 0 on the records of their time." in report()

    def test_totals_of_caps_are_taken_as_they_were_stored(self, asked, terms, agreement):
        cap = Cap.objects.create(
            agreement=agreement, meter="lines", limit=10, starts_on="2026-01-01"
        )
        ask(asked, terms=terms, asked_at=timezone.now())
        CapYear.objects.create(cap=cap, starts_on="2026-01-01", used=10)
        assert "0 on the records of their time" in report()

    def test_facts_that_do_not_fit_the_records_of_their_time_are_named(self, asked, terms, twin):
        Hold.objects.create(kind="legal", twin=twin, starts_at=MARCH, reason="A suit.")
        row = ask(asked, terms=terms, asked_at=timezone.now())
        forged = ClearanceDecision.objects.create(
            **{
                name: getattr(row, name)
                for name in (
                    "terms", "agreement", "twin", "at", "known_at", "request_digest", "request",
                )
            },
            outcome="cleared",
            facts={**row.facts, "holds": []},
            decision={},
        )  # fmt: skip
        with pytest.raises(CommandError):
            report()
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("replay_clearances", "--json", stdout=out)
        first, sums = map(json.loads, out.getvalue().splitlines())
        assert (first["pk"], first["same"]) == (forged.pk, False)
        assert first["differences"] == [
            {"dimension": "hold", "stored": "free", "reconstructed": "held"},
            {"dimension": "absolute", "stored": "none", "reconstructed": "not_reached"},
        ]
        assert sums == {"replayed": 2, "changed": 1, "differing": 1, "short": 0}

    def test_decisions_older_than_the_history_say_so(self, asked, terms):
        ask(asked, terms=terms, asked_at=MARCH)
        assert "1 are older than the history of their twin or agreement" in report()


def test_a_chunk_takes_as_many_queries_as_one(asked, terms, django_assert_num_queries):
    rows = [
        ask(replace(asked, territory=code), terms=terms, asked_at=MARCH + timedelta(days=day))
        for day, code in enumerate(("FR", "DE", "US"))
    ]
    with django_assert_num_queries(QUERIES):
        replays.replays_of(rows[:1], terms=terms)
    with django_assert_num_queries(QUERIES):
        replays.replays_of(rows, terms=terms)


def test_decisions_are_read_in_chunks(asked, terms, monkeypatch):
    sizes, replays_of = [], replays.replays_of
    monkeypatch.setattr(replays, "CHUNK", 2)
    monkeypatch.setattr(
        replays, "replays_of", lambda rows, **of: sizes.append(len(rows)) or replays_of(rows, **of)
    )
    for _ in range(5):
        ask(asked, terms=terms, asked_at=MARCH)
    assert sum(1 for _ in replays.every_replay()) == 5
    assert sizes == [2, 2, 1]


QUERIES = 5  # All that facts need; the changes of twin, agreement, performer and grants.
