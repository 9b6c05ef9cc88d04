"""What is not understood waits among the dead letters, and becomes an event once it is."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from licensing.models import DeadLetter, UsageEvent
from licensing.usage.corrections import read_again
from licensing.usage.events.event_types import AMENDMENT
from licensing.usage.recording.messages import Reception
from licensing.usage.recording.record import record_events
from tests.factories import make_build

pytestmark = pytest.mark.django_db


def receptions(outcomes):
    return [(outcome.index, outcome.reception.value) for outcome in outcomes]


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
def test_what_is_not_understood_is_kept_among_the_dead_letters(use, origin, change, code, pointer):
    outcomes = record_events([use(**change), use("fine")], origin)

    dead_letter = DeadLetter.objects.get()
    assert receptions(outcomes) == [(0, "not_understood"), (1, "recorded")]
    assert outcomes[0].dead_letter_id == dead_letter.pk
    assert (dead_letter.code, dead_letter.pointer) == (code, pointer)
    assert outcomes[0].faults[0].code == code


def test_a_message_that_stays_obscure_is_one_dead_letter(use, origin):
    obscure = use(data={"twin": "T0"})

    first, second = record_events([obscure, obscure], origin)
    (third,) = record_events([obscure], origin)

    assert first.dead_letter_id == second.dead_letter_id == third.dead_letter_id
    assert DeadLetter.objects.count() == 1


def test_a_dead_letter_is_closed_when_its_message_is_understood_at_last(use, origin, twin):
    build = use(data={"build": "v2"})
    record_events([build], origin)
    make_build(twin, "v2")

    (outcome,) = record_events([build], origin)

    dead_letter = DeadLetter.objects.get()
    assert outcome.reception is Reception.RECORDED
    assert dead_letter.resolved_event_id == outcome.event_id
    assert dead_letter.resolved_at == origin.received_at


def test_a_dead_letter_that_is_read_again_becomes_the_event_it_would_have_been(use, origin, twin):
    rich = use(
        data={
            "build": "v2",
            "prompt": "Weep.",
            "real_time": True,
            "quantities": {"lines": D("1.50")},
        },
        extensions={"take": 4, "final": False},
    )
    record_events([rich, use("other", data={"twin": "T0"})], origin)
    make_build(twin, "v2")
    later = origin.received_at + timedelta(days=1)
    every = [dead_letter.pk for dead_letter in DeadLetter.objects.all()]

    told = {outcome.reception: outcome for outcome in read_again(dead_letter_ids=every, at=later)}
    (again,) = record_events([rich], origin)

    event = UsageEvent.objects.get()
    assert set(told) == {Reception.RECORDED, Reception.NOT_UNDERSTOOD}
    assert told[Reception.RECORDED].event_id == event.pk
    assert event.quantities() == {"lines": D("1.5")}
    assert (again.reception, again.event_id) == (Reception.KNOWN, event.pk)
    assert list(DeadLetter.objects.open().values_list("key", flat=True)) == ["other"]
    assert DeadLetter.objects.get(key="take-1").resolved_at == later


def test_a_nul_in_what_is_not_understood_does_no_harm(use, origin):
    (outcome,) = record_events([use(data={"twin": "a\x00b", "note\x00": "\x00"})], origin)

    assert outcome.reception is Reception.NOT_UNDERSTOOD
    assert DeadLetter.objects.count() == 1


@pytest.mark.parametrize("unseen", ["\u202e", "\u2066", "\ufeff", "\u2028"])
def test_an_id_that_reads_as_another_is_a_dead_letter_of_its_own(use, origin, unseen):
    bad, good = record_events([use(f"take-{unseen}1"), use("take-2")], origin)

    assert good.reception is Reception.RECORDED
    assert bad.reception is Reception.NOT_UNDERSTOOD
    assert [(fault.pointer, fault.code) for fault in bad.faults] == [("/id", "unseen_characters")]
    assert UsageEvent.objects.count() == 1


def test_what_is_replaced_is_named_by_an_id_that_can_be_read(use, origin):
    replaces = {"source": "//studio.example/p", "id": "take-\u202e1"}
    (outcome,) = record_events(
        [use("take-2", type=AMENDMENT.type, data={"replaces": replaces})], origin
    )

    assert [(fault.pointer, fault.code) for fault in outcome.faults] == [
        ("/data/replaces/id", "unseen_characters")
    ]
