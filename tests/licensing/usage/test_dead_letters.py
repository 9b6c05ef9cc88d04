"""Dead letters in the admin: read again, and put right by those who may only."""

from django.urls import reverse
from django.utils import timezone

from licensing.models import (
    DeadLetter,
    LicenseeTerms,
)
from licensing.usage.events.cloudevents import Envelope
from licensing.usage.recording.arrivals import Arrival
from licensing.usage.recording.metering import meter
from licensing.words import Door
from tests.factories import messages_of, run_action, sign_in


def test_a_letter_is_read_again_once_what_it_names_exists(affairs, arrival, use, twin):
    meter([use("take-1", data={"twin": "10.23/later"})], arrival)
    letter = DeadLetter.objects.get()
    client = sign_in(affairs)
    assert "0 understood now, 1 still not" in messages_of(run_action(client, "replay", letter))

    type(twin).objects.filter(pk=twin.pk).update(hand_id="10.23/later")
    assert "1 understood now, 0 still not" in messages_of(run_action(client, "replay", letter))


def test_a_seat_that_only_reads_puts_no_letter_right(both, elsewhere, agency, twin):
    terms = LicenseeTerms.objects.get(agency=elsewhere)
    arrival = Arrival(terms, Door.API, timezone.now(), actor="key test")
    meter([Envelope(id="a", source="x", type="else")], arrival)
    url = reverse("admin:licensing_deadletter_correct", args=[DeadLetter.objects.get().pk])

    assert sign_in(both).get(url).status_code == 403
