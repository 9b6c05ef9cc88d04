"""Prompts: kept under seal, read on record, erased for good, and proven all the while."""

import hashlib
import json

import pytest
from django.db import ProgrammingError, connection, transaction

from licensing.log.entry import commits_to
from licensing.models import (
    DeadLetter,
    PromptCommitment,
    PromptErasure,
    PromptReveal,
    PromptText,
    UsageEvent,
)
from licensing.usage import prompts
from licensing.usage.corrections import read_again
from licensing.usage.recording.prompts import PromptClosed
from licensing.usage.recording.record import record_events
from licensing.words import RevealPurpose
from talent.envelope import EnvelopeBroken, key_for, open_envelope
from tests.factories import NOW

pytestmark = pytest.mark.django_db
TEXT = "Weep as if the moon had left you — twice."


@pytest.fixture
def event(use, origin):
    (outcome,) = record_events([use(data={"prompt": TEXT})], origin)
    return UsageEvent.objects.get(pk=outcome.event_id)


def revealed(event, by, **changes):
    asked = {"purpose": RevealPurpose.DISPUTE, "note": "Case 12", "at": NOW, **changes}
    return prompts.reveal(event_id=event.pk, by=by, **asked)


def erased(event, by, reason="The performer asked for it."):
    return prompts.erase(event_id=event.pk, by=by, reason=reason, at=NOW)


def test_the_text_is_read_back_and_the_reading_is_on_record(event, affairs):
    prompt = revealed(event, affairs)

    row = PromptReveal.objects.get()
    assert prompt.text == TEXT
    assert (row.event_id, row.by, row.purpose, row.note) == (
        event.pk,
        affairs,
        "dispute",
        "Case 12",
    )
    assert (row.agency, row.revealed_at) == (event.agency, NOW)


def test_each_reading_is_a_row_of_its_own(event, affairs):
    revealed(event, affairs)
    revealed(event, affairs, note="Case 13")

    assert PromptReveal.objects.count() == 2


@pytest.mark.parametrize("note", ["", " \n"])
def test_nobody_reads_without_saying_what_for(event, affairs, note):
    with pytest.raises(prompts.NoPromptReason):
        revealed(event, affairs, note=note)

    assert PromptReveal.objects.count() == 0


def test_nobody_erases_without_saying_why(event, affairs):
    with pytest.raises(prompts.NoPromptReason):
        erased(event, affairs, reason=" ")

    assert PromptText.objects.count() == 1


def test_a_third_party_checks_the_commitment_with_text_and_salt(event, affairs):
    prompt = revealed(event, affairs)

    sealed = json.loads(bytes(event.record.canonical))
    assert commits_to(prompt.commitment, salt=prompt.salt, content=TEXT.encode())
    assert not commits_to(prompt.commitment, salt=prompt.salt, content=b"Laugh.")
    assert not commits_to(prompt.commitment, salt=b"", content=prompt.salt + TEXT.encode())
    assert sealed["prompt"] == prompt.commitment.hex(), "The log binds the salted commitment."


def test_after_erasure_every_proof_holds_and_the_text_is_gone(event, affairs, settings):
    before = revealed(event, affairs)
    text = PromptText.objects.get()
    wrapped, sealed = bytes(text.wrapped_key), bytes(text.sealed)

    erased(event, affairs)

    event.refresh_from_db()
    record = event.record
    entry = hashlib.sha256(bytes(record.salt) + bytes(record.canonical)).digest()
    kept = PromptCommitment.objects.get()
    assert bytes(event.entry)[33:] == entry
    assert json.loads(bytes(record.canonical))["prompt"] == bytes(kept.commitment).hex()
    assert commits_to(bytes(kept.commitment), salt=before.salt, content=before.text.encode())
    assert not PromptText.objects.exists()
    for row in _every_row():
        assert TEXT.encode() not in row
        assert wrapped.hex().encode() not in row
        assert sealed.hex().encode() not in row
    # Who kept the sealed text alone, and has the desk's key, still has no key of the text.
    desk_key = key_for("prompts", key_encryption_key=settings.KEY_ENCRYPTION_KEY)
    with pytest.raises(EnvelopeBroken):
        open_envelope(sealed, key=desk_key, about=f"text of prompt {event.pk}")


def _every_row():
    """Each row of each table of licensing, as text; bytes stand in it as hex."""
    with connection.cursor() as cursor:
        names = [n for n in connection.introspection.table_names(cursor) if n.startswith("lic")]
        assert "licensing_prompterasure" in names
        for name in names:
            cursor.execute(f"SELECT convert_to(t::text, 'UTF8') FROM \"{name}\" t")  # noqa: S608
            yield from (bytes(row) for (row,) in cursor.fetchall())


def test_an_erasure_leaves_who_when_and_why(event, affairs):
    erased(event, affairs)

    stone = PromptErasure.objects.get()
    assert (stone.event_id, stone.by, stone.erased_at) == (event.pk, affairs, NOW)
    assert stone.reason == "The performer asked for it."


def test_what_was_erased_is_neither_read_nor_erased_again(event, affairs):
    erased(event, affairs)

    with pytest.raises(prompts.NoPrompt, match="was erased"):
        revealed(event, affairs)
    with pytest.raises(prompts.NoPrompt, match="was erased"):
        erased(event, affairs)
    assert PromptReveal.objects.count() == 0


def test_an_event_without_a_text_has_none_to_read(use, origin, affairs):
    (outcome,) = record_events([use()], origin)
    event = UsageEvent.objects.get(pk=outcome.event_id)

    with pytest.raises(prompts.NoPrompt, match="holds no text"):
        revealed(event, affairs)
    assert "prompt" not in json.loads(bytes(event.record.canonical))


def test_under_another_desk_key_the_text_stays_closed(event, affairs, settings):
    settings.KEY_ENCRYPTION_KEY = b"of another house"

    with pytest.raises(PromptClosed):
        revealed(event, affairs)
    assert PromptReveal.objects.count() == 0


def test_each_text_has_a_data_key_of_its_own(use, origin, settings):
    record_events([use("a", data={"prompt": TEXT}), use("b", data={"prompt": TEXT})], origin)

    desk_key = key_for("prompts", key_encryption_key=settings.KEY_ENCRYPTION_KEY)
    keys = {
        open_envelope(bytes(text.wrapped_key), key=desk_key, about=f"key of prompt {text.pk}")
        for text in PromptText.objects.all()
    }
    assert len(keys) == 2


def test_a_sealed_text_does_not_open_at_another_event(use, origin, affairs):
    first, second = record_events(
        [use("a", data={"prompt": TEXT}), use("b", data={"prompt": "Laugh."})], origin
    )
    text = PromptText.objects.get(event=first.event_id)
    other = PromptText.objects.get(event=second.event_id)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE licensing_prompttext DISABLE TRIGGER ALL")
        cursor.execute(
            "UPDATE licensing_prompttext SET wrapped_key = %s, sealed = %s WHERE event_id = %s",
            [bytes(text.wrapped_key), bytes(text.sealed), other.pk],
        )
        cursor.execute("ALTER TABLE licensing_prompttext ENABLE TRIGGER ALL")

    with pytest.raises(PromptClosed):
        revealed(other.event, affairs)


def test_a_text_goes_only_by_an_erasure_on_record(event):
    with pytest.raises(ProgrammingError, match="erasure on record"), transaction.atomic():
        PromptText.objects.all()._raw_delete("default")
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        PromptText.objects.update(sealed=b"")

    assert PromptText.objects.count() == 1


@pytest.mark.parametrize("model", [PromptReveal, PromptErasure, PromptCommitment])
def test_the_record_is_append_only(event, affairs, model):
    revealed(event, affairs)
    erased(event, affairs)

    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        model.objects.all()._raw_delete("default")


def test_a_dead_letter_that_is_read_again_brings_no_text(use, origin):
    """Among the dead letters the wording is replaced, so there is none to keep."""
    record_events([use(data={"prompt": TEXT, "production": "Later"})], origin)
    origin.terms.licensee.productions.create(title="Later", kind="feature")

    (outcome,) = read_again(dead_letter_ids=[DeadLetter.objects.get().pk], at=NOW)

    assert UsageEvent.objects.filter(pk=outcome.event_id).exists()
    assert not PromptText.objects.exists()
    assert not PromptCommitment.objects.exists()


def test_nothing_that_is_printed_shows_the_text(use, event, affairs):
    shown = [use(data={"prompt": TEXT}), revealed(event, affairs), PromptReveal.objects.get()]

    assert "moon" not in repr(shown)
