"""The API of statements and of what twins are worth, for people who are signed in; no studio's.

What studios invoice for payees themselves is theirs, by their key.
"""

from django.http import FileResponse, Http404, HttpResponse
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

from licensing.api.callers import HasApiKey, number_of_row, rows_visible_to
from licensing.api.clearance import PROBLEMS, RequestsParser
from licensing.api.sandbox import trial
from valuation.invoices import exports
from valuation.invoices.content import from_json
from valuation.models import Invoice, Statement, TwinValuation
from valuation.reports import twin_worth
from valuation.self_billing import for_studios
from valuation.self_billing.refusals import NoNumber
from valuation.statements import documents
from valuation.words import InvoiceKind, InvoiceLineKind, StatementKind

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


# What studios invoice themselves


class SelfBillingLineSerializer(serializers.Serializer):
    """A payee's part of what was rated, before anything is taken off it."""

    kind = serializers.ChoiceField(InvoiceLineKind.choices())
    agreement = serializers.CharField()
    label = serializers.CharField()
    period_on = serializers.DateField()
    last_day = serializers.DateField()
    quantity = serializers.DecimalField(max_digits=None, decimal_places=None, allow_null=True)
    quantity_told = serializers.CharField(help_text="The quantity in words, with its unit.")
    amount = serializers.DecimalField(max_digits=None, decimal_places=None)
    corrects = serializers.CharField(help_text="The number on which the same stood before.")


class SelfBillingSerializer(serializers.ModelSerializer):
    """What an invoice of yours says that you write for a payee, by self-billing agreement.

    It is your document and not the desk's: you number it and issue it. `wording` is what the law
    and the agreement have it say. Amounts are decimal strings in `currency`, those of a credit note
    below zero.
    """

    kind = serializers.ChoiceField(InvoiceKind.choices())
    state = serializers.SerializerMethodField()
    seller = serializers.JSONField(source="content.seller")
    buyer = serializers.JSONField(source="content.buyer")
    prepared_by = serializers.CharField(source="content.prepared_by")
    agreement = serializers.CharField(source="content.terms.source")
    wording = serializers.ListField(child=serializers.CharField(), source="content.wording")
    tax_category = serializers.CharField(source="content.tax.category")
    tax_percent = serializers.CharField(source="content.tax.percent")
    lines = SelfBillingLineSerializer(many=True, source="content.lines")

    class Meta:
        model = Invoice
        fields = [
            "id", "state", "kind", "number", "issued_on", "currency", "through", "seller", "buyer",
            "prepared_by", "agreement", "wording", "lines", "net", "tax_category", "tax_percent",
            "tax", "total",
        ]  # fmt: skip

    def get_state(self, invoice) -> str:
        return invoice.state.value


class SelfBillingNumberSerializer(serializers.Serializer):
    """The number that you gave the invoice, and the day on which you issued it."""

    number = serializers.CharField(max_length=40)
    issued_on = serializers.DateField()


class OfStudios:
    """Open to a studio's key: what is approved of its own at the key's agency."""

    permission_classes = [HasApiKey]

    def get_queryset(self):
        rows = rows_visible_to(self.request, Invoice.objects.by_studios()).with_state()
        return rows.filter(is_approved=True)

    def asked(self, pk):
        row = self.get_queryset().filter(pk=number_of_row(pk)).first()
        if row is None:
            raise Http404
        return row


@extend_schema_view(
    get=extend_schema(
        operation_id="list_self_billing",
        summary="List what you invoice for payees",
        description=(
            "Data for the invoices that you write for payees by self-billing agreement. "
            "`approved` waits for your number, `issued` has it, `discarded` was cancelled."
        ),
    )
)
class SelfBillingsView(OfStudios, generics.ListAPIView):
    serializer_class = SelfBillingSerializer
    pagination_class = NewestFirst
    queryset = Invoice.objects.none()


class SelfBillingNumberView(OfStudios, APIView):
    parser_classes = [RequestsParser]

    @extend_schema(
        operation_id="number_self_billing",
        summary="Tell the number that you gave an invoice",
        description=(
            "Telling the same again changes nothing. Afterwards the XML has it, and the payee's "
            "tax is owed beside the price. A key of the sandbox tries it out, and nothing is kept."
        ),
        request=SelfBillingNumberSerializer,
        responses={
            200: SelfBillingSerializer,
            **PROBLEMS,
            404: OpenApiResponse(description="Nothing that this caller invoices."),
            422: OpenApiResponse(description="Another number, day, rate or state."),
        },
    )
    def post(self, request, pk):
        asked = SelfBillingNumberSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = self.asked(pk)
        with trial(request.auth):
            for_studios.record(
                invoice_id=row.pk, by_key=request.auth, at=timezone.now(), **asked.validated_data
            )
            told = SelfBillingSerializer(self.asked(pk)).data
        return Response(told)


class SelfBillingXmlView(OfStudios, APIView):
    @extend_schema(
        operation_id="download_self_billing",
        summary="Take an invoice of yours by EN 16931",
        description="As UBL or CII, type 389 or 261. It has the number that you told before.",
        responses={(200, "application/xml"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request, pk):
        row = self.asked(pk)
        if row.number is None:
            raise NoNumber("Tell the number that you give it first: an invoice has one.")
        data = exports.xml(from_json(row.content))
        headers = {"Content-Disposition": f'attachment; filename="self-billed-{row.pk}.xml"'}
        return HttpResponse(data, content_type="application/xml", headers=headers)


urlpatterns = [
    path("self-billing", SelfBillingsView.as_view(), name="self-billing"),
    path(
        "self-billing/<int:pk>/number", SelfBillingNumberView.as_view(), name="self-billing-number"
    ),
    path("self-billing/<int:pk>/xml", SelfBillingXmlView.as_view(), name="self-billing-xml"),
    path("twins/<int:pk>/valuation", TwinValuationView.as_view(), name="twin-valuation"),
    path("statements", StatementsView.as_view(), name="statements"),
    path("statements/<int:pk>", StatementView.as_view(), name="statement"),
    path("statements/<int:pk>/pdf", StatementPdfView.as_view(), name="statement-pdf"),
]
