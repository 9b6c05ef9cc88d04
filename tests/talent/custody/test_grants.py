"""Grants: two others approve, one read, its window; each read is written down before it leaves."""

from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from talent.custody import grants, keys
from talent.custody.age import CHUNK
from talent.custody.places import folder
from talent.four_eyes import FourEyes
from talent.models import (
    CustodyGrant,
    CustodyRead,
    CustodyReadEnd,
    OutboxMessage,
    User,
)
from talent.words import CustodyPurpose, GrantState, ReadCause, ReadEnding, Role
from tests import factories

from .conftest import NOON

HOUR = timedelta(hours=1)
CONTENT = b"voice" * 30_000


@pytest.fixture
def ask(agent):
    def ask(item, **about):
        told = {
            "purpose": CustodyPurpose.BUILD,
            "reason": "The left ear is missing.",
            "starts_at": NOON,
            "ends_at": NOON + HOUR,
            "by": agent,
            "at": NOON,
        }
        return grants.ask(item_id=item.pk, **(told | about))

    return ask


@pytest.fixture
def granted(stored, ask, approvers):
    """A grant that two others approved."""

    def granted(content=CONTENT, **about):
        grant = ask(stored(content), **about)
        for approver in approvers:
            grants.approve(grant_id=grant.pk, by=approver, at=NOON)
        return grant

    return granted


def state_of(grant, at=NOON):
    return CustodyGrant.objects.with_state().get(pk=grant.pk).state_at(at)


def read(grant, by=None, clock=lambda: NOON):
    return grants.read(grant_id=grant.pk, by=by or grant.asked_by, clock=clock, address="192.0.2.7")


def test_a_grant_opens_once_two_others_have_approved_it(stored, ask, approvers):
    grant = ask(stored())
    first, second = approvers

    grants.approve(grant_id=grant.pk, by=first, at=NOON)
    assert state_of(grant) == GrantState.WAITING
    grants.approve(grant_id=grant.pk, by=second, at=NOON)

    assert state_of(grant) == GrantState.OPEN


def test_neither_the_asker_nor_one_person_twice_nor_an_operator_of_it_approves(
    stored, agency, approvers
):
    asker = factories.make_member(agency, Role.AGENT, email="root@northlight.example")
    User.objects.filter(pk=asker.pk).update(is_superuser=True)
    asker.refresh_from_db()
    grant = grants.ask(
        item_id=stored().pk, purpose=CustodyPurpose.BUILD, reason="Test.", starts_at=NOON,
        ends_at=NOON + HOUR, by=asker, at=NOON,
    )  # fmt: skip
    with pytest.raises(FourEyes):
        grants.approve(grant_id=grant.pk, by=asker, at=NOON)
    grants.approve(grant_id=grant.pk, by=approvers[0], at=NOON)
    with pytest.raises(FourEyes):
        grants.approve(grant_id=grant.pk, by=approvers[0], at=NOON)


def test_nothing_is_asked_for_that_two_others_could_not_approve(stored, ask, agent):
    factories.make_member(agent.memberships.get().agency, Role.AUDITOR)

    with pytest.raises(grants.TooFewToApprove):
        ask(stored())


def test_only_a_purpose_of_the_item_and_a_window_ahead_are_asked_for(stored, ask, approvers):
    item = stored()

    with pytest.raises(grants.NotItsPurpose):
        ask(item, purpose=CustodyPurpose.TRAIN)
    with pytest.raises(grants.NotThatWindow):
        ask(item, starts_at=NOON - 2 * HOUR, ends_at=NOON)
    with pytest.raises(grants.NotThatWindow):
        ask(item, ends_at=NOON + timedelta(days=31))


def test_an_item_that_is_not_whole_is_not_asked_for(begin, ask, approvers):
    with pytest.raises(grants.NotHeld):
        ask(begin(10))


def test_its_asker_reads_it_once_and_what_was_read_is_written_down(granted, approvers):
    grant = granted()
    reading = read(grant)

    assert b"".join(reading.content) == CONTENT

    stored = CustodyRead.objects.get()
    assert (stored.cause, stored.by, stored.address) == (
        ReadCause.GRANT,
        grant.asked_by,
        "192.0.2.7",
    )
    assert (stored.end.ending, stored.end.sent) == (ReadEnding.WHOLE, len(CONTENT))
    assert state_of(grant) == GrantState.USED
    with pytest.raises(grants.NotItsTurn):
        read(grant)


def test_nobody_else_uses_it(granted, approvers):
    grant = granted()

    with pytest.raises(FourEyes):
        read(grant, by=approvers[0])
    assert not CustodyRead.objects.exists()


@pytest.mark.parametrize(
    ("at", "opens"),
    [(-1, False), (0, True), (3_599, True), (3_600, False), (3_601, False)],
)
def test_a_window_opens_at_its_first_second_and_ends_before_its_last(granted, at, opens):
    grant = granted(starts_at=NOON, ends_at=NOON + HOUR, at=NOON - HOUR)

    if opens:
        assert b"".join(read(grant, clock=lambda: NOON + timedelta(seconds=at)).content) == CONTENT
    else:
        with pytest.raises(grants.NotItsTurn):
            read(grant, clock=lambda: NOON + timedelta(seconds=at))


def test_a_window_that_ends_during_a_read_ends_it(granted):
    grant = granted(b"v" * (3 * CHUNK))
    times = iter([NOON, NOON, NOON + HOUR, NOON + HOUR])
    content = read(grant, clock=lambda: next(times)).content

    assert next(content) == b"v" * CHUNK
    with pytest.raises(grants.NotItsTurn, match="over"):
        next(content)
    end = CustodyReadEnd.objects.get()
    assert (end.ending, end.sent) == (ReadEnding.OVER, CHUNK)


def test_a_reader_who_leaves_has_used_it(granted):
    grant = granted(b"v" * (3 * CHUNK))
    content = read(grant).content
    next(content)
    content.close()

    assert state_of(grant) == GrantState.USED
    assert CustodyReadEnd.objects.get().ending == ReadEnding.LEFT


def test_where_it_cannot_be_written_down_no_byte_leaves(granted, monkeypatch):
    grant = granted()
    opened = []
    monkeypatch.setattr(grants.reading, "content_of", lambda item: opened.append(item))

    def fails(*_args, **_options):
        raise DatabaseError("the log is full")

    monkeypatch.setattr(CustodyRead, "save", fails)
    with pytest.raises(DatabaseError):
        read(grant)
    assert not opened
    assert state_of(grant) == GrantState.OPEN


def test_the_row_is_there_before_the_first_byte(granted):
    reading = read(granted())

    assert CustodyRead.objects.filter(pk=reading.read.pk).exists()
    assert not CustodyReadEnd.objects.exists()
    next(reading.content)


def test_a_changed_file_is_never_sent_and_the_read_says_so(granted, vault):
    grant = granted(b"v" * (2 * CHUNK))
    file = folder.path_of(grant.item.place)
    changed = bytearray(file.read_bytes())
    changed[100] ^= 1
    file.write_bytes(changed)

    with pytest.raises(grants.AgeBroken):
        next(read(grant).content)
    assert CustodyReadEnd.objects.get().ending == ReadEnding.BROKEN


def test_a_grant_is_rejected_by_an_approver_and_taken_back_by_its_asker(
    granted, stored, ask, approvers, agent
):
    grant = granted()
    stranger = factories.make_user("stranger@example.com")
    with pytest.raises(FourEyes):
        grants.reject(grant_id=grant.pk, by=stranger, at=NOON, reason="No.")
    grants.reject(grant_id=grant.pk, by=approvers[0], at=NOON, reason="Too late.")
    assert state_of(grant) == GrantState.REJECTED
    with pytest.raises(grants.NotItsTurn):
        read(grant)

    other = ask(stored(b"other"))
    grants.reject(grant_id=other.pk, by=agent, at=NOON, reason="Found it.")
    assert state_of(other) == GrantState.TAKEN_BACK


def test_broken_glass_is_told_to_the_performer_and_the_agency_at_once(
    stored, affairs, approvers, ada
):
    item = stored(CONTENT)

    reading = grants.break_glass(
        item_id=item.pk, reason="A court asks by tonight.", by=affairs, clock=lambda: NOON,
        address=None,
    )  # fmt: skip

    told = set(OutboxMessage.objects.values_list("recipient", flat=True))
    assert {ada.email, *(one.email for one in approvers)} <= told
    assert affairs.email not in told
    assert b"".join(reading.content) == CONTENT
    assert CustodyRead.objects.get().cause == ReadCause.BREAK_GLASS


# Keys


def test_keys_that_are_away_refuse_and_nothing_new_is_made_in_their_place(stored, begin, settings):
    item = stored()
    there = settings.VAULT_KEYS
    settings.VAULT_KEYS = there.with_name("elsewhere")

    with pytest.raises(keys.KeyMissing):
        keys.file_key_of(item.pk)
    with pytest.raises(keys.KeyMissing, match="Mount"):
        begin(10)
    settings.VAULT_KEYS = there
    assert keys.file_key_of(item.pk)


def test_another_key_of_the_desk_opens_nothing_and_says_which_is_wanted(stored, settings):
    item = stored()
    settings.VAULT_IDENTITY = keys.Identity.generate().in_text()
    with pytest.raises(keys.KeyMissing, match="VAULT_OLD_IDENTITIES"):
        keys.file_key_of(item.pk)

    settings.VAULT_IDENTITY = "AGE-SECRET-KEY-1NO"
    with pytest.raises(keys.KeyMissing, match="VAULT_IDENTITY"):
        keys.file_key_of(item.pk)


def test_the_escrow_holder_opens_what_an_operator_exports_where_the_desks_key_is_lost(
    stored, settings, operator, tmp_path, ada
):
    escrow = keys.Identity.generate()
    settings.VAULT_ESCROW = str(escrow.recipient)
    item = stored(CONTENT)
    settings.VAULT_IDENTITY = keys.Identity.generate().in_text()
    told = {"by": operator.email, "reason": "The key is lost.", "to": tmp_path / "item.age"}

    for wrong in ({"by": "nobody@example.com"}, {"to": Path(__file__)}):
        with pytest.raises(CommandError):
            call_command("export_item", str(item.pk), **(told | wrong))
    assert not CustodyRead.objects.exists()
    call_command("export_item", str(item.pk), **told)

    opener = pyrage.x25519.Identity.from_str(escrow.in_text())
    assert pyrage.decrypt(told["to"].read_bytes(), [opener]) == CONTENT
    read = CustodyRead.objects.get()
    assert (read.cause, read.reason) == (ReadCause.BREAK_GLASS, "Exported: The key is lost.")
    assert OutboxMessage.objects.filter(recipient=ada.email).exists()
