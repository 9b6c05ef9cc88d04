"""Descriptions of what shall be approved, as a studio sends them."""

from dataclasses import dataclass, replace

from drf_spectacular.utils import OpenApiResponse
from rest_framework import exceptions, serializers

from licensing.approvals.description import Description
from licensing.approvals.requests import open_request
from licensing.clearance.sent_request import SentRequest, read_request
from licensing.models import ClearanceDecision
from licensing.wire.faults import NotUnderstood
from licensing.wire.problems import faults_in
from licensing.words import Outcome

from .clearance_json import request_schema

SPECIFIC = {
    "scene": "Scene 41",
    "lines": "Six lines of the captain are rewritten after the test screening.",
    "territories": ["US"],
    "languages": ["en"],
    "starts_at": "2026-12-01T00:00:00Z",
    "ends_at": "2027-03-01T00:00:00Z",
    "compensation": {"amount": "2566.00", "currency": "USD", "basis": "flat for the six lines"},
}


NOT_SPECIFIC = OpenApiResponse(
    description="The description is not specific, or was vetoed before; nothing is kept."
)


def described_request_schema() -> dict:
    """Return the schema of a request that may bring its description."""
    request = request_schema()
    description = {"$ref": "#/components/schemas/DescriptionRequest"}
    return {**request, "properties": {**request["properties"], "description": description}}


class CompensationSerializer(serializers.Serializer):
    """What the studio states that it will pay."""

    amount = serializers.DecimalField(20, 4)
    currency = serializers.CharField(max_length=3, help_text="ISO 4217.")
    basis = serializers.CharField(
        max_length=200, allow_blank=True, help_text="For what: a line, a day, all of it."
    )


class DescriptionSerializer(serializers.Serializer):
    """A reasonably specific description of the use that somebody shall approve.

    The production and the quantities stand in the request itself.
    """

    scene = serializers.CharField(max_length=200, allow_blank=True, default="")
    campaign = serializers.CharField(max_length=200, allow_blank=True, default="")
    lines = serializers.CharField(
        max_length=2000, allow_blank=True, help_text="What is said, done or shown."
    )
    territories = serializers.ListField(
        child=serializers.CharField(max_length=6), default=list, max_length=250,
        help_text="ISO 3166. Empty: the question's own.",
    )  # fmt: skip
    languages = serializers.ListField(
        child=serializers.CharField(max_length=35), default=list, max_length=100,
        help_text="BCP 47. Empty: the question's own.",
    )  # fmt: skip
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    compensation = CompensationSerializer()
    answer_by = serializers.DateTimeField(
        required=False, help_text="A deadline earlier than the agency's."
    )

    def description(self) -> Description:
        return description_in(self.validated_data)


def description_in(sent: dict) -> Description:
    """Return a validated description as the capability that asks takes it."""
    fields = dict(sent)
    fields |= fields.pop("compensation")
    fields["territories"] = tuple(fields["territories"])
    fields["languages"] = tuple(fields["languages"])
    return Description(**fields)


class _WithDescription(serializers.Serializer):
    """What may come with a request."""

    description = DescriptionSerializer()


def split_description(sent: object) -> tuple[object, dict | None]:
    """Return what was sent without its description, and the description as it was checked.

    Raises ValidationError.
    """
    if not isinstance(sent, dict) or sent.get("description") is None:
        return sent, None
    request = {name: value for name, value in sent.items() if name != "description"}
    rest = _WithDescription(data={"description": sent["description"]})
    rest.is_valid(raise_exception=True)
    return request, rest.validated_data["description"]


@dataclass(frozen=True, slots=True)
class DescribedRequest:
    """One request of a batch as it was read, with its description."""

    request: SentRequest | NotUnderstood
    description: dict | None = None


def read_described_request(sent: object) -> DescribedRequest:
    """Read a request of a batch; it is a NotUnderstood if its description is malformed."""
    try:
        request, description = split_description(sent)
    except exceptions.ValidationError as error:
        return DescribedRequest(NotUnderstood(tuple(faults_in(error.get_full_details()))))
    return DescribedRequest(bind(read_request(request), description), description)


def bind(
    request: SentRequest | NotUnderstood, description: dict | None
) -> SentRequest | NotUnderstood:
    """Return a request bound to the words of its description, where it brings one."""
    if description is None or isinstance(request, NotUnderstood):
        return request
    return replace(request, described=description_in(description).digest)


def ask_for_approval(decision: ClearanceDecision, description: dict | None) -> None:
    """Ask for the approval that a clearance waits for, if its request came with a description."""
    if description is not None and decision.outcome == Outcome.NEEDS_APPROVAL:
        open_request(
            decision=decision,
            description=description_in(description),
            at=decision.known_at,
        )
