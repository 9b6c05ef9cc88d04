"""The API of statements and of what twins are worth, for people who are signed in; no studio's."""

from django.http import FileResponse, Http404
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import generics, pagination, permissions, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.response import Response
from rest_framework.views import APIView

from valuation.models import Statement, TwinValuation
from valuation.reports import twin_worth
from valuation.statements import documents
from valuation.words import StatementKind

PAGE = 100


class StatementSerializer(serializers.ModelSerializer):
    """A statement's figures. Amounts are decimal strings in `currency`."""

    agency = serializers.CharField(source="agency.name")
    beneficiary = serializers.CharField(source="beneficiary.name", default=None)
    kind = serializers.ChoiceField(choices=StatementKind.choices())
    status = serializers.CharField()

    class Meta:
        model = Statement
        fields = [
            "id", "number", "kind", "status", "agency", "beneficiary", "currency", "period_on",
            "period_ends_on", "opening", "earned", "received", "deductions", "net", "closing",
            "outstanding", "due_on", "from_index", "to_index", "pdf_sha256",
        ]  # fmt: skip


class NewestFirst(pagination.CursorPagination):
    page_size = PAGE
    ordering = "-pk"


class OfPeople:
    """Open to people only: a studio's key is no way to an agency's money."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [permissions.IsAuthenticated]

    def get_queryset(self):
        seen = Statement.objects.downloadable_by(self.request.user).with_status()
        return seen.select_related("agency", "beneficiary")


@extend_schema_view(
    get=extend_schema(
        operation_id="list_statements",
        summary="List statements",
        description="For accounting: the agency's. For a beneficiary: their own, once issued.",
    )
)
class StatementsView(OfPeople, generics.ListAPIView):
    serializer_class = StatementSerializer
    pagination_class = NewestFirst


@extend_schema_view(get=extend_schema(operation_id="read_statement", summary="Read a statement"))
class StatementView(OfPeople, generics.RetrieveAPIView):
    serializer_class = StatementSerializer


class StatementPdfView(OfPeople, APIView):
    @extend_schema(
        operation_id="download_statement",
        summary="Download a statement",
        responses={(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request, pk):
        statement = self.get_queryset().filter(pk=pk).first()
        if statement is None or not statement.pdf:
            raise Http404
        name = f"{statement.number or pk}.pdf"
        return FileResponse(
            documents.read(statement), filename=name, content_type="application/pdf"
        )


class TwinValuationSerializer(serializers.ModelSerializer):
    """What a twin is worth at an agency: a range in `currency`, with its method and its inputs.

    `exposure` is in audience-weighted hours, `price_left` the part of an unseen twin's price.
    """

    agency = serializers.CharField(source="agency.name")
    method = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField()

    class Meta:
        model = TwinValuation
        fields = [
            "agency", "as_of", "currency", "low", "base", "high", "tax_benefit", "exposure",
            "price_left", "method", "figures", "code_version", "computed_at",
        ]  # fmt: skip

    def get_method(self, valuation) -> list[str]:
        return valuation.inputs.get("sources", [])

    def get_figures(self, valuation) -> list[dict[str, str]]:
        return valuation.inputs.get("figures", [])


class AsOfSerializer(serializers.Serializer):
    as_of = serializers.DateField(required=False)


class TwinValuationView(APIView):
    """The newest valuation at each agency whose valuations the reader may see."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [permissions.IsAuthenticated]

    @extend_schema(
        operation_id="read_twin_valuation",
        summary="Read what a twin is worth",
        description="For the agency's staff, and for the performer and who may see their money.",
        parameters=[
            OpenApiParameter("as_of", OpenApiTypes.DATE, description="A day; today by default.")
        ],
        responses=TwinValuationSerializer(many=True),
    )
    def get(self, request, pk):
        asked = AsOfSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        as_of = asked.validated_data.get("as_of") or timezone.localdate()
        seen = TwinValuation.objects.visible_to(request.user).filter(twin=pk, as_of__lte=as_of)
        found = twin_worth.newest(seen).select_related("agency").order_by("agency__name")
        if not found:
            raise Http404
        return Response(TwinValuationSerializer(found, many=True).data)


urlpatterns = [
    path("twins/<int:pk>/valuation", TwinValuationView.as_view(), name="twin-valuation"),
    path("statements", StatementsView.as_view(), name="statements"),
    path("statements/<int:pk>", StatementView.as_view(), name="statement"),
    path("statements/<int:pk>/pdf", StatementPdfView.as_view(), name="statement-pdf"),
]
