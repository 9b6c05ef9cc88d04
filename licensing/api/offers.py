"""Standing offers out, and taken: an agreement without a negotiation."""

import hashlib
import secrets
from http import HTTPStatus

import msgspec
from django.db.models import Count, F, Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import exceptions, generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.agreements import offers
from licensing.models import ApiKey, OfferGrant, OfferTaking, Production, StandingOffer
from licensing.wire.names import Prefix, name_of, number_in
from talent.models import User

from .agreements import ByNumber
from .callers import HasApiKey, number_of_row
from .clearance import IDEMPOTENT, PROBLEMS, RequestsParser, idempotency_key
from .sandbox import trial


class OfferGrantSerializer(serializers.ModelSerializer):
    """What an offer licenses; a null list is anywhere."""

    class Meta:
        model = OfferGrant
        fields = [
            "right", "use", "territories", "languages", "channels", "exclusions", "real_time",
        ]  # fmt: skip


class OfferSerializer(serializers.ModelSerializer):
    """A package that its performer has approved. `text` is what a studio accepts."""

    id = serializers.CharField(source="code")
    twin = serializers.SerializerMethodField()
    grants = OfferGrantSerializer(many=True)
    left = serializers.IntegerField(help_text="How many packages are left.")
    text = serializers.SerializerMethodField()
    digest = serializers.SerializerMethodField(help_text="SHA-256 of `text`, in hexadecimal.")

    class Meta:
        model = StandingOffer
        fields = [
            "id", "name", "twin", "description", "meter", "units", "price", "currency", "months",
            "times", "left", "try_out_units", "try_out_days", "offered_from", "offered_until",
            "grants", "text", "digest",
        ]  # fmt: skip

    def get_twin(self, offer) -> str:
        return name_of(Prefix.TWIN, offer.twin_id)

    def get_text(self, offer) -> str:
        return offers.text_of(offer)

    def get_digest(self, offer) -> str:
        return offers.digest_of(offer)


def _open_offers(request):
    """Return the open offers of the caller's agency; for a session, those of its own."""
    rows = StandingOffer.objects.open_at(timezone.now())
    rows = rows.select_related("agency", "twin").prefetch_related("grants")
    rows = rows.annotate(
        left=F("times") - Count("takings", filter=Q(takings__try_out=False), distinct=True)
    )
    if isinstance(request.auth, ApiKey):
        return rows.filter(agency=request.auth.terms.agency_id)
    return rows.visible_to(request.user) if isinstance(request.user, User) else rows.none()


class OffersView(generics.ListAPIView):
    """The packages that may be taken now, without a negotiation."""

    serializer_class = OfferSerializer
    pagination_class = ByNumber
    queryset = StandingOffer.objects.all()

    @extend_schema(operation_id="offers", summary="Standing offers")
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)

    def get_queryset(self):
        return _open_offers(self.request)


class AcceptanceSerializer(serializers.Serializer):
    """Who accepts an offer for the studio, and the digest of the words they read."""

    digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    signatory = serializers.CharField(max_length=200)
    title = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    production = serializers.CharField(
        max_length=200, required=False, allow_null=True, default=None,
        help_text="One of your productions, as P5 or by its title; none: all of yours.",
    )  # fmt: skip


class TakingSerializer(serializers.ModelSerializer):
    """The agreement that came of it."""

    agreement = serializers.SerializerMethodField()
    reference = serializers.CharField(source="agreement.reference")
    offer = serializers.CharField(source="offer.code")
    starts_at = serializers.DateTimeField(source="agreement.starts_at")
    ends_at = serializers.DateTimeField(source="agreement.ends_at")

    class Meta:
        model = OfferTaking
        fields = [
            "agreement", "reference", "offer", "try_out", "taken_at", "starts_at", "ends_at",
            "signatory", "digest", "text",
        ]  # fmt: skip

    def get_agreement(self, taking) -> str:
        return name_of(Prefix.AGREEMENT, taking.agreement_id)


EXAMPLE = OpenApiExample(
    "Accepted by a producer",
    request_only=True,
    value={
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "signatory": "Dana Example",
        "title": "Producer",
    },
)
RESPONSES = {
    201: TakingSerializer,
    **PROBLEMS,
    404: OpenApiResponse(description="No such offer at this agency."),
    422: OpenApiResponse(
        description="Taken, withdrawn, read otherwise, or stopped by a consent or a rule."
    ),
}


class _Accepts(APIView):
    parser_classes = [RequestsParser]
    permission_classes = [HasApiKey]
    try_out = False

    def accept(self, request, pk: int) -> Response:
        number = number_of_row(pk)
        terms = request.auth.terms
        if not StandingOffer.objects.filter(pk=number, agency=terms.agency_id).exists():
            raise Http404
        # A trial keeps nothing, so its key finds nothing either.
        key = secrets.token_hex() if request.auth.sandbox else idempotency_key(request)
        if key is None:
            raise exceptions.ParseError("Send an Idempotency-Key, so that you take it once.")
        sent = AcceptanceSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        told = sent.validated_data
        about = msgspec.json.encode([number, self.try_out, dict(sorted(told.items()))])
        with trial(request.auth):
            taking = offers.take(
                offer_id=number,
                accepted=offers.Acceptance(
                    request.auth,
                    told["signatory"],
                    told["title"],
                    told["digest"],
                    key,
                    hashlib.sha256(about).digest(),
                ),
                at=timezone.now(),
                try_out=self.try_out,
                production=_production(told["production"], terms),
            )
            answer = TakingSerializer(taking).data
        return Response(answer, HTTPStatus.CREATED)


def _production(named: str | None, terms) -> Production | None:
    if named is None:
        return None
    own = Production.objects.filter(licensee=terms.licensee_id)
    number = number_in(named, Prefix.PRODUCTION)
    return get_object_or_404(own, **({"title": named} if number is None else {"pk": number}))


class TakeOfferView(_Accepts):
    """One package of an offer becomes an agreement of the caller's."""

    @extend_schema(
        operation_id="take_offer",
        summary="Take a standing offer",
        description=(
            "Accepts `text` of the offer for the studio whose key it is: send its `digest` back "
            "with who accepts. The answer is a signed agreement, under which you ask for "
            "clearances at once. The last package is taken once, however many ask for it; the same "
            "Idempotency-Key gets the first answer. Consent and rules are looked at as they are "
            "now."
        ),
        request=AcceptanceSerializer,
        parameters=[IDEMPOTENT],
        responses=RESPONSES,
        examples=[EXAMPLE],
    )
    def post(self, request, pk: int) -> Response:
        return self.accept(request, pk)


class TryOfferView(_Accepts):
    """The free units of an offer, watermarked and never published."""

    try_out = True

    @extend_schema(
        operation_id="try_offer",
        summary="Try a standing offer",
        description=(
            "Opens a try-out, once for each studio: its free units are cleared on the channel "
            "`other` alone. Watermark what you make, and publish nothing of it; permits say "
            "`try_out`."
        ),
        request=AcceptanceSerializer,
        parameters=[IDEMPOTENT],
        responses=RESPONSES,
        examples=[EXAMPLE],
    )
    def post(self, request, pk: int) -> Response:
        return self.accept(request, pk)
