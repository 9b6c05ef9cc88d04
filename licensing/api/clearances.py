"""Clearances asked and answered."""

import io
from http import HTTPStatus

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, parsers, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.clearance.clearances import Asked, ask
from licensing.models import ClearanceDecision
from licensing.words import Channel, Finding, Meter, PromptClass
from talent.words import Exclusion, Right, Use

from .callers import HasApiKey, body_of

LONGEST_KEY = 200


class ClearanceParser(parsers.JSONParser):
    """JSON no larger than any other body."""

    def parse(self, stream, media_type=None, parser_context=None):
        body = body_of(stream, parser_context)
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
