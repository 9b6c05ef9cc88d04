"""Agreements and twins out, as their licensees may read them."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, pagination, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.agreements.document.drawing import drawn_file, latest
from licensing.agreements.exports import terms
from licensing.models import (
    Agreement,
    AgreementDocument,
    ApiKey,
    FindingSet,
    Grant,
    Production,
    RuleFinding,
    SigningRound,
)
from licensing.wire.canonical import canonical_bytes, content_digest
from licensing.wire.names import Prefix, name_of
from licensing.words import AgreementStatus, CheckResult, RoundState
from talent.models import DigitalTwin

from .callers import number_of_row, rows_visible_to

PAGE = 100


class ByNumber(pagination.CursorPagination):
    """Pages that stay where they are while rows are added."""

    page_size = PAGE
    ordering = "pk"


class GrantSerializer(serializers.ModelSerializer):
    """What an agreement licenses; a null list is anywhere."""

    class Meta:
        model = Grant
        fields = ["right", "use", "territories", "languages", "channels", "real_time"]


class ProductionSerializer(serializers.ModelSerializer):
    """A title that an agreement is for."""

    id = serializers.SerializerMethodField()

    class Meta:
        model = Production
        fields = ["id", "title", "eidr", "isan"]

    def get_id(self, production) -> str:
        return name_of(Prefix.PRODUCTION, production.pk)


class AgreementSerializer(serializers.ModelSerializer):
    """An agreement as its licensee may read it; without productions it is for all of theirs."""

    id = serializers.SerializerMethodField()
    agency = serializers.CharField(source="agency.name")
    twin = serializers.SerializerMethodField()
    productions = ProductionSerializer(many=True)
    grants = GrantSerializer(many=True)

    class Meta:
        model = Agreement
        fields = [
            "id", "reference", "agency", "twin", "status", "signed_at", "signed_elsewhere_on",
            "starts_at", "ends_at", "currency", "time_zone", "rating_period", "productions",
            "grants",
        ]  # fmt: skip

    def get_id(self, agreement) -> str:
        return name_of(Prefix.AGREEMENT, agreement.pk)

    def get_twin(self, agreement) -> str:
        return name_of(Prefix.TWIN, agreement.twin_id)


@extend_schema_view(get=extend_schema(operation_id="agreements", summary="Agreements"))
class AgreementsView(generics.ListAPIView):
    """The caller's agreements with the agency whose key it holds."""

    serializer_class = AgreementSerializer
    pagination_class = ByNumber
    queryset = Agreement.objects.select_related("agency").prefetch_related("productions", "grants")

    def get_queryset(self):
        return rows_visible_to(self.request, super().get_queryset())


# Rules about what a licensee does. Others look at the agency, at a performer's commission, age,
# taxes and heirs: what they say is nobody else's. A new rule is told once it is named here.
TOLD_TO_LICENSEES = (
    "advert_disclosure.", "ai_act.", "animation.", "audio_ads.", "commercials.",
    "deceased_replicas.", "denmark.", "digital_dignity", "dubbing.", "elvis_act", "equity.",
    "interactive.", "models.", "no_fakes.", "retention.", "scale.", "sound_recordings.",
    "theatrical.", "three_limb_test.", "unauthorised_replica.", "voices.",
)  # fmt: skip


class FindingSerializer(serializers.ModelSerializer):
    """What a rule says of an agreement: its verdict, where it stands, and how sure the desk is.

    The sentence with the facts of the people is not in it.
    """

    class Meta:
        model = RuleFinding
        fields = [
            "code", "title", "result", "instrument", "clause", "jurisdiction", "source",
            "confidence", "trigger", "day",
        ]  # fmt: skip


class FindingsSerializer(serializers.Serializer):
    """What the rules said of an agreement when they were last asked."""

    at = serializers.DateTimeField()
    occasion = serializers.CharField()
    rules = FindingSerializer(many=True)


class DocumentSerializer(serializers.Serializer):
    """The document that holds: its digest, and where its file is."""

    sha256 = serializers.CharField()
    url = serializers.URLField()


class AgreementInFullSerializer(serializers.Serializer):
    """An agreement's terms as they are now, and what the rules say of them."""

    id = serializers.CharField(help_text="A3")
    status = serializers.ChoiceField(AgreementStatus.choices())
    signed_at = serializers.DateTimeField(allow_null=True)
    signed_elsewhere_on = serializers.DateField(
        allow_null=True, help_text="The last day on the paper of one signed outside the desk."
    )
    terms = serializers.DictField(help_text="By the schema agreement.terms.v1.")
    terms_sha256 = serializers.CharField(help_text="Of the terms as canonical JSON (RFC 8785).")
    findings = FindingsSerializer(allow_null=True)
    document = DocumentSerializer(allow_null=True, help_text="Null: nothing of it is signed yet.")


class AgreementView(APIView):
    """One agreement of the caller's, in full."""

    @extend_schema(
        operation_id="agreement",
        summary="An agreement's terms and findings",
        responses={200: AgreementInFullSerializer},
    )
    def get(self, request, pk):
        agreement = agreement_of(request, pk)
        agreed = terms.terms_of(agreement)
        return Response(
            {
                "id": name_of(Prefix.AGREEMENT, agreement.pk),
                "status": agreement.status,
                "signed_at": agreement.signed_at,
                "signed_elsewhere_on": agreement.signed_elsewhere_on,
                "terms": agreed,
                "terms_sha256": content_digest(canonical_bytes(agreed)).hex(),
                "findings": _findings_of(agreement),
                "document": _document_of(request, agreement),
            }
        )


class AgreementDocumentView(APIView):
    """The PDF of the document that holds of an agreement of the caller's."""

    @extend_schema(
        operation_id="agreement_document",
        summary="An agreement's document",
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="You have it: its ETag is the one you sent."),
            404: OpenApiResponse(description="Nothing is signed, or it is not yours."),
        },
    )
    def get(self, request, pk):
        agreement = agreement_of(request, pk)
        found = _held(agreement)
        if found is None:
            raise Http404
        name = f'attachment; filename="A{agreement.pk}.pdf"'
        headers = {
            "ETag": f'"{found.digest}"',
            "Content-Disposition": name,
            "Content-Security-Policy": "sandbox",
        }
        return get_conditional_response(
            request,
            etag=headers["ETag"],
            response=HttpResponse(
                drawn_file(found), content_type="application/pdf", headers=headers
            ),
        )


def _held(agreement: Agreement) -> AgreementDocument | SigningRound | None:
    """Return what holds of a signed agreement: its document with all signatures, or as amended.

    A draft's is nobody's yet.
    """
    found = None if agreement.signed_at is None else latest(agreement)
    if found is None:
        return None
    signed = SigningRound.objects.filter(document=found, state=RoundState.SIGNED.value)
    return signed.order_by("-pk").first() or found


def _document_of(request, agreement: Agreement) -> dict | None:
    found = _held(agreement)
    if found is None:
        return None
    url = request.build_absolute_uri(reverse("agreement-document", args=[agreement.pk]))
    return {"sha256": found.digest, "url": url}


def agreement_of(request, pk: int) -> Agreement:
    """Return an agreement that the caller may see; to everybody else there is none."""
    row = rows_visible_to(request, Agreement.objects.filter(pk=number_of_row(pk))).first()
    if row is None:
        raise Http404
    return row


def _findings_of(agreement: Agreement) -> dict | None:
    """Return what the rules last said of an agreement, as far as its licensee may read it."""
    last = FindingSet.objects.latest_of([agreement.pk]).first()
    if last is None:
        return None
    rules = last.findings.exclude(result=CheckResult.NOT_APPLICABLE.value).order_by("code", "pk")
    told = [rule for rule in rules if rule.code.startswith(TOLD_TO_LICENSEES)]
    return FindingsSerializer({"at": last.at, "occasion": last.occasion, "rules": told}).data


class TwinSerializer(serializers.ModelSerializer):
    """A twin as its licensees know it."""

    id = serializers.SerializerMethodField()
    builds = serializers.SerializerMethodField()

    class Meta:
        model = DigitalTwin
        fields = ["id", "name", "hand_id", "tier", "legal_class", "status", "builds"]

    def get_id(self, twin) -> str:
        return name_of(Prefix.TWIN, twin.pk)

    def get_builds(self, twin) -> list[dict[str, str]]:
        builds = sorted(twin.builds.all(), key=lambda build: build.pk)
        return [
            {"id": name_of(Prefix.BUILD, build.pk), "version": build.version} for build in builds
        ]


@extend_schema_view(get=extend_schema(operation_id="twins", summary="Twins"))
class TwinsView(generics.ListAPIView):
    """Twins that the caller's agreements license."""

    serializer_class = TwinSerializer
    pagination_class = ByNumber
    queryset = DigitalTwin.objects.prefetch_related("builds")

    def get_queryset(self):
        twins = super().get_queryset()
        if not isinstance(self.request.auth, ApiKey):
            return twins.visible_to(self.request.user)
        agreements = rows_visible_to(self.request, Agreement.objects.all())
        return twins.filter(pk__in=agreements.values("twin"))
