"""The API of statements, for accounting and beneficiaries who are signed in; never for studios."""

from django.http import FileResponse, Http404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics, pagination, permissions, serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.views import APIView

from valuation.models import Statement
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


urlpatterns = [
    path("statements", StatementsView.as_view(), name="statements"),
    path("statements/<int:pk>", StatementView.as_view(), name="statement"),
    path("statements/<int:pk>/pdf", StatementPdfView.as_view(), name="statement-pdf"),
]
