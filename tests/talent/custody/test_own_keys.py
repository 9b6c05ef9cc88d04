"""Performers' own keys: proven, written to item by item, copies for them alone; keys rotate."""

import shutil
import subprocess
from datetime import timedelta

import pyrage
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from talent.custody import destruction, grants, keys, own_keys, reading, sweep
from talent.custody.age import Identity
from talent.custody.places import folder
from talent.models import CustodyItem, CustodyKey, CustodyRead, Destruction, OwnKey
from talent.words import DestructionStepKind, GrantStepKind, Power, ReadCause, SealLevel
from tests import factories

from .conftest import NOON

ADA = Identity.generate()


@pytest.fixture
def proven(performer, ada):
    """Ada's own key, proven."""

    def proven(identity=ADA):
        recipient = str(identity.recipient)
        key = own_keys.name(performer=performer, recipient=recipient, by=ada, at=NOON)
        opener = pyrage.x25519.Identity.from_str(identity.in_text())
        answer = pyrage.decrypt(bytes(key.challenge), [opener]).decode()
        return own_keys.prove(key_id=key.pk, answer=answer, by=ada, at=NOON)

    return proven


def content_of(item):
    return b"".join(reading.content_of(CustodyItem.objects.get(pk=item.pk)))


def test_a_key_counts_once_somebody_opened_something_with_it_and_in_time(performer, ada, proven):
    with pytest.raises(own_keys.NotAKey):
        own_keys.name(performer=performer, recipient="age1ada", by=ada, at=NOON)
    with pytest.raises(own_keys.NotAKey):
        own_keys.name(
            performer=performer, recipient=str(keys.desk_identity().recipient), by=ada, at=NOON
        )
    key = own_keys.name(performer=performer, recipient=str(ADA.recipient), by=ada, at=NOON)
    with pytest.raises(own_keys.NotProven):
        own_keys.prove(key_id=key.pk, answer="guess", by=ada, at=NOON)
    assert own_keys.of(performer.pk) is None
    opener = pyrage.x25519.Identity.from_str(ADA.in_text())
    answer = pyrage.decrypt(bytes(key.challenge), [opener]).decode()
    with pytest.raises(own_keys.NotProven):
        own_keys.prove(key_id=key.pk, answer=answer, by=ada, at=NOON + timedelta(days=2))
    own_keys.prove(key_id=key.pk, answer=answer, by=ada, at=NOON)
    assert own_keys.of(performer.pk) == key
    other = proven(Identity.generate())
    assert own_keys.of(performer.pk) == other
    assert OwnKey.objects.in_use().count() == 1


def test_an_item_is_written_to_the_key_by_its_header_alone_and_no_more_once_it_ended(
    stored, ada, proven, performer
):
    item, other = stored(b"face"), stored(b"other")
    with pytest.raises(own_keys.NoOwnKey):
        own_keys.write_to(item_id=item.pk, by=ada, at=NOON)
    key = proven()
    before = folder.path_of(item.place).read_bytes()

    own_keys.write_to(item_id=item.pk, by=ada, at=NOON)

    opener = pyrage.x25519.Identity.from_str(ADA.in_text())
    loaded = CustodyItem.objects.get(pk=item.pk)
    assert pyrage.decrypt(b"".join(reading.exported(loaded)), [opener]) == b"face"
    assert folder.path_of(item.place).read_bytes() == before
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(b"".join(reading.exported(CustodyItem.objects.get(pk=other.pk))), [opener])
    assert ("Its performer", str(ADA.recipient)) in keys.who_opens(item.pk)

    own_keys.take_off(item_id=item.pk, by=ada, at=NOON)
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(b"".join(reading.exported(loaded)), [opener])
    with pytest.raises(own_keys.NoOwnKey):
        own_keys.take_off(item_id=item.pk, by=ada, at=NOON)
    own_keys.write_to(item_id=item.pk, by=ada, at=NOON)
    assert pyrage.decrypt(b"".join(reading.exported(loaded)), [opener]) == b"face"

    assert own_keys.end(key_id=key.pk, by=ada, at=NOON) == 1
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(b"".join(reading.exported(loaded)), [opener])
    assert content_of(item) == b"face"


def test_a_copy_is_for_the_performers_key_alone_by_two_approvals_and_once(
    stored, ada, proven, approvers, tmp_path
):
    item = stored(b"voice" * 30_000)
    ask = {"item_id": item.pk, "reason": "Mine.", "by": ada, "at": NOON}
    proven()
    with pytest.raises(own_keys.NoOwnKey):
        grants.ask_copy(**ask)
    own_keys.write_to(item_id=item.pk, by=ada, at=NOON)
    grant = grants.ask_copy(**ask)
    read = {"grant_id": grant.pk, "by": ada, "clock": lambda: NOON, "address": None}
    with pytest.raises(grants.NotItsTurn):
        grants.read(**read)
    for approver in approvers:
        grants.approve(grant_id=grant.pk, by=approver, at=NOON)
    own_keys.take_off(item_id=item.pk, by=ada, at=NOON)
    with pytest.raises(own_keys.NoOwnKey):
        grants.read(**read)
    own_keys.write_to(item_id=item.pk, by=ada, at=NOON)

    copy = b"".join(grants.read(**read).content)

    assert CustodyRead.objects.get().cause == ReadCause.OWNER
    assert CustodyRead.objects.get().end.sent == len(copy)
    (tmp_path / "copy.age").write_bytes(copy)
    (tmp_path / "key.txt").write_text(ADA.in_text())
    desk = pyrage.x25519.Identity.from_str(keys.desk_identity().in_text())
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(copy, [desk])  # so that no key of the desk opens it after a destruction
    opened = pyrage.decrypt(copy, [pyrage.x25519.Identity.from_str(ADA.in_text())])
    assert opened == b"voice" * 30_000
    with pytest.raises(grants.NotItsTurn):
        grants.read(**read)


@pytest.mark.judge("age")
def test_the_ordinary_age_tool_opens_the_file_that_proves(performer, ada, tmp_path):
    key = own_keys.name(performer=performer, recipient=str(ADA.recipient), by=ada, at=NOON)
    (tmp_path / "prove.age").write_bytes(bytes(key.challenge))
    (tmp_path / "key.txt").write_text(ADA.in_text())
    command = [shutil.which("age"), "-d", "-i", tmp_path / "key.txt", tmp_path / "prove.age"]
    opened = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - our own
    own_keys.prove(key_id=key.pk, answer=opened.decode(), by=ada, at=NOON)


def test_keys_rotate_by_headers_alone_and_a_killed_rotation_goes_on(
    stored, settings, monkeypatch, capsys
):
    items = [stored(f"item {number}".encode()) for number in range(5)]
    files = [folder.path_of(item.place).read_bytes() for item in items]
    old, new, escrow = keys.desk_identity(), Identity.generate(), Identity.generate()
    settings.VAULT_IDENTITY, settings.VAULT_ESCROW = new.in_text(), str(escrow.recipient)
    with pytest.raises(keys.KeyMissing, match="VAULT_OLD_IDENTITIES"):
        content_of(items[0])
    with pytest.raises(CommandError, match="opens 5"):
        call_command("rotate_vault")
    settings.VAULT_OLD_IDENTITIES = [old.in_text()]
    monkeypatch.setattr(keys, "AT_ONCE", 2)
    wrapped, count = keys._rewrap, []

    def killed(kept, own):
        count.append(kept)
        if len(count) == 4:
            raise SystemExit
        wrapped(kept, own)

    with monkeypatch.context() as patched:
        patched.setattr(keys, "_rewrap", killed)
        with pytest.raises(SystemExit):
            keys.rotate()
    assert CustodyKey.objects.values("wrapped_for").distinct().count() == 2
    assert [content_of(item) for item in items] == [f"item {n}".encode() for n in range(5)]

    capsys.readouterr()
    assert sweep.see_to_items(clock=lambda: NOON)["rewrapped"] == 3
    call_command("rotate_vault")
    assert "5 of 5" in capsys.readouterr().out
    settings.VAULT_OLD_IDENTITIES = []
    assert [content_of(item) for item in items] == [f"item {n}".encode() for n in range(5)]
    assert [folder.path_of(item.place).read_bytes() for item in items] == files
    opener = pyrage.x25519.Identity.from_str(escrow.in_text())
    loaded = CustodyItem.objects.get(pk=items[0].pk)
    assert pyrage.decrypt(b"".join(reading.exported(loaded)), [opener]) == b"item 0"


def test_a_performer_sees_who_opens_what_and_asks_for_a_copy_and_for_destruction(
    client, stored, ada, approvers, affairs, elsewhere, settings, monkeypatch
):
    settings.VAULT_ESCROW = str(Identity.generate().recipient)
    item = stored(b"face")
    stranger = factories.make_user(
        "bea@example.com", performer=factories.make_performer("Bea Example", elsewhere)
    )
    client.force_login(stranger)
    for name in ("destroy", "copy", "own-key"):
        assert client.post(f"/held/{item.pk}/{name}/", {"reason": "x"}).status_code == 404
    assert "Face, 180" not in client.get("/held/").content.decode()

    client.force_login(ada)
    client.post("/held/key/name/", {"recipient": str(ADA.recipient)})
    file = b"".join(client.get("/held/key/prove.age").streaming_content)
    opener = pyrage.x25519.Identity.from_str(ADA.in_text())
    assert "Prove that you have it" in client.get("/held/key/").content.decode()
    client.post("/held/key/prove/", {"answer": pyrage.decrypt(file, [opener]).decode()})
    client.post(f"/held/{item.pk}/own-key/")
    page = client.get("/held/").content.decode()
    for told in (str(ADA.recipient), settings.VAULT_ESCROW, "Ask for a copy", "Two years after"):
        assert told in page
    client.post(f"/held/{item.pk}/copy/", {"reason": "Mine."})
    first = item.grants.get()
    assert f"/held/copies/{first.pk}/take-back/" in client.get("/held/").content.decode()
    client.force_login(stranger)
    assert client.post(f"/held/copies/{first.pk}/take-back/").status_code == 404
    client.post(f"/held/{item.pk}/own-key/end/")
    client.force_login(ada)
    assert item.own_keys.count() == 1
    client.post(f"/held/{item.pk}/own-key/end/")
    assert item.own_keys.latest("pk").is_written is False
    client.post(f"/held/{item.pk}/own-key/")
    client.post(f"/held/copies/{first.pk}/take-back/")
    assert first.steps.get().kind == GrantStepKind.TAKEN_BACK
    client.post(f"/held/{item.pk}/copy/", {"reason": "Mine."})
    grant = item.grants.latest("pk")
    assert grant != first
    for approver in approvers:
        grants.approve(grant_id=grant.pk, by=approver, at=timezone.now())
    assert "Fetch your copy" in client.get("/held/").content.decode()
    sent = b"".join(client.post(f"/held/copies/{grant.pk}/").streaming_content)
    assert pyrage.decrypt(sent, [opener]) == b"face"
    assert "Your own copy" in client.get("/held/").content.decode()

    assert client.post(f"/held/{item.pk}/keep/").status_code == 404
    client.post(f"/held/{item.pk}/destroy/", {"reason": "Oh."})
    first = Destruction.objects.get()
    client.force_login(stranger)
    assert client.post(f"/held/{item.pk}/keep/").status_code == 404
    client.force_login(ada)
    assert f"/held/{item.pk}/keep/" in client.get("/held/").content.decode()
    client.post(f"/held/{item.pk}/keep/")
    assert first.steps.get().kind == DestructionStepKind.TAKEN_BACK
    client.post(f"/held/{item.pk}/destroy/", {"reason": "Enough."})
    row = Destruction.objects.latest("pk")
    assert (row.asked_by, row.reason) == (ada, "Enough.")
    assert "Its destruction was asked for." in client.get("/held/").content.decode()
    told = destruction.approve(destruction_id=row.pk, by=affairs, at=timezone.now())
    # Nobody can stop what was approved.
    page = client.post(f"/held/{item.pk}/keep/", follow=True).content.decode()
    assert f"/held/{item.pk}/keep/" not in page
    assert row.steps.get().kind == DestructionStepKind.APPROVED
    paper = destruction.certificate.Paper(b"%PDF", SealLevel.NONE)
    monkeypatch.setattr(destruction.certificate, "drawn", lambda content, at: paper)
    certified = destruction.carry_out(destruction_id=told.pk, at=timezone.now())
    assert certified.content["own_keys"] == [str(ADA.recipient)]


def test_a_delegate_who_only_sees_asks_for_nothing(client, stored, performer):
    item = stored(b"face")
    client.force_login(factories.make_delegate(performer, "counsel", Power.SEE_TWINS.value))

    assert "Ask for its destruction" not in client.get("/held/").content.decode()
    assert client.post(f"/held/{item.pk}/destroy/", {"reason": "x"}).status_code == 404
    assert client.get("/held/key/").status_code == 404
    assert not Destruction.objects.exists()
