"""Capture sessions quarantine what was not agreed; others who hold items owe their word."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from talent.admin.custody.item_forms import StoreForm
from talent.custody import captures, destruction, elsewhere, grants
from talent.four_eyes import FourEyes
from talent.models import (
    CaptureSession,
    CustodyItem,
    HeldElsewhere,
    HeldElsewhereStep,
    OutboxMessage,
)
from talent.words import (
    CustodyKind,
    CustodyPurpose,
    CustodyStepKind,
    DestructionCause,
    ElsewhereStepKind,
    SealLevel,
)

from .conftest import NOON

DAY = timedelta(days=1)
TODAY = NOON.date()


@pytest.fixture
def session(agency, performer, agent):
    def session(**about):
        told = {
            "agency": agency, "performer": performer, "name": "Studio A", "kinds": ["scan"],
            "purposes": ["build", "legal"], "business_reason": "The double of act two",
            "reason_given_at": NOON - 9 * DAY, "asked_at": NOON - 8 * DAY, "starts_on": TODAY,
            "ends_on": TODAY, "at": NOON, "by": agent,
        }  # fmt: skip
        return CaptureSession.objects.create(**(told | about))

    return session


def state_of(item):
    return CustodyItem.objects.with_state().get(pk=item.pk).state


@pytest.mark.parametrize(
    ("agreed", "arrives", "why"),
    [
        ({}, {"kind": CustodyKind.MOTION}, "was not agreed"),
        ({}, {"purposes": [CustodyPurpose.BUILD, CustodyPurpose.TRAIN]}, "To train a model"),
        ({}, {"captured_on": TODAY + DAY}, "days of the session"),
        ({}, {"captured_on": None}, "days of the session"),
        ({"items_at_most": 0}, {}, "0 were agreed"),
        # 48 hours before midnight, where the session begins, less a second.
        ({"asked_at": datetime(2026, 11, 18, 0, 0, 1, tzinfo=UTC)}, {}, "less than 48 hours"),
    ],
)
def test_what_is_more_than_was_agreed_is_quarantined_until_two_people_decide(
    session, stored, approvers, agent, agreed, arrives, why
):
    about = {"captured_on": TODAY, "session": session(**agreed)}
    item = stored(b"more", **(about | arrives))

    assert state_of(item) == CustodyStepKind.QUARANTINED
    assert why in item.steps.order_by("pk").last().note
    with pytest.raises(grants.NotHeld):
        grants.break_glass(
            item_id=item.pk, reason="Now.", by=approvers[0], clock=lambda: NOON, address=None
        )
    with pytest.raises(captures.NotItsTurn):
        captures.release(item_id=item.pk, reason="Yes.", by=approvers[0], at=NOON)
    captures.ask_release(item_id=item.pk, reason="She agrees.", by=agent, at=NOON)
    with pytest.raises(FourEyes):
        captures.release(item_id=item.pk, reason="Yes.", by=agent, at=NOON)
    captures.keep_quarantined(item_id=item.pk, reason="No.", by=approvers[0], at=NOON)
    assert state_of(item) == CustodyStepKind.QUARANTINED
    captures.ask_release(item_id=item.pk, reason="In writing.", by=agent, at=NOON)
    captures.release(item_id=item.pk, reason="Seen.", by=approvers[0], at=NOON)
    assert state_of(item) == CustodyStepKind.PROVEN


def test_a_file_whose_hash_lies_is_broken_whatever_else_it_is(session, begin, send):
    item = begin(4, session=session(), kind=CustodyKind.MOTION, told_sha256="0" * 64)
    send(item, b"face")

    assert state_of(item) == CustodyStepKind.BROKEN


def test_what_was_captured_on_a_sessions_day_names_it(session, agent, agency, performer):
    named = session()

    def errors(**about):
        told = {
            "agency": agency.pk, "performer": performer.pk, "kind": "scan", "name": "Face",
            "purposes": ["build"], "captured_on": TODAY,
        }  # fmt: skip
        return set(StoreForm(told | about, user=agent).errors)

    assert errors() == errors(captured_on="") == {"session"}
    assert errors(session=named.pk) == errors(captured_on=TODAY + DAY) == set()


def test_what_was_agreed_is_held_and_the_one_too_many_is_not(session, stored, affairs, agent):
    agreed = session(items_at_most=1, asked_at=datetime(2026, 11, 18, tzinfo=UTC))
    first = stored(b"one", captured_on=TODAY, session=agreed)
    second = stored(b"two", captured_on=TODAY, session=agreed)

    assert state_of(first) == CustodyStepKind.PROVEN
    assert state_of(second) == CustodyStepKind.QUARANTINED
    asked = destruction.ask(
        item_id=second.pk, cause=DestructionCause.BROKEN, reason="Too many", by=agent, at=NOON
    )
    assert asked.item == second


def test_the_reason_comes_before_the_request(session):
    with pytest.raises(IntegrityError, match="reason_first"), transaction.atomic():
        session(reason_given_at=NOON, asked_at=NOON - DAY)


@pytest.fixture
def held(agency, performer, agent):
    def held(**about):
        told = {
            "agency": agency, "performer": performer, "kind": "scan", "name": "Face",
            "holder": "Vendor", "place": "Their safe", "contact": "safe@vendor.example",
            "sha256": "0" * 64, "attest_every_days": 30, "at": NOON, "by": agent,
        }  # fmt: skip
        return HeldElsewhere.objects.create(**(told | about))

    return held


def owing(on):
    rows = set(HeldElsewhere.objects.owing(on))
    assert rows == {row for row in HeldElsewhere.objects.with_state() if row.owes_on(on)}
    return rows


def test_who_does_not_attest_in_time_owes_a_word(held, agent):
    one = held()
    attested = {"kind": ElsewhereStepKind.ATTESTED, "note": "Safe.", "by": agent}
    assert owing(TODAY + 30 * DAY) == set()
    assert owing(TODAY + 31 * DAY) == {one}
    later = NOON + 31 * DAY
    with pytest.raises(elsewhere.NotItsTurn):
        elsewhere.note(held_id=one.pk, on=TODAY + 32 * DAY, at=later, **attested)
    with pytest.raises(elsewhere.NotItsTurn):  # it was not told to destroy anything
        elsewhere.note(
            held_id=one.pk, kind=ElsewhereStepKind.DESTROYED, on=TODAY, note="", by=agent, at=later
        )
    elsewhere.note(held_id=one.pk, on=TODAY + 10 * DAY, at=later, **attested)
    assert owing(TODAY + 40 * DAY) == set()
    assert owing(TODAY + 41 * DAY) == {one}
    assert owing(date(9999, 12, 31)) == {one}


def test_a_holder_is_told_by_two_people_with_a_deadline_and_its_answer_is_kept(
    held, agent, affairs, approvers
):
    one = held()
    elsewhere.ask(held_id=one.pk, reason="She withdrew.", by=affairs, at=NOON)
    with pytest.raises(FourEyes):
        elsewhere.tell(held_id=one.pk, by=affairs, at=NOON)
    told = elsewhere.tell(held_id=one.pk, by=approvers[0], at=NOON)
    mail = OutboxMessage.objects.get()
    assert (mail.recipient, told.on) == ("safe@vendor.example", TODAY + 30 * DAY)
    assert "2026-12-20" in mail.subject
    with pytest.raises(elsewhere.NotItsTurn):
        elsewhere.tell(held_id=one.pk, by=approvers[1], at=NOON)
    assert owing(TODAY + 30 * DAY) == set()
    assert owing(TODAY + 31 * DAY) == {one}
    elsewhere.note(
        held_id=one.pk, kind=ElsewhereStepKind.DESTROYED, on=TODAY, note="Shredded", by=agent,
        at=NOON,
    )  # fmt: skip
    assert owing(TODAY + 99 * DAY) == set()


def test_at_a_destruction_each_holder_of_a_copy_is_told_once_and_the_certificate_says_so(
    held, stored, agent, affairs, monkeypatch
):
    item = stored(b"gone")
    copy, apart = held(item=item), held(name="Another")
    asked = destruction.ask(
        item_id=item.pk, cause=DestructionCause.ASKED, reason="She asked", by=agent, at=NOON
    )
    destruction.approve(destruction_id=asked.pk, by=affairs, at=NOON)
    paper = destruction.certificate.Paper(b"%PDF", SealLevel.NONE)
    with monkeypatch.context() as killed:
        killed.setattr(destruction.certificate, "drawn", lambda *_a, **_k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            destruction.carry_out(destruction_id=asked.pk, at=NOON)
    monkeypatch.setattr(destruction.certificate, "drawn", lambda content, at: paper)

    certified = destruction.carry_out(destruction_id=asked.pk, at=NOON)

    assert OutboxMessage.objects.count() == 1
    assert HeldElsewhereStep.objects.get().held == copy
    (told,) = certified.content["held_elsewhere"]
    assert (told["holder"], told["due_on"]) == ("Vendor", "2026-12-20")
    assert not apart.steps.exists()
