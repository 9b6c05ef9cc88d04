"""Requests for approval: opened by their licensee, and their state as it may read it."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.approvals.answers import JointAnswer, joint_answer
from licensing.approvals.requests import open_request
from licensing.models import ApprovalRequest, ClearanceDecision
from licensing.wire.names import Prefix, name_of
from licensing.words import ApprovalState

from .callers import HasApiKey, number_of_row
from .clearance import PROBLEMS, RequestsParser
from .descriptions import SPECIFIC, DescriptionSerializer
from .sandbox import trial


class LimitSerializer(serializers.Serializer):
    """What the approvers left of the request; null is as it was asked."""

    territories = serializers.ListField(child=serializers.CharField(), allow_null=True)
    languages = serializers.ListField(child=serializers.CharField(), allow_null=True)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    quantities = serializers.DictField(child=serializers.DecimalField(20, 6))


class ApprovalSerializer(serializers.ModelSerializer):
    """Where a request for approval stands; never who answered what."""

    id = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    once = serializers.SerializerMethodField(help_text="Good for one reservation.")
    each_use = serializers.SerializerMethodField(
        help_text="Each use may have the quantities; else all uses together."
    )
    limits = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField(help_text="As far as an approver shows them.")

    class Meta:
        model = ApprovalRequest
        fields = ["id", "state", "opened_at", "due_at", "once", "each_use", "limits", "reasons"]

    def get_id(self, request) -> str:
        return name_of(Prefix.APPROVAL, request.pk)

    def get_state(self, request) -> str:
        return self._answer(request).state.value

    def get_once(self, request) -> bool:
        return self._answer(request).once

    def get_each_use(self, request) -> bool:
        return self._answer(request).each_use

    def get_reasons(self, request) -> list[str]:
        return list(self._answer(request).reasons)

    def get_limits(self, request) -> dict | None:
        answer = self._answer(request)
        if answer.state is not ApprovalState.APPROVED:
            return None
        scope = answer.scope
        return LimitSerializer(
            {
                "territories": _sorted(scope.territories),
                "languages": _sorted(scope.languages),
                "starts_at": scope.valid_from,
                "ends_at": scope.valid_to,
                "quantities": answer.units,
            }
        ).data

    def _answer(self, request) -> JointAnswer:
        """Return what the approvers together say; looked up once for all fields."""
        if "answer" not in self.context:
            self.context["answer"] = joint_answer(request, at=timezone.now())
        return self.context["answer"]


def _sorted(codes) -> list[str] | None:
    return None if codes is None else sorted(codes)


class ApprovalView(APIView):
    """The approval that a clearance waits for."""

    parser_classes = [RequestsParser]
    permission_classes = [HasApiKey]

    @extend_schema(
        operation_id="ask_for_approval",
        summary="Ask for the approval that a clearance waits for",
        description=(
            "Describes the use specifically and asks everybody whose consent says “ask”. They "
            "have until `due_at`; silence is a veto. The same description again finds the same "
            "request. A blank or generic description is refused, with what is missing."
        ),
        request=DescriptionSerializer,
        responses={
            201: ApprovalSerializer,
            **PROBLEMS,
            404: OpenApiResponse(description="No such clearance of this caller."),
            422: OpenApiResponse(description="Not specific, vetoed before, or nothing to approve."),
        },
        examples=[OpenApiExample("Six lines of one scene", request_only=True, value=SPECIFIC)],
    )
    def post(self, request, clearance: int) -> Response:
        decision = _decision(request, clearance)
        sent = DescriptionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        with trial(request.auth):
            approval_request = open_request(
                decision=decision,
                description=sent.description(),
                at=timezone.now(),
            )
            answer = ApprovalSerializer(approval_request).data
        return Response(answer, HTTPStatus.CREATED)

    @extend_schema(
        operation_id="approval",
        summary="Where an approval stands",
        description=(
            "Once it is approved, ask for the clearance again with the same description, or with "
            "`approval` and this id: the approval is then counted. "
            "`limits` says what it covers, which may be less than what was asked."
        ),
        responses={
            200: ApprovalSerializer,
            404: OpenApiResponse(description="Nothing was asked for under this clearance."),
        },
    )
    def get(self, request, clearance: int) -> Response:
        decision = _decision(request, clearance)
        approval_request = get_object_or_404(ApprovalRequest, askings__decision=decision)
        return Response(ApprovalSerializer(approval_request).data)


def _decision(request, clearance: int) -> ClearanceDecision:
    decisions = ClearanceDecision.objects.select_related("terms__licensee")
    number = number_of_row(clearance)
    return get_object_or_404(decisions, pk=number, terms=request.auth.terms_id)
