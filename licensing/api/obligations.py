"""Obligations for licensees: what their agreements have whom do by a day, and a calendar of it."""

from http import HTTPStatus

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.agreements.obligations import calendars
from licensing.agreements.obligations.derived import Obligation, obligations_of, oblige
from licensing.models import Agreement
from licensing.wire.names import Prefix, name_of, number_in
from licensing.words import ObligationKind, ObligationParty, ObligationState

from .callers import HasApiKey, number_of_row, rows_visible_to


class SourceSerializer(serializers.Serializer):
    """The term or the rule that it follows from; a term has no clause and no confidence."""

    text = serializers.CharField()
    clause = serializers.CharField(allow_blank=True)
    confidence = serializers.CharField(allow_blank=True)


class ObligationSerializer(serializers.Serializer):
    """Something that an agreement has somebody do by a day."""

    agreement = serializers.CharField(help_text="A3")
    key = serializers.CharField(help_text="Stays the same when the day moves.")
    kind = serializers.ChoiceField(ObligationKind.choices())
    what = serializers.CharField()
    whose = serializers.ChoiceField(ObligationParty.choices())
    due_on = serializers.DateField(allow_null=True, help_text="The last day, in the zone.")
    due_at = serializers.DateTimeField(allow_null=True, help_text="Late from this instant on.")
    time_zone = serializers.CharField()
    state = serializers.ChoiceField(ObligationState.choices())
    source = SourceSerializer()


class AddressSerializer(serializers.Serializer):
    """A calendar's secret address."""

    address = serializers.URLField()


def obligation_json(one: Obligation) -> dict:
    """Return an obligation as its licensee may read it: without what the agency's staff noted."""
    duty = one.duty
    return {
        "agreement": name_of(Prefix.AGREEMENT, one.agreement.pk),
        "key": duty.key,
        "kind": duty.kind.value,
        "what": one.what,
        "whose": duty.whose.value,
        "due_on": duty.due_on,
        "due_at": duty.due_at,
        "time_zone": one.agreement.time_zone,
        "state": one.state.value,
        "source": {
            "text": duty.source.text,
            "clause": duty.source.clause,
            "confidence": duty.source.confidence,
        },
    }


class ObligationsView(APIView):
    """What the caller's agreements have the parties do, by day, as far as a year ahead."""

    @extend_schema(
        operation_id="obligations",
        summary="Obligations",
        parameters=[OpenApiParameter("agreement", str, description="Only of this one, as A3.")],
        responses={200: ObligationSerializer(many=True)},
    )
    def get(self, request):
        now = timezone.now()
        rows = rows_visible_to(request, Agreement.objects.filter(oblige(now)))
        if wanted := request.query_params.get("agreement"):
            number = number_of_row(number_in(wanted, Prefix.AGREEMENT) or 0)
            rows = rows.filter(pk=number)
        found = obligations_of(list(rows.values_list("pk", flat=True)), at=now)
        return Response(ObligationSerializer(map(obligation_json, found), many=True).data)


class ObligationsCalendarView(APIView):
    """The secret address of a calendar that shows the caller's obligations."""

    permission_classes = (HasApiKey,)

    @extend_schema(
        operation_id="obligations_calendar",
        summary="Make a calendar's address",
        description="The address is told once. A new one takes the place of the one before.",
        request=None,
        responses={201: AddressSerializer},
    )
    def post(self, request):
        secret = calendars.renew_address(terms=request.auth.terms, at=timezone.now())
        address = request.build_absolute_uri(reverse("portal:calendar", args=[secret]))
        return Response({"address": address}, status=HTTPStatus.CREATED)

    @extend_schema(
        operation_id="obligations_calendar_off",
        summary="Switch a calendar's address off",
        request=None,
        responses={204: OpenApiResponse(description="No address answers any more.")},
    )
    def delete(self, request):
        calendars.revoke_address(terms=request.auth.terms, at=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)
