"""Metering: what is reported becomes facts, once each."""

import hashlib
import json
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import psycopg
import pytest
from django.db import connection

from licensing.log.entry import month_tag
from licensing.models import (
    DeadLetter,
    EventKey,
    PromptCommitment,
    UsageBatch,
    UsageEvent,
    UsageRecord,
)
from licensing.usage.recording import copy
from licensing.usage.recording.arrivals import Key
from licensing.usage.recording.metering import Reception, meter, replay
from talent.models import Build, DigitalTwin, Provider
from tests.factories import make_agency

pytestmark = pytest.mark.django_db


def receptions(outcomes):
    return [(outcome.index, outcome.reception.value) for outcome in outcomes]


def test_a_use_is_kept_with_its_facts(use, arrival, agreement, twin):
    (outcome,) = meter([use(data={"real_time": True, "prompt_class": "scripted"})], arrival)

    event = UsageEvent.objects.get(pk=outcome.event_id)
    assert outcome.reception is Reception.RECORDED
    assert event.agreement_id == agreement.pk
    assert event.twin_id == twin.pk
    assert event.agency_id == agreement.agency_id
    assert event.licensee_id == agreement.licensee_id
    assert event.quantities() == {"lines": D(1), "words": D(7)}
    assert (event.right, event.use, event.territory, event.language, event.channel) == (
        "voice",
        "dubbing",
        "FR",
        "fr",
        "cinema",
    )
    assert (event.real_time, event.prompt_class) == (True, "scripted")
    assert event.occurred_at.isoformat() == "2026-05-04T10:11:12+00:00"


def test_the_entry_commits_to_the_record_under_the_agreements_key(use, arrival, agreement):
    (outcome,) = meter([use()], arrival)

    event = UsageEvent.objects.select_related("record").get(pk=outcome.event_id)
    committed = hashlib.sha256(bytes(event.record.salt) + bytes(event.record.canonical)).digest()
    tag = month_tag(bytes(agreement.tag_key), arrival.received_at)
    assert bytes(event.entry) == outcome.entry == b"\x01" + tag + committed
    sealed = json.loads(bytes(event.record.canonical))
    assert sealed["actor"] == "key test"
    assert sealed["kind"] == "use"
    assert sealed["received_at"] == "2026-11-22T12:00:00.000000Z"
    assert sealed["standing"] == event.standing
    assert sealed["event"]["data"]["quantities"] == {"lines": "1", "words": "7"}


def test_a_use_without_an_agreement_is_kept_under_the_terms_key(use, arrival, terms):
    (outcome,) = meter([use(data={"agreement": None})], arrival)

    event = UsageEvent.objects.get(pk=outcome.event_id)
    assert event.agreement_id is None
    assert event.standing != "cleared"
    assert bytes(event.entry)[1:33] == month_tag(bytes(terms.tag_key), arrival.received_at)


def test_a_batch_is_one_row_and_its_events_have_seats(use, arrival):
    meter([use(f"take-{i}") for i in range(3)], arrival)

    batch = UsageBatch.objects.get()
    assert (batch.size, batch.first_index, batch.door) == (3, None, "api")
    assert sorted(UsageEvent.objects.values_list("batch_id", "seat")) == [
        (batch.pk, 0),
        (batch.pk, 1),
        (batch.pk, 2),
    ]


def test_the_same_event_again_gets_the_first_receipt(use, arrival):
    (first,) = meter([use()], arrival)
    later = replace(arrival, received_at=arrival.received_at + timedelta(days=40))

    (again,) = meter([use()], later)

    assert again == replace(first, reception=Reception.KNOWN)
    assert UsageEvent.objects.count() == UsageBatch.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"quantities": {"lines": "2"}}},
        {"time": "2026-05-05T10:11:12Z"},
        {"extensions": {"take": 2}},
        {"data": {"prompt": "Weep."}},
    ],
)
def test_the_same_key_with_other_content_is_refused_with_both_digests(use, arrival, change):
    meter([use()], arrival)

    (outcome,) = meter([use(**change)], arrival)

    known = EventKey.objects.get()
    assert outcome.reception is Reception.CONFLICT
    assert outcome.digest_known == bytes(known.digest)
    assert outcome.digest_sent != outcome.digest_known
    assert UsageEvent.objects.count() == 1


def test_duplicates_within_a_batch_count_once(use, arrival):
    other = use(data={"quantities": {"lines": "5"}})

    outcomes = meter([use(), use(), other, use("take-2")], arrival)

    assert receptions(outcomes) == [
        (0, "recorded"),
        (1, "known"),
        (2, "conflict"),
        (3, "recorded"),
    ]
    assert outcomes[1].event_id == outcomes[0].event_id
    assert UsageEvent.objects.count() == 2


def test_the_same_id_from_another_source_is_another_event(use, arrival):
    outcomes = meter([use(), use(source="https://other.example/")], arrival)

    assert receptions(outcomes) == [(0, "recorded"), (1, "recorded")]


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"data": {"twin": "T0"}}, "unknown_twin", "/data/twin"),
        ({"data": {"twin": "T" + "9" * 30}}, "unknown_twin", "/data/twin"),
        ({"data": {"agreement": "NA-2"}}, "unknown_agreement", "/data/agreement"),
        ({"data": {"production": "Nothing"}}, "unknown_production", "/data/production"),
        ({"data": {"build": "v9"}}, "unknown_build", "/data/build"),
        ({"data": {"quantities": {"smiles": "1"}}}, "unknown_meter", "/data/quantities/smiles"),
        ({"data": {"quantities": {"lines": "-1"}}}, "negative_quantity", "/data/quantities/lines"),
        (
            {"data": {"quantities": {"revenue": "9"}, "currency": "EUR"}},
            "wrong_currency",
            "/data/currency",
        ),
        ({"type": "org.example.other"}, "unknown_type", "/type"),
        ({"key": "k" * 501}, "field_too_long", "/id"),
    ],
)
def test_what_is_not_understood_is_kept_among_the_dead_letters(use, arrival, change, code, pointer):
    outcomes = meter([use(**change), use("fine")], arrival)

    letter = DeadLetter.objects.get()
    assert receptions(outcomes) == [(0, "not_understood"), (1, "recorded")]
    assert outcomes[0].dead_letter_id == letter.pk
    assert (letter.code, letter.pointer) == (code, pointer)
    assert outcomes[0].faults[0].code == code


def test_a_message_that_stays_obscure_is_one_dead_letter(use, arrival):
    obscure = use(data={"twin": "T0"})

    first, second = meter([obscure, obscure], arrival)
    (third,) = meter([obscure], arrival)

    assert first.dead_letter_id == second.dead_letter_id == third.dead_letter_id
    assert DeadLetter.objects.count() == 1


def test_a_dead_letter_is_closed_when_its_message_is_understood_at_last(use, arrival, twin):
    build = use(data={"build": "v2"})
    meter([build], arrival)
    make_build(twin, "v2")

    (outcome,) = meter([build], arrival)

    letter = DeadLetter.objects.get()
    assert outcome.reception is Reception.RECORDED
    assert letter.resolved_event_id == outcome.event_id
    assert letter.resolved_at == arrival.received_at


def test_a_replayed_letter_becomes_the_event_it_would_have_been(use, arrival, twin):
    rich = use(
        data={
            "build": "v2",
            "prompt": "Weep.",
            "real_time": True,
            "quantities": {"lines": D("1.50")},
        },
        extensions={"take": 4, "final": False},
    )
    meter([rich, use("other", data={"twin": "T0"})], arrival)
    make_build(twin, "v2")
    later = arrival.received_at + timedelta(days=1)
    every = [letter.pk for letter in DeadLetter.objects.all()]

    told = {outcome.reception: outcome for outcome in replay(letter_ids=every, at=later)}
    (again,) = meter([rich], arrival)

    event = UsageEvent.objects.get()
    assert set(told) == {Reception.RECORDED, Reception.NOT_UNDERSTOOD}
    assert told[Reception.RECORDED].event_id == event.pk
    assert event.quantities() == {"lines": D("1.5")}
    assert (again.reception, again.event_id) == (Reception.KNOWN, event.pk)
    assert list(DeadLetter.objects.open().values_list("key", flat=True)) == ["other"]
    assert DeadLetter.objects.get(key="take-1").resolved_at == later


def make_build(twin, version):
    provider = Provider.objects.create(name="Render Barn")
    return Build.objects.create(
        twin=twin, provider=provider, version=version, built_on="2026-01-01"
    )


def test_a_twin_goes_by_number_hand_id_or_name(use, arrival, twin):
    names = [f"T{twin.pk}", twin.hand_id, twin.name]

    meter([use(name, data={"twin": name}) for name in names], arrival)

    assert set(UsageEvent.objects.values_list("twin", flat=True)) == {twin.pk}


def test_a_twin_of_another_house_is_unknown(use, arrival):
    elsewhere = make_agency("elsewhere")
    stranger = DigitalTwin.objects.create(
        name="Stranger",
        agency=elsewhere,
        tier="autonomous_generative_persona",
        legal_class="independently_created",
    )

    (outcome,) = meter([use(data={"twin": f"T{stranger.pk}", "agreement": None})], arrival)

    assert outcome.faults[0].code == "unknown_twin"


def test_prompt_text_stands_nowhere(use, arrival, caplog):
    text = "Weep as if the moon had left you"
    sent = [
        use("a", data={"prompt": text}),
        use("b", data={"prompt": text, "twin": "T0"}),
        use("c", data={"gen_ai.prompt": text}),
        use("d", data={"nested": [{"prompt": text}]}),
    ]

    outcomes = meter(sent, arrival)

    with connection.cursor() as cursor:
        for table in (
            *("usageevent", "usagerecord", "promptcommitment", "prompttext"),
            *("deadletter", "eventkey"),
        ):
            cursor.execute(f"SELECT convert_to(t::text, 'UTF8') FROM licensing_{table} t")  # noqa: S608 (our own names)
            assert not any(b"moon" in bytes(row) for (row,) in cursor.fetchall())
    for record in UsageRecord.objects.all():
        assert b"moon" not in bytes(record.canonical)
    assert "moon" not in caplog.text
    assert "moon" not in repr([outcome.faults for outcome in outcomes])


def test_a_prompt_leaves_a_salted_commitment(use, arrival):
    (outcome,) = meter([use(data={"prompt": "Weep."})], arrival)

    kept = PromptCommitment.objects.get(event=outcome.event_id)
    assert bytes(kept.commitment) == hashlib.sha256(bytes(kept.salt) + b"Weep.").digest()


def test_a_nul_in_what_is_not_understood_does_no_harm(use, arrival):
    (outcome,) = meter([use(data={"twin": "a\x00b", "note\x00": "\x00"})], arrival)

    assert outcome.reception is Reception.NOT_UNDERSTOOD
    assert DeadLetter.objects.count() == 1


def test_an_empty_batch_leaves_nothing(arrival):
    assert meter([], arrival) == []
    assert UsageBatch.objects.count() == 0


def test_a_fault_half_way_leaves_nothing(use, arrival, monkeypatch):
    def fail(rows):
        raise OSError("The disk is full.")

    monkeypatch.setattr("licensing.usage.recording.copy.add_records", fail)

    with pytest.raises(OSError, match="disk"):
        meter([use()], arrival)

    assert UsageEvent.objects.count() == EventKey.objects.count() == UsageBatch.objects.count() == 0


@pytest.fixture
def statements(monkeypatch):
    """Count every statement, also those of the binary cursor, which Django does not see."""
    sent = []
    for name in ("execute", "copy"):
        original = getattr(psycopg.Cursor, name)

        def spy(self, query, *args, original=original, **options):
            sent.append(query)
            return original(self, query, *args, **options)

        monkeypatch.setattr(psycopg.Cursor, name, spy)
    return sent


def test_the_number_of_statements_does_not_grow_with_the_batch(use, arrival, statements):
    def mixed(name, size):
        good = [use(f"{name}-{i}", data={"prompt": f"Weep {i}."}) for i in range(size)]
        return [*good, *good, *(replace(e, id=f"{e.id}-bad", type="x.y") for e in good)]

    meter(mixed("warm", 2), arrival)
    statements.clear()
    meter(mixed("few", 2), arrival)
    few = len(statements)
    statements.clear()
    meter(mixed("many", 60), arrival)

    assert len(statements) == few


@pytest.fixture
def slow_ledger(transactional_db):
    """A key ledger so slow that batches surely meet in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
            CREATE TRIGGER dawdle BEFORE INSERT ON licensing_eventkey
                FOR EACH ROW EXECUTE FUNCTION dawdle();
            """
        )
        yield
        cursor.execute("DROP TRIGGER dawdle ON licensing_eventkey; DROP FUNCTION dawdle()")


@pytest.mark.django_db(transaction=True)
def test_two_connections_with_the_same_keys_keep_them_once(slow_ledger, use, arrival):
    envelopes = [use(f"take-{i}") for i in range(20)]
    ready, outcomes = threading.Barrier(2), {}

    def send(name, batch):
        try:
            ready.wait()
            outcomes[name] = meter(batch, arrival)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=send, args=("forwards", envelopes)),
        threading.Thread(target=send, args=("backwards", envelopes[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    both = [outcome.reception.value for batch in outcomes.values() for outcome in batch]
    assert sorted(both) == ["known"] * 20 + ["recorded"] * 20
    assert UsageEvent.objects.count() == EventKey.objects.count() == 20


def test_keys_are_looked_up_one_by_one_however_many_their_licensee_has(terms):
    known = [Key("//studio.example", f"take-{number}") for number in range(500)]
    copy.claim_keys(terms.licensee_id, dict.fromkeys(known, b"\0" * 32))
    sent = known[:20]
    read = """
        SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
        WHERE relname = 'licensing_eventkey'
    """

    with connection.cursor() as cursor:
        cursor.execute(read)
        (before,) = cursor.fetchone()
        assert copy.known_keys(terms.licensee_id, sent).keys() == set(sent)
        cursor.execute(read)
        assert cursor.fetchone() == (before + len(sent),)
