"""P1, P2: usage coming in over HTTP with everything it takes, against a first draft of it.

The draft is what REST framework's tutorial would write: a serializer with `many=True`, then
`bulk_create`. It does less: no key ledger, no replay, no canonical bytes, salt or entry, no
record, no standing, no cap, no dead letters, and no middleware.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing import api_keys
from licensing.models import Agreement, Cap, Grant, Licensee, LicenseeTerms, UsageBatch, UsageEvent
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.words import Channel, Meter, PromptClass
from talent.consent.consents import Evidence, matrix_of, record
from talent.consent.matrix import Cell
from talent.models import Agency, DigitalTwin, Performer, Representation
from talent.words import Right, Stance, Use
from tests.bench.harness import Row, at_least, seconds

EVENTS = "/api/v1/usage/events"
BATCH = "application/cloudevents-batch+json"
IN_A_BATCH = 1_000
AGREEMENTS = 20
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
ROUNDS = 5


class DataSerializer(serializers.Serializer):
    twin = serializers.CharField(max_length=200)
    agreement = serializers.CharField(max_length=200)
    right = serializers.ChoiceField(Right.choices())
    use = serializers.ChoiceField(Use.choices())
    territory = serializers.CharField(max_length=6)
    language = serializers.CharField(max_length=35)
    channel = serializers.ChoiceField(Channel.choices())
    prompt_class = serializers.ChoiceField(PromptClass.choices())
    quantities = serializers.DictField(
        child=serializers.DecimalField(max_digits=20, decimal_places=6)
    )


class EventSerializer(serializers.Serializer):
    specversion = serializers.ChoiceField(["1.0"])
    id = serializers.CharField(max_length=500)
    source = serializers.CharField(max_length=500)
    type = serializers.CharField(max_length=200)
    time = serializers.DateTimeField()
    data = DataSerializer()


class DraftView(APIView):
    """Keeps a batch of events, as a first draft would."""

    parser_classes = [JSONParser]

    def post(self, request):
        terms = request.auth.terms
        given = EventSerializer(data=request.data, many=True)
        given.is_valid(raise_exception=True)
        agreements = {
            one.reference: one for one in Agreement.objects.filter(licensee=terms.licensee)
        }
        batch = UsageBatch.objects.create(
            terms=terms, door="api", received_at=timezone.now(), size=len(given.validated_data)
        )
        events = UsageEvent.objects.bulk_create(
            UsageEvent(
                batch=batch,
                seat=seat,
                agency_id=terms.agency_id,
                licensee_id=terms.licensee_id,
                agreement=agreements[event["data"]["agreement"]],
                twin_id=agreements[event["data"]["agreement"]].twin_id,
                occurred_at=event["time"],
                standing="cleared",
                entry=b"",
                **{name: event["data"][name] for name in COLUMNS},
                **{Meter(code).value: n for code, n in event["data"]["quantities"].items()},
            )
            for seat, event in enumerate(given.validated_data)
        )
        return Response([{"id": event.pk} for event in events], status=201)


COLUMNS = ("right", "use", "territory", "language", "channel", "prompt_class")


def intake(batches: int) -> list[Row]:
    """Post so many batches of a thousand in each round, ours and the draft's in turn."""
    secret = write_cast()
    ours = Client(headers={"authorization": f"Bearer {secret}"}, SERVER_NAME="localhost")
    draft, requests = DraftView.as_view(), RequestFactory()
    numbers = count()

    def post(body: bytes) -> None:
        response = ours.post(EVENTS, body, content_type=BATCH)
        assert response.status_code == 207, response.content[:500]

    def post_draft(body: bytes) -> None:
        request = requests.post(
            EVENTS, body, "application/json", headers={"authorization": f"Bearer {secret}"}
        )
        assert draft(request).render().status_code == 201

    first, again, drafted = [], [], []
    post(body_of(next(numbers))), post_draft(body_of(next(numbers)))
    for _ in range(ROUNDS):
        bodies = [body_of(next(numbers)) for _ in range(batches)]
        first.append(seconds(lambda: [post(body) for body in bodies]))  # noqa: B023
        drafted.append(seconds(lambda: [post_draft(body) for body in bodies]))  # noqa: B023
        again.append(seconds(lambda: [post(body) for body in bodies]))  # noqa: B023
    new, known, less = (sorted(taken)[ROUNDS // 2] for taken in (first, again, drafted))
    events = f"{batches * IN_A_BATCH:,} events"
    return [
        at_least(f"P1 {events} posted, by REST framework's serializer", 5, new, less),
        at_least(f"P2 {events} posted again, by the first time", 0.8, known, new),
    ]


def body_of(number: int) -> bytes:
    return json.dumps(list(events_of(number))).encode()


def events_of(number: int) -> Iterator[dict]:
    for place in range(IN_A_BATCH):
        of = place % AGREEMENTS
        yield {
            "specversion": "1.0",
            "id": f"reel-{number}-take-{place}",
            "source": "//load.example/pipeline",
            "type": USAGE_TYPE,
            "time": f"2026-07-{1 + place % 28:02}T{place % 24:02}:{place % 60:02}:00Z",
            "data": {
                "twin": f"Voice of intake {of}",
                "agreement": f"IN-{of}",
                "right": "voice",
                "use": "dubbing",
                "territory": "FR",
                "language": "fr",
                "channel": "streaming",
                "prompt_class": "scripted",
                "quantities": {"lines": f"{1 + place % 5}", "words": f"{10 + place % 50}.5"},
            },
        }


def write_cast() -> str:
    """Write an agency with agreements, consents and caps; return a key to report by."""
    agency = Agency.objects.create(name="Intake Example", slug="intake", country="US")
    studio = Licensee.objects.create(name="Flow Example", slug="flow", kind="studio", country="US")
    terms = LicenseeTerms.objects.create(agency=agency, licensee=studio)
    for number in range(AGREEMENTS):
        performer = Performer.objects.create(name=f"Intake {number}", life="living")
        Representation.objects.create(
            agency=agency, performer=performer, commission_percent=10, starts_on=BEGUN.date()
        )
        record(
            matrix=matrix_of(performer=performer),
            cells=[Cell("voice", "dubbing", Stance.ALLOW)],
            in_force_from=BEGUN,
            recorded_at=BEGUN,
            by=None,
            evidence=Evidence("Dubbing."),
        )
        twin = DigitalTwin.objects.create(
            name=f"Voice of intake {number}",
            performer=performer,
            tier="dynamic_behavioral_emulator",
            legal_class="independently_created",
        )
        agreement = Agreement.objects.create(
            agency=agency,
            licensee=studio,
            twin=twin,
            reference=f"IN-{number}",
            status="signed",
            signed_at=BEGUN,
            starts_at=BEGUN,
            currency="USD",
        )
        Grant.objects.create(agreement=agreement, right="voice", use="dubbing")
        Cap.objects.create(
            agreement=agreement, meter="lines", limit=Decimal(10**9), starts_on=BEGUN.date()
        )
    return api_keys.issue(terms=terms, label="Bench", at=timezone.now(), by=None).secret
