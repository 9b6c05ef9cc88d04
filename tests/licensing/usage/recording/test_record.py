"""What is reported becomes facts: each with its record, its entry and its seat, or nothing."""

import hashlib
import json
from dataclasses import replace
from decimal import Decimal as D

import psycopg
import pytest
from django.db import connection

from licensing.log.entry import month_tag
from licensing.models import (
    EventKey,
    PromptCommitment,
    UsageBatch,
    UsageEvent,
    UsageRecord,
)
from licensing.usage.recording.messages import Reception
from licensing.usage.recording.record import record_events
from talent.models import DigitalTwin
from tests.factories import make_agency

pytestmark = pytest.mark.django_db


def receptions(outcomes):
    return [(outcome.index, outcome.reception.value) for outcome in outcomes]


def test_a_use_is_kept_with_its_facts(use, origin, agreement, twin):
    (outcome,) = record_events([use(data={"real_time": True, "prompt_class": "scripted"})], origin)

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


def test_the_entry_commits_to_the_record_under_the_agreements_key(use, origin, agreement):
    (outcome,) = record_events([use()], origin)

    event = UsageEvent.objects.select_related("record").get(pk=outcome.event_id)
    committed = hashlib.sha256(bytes(event.record.salt) + bytes(event.record.canonical)).digest()
    tag = month_tag(bytes(agreement.tag_key), origin.received_at)
    assert bytes(event.entry) == outcome.entry == b"\x01" + tag + committed
    sealed = json.loads(bytes(event.record.canonical))
    assert sealed["actor"] == "key test"
    assert sealed["kind"] == "use"
    assert sealed["received_at"] == "2026-11-22T12:00:00.000000Z"
    assert sealed["standing"] == event.standing
    assert sealed["event"]["data"]["quantities"] == {"lines": "1", "words": "7"}


def test_a_use_without_an_agreement_is_kept_under_the_terms_key(use, origin, terms):
    (outcome,) = record_events([use(data={"agreement": None})], origin)

    event = UsageEvent.objects.get(pk=outcome.event_id)
    assert event.agreement_id is None
    assert event.standing != "cleared"
    assert bytes(event.entry)[1:33] == month_tag(bytes(terms.tag_key), origin.received_at)


def test_a_batch_is_one_row_and_its_events_have_seats(use, origin):
    record_events([use(f"take-{i}") for i in range(3)], origin)

    batch = UsageBatch.objects.get()
    assert (batch.size, batch.first_index, batch.door) == (3, None, "api")
    assert sorted(UsageEvent.objects.values_list("batch_id", "seat")) == [
        (batch.pk, 0),
        (batch.pk, 1),
        (batch.pk, 2),
    ]


def test_a_twin_goes_by_number_hand_id_or_name(use, origin, twin):
    names = [f"T{twin.pk}", twin.hand_id, twin.name]

    record_events([use(name, data={"twin": name}) for name in names], origin)

    assert set(UsageEvent.objects.values_list("twin", flat=True)) == {twin.pk}


def test_a_twin_of_another_house_is_unknown(use, origin):
    elsewhere = make_agency("elsewhere")
    stranger = DigitalTwin.objects.create(
        name="Stranger",
        agency=elsewhere,
        tier="autonomous_generative_persona",
        legal_class="independently_created",
    )

    (outcome,) = record_events([use(data={"twin": f"T{stranger.pk}", "agreement": None})], origin)

    assert outcome.faults[0].code == "unknown_twin"


def test_prompt_text_stands_nowhere(use, origin, caplog):
    text = "Weep as if the moon had left you"
    sent = [
        use("a", data={"prompt": text}),
        use("b", data={"prompt": text, "twin": "T0"}),
        use("c", data={"gen_ai.prompt": text}),
        use("d", data={"nested": [{"prompt": text}]}),
    ]

    outcomes = record_events(sent, origin)

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


def test_a_prompt_leaves_a_salted_commitment(use, origin):
    (outcome,) = record_events([use(data={"prompt": "Weep."})], origin)

    kept = PromptCommitment.objects.get(event=outcome.event_id)
    assert bytes(kept.commitment) == hashlib.sha256(bytes(kept.salt) + b"Weep.").digest()


def test_an_empty_batch_leaves_nothing(origin):
    assert record_events([], origin) == []
    assert UsageBatch.objects.count() == 0


def test_a_fault_half_way_leaves_nothing(use, origin, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("The disk is full.")

    monkeypatch.setattr("licensing.usage.recording.prompts.store", fail)

    with pytest.raises(OSError, match="disk"):
        record_events([use()], origin)

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


def test_the_number_of_statements_does_not_grow_with_the_batch(use, origin, statements):
    def mixed(name, size):
        good = [use(f"{name}-{i}", data={"prompt": f"Weep {i}."}) for i in range(size)]
        return [*good, *good, *(replace(e, id=f"{e.id}-bad", type="x.y") for e in good)]

    record_events(mixed("warm", 2), origin)
    statements.clear()
    record_events(mixed("few", 2), origin)
    few = len(statements)
    statements.clear()
    record_events(mixed("many", 60), origin)

    assert len(statements) == few
