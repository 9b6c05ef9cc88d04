"""Usage events in, with a receipt for each."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.models import ApiKey, Replacement, UsageEvent
from licensing.usage.archive import archived_events
from licensing.usage.events.event_types import USAGE_TYPE
from licensing.usage.events.schema import event_schema
from licensing.usage.recording.messages import BatchOrigin, EventOutcome, Reception
from licensing.usage.recording.record import record_events
from licensing.usage.sandbox import rehearse
from licensing.wire import problems
from licensing.wire.faults import Fault
from licensing.wire.names import Prefix, name_of
from licensing.wire.problems import problem
from licensing.words import Door

from .callers import HasApiKey, may_see, number_of_row, rows_visible_to
from .sandbox import sandbox_event
from .transport import BATCH, EVENT, JSON, MOST_EVENTS, events_in

STATUSES = {
    Reception.RECORDED: HTTPStatus.CREATED,
    Reception.KNOWN: HTTPStatus.OK,
    Reception.CONFLICT: HTTPStatus.CONFLICT,
    Reception.NOT_UNDERSTOOD: HTTPStatus.UNPROCESSABLE_ENTITY,
}


BATCH_SCHEMA = {"type": "array", "maxItems": MOST_EVENTS, "items": event_schema()}


class UsageEventsView(APIView):
    """Takes what a licensee used."""

    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="report_usage",
        summary="Report usage",
        description=(
            "CloudEvents 1.0: one in structured mode, a batch of at most 1,000, or one in binary "
            "mode, whose attributes are `ce-` headers and whose body is the data. Bodies may be "
            "packed by gzip. An event that was sent before is answered with its first receipt. "
            "A batch is answered with 207 and one result per event; a malformed envelope "
            "refuses the whole batch. With a sandbox key everything is answered alike, with "
            '`"sandbox": true`, and counts nowhere.'
        ),
        request={
            EVENT: event_schema(),
            BATCH: BATCH_SCHEMA,
            JSON: BATCH_SCHEMA,
        },
        responses={
            201: OpenApiResponse(description="Recorded: the event's id, standing and receipt."),
            200: OpenApiResponse(description="Known already: the first receipt."),
            207: OpenApiResponse(description="A batch: the result of each event, in order."),
            400: OpenApiResponse(description="Malformed, with a pointer to each fault."),
            409: OpenApiResponse(description="The same key came with other content before."),
            413: OpenApiResponse(description="More than 1,000 events or 5 MB."),
            422: OpenApiResponse(description="Not understood; kept as a dead letter."),
        },
        examples=[
            OpenApiExample(
                "A dubbed line",
                media_type="application/cloudevents+json",
                request_only=True,
                value={
                    "specversion": "1.0",
                    "id": "reel-4-take-11",
                    "source": "https://studio.example/dubbing",
                    "type": USAGE_TYPE,
                    "time": "2026-05-04T10:11:12Z",
                    "data": {
                        "twin": "T1",
                        "agreement": "NA-1",
                        "right": "voice",
                        "use": "dubbing",
                        "territory": "FR",
                        "language": "fr",
                        "channel": "cinema",
                        "prompt_class": "scripted",
                        "quantities": {"lines": "1", "words": "7"},
                    },
                },
            )
        ],
    )
    def post(self, request):
        sent = events_in(request._request)
        key = request.auth
        outcomes = (rehearse if key.sandbox else record_events)(sent.envelopes, _origin(key))
        mark = {"sandbox": True} if key.sandbox else {}
        return _batch_answer(outcomes, mark) if sent.is_batch else _one_answer(outcomes[0], mark)


def _origin(key: ApiKey) -> BatchOrigin:
    return BatchOrigin(key.terms, Door.API, timezone.now(), actor=f"key {key.prefix}", api_key=key)


def _batch_answer(outcomes: Sequence[EventOutcome], mark: dict[str, bool]) -> HttpResponse:
    results = [
        {"index": outcome.index, "status": STATUSES[outcome.reception], **_result(outcome)}
        for outcome in outcomes
    ]
    return _json({"results": results} | mark, HTTPStatus.MULTI_STATUS)


def _one_answer(outcome: EventOutcome, mark: dict[str, bool]) -> HttpResponse:
    result = _result(outcome)
    if "problem" in result:
        answer = result["problem"] | mark
        return _json(answer, STATUSES[outcome.reception], problems.CONTENT_TYPE)
    return _json(result | mark, STATUSES[outcome.reception])


def _json(value: object, status: int, content_type: str = "application/json") -> HttpResponse:
    return HttpResponse(msgspec.json.encode(value), content_type=content_type, status=status)


def _result(outcome: EventOutcome) -> dict[str, Any]:
    if outcome.reception is Reception.CONFLICT:
        return {"problem": _conflict(outcome)}
    if outcome.reception is Reception.NOT_UNDERSTOOD:
        return {"problem": _not_understood(outcome)}
    return {
        "id": str(outcome.event_id),
        "standing": outcome.standing,
        "standing_reason": outcome.standing_reason,
        "receipt": _receipt(outcome.entry or b""),
    }


def _receipt(entry: bytes) -> dict[str, str]:
    return {"entry": entry.hex(), "tag": entry[1:33].hex()}


def _conflict(outcome: EventOutcome) -> dict[str, object]:
    return problem(
        "key_conflict",
        status=HTTPStatus.CONFLICT,
        detail="An event with this source and id came before, with other content.",
        faults=[Fault("/id", "Use another id.", "key_conflict")],
        digest_sent=(outcome.digest_sent or b"").hex(),
        digest_known=(outcome.digest_known or b"").hex(),
    )


def _not_understood(outcome: EventOutcome) -> dict[str, object]:
    return problem(
        outcome.faults[0].code,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail="The event is kept, but waits until it is understood.",
        faults=outcome.faults,
        dead_letter=str(outcome.dead_letter_id),
    )


class UsageEventSerializer(serializers.ModelSerializer):
    """One event as its licensee may read it."""

    id = serializers.CharField()
    twin = serializers.SerializerMethodField()
    agreement = serializers.CharField(source="agreement.reference", default=None)
    build = serializers.CharField(source="build.version", default=None)
    production = serializers.CharField(source="production.title", default=None)
    received_at = serializers.DateTimeField(source="batch.received_at")
    quantities = serializers.SerializerMethodField()
    prompt = serializers.SerializerMethodField()
    index = serializers.SerializerMethodField()
    receipt = serializers.SerializerMethodField()
    replaces = serializers.SerializerMethodField()
    replaced_by = serializers.SerializerMethodField()

    class Meta:
        model = UsageEvent
        fields = [
            "id", "kind", "twin", "agreement", "build", "production", "right", "use", "territory",
            "language", "channel", "prompt_class", "real_time", "occurred_at", "received_at",
            "quantities", "standing", "standing_reason", "prompt", "index", "receipt",
            "replaces", "replaced_by",
        ]  # fmt: skip

    def get_twin(self, event) -> str:
        return name_of(Prefix.TWIN, event.twin_id)

    def get_quantities(self, event) -> dict[str, str]:
        return {
            meter.value: f"{value.normalize():f}" for meter, value in event.quantities().items()
        }

    def get_prompt(self, event) -> dict[str, str] | None:
        """Salt and commitment, SHA-256(salt ‖ text in UTF-8), in hex; null without a text."""
        commitment = getattr(event, "prompt", None)
        return commitment and {
            "salt": bytes(commitment.salt).hex(),
            "commitment": bytes(commitment.commitment).hex(),
        }

    def get_index(self, event) -> int | None:
        """The place in the log; null until it is sealed."""
        first = event.batch.first_index
        return None if first is None else first + event.seat

    def get_replaces(self, event) -> str | None:
        """The event whose place this amendment took."""
        return None if event.about is None else str(event.about)

    def get_replaced_by(self, event) -> str | None:
        """The amendment that counts in this event's place."""
        by = Replacement.objects.filter(event_id=event.pk).values_list("amendment_id", flat=True)
        return next(map(str, by), None)

    def get_receipt(self, event) -> dict[str, str]:
        return _receipt(bytes(event.entry))


@extend_schema_view(
    get=extend_schema(operation_id="usage_event", summary="One usage event with its receipt")
)
class UsageEventView(generics.RetrieveAPIView):
    """An event of the caller's; with a sandbox key, one of its sandbox."""

    serializer_class = UsageEventSerializer
    queryset = UsageEvent.objects.select_related(
        "batch", "agreement", "build", "production", "prompt"
    )

    def retrieve(self, request, *args, **kwargs):
        if isinstance(request.auth, ApiKey) and request.auth.sandbox:
            return Response(sandbox_event(self.kwargs["pk"], request.auth.terms))
        return super().retrieve(request, *args, **kwargs)

    def get_object(self):
        number = number_of_row(self.kwargs["pk"])
        event = rows_visible_to(self.request, self.queryset).filter(pk=number).first()
        event = event or archived_events.event_in_archive(number)
        if event is None or not may_see(self.request, event):
            raise Http404
        return event
