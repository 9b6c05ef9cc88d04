"""Dead letters in the admin: read again, and put right by those who may only."""

from django.urls import reverse
from django.utils import timezone

from licensing.models import (
    DeadLetter,
    LicenseeTerms,
)
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.recording.messages import BatchOrigin
from licensing.usage.recording.record import record_events
from licensing.words import Door
from tests.factories import messages_of, run_action, sign_in


def test_a_dead_letter_is_read_again_once_what_it_names_exists(affairs, origin, use, twin):
    record_events([use("take-1", data={"twin": "10.23/later"})], origin)
    dead_letter = DeadLetter.objects.get()
    client = sign_in(affairs)
    assert "0 understood now, 1 still not" in messages_of(run_action(client, "replay", dead_letter))

    type(twin).objects.filter(pk=twin.pk).update(hand_id="10.23/later")
    assert "1 understood now, 0 still not" in messages_of(run_action(client, "replay", dead_letter))


def test_a_seat_that_only_reads_puts_no_dead_letter_right(both, elsewhere, agency, twin):
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    origin = BatchOrigin(terms, Door.API, timezone.now(), actor="key test")
    record_events([Envelope(id="a", source="x", type="else")], origin)
    url = reverse("admin:licensing_deadletter_correct", args=[DeadLetter.objects.get().pk])

    assert sign_in(both).get(url).status_code == 403
