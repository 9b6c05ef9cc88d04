"""Transfers of licences, as the studios at both ends read them; the new one assumes them here."""

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.agreements import transfers
from licensing.models import ApiKey, Transfer
from licensing.words import TransferStepKind

from .agreements import ByNumber
from .callers import HasApiKey, number_of_row
from .clearance import PROBLEMS, RequestsParser
from .sandbox import trial


class TransferSerializer(serializers.ModelSerializer):
    """A licence that passes to another studio; `text` is what the new one signs."""

    id = serializers.CharField(source="name")
    agreement = serializers.CharField(source="agreement.reference")
    old_licensee = serializers.CharField(source="agreement.licensee.slug")
    new_licensee = serializers.CharField(source="licensee.slug")
    state = serializers.SerializerMethodField()
    new_agreement = serializers.SerializerMethodField(help_text="Its reference, once it is signed.")
    old_stays_liable = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    digest = serializers.SerializerMethodField(help_text="SHA-256 of `text`, in hexadecimal.")

    class Meta:
        model = Transfer
        fields = [
            "id", "agreement", "old_licensee", "new_licensee", "takes_effect_on", "answer_due_on",
            "state", "new_agreement", "old_stays_liable", "text", "digest",
        ]  # fmt: skip

    def get_state(self, transfer) -> str:
        return transfer.state.value

    def get_new_agreement(self, transfer) -> str | None:
        done = transfer.step(TransferStepKind.TRANSFERRED)
        return done.assigned.reference if done else None

    def get_old_stays_liable(self, transfer) -> bool:
        return not transfer.releases

    def get_text(self, transfer) -> str:
        signed = transfer.step(TransferStepKind.ASSUMED)
        return signed.text if signed else transfers.assumption_text(transfer)

    def get_digest(self, transfer) -> str:
        return transfers.digest_of(self.get_text(transfer))


def _transfers(request):
    """Return those from or to the caller's licensee at its agency; for a session, what it sees."""
    rows = Transfer.objects.select_related(
        "agreement__agency", "agreement__licensee", "agreement__twin", "licensee"
    ).prefetch_related("steps__assigned")
    if not isinstance(request.auth, ApiKey):
        return rows.visible_to(request.user)
    terms = request.auth.terms
    ends = Q(agreement__licensee=terms.licensee_id) | Q(licensee=terms.licensee_id)
    return rows.filter(ends, agreement__agency=terms.agency_id)


class TransfersView(generics.ListAPIView):
    """The licences that pass to the caller, or from it."""

    serializer_class = TransferSerializer
    pagination_class = ByNumber
    queryset = Transfer.objects.all()

    @extend_schema(operation_id="transfers", summary="Licences that pass to another studio")
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)

    def get_queryset(self):
        return _transfers(self.request)


class SignatureSerializer(serializers.Serializer):
    """Who signs for the studio, and the digest of the words they read."""

    digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    signatory = serializers.CharField(max_length=200)
    title = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class AssumptionView(APIView):
    """The new studio's written assumption of what a licence asks of its licensee."""

    parser_classes = [RequestsParser]
    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="assume_transfer",
        summary="Assume a licence in writing",
        description=(
            "Signs `text` of the transfer for the studio whose key it is: send its `digest` back "
            "with who signs. The same again changes nothing. Somebody at the agency then approves "
            "the transfer; nothing passes before."
        ),
        request=SignatureSerializer,
        responses={
            200: TransferSerializer,
            **PROBLEMS,
            404: OpenApiResponse(description="No transfer to this caller."),
            422: OpenApiResponse(description="Other words, decided, or signed by somebody else."),
        },
        examples=[
            OpenApiExample(
                "Signed by an officer",
                request_only=True,
                value={
                    "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "signatory": "Dana Example",
                    "title": "Head of business affairs",
                },
            )
        ],
    )
    def post(self, request, pk: int) -> Response:
        own = _transfers(request).filter(licensee=request.auth.terms.licensee_id)
        transfer = get_object_or_404(own, pk=number_of_row(pk))
        sent = SignatureSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        with trial(request.auth):
            signed = transfers.assume(
                transfer=transfer,
                shown=sent.validated_data["digest"],
                signatory=sent.validated_data["signatory"],
                title=sent.validated_data["title"],
                at=timezone.now(),
                api_key=request.auth,
            )
            answer = TransferSerializer(signed).data
        return Response(answer)
