"""Destruction: two people, key before file, finished after any kill, no way back by a backup."""

import json
from io import BytesIO
from types import SimpleNamespace

import pikepdf
import pytest
from django.core.management import call_command
from django.utils import timezone

from likenessdesk import startup
from talent.custody import destruction, grants, keys, places, reading, sweep
from talent.custody.places import folder
from talent.four_eyes import FourEyes, NobodyToApprove
from talent.models import (
    CustodyItem,
    CustodyKey,
    CustodyStep,
    Destruction,
    DestructionCertificate,
    LegalHold,
)
from talent.words import (
    CustodyStepKind,
    DestructionCause,
    DestructionState,
    DestructionStepKind,
    SealLevel,
)

from .conftest import NOON


@pytest.fixture
def ask(agent):
    def ask(item, **about):
        told = {"cause": DestructionCause.ASKED, "reason": "She asked.", "by": agent, "at": NOON}
        return destruction.ask(item_id=item.pk, **(told | about))

    return ask


@pytest.fixture
def approved(stored, ask, affairs):
    def approved(item=None):
        asked = ask(item or stored(b"gone"))
        return destruction.approve(destruction_id=asked.pk, by=affairs, at=NOON)

    return approved


@pytest.fixture
def blank(monkeypatch):
    """Certify without drawing: that takes long, and one test looks at it."""
    monkeypatch.setattr(
        destruction.certificate,
        "drawn",
        lambda content, at: destruction.certificate.Paper(b"%PDF", SealLevel.NONE),
    )


def carry_out(asked):
    return destruction.carry_out(destruction_id=asked.pk, at=NOON)


def state_of(item):
    return CustodyItem.objects.with_state().get(pk=item.pk).state


def content_of(item):
    return b"".join(reading.content_of(CustodyItem.objects.get(pk=item.pk)))


def test_key_and_file_go_and_a_certificate_stays_that_says_what_how_and_who(
    approved, stored, sealing
):
    kept, item = stored(b"kept"), stored(b"gone")
    file = folder.path_of(item.place)

    asked = approved(item)
    certified = destruction.carry_out(destruction_id=asked.pk, at=timezone.now())

    assert not CustodyKey.objects.filter(item=item).exists()
    assert not file.exists()
    assert not file.with_suffix(".header").exists()
    assert state_of(item) == CustodyStepKind.DESTROYED
    assert content_of(kept) == b"kept"
    assert set(certified.content["verified"].values()) == {True}
    assert certified.level == SealLevel.B_B
    with pikepdf.open(BytesIO(bytes(certified.pdf))) as pdf:
        attached = json.loads(pdf.attachments["destruction.json"].get_file().read_bytes())
    assert attached == certified.content
    assert attached["item"]["place"] == item.place
    with pytest.raises(keys.ItemClosed):
        keys.file_key_of(item.pk)


def test_whoever_asked_does_not_approve_and_the_operator_neither(stored, ask, agent, affairs):
    asked = ask(stored())
    agent.is_superuser = True
    agent.save()

    with pytest.raises(FourEyes):
        destruction.approve(destruction_id=asked.pk, by=agent, at=NOON)
    destruction.approve(destruction_id=asked.pk, by=affairs, at=NOON)
    with pytest.raises(destruction.NotItsTurn):
        destruction.reject(destruction_id=asked.pk, by=affairs, at=NOON, reason="Late.")


def test_nothing_is_asked_that_nobody_could_approve_and_nothing_twice(stored, ask, affairs, agent):
    item = stored()
    with pytest.raises(NobodyToApprove):
        ask(item, by=affairs)
    first = ask(item)
    with pytest.raises(destruction.NotDestroyable):
        ask(item)
    destruction.reject(destruction_id=first.pk, by=agent, at=NOON, reason="A slip.")
    ask(item)


def test_an_upload_that_is_under_way_is_not_destroyed_but_abandoned(begin, ask, affairs):
    with pytest.raises(destruction.NotDestroyable):
        ask(begin(10))


def test_a_legal_hold_stops_it_at_every_step_and_another_person_lifts_it(
    stored, ask, affairs, agent, blank, approvers
):
    item = stored()
    asked = ask(item)
    hold = {"item_id": item.pk, "at": NOON}

    destruction.hold(**hold, by=affairs, reason="Subpoena 7/26.")
    with pytest.raises(destruction.IsHeld, match="7/26"):
        destruction.approve(destruction_id=asked.pk, by=approvers[0], at=NOON)
    with pytest.raises(destruction.NotItsTurn):
        destruction.hold(**hold, by=affairs, reason="Again.")
    with pytest.raises(FourEyes):
        destruction.lift(**hold, by=affairs, reason="Over.")
    destruction.lift(**hold, by=approvers[0], reason="Over.")
    destruction.approve(destruction_id=asked.pk, by=approvers[0], at=NOON)

    destruction.hold(**hold, by=affairs, reason="A claim.")
    with pytest.raises(destruction.IsHeld):
        carry_out(asked)
    assert content_of(item)
    destruction.lift(**hold, by=approvers[0], reason="Settled.")
    carry_out(asked)
    assert state_of(item) == CustodyStepKind.DESTROYED
    assert LegalHold.objects.count() == 4


@pytest.mark.parametrize("killed_in", ["end_old_epochs", "delete", "drawn"])
def test_a_destruction_that_was_killed_half_way_is_finished_by_the_sweep(
    approved, stored, blank, monkeypatch, killed_in
):
    kept, item = stored(b"kept"), stored(b"gone")
    asked = approved(item)
    rooms = {"end_old_epochs": keys, "delete": places, "drawn": destruction.certificate}
    with monkeypatch.context() as patched:
        patched.setattr(
            rooms[killed_in], killed_in, lambda *_a, **_k: (_ for _ in ()).throw(SystemExit)
        )
        with pytest.raises(SystemExit):
            carry_out(asked)
    assert state_of(item) == CustodyStepKind.DESTROYED
    assert not DestructionCertificate.objects.exists()

    counts = sweep.see_to_items(clock=lambda: NOON)

    assert counts["destroyed"] == 1
    assert DestructionCertificate.objects.count() == 1
    assert Destruction.objects.with_state().get().state == DestructionState.DONE
    assert content_of(kept) == b"kept"
    assert sweep.see_to_items(clock=lambda: NOON)["destroyed"] == 0
    assert CustodyStep.objects.filter(item=item, kind="destroyed").count() == 1


def test_a_disk_that_is_away_leaves_the_key_destroyed_and_says_what_is_left(
    approved, blank, monkeypatch
):
    asked = approved()
    with monkeypatch.context() as patched:
        patched.setattr(
            places, "delete", lambda _place: (_ for _ in ()).throw(places.PlaceAway("Away."))
        )
        assert sweep.see_to_items(clock=lambda: NOON)["failed"] == 1
    kinds = set(asked.steps.values_list("kind", flat=True))
    assert DestructionStepKind.KEY_GONE in kinds
    assert DestructionStepKind.FILE_GONE not in kinds

    assert sweep.see_to_items(clock=lambda: NOON)["destroyed"] == 1


@pytest.mark.parametrize("who", ["whoever restores it", "the sweep"])
def test_yesterdays_database_brings_nothing_back_and_opens_what_lives(
    approved, stored, blank, capsys, who
):
    kept, item = stored(b"kept"), stored(b"gone")
    backup = list(CustodyKey.objects.values())
    carry_out(approved(item))
    later = stored(b"later")

    CustodyKey.objects.exclude(item=later).delete()
    CustodyKey.objects.bulk_create(CustodyKey(**row) for row in backup)
    with pytest.raises(keys.KeyMissing):
        keys.file_key_of(item.pk)
    with pytest.raises(keys.KeyMissing):
        content_of(kept)

    if who == "the sweep":
        assert sweep.see_to_items(clock=lambda: NOON)["destroyed"] == 1
    else:
        places.append("f" * 48, b"stored since", at=0)
        call_command("mend_vault")
        told = capsys.readouterr().out
        assert "still: 1" in told
        assert "named by no row: 1" in told
        call_command("mend_vault", "--delete-unknown")
        assert places.size_of("f" * 48) == 0

    assert content_of(kept) == b"kept"
    assert content_of(later) == b"later"
    with pytest.raises(keys.ItemClosed):
        keys.file_key_of(item.pk)
    assert destruction.mend_if_behind(at=NOON) is None
    assert destruction.mend_after_restore(at=NOON) == destruction.Mended(0, 0, 0)


def test_every_process_that_starts_holds_the_database_against_the_list(db, monkeypatch):
    asked = []
    monkeypatch.setattr(startup, "connection", SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(destruction, "mend_if_behind", lambda at: asked.append(at))

    startup.refuse_wrong_database(waits=0)

    assert len(asked) == 1


def test_what_lies_beside_a_file_opens_nothing_once_its_epoch_is_over(approved, stored, blank):
    item = stored(b"gone")
    beside = places.read_beside(item.place)
    carry_out(approved(item))
    places.write_beside(item.place, beside)
    CustodyKey.objects.create(item=item, epoch=1, sealed=beside[4:])

    with pytest.raises(keys.KeyMissing):
        keys.file_key_of(item.pk)


def test_nothing_destroyed_is_read(approved, stored, blank, approvers, agent):
    item = stored(b"gone")
    carry_out(approved(item))

    with pytest.raises(grants.NotHeld):
        grants.refuse_not_held(CustodyItem.objects.with_state().get(pk=item.pk))
