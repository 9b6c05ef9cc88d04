"""Permits: the keys that prove them, whether one holds now, which were taken back."""

import msgspec
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.clearance.heartbeat import heartbeat
from licensing.models import ApiKey, Permit
from licensing.permits import keys
from licensing.permits.revocations import revocations
from licensing.wire.names import Prefix, name_of
from licensing.words import PermitStatus

from .callers import HasApiKey, number_of_row


@require_safe
@cache_control(public=True, max_age=int(keys.KEYS_KEPT.total_seconds()))
def jwks(request) -> HttpResponse:
    """Publish the public keys (RFC 7517) that permits are verified with."""
    jwks = keys.public_jwks(at=timezone.now())
    return HttpResponse(
        msgspec.json.encode({"keys": jwks}), content_type="application/jwk-set+json"
    )


class HeartbeatSerializer(serializers.Serializer):
    """What the desk says of a permit now."""

    permit = serializers.CharField()
    status = serializers.ChoiceField(PermitStatus.choices())
    reason = serializers.CharField()
    units_left = serializers.DictField(child=serializers.CharField())
    starts_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class PermitView(APIView):
    """Says whether a permit still holds."""

    @extend_schema(
        operation_id="permit",
        summary="Heartbeat of a permit",
        description=(
            "Valid, withdrawn or expired, decided anew on today's facts, with the reason. "
            "Ask before and while the twin is used."
        ),
        responses={200: HeartbeatSerializer},
    )
    def get(self, request, pk: int) -> Response:
        permits = Permit.objects.select_related(
            "revocation", "decision__terms__agency", "decision__terms__licensee"
        )
        if isinstance(request.auth, ApiKey):
            permits = permits.filter(decision__terms=request.auth.terms_id)
        else:
            permits = permits.visible_to(request.user)
        permit = permits.filter(pk=number_of_row(pk)).first()
        if permit is None:
            raise Http404
        now = heartbeat(permit=permit, at=timezone.now())
        answer = {
            "permit": str(permit),
            "status": now.status.value,
            "reason": now.reason,
            "units_left": {meter: f"{left.normalize():f}" for meter, left in now.units_left},
            "starts_at": permit.starts_at,
            "expires_at": permit.expires_at,
        }
        return Response(HeartbeatSerializer(answer).data, headers={"Cache-Control": "no-store"})


class RevokedPermitsView(APIView):
    """The permits of the caller's that were taken back and would still be valid."""

    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="revoked_permits",
        summary="Permits that were taken back",
        responses={
            200: inline_serializer(
                "RevokedPermits",
                {
                    "revoked": inline_serializer(
                        "RevokedPermit",
                        {
                            "permit": serializers.CharField(),
                            "revoked_at": serializers.DateTimeField(),
                            "reason": serializers.CharField(),
                        },
                        many=True,
                    )
                },
            )
        },
    )
    def get(self, request) -> Response:
        rows = revocations(terms=request.auth.terms, at=timezone.now())
        return Response(
            {
                "revoked": [
                    {
                        "permit": name_of(Prefix.CLEARANCE, row.pk),
                        "revoked_at": row.revoked_at,
                        "reason": row.reason,
                    }
                    for row in rows
                ]
            },
            headers={"Cache-Control": "no-store"},
        )
