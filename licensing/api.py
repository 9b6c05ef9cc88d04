"""The studios' API of licensing: clearances asked, usage events in, agreements and twins out."""

import io
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import exceptions, generics, pagination, parsers, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing import problems
from licensing.clearance.clearances import Asked, ask
from licensing.models import Agreement, ApiKey, ClearanceDecision, Grant, UsageEvent
from licensing.problems import problem
from licensing.usage.arrivals import Arrival
from licensing.usage.cloudevents import Envelope, Fault, decode_batch, decode_one
from licensing.usage.metering import Outcome, Reception, meter
from licensing.usage.reported import USAGE_TYPE
from licensing.usage.schema import event_schema
from licensing.words import Channel, Door, Finding, Meter, PromptClass
from talent.models import DigitalTwin
from talent.words import Exclusion, Right, Use

MOST_EVENTS = 1_000
LONGEST_KEY = 200
MOST_BYTES = 5 * 1024 * 1024
PAGE = 100


class LengthRequired(exceptions.APIException):
    """A body came in chunks, which WSGI can't tell the end of."""

    status_code = HTTPStatus.LENGTH_REQUIRED
    default_code = "length_required"
    default_detail = "Send the body with its Content-Length, not in chunks."


class HasApiKey(permissions.BasePermission):
    """Usage is reported by a licensee's software, never by a person's session."""

    message = "Usage is reported with a licensee's API key."

    def has_permission(self, request, view):
        return isinstance(request.auth, ApiKey)


# Usage


class BatchParser(parsers.BaseParser):
    """A JSON array of CloudEvents."""

    media_type = "application/cloudevents-batch+json"

    def parse(self, stream, media_type=None, parser_context=None) -> list[Envelope]:
        return decode_batch(_body(stream, parser_context), at_most=MOST_EVENTS)


class JsonParser(BatchParser):
    """The same, for those who can't name the media type."""

    media_type = "application/json"


class EventParser(parsers.BaseParser):
    """One CloudEvent in JSON."""

    media_type = "application/cloudevents+json"

    def parse(self, stream, media_type=None, parser_context=None) -> Envelope:
        return decode_one(_body(stream, parser_context))


def _body(stream, parser_context) -> bytes:
    announced = parser_context["request"].META.get("CONTENT_LENGTH") or "0"
    if int(announced) > MOST_BYTES:
        raise RequestDataTooBig
    body = stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise RequestDataTooBig
    return body


STATUSES = {
    Reception.RECORDED: HTTPStatus.CREATED,
    Reception.KNOWN: HTTPStatus.OK,
    Reception.CONFLICT: HTTPStatus.CONFLICT,
    Reception.NOT_UNDERSTOOD: HTTPStatus.UNPROCESSABLE_ENTITY,
}


BATCH_SCHEMA = {"type": "array", "maxItems": MOST_EVENTS, "items": event_schema()}


class UsageEventsView(APIView):
    """Takes what a licensee used."""

    parser_classes = [BatchParser, EventParser, JsonParser]
    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="report_usage",
        summary="Report usage",
        description=(
            "CloudEvents 1.0 in JSON, one or a batch of at most 1,000. An event that was sent "
            "before is answered with its first receipt. A batch is answered with 207 and one "
            "result per event; a malformed envelope refuses the whole batch."
        ),
        request={
            "application/cloudevents+json": event_schema(),
            "application/cloudevents-batch+json": BATCH_SCHEMA,
            "application/json": BATCH_SCHEMA,
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
        sent = request.data
        if isinstance(sent, dict):  # What REST framework puts in an empty body's place.
            if "Transfer-Encoding" in request.headers:
                raise LengthRequired
            sent = decode_one(b"")
        batch = sent if isinstance(sent, list) else [sent]
        outcomes = meter(batch, _arrival(request.auth))
        return _batch_answer(outcomes) if isinstance(sent, list) else _one_answer(outcomes[0])


def _arrival(key: ApiKey) -> Arrival:
    return Arrival(key.terms, Door.API, timezone.now(), actor=f"key {key.prefix}", api_key=key)


def _batch_answer(outcomes: Sequence[Outcome]) -> HttpResponse:
    results = [
        {"index": outcome.index, "status": STATUSES[outcome.reception], **_told(outcome)}
        for outcome in outcomes
    ]
    return _json({"results": results}, HTTPStatus.MULTI_STATUS)


def _one_answer(outcome: Outcome) -> HttpResponse:
    told = _told(outcome)
    if "problem" in told:
        return _json(told["problem"], STATUSES[outcome.reception], problems.CONTENT_TYPE)
    return _json(told, STATUSES[outcome.reception])


def _json(value: object, status: int, content_type: str = "application/json") -> HttpResponse:
    return HttpResponse(msgspec.json.encode(value), content_type=content_type, status=status)


def _told(outcome: Outcome) -> dict[str, object]:
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


def _conflict(outcome: Outcome) -> dict[str, object]:
    return problem(
        "key_conflict",
        status=HTTPStatus.CONFLICT,
        detail="An event with this source and id came before, with other content.",
        faults=[Fault("/id", "Use another id.", "key_conflict")],
        digest_sent=(outcome.digest_sent or b"").hex(),
        digest_known=(outcome.digest_known or b"").hex(),
    )


def _not_understood(outcome: Outcome) -> dict[str, object]:
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
    index = serializers.SerializerMethodField()
    receipt = serializers.SerializerMethodField()

    class Meta:
        model = UsageEvent
        fields = [
            "id", "kind", "twin", "agreement", "build", "production", "right", "use", "territory",
            "language", "channel", "prompt_class", "real_time", "occurred_at", "received_at",
            "quantities", "standing", "standing_reason", "index", "receipt",
        ]  # fmt: skip

    def get_twin(self, event) -> str:
        return f"T{event.twin_id}"

    def get_quantities(self, event) -> dict[str, str]:
        return {
            meter.value: f"{value.normalize():f}" for meter, value in event.quantities().items()
        }

    def get_index(self, event) -> int | None:
        """The place in the log; null until it is sealed."""
        first = event.batch.first_index
        return None if first is None else first + event.seat

    def get_receipt(self, event) -> dict[str, str]:
        return _receipt(bytes(event.entry))


@extend_schema_view(
    get=extend_schema(operation_id="usage_event", summary="One usage event with its receipt")
)
class UsageEventView(generics.RetrieveAPIView):
    """An event of the caller's."""

    serializer_class = UsageEventSerializer
    queryset = UsageEvent.objects.select_related("batch", "agreement", "build", "production")

    def get_object(self):
        if (number := self.kwargs["pk"]) >= 2**63:
            number = 0
        return get_object_or_404(_seen_by(self.request, self.queryset), pk=number)


# Clearances


class ClearanceParser(parsers.JSONParser):
    """JSON no larger than any other body."""

    def parse(self, stream, media_type=None, parser_context=None):
        body = _body(stream, parser_context)
        return super().parse(io.BytesIO(body), media_type, parser_context)


class AskedSerializer(serializers.Serializer):
    """A use that a licensee wants to make."""

    twin = serializers.CharField(max_length=200, help_text="T7, its HAND ID or its name.")
    right = serializers.ChoiceField(Right.choices())
    use = serializers.ChoiceField(Use.choices())
    at = serializers.DateTimeField(help_text="When the use takes place, or begins.")
    agreement = serializers.CharField(max_length=200, help_text="A3 or its reference.")
    territory = serializers.CharField(max_length=6, help_text="ISO 3166.")
    language = serializers.CharField(max_length=35, required=False, help_text="BCP 47.")
    channel = serializers.ChoiceField(Channel.choices())
    production = serializers.CharField(max_length=200, required=False)
    build = serializers.CharField(max_length=50, required=False)
    prompt_class = serializers.ChoiceField(PromptClass.choices(), required=False)
    real_time = serializers.BooleanField(default=False)
    content = serializers.ListField(
        child=serializers.ChoiceField(Exclusion.choices()), default=list, max_length=20
    )
    quantities = serializers.DictField(
        child=serializers.DecimalField(20, 6, min_value=0), default=dict
    )

    def validate_quantities(self, quantities):
        unknown = sorted(set(quantities) - set(Meter.codes()))
        if unknown:
            detail = "The desk does not know this meter."
            raise serializers.ValidationError(
                {meter: [exceptions.ErrorDetail(detail, "unknown_meter")] for meter in unknown}
            )
        return quantities

    def asked(self) -> Asked:
        fields = dict(self.validated_data)
        quantities = fields.pop("quantities")
        fields["content"] = tuple(fields["content"])
        return Asked(**fields, units=tuple(sorted(quantities.items())))


class StepSerializer(serializers.Serializer):
    """What one dimension found, in words for the licensee."""

    dimension = serializers.CharField()
    finding = serializers.ChoiceField(Finding.choices())
    code = serializers.CharField()
    text = serializers.CharField(source="public")


class ClearanceSerializer(serializers.ModelSerializer):
    """A decision as its licensee may read it."""

    id = serializers.SerializerMethodField()
    text = serializers.CharField(source="decision.studio_text")
    nearest_change = serializers.CharField(source="decision.nearest_change")
    trace = StepSerializer(many=True, source="decision.trace")

    class Meta:
        model = ClearanceDecision
        fields = ["id", "outcome", "text", "nearest_change", "at", "known_at", "trace"]

    def get_id(self, decision) -> str:
        return f"C{decision.pk}"


class ClearancesView(APIView):
    """Answers whether a twin may be used."""

    parser_classes = [ClearanceParser]
    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="ask_for_clearance",
        summary="Ask for a clearance",
        description=(
            "Answers cleared, needs_approval or refused, with what every dimension found and the "
            "nearest change that would allow the use. A refusal is an answer (201), no error."
        ),
        request=AskedSerializer,
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                location=OpenApiParameter.HEADER,
                description="The same key and question get the first answer again.",
            )
        ],
        responses={
            201: ClearanceSerializer,
            400: OpenApiResponse(description="Malformed, with a pointer to each fault."),
            409: OpenApiResponse(description="The same key came with another question before."),
        },
        examples=[
            OpenApiExample(
                "Ten lines dubbed into French",
                request_only=True,
                value={
                    "twin": "T1",
                    "agreement": "NA-1",
                    "right": "voice",
                    "use": "dubbing",
                    "at": "2026-12-01T09:00:00Z",
                    "territory": "FR",
                    "language": "fr",
                    "channel": "streaming",
                    "quantities": {"lines": "10"},
                },
            )
        ],
    )
    def post(self, request) -> Response:
        sent = AskedSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        decision = ask(
            sent.asked(),
            terms=request.auth.terms,
            asked_at=timezone.now(),
            api_key=request.auth,
            idempotency_key=_idempotency_key(request),
        )
        return Response(ClearanceSerializer(decision).data, HTTPStatus.CREATED)


def _idempotency_key(request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= LONGEST_KEY:
        raise exceptions.ParseError(f"An idempotency key has 1 to {LONGEST_KEY} characters.")
    return key


# Agreements and twins


class ByNumber(pagination.CursorPagination):
    """Pages that stay where they are while rows are added."""

    page_size = PAGE
    ordering = "pk"


class GrantSerializer(serializers.ModelSerializer):
    """What an agreement licenses; a null list is anywhere."""

    class Meta:
        model = Grant
        fields = ["right", "use", "territories", "languages", "channels", "real_time"]


class AgreementSerializer(serializers.ModelSerializer):
    """An agreement as its licensee may read it."""

    id = serializers.SerializerMethodField()
    agency = serializers.CharField(source="agency.name")
    twin = serializers.SerializerMethodField()
    grants = GrantSerializer(many=True)

    class Meta:
        model = Agreement
        fields = [
            "id", "reference", "agency", "twin", "status", "signed_at", "starts_at", "ends_at",
            "currency", "time_zone", "rating_period", "grants",
        ]  # fmt: skip

    def get_id(self, agreement) -> str:
        return f"A{agreement.pk}"

    def get_twin(self, agreement) -> str:
        return f"T{agreement.twin_id}"


@extend_schema_view(get=extend_schema(operation_id="agreements", summary="Agreements"))
class AgreementsView(generics.ListAPIView):
    """The caller's agreements with the agency whose key it holds."""

    serializer_class = AgreementSerializer
    pagination_class = ByNumber
    queryset = Agreement.objects.select_related("agency").prefetch_related("grants")

    def get_queryset(self):
        return _seen_by(self.request, super().get_queryset())


class TwinSerializer(serializers.ModelSerializer):
    """A twin as its licensees know it."""

    id = serializers.SerializerMethodField()

    class Meta:
        model = DigitalTwin
        fields = ["id", "name", "hand_id", "tier", "legal_class", "status"]

    def get_id(self, twin) -> str:
        return f"T{twin.pk}"


@extend_schema_view(get=extend_schema(operation_id="twins", summary="Twins"))
class TwinsView(generics.ListAPIView):
    """Twins that the caller's agreements license."""

    serializer_class = TwinSerializer
    pagination_class = ByNumber
    queryset = DigitalTwin.objects.all()

    def get_queryset(self):
        twins = super().get_queryset()
        if not isinstance(self.request.auth, ApiKey):
            return twins.visible_to(self.request.user)
        agreements = _seen_by(self.request, Agreement.objects.all())
        return twins.filter(pk__in=agreements.values("twin"))


def _seen_by(request, rows):
    """Rows of the key's agency and licensee; of what a person may see, by their session."""
    if not isinstance(request.auth, ApiKey):
        return rows.visible_to(request.user)
    terms = request.auth.terms
    return rows.filter(agency=terms.agency_id, licensee=terms.licensee_id)


urlpatterns = [
    path("clearances", ClearancesView.as_view(), name="clearances"),
    path("usage/events", UsageEventsView.as_view(), name="usage-events"),
    path("usage/events/<int:pk>", UsageEventView.as_view(), name="usage-event"),
    path("agreements", AgreementsView.as_view(), name="agreements"),
    path("twins", TwinsView.as_view(), name="twins"),
]
