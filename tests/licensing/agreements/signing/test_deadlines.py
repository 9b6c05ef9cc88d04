"""Reminders and expiry: by the sweep, once each, and by hand not too often."""

from datetime import timedelta

import pytest

from licensing.agreements.signing import deadlines
from licensing.models import SigningRound
from licensing.words import RoundState
from talent.models import OutboxMessage
from tests.factories import NOW
from tests.licensing.agreements.signing import rounds_of_tests as flow

pytestmark = pytest.mark.usefixtures("light_papers")
NOTHING = {"reminded": 0, "expired": 0}


def subjects(address):
    mails = OutboxMessage.objects.filter(recipient=address).order_by("pk")
    return [subject.split(":")[0] for subject in mails.values_list("subject", flat=True)]


def test_whoever_it_waits_for_is_reminded_after_three_days_and_not_twice(out, star):
    due = NOW + timedelta(days=3)

    assert deadlines.sweep(at=due - timedelta(seconds=1)) == NOTHING
    assert deadlines.sweep(at=due) == {"reminded": 1, "expired": 0}
    assert deadlines.sweep(at=due + timedelta(seconds=1)) == NOTHING
    assert subjects(star.email) == ["Please sign", "Still to be signed"]


def test_whoever_acted_lately_is_not_reminded(out, star):
    flow.read(out, "performer", flow.signed_in(star), at=NOW + timedelta(days=2))

    assert deadlines.sweep(at=NOW + timedelta(days=4)) == NOTHING


def test_the_last_day_has_a_reminder_of_its_own(out, star):
    flow.read(out, "performer", flow.signed_in(star), at=out.expires_at - timedelta(days=2))

    assert deadlines.sweep(at=out.expires_at - timedelta(hours=23)) == {
        "reminded": 1, "expired": 0,
    }  # fmt: skip
    assert deadlines.sweep(at=out.expires_at - timedelta(hours=22)) == NOTHING


def test_what_is_not_signed_in_time_expires_once_and_all_are_told(out, star, lawyer):
    assert deadlines.sweep(at=out.expires_at) == {"reminded": 0, "expired": 1}
    assert deadlines.sweep(at=out.expires_at + timedelta(days=9)) == NOTHING

    assert SigningRound.objects.get().state == RoundState.EXPIRED
    for address in (star.email, lawyer.email, "sam@paper-moon.example"):
        assert subjects(address)[-1] == "Not signed in time"


def test_a_reminder_by_hand_waits_an_hour(out, lawyer):
    with pytest.raises(deadlines.RemindedJustNow):
        deadlines.remind(round_id=out.pk, at=NOW + timedelta(minutes=59), by=lawyer)
    deadlines.remind(round_id=out.pk, at=NOW + timedelta(minutes=61), by=lawyer)
    with pytest.raises(deadlines.RemindedJustNow):
        deadlines.remind(round_id=out.pk, at=NOW + timedelta(minutes=62), by=lawyer)
