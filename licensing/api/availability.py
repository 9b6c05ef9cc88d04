"""Avails asked: whether twins are free for a use, over a range of time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.clearance.availability import Avail, PlannedUse, avail_of_unknown_twin, avails
from licensing.clearance.sent_request import SentRequest
from licensing.facts.rows import fact_rows
from licensing.models import Agreement, LicenseeTerms
from licensing.wire.fields import content_stated
from licensing.wire.names import UNKNOWN, Prefix, name_of, number_in
from licensing.words import NO_CONTENT_STATED, Availability, Channel, Dimension
from talent.models import DigitalTwin
from talent.words import Exclusion, Right, Use

from .callers import HasApiKey

MOST_TWINS = 200


class MayAsk(HasApiKey):
    message = "Availability is asked with a licensee's API key."


class WantedSerializer(serializers.Serializer):
    """A use that a licensee plans."""

    twin = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=MOST_TWINS,
        help_text="T7, its HAND ID or its name; again for each twin. None: all you license.",
    )
    after = serializers.RegexField(
        r"^T[0-9]{1,18}$", required=False, help_text="The last twin of the page before."
    )
    right = serializers.ChoiceField(Right.choices())
    use = serializers.ChoiceField(Use.choices())
    territory = serializers.CharField(max_length=6, help_text="ISO 3166.")
    language = serializers.CharField(max_length=35, required=False, help_text="BCP 47.")
    channel = serializers.ChoiceField(Channel.choices())
    production = serializers.CharField(max_length=200, required=False)
    real_time = serializers.BooleanField(default=False)
    content = serializers.ListField(
        child=serializers.ChoiceField([*Exclusion.codes(), NO_CONTENT_STATED]),
        required=False,
        help_text="What it will show; none says that it is nothing of the kind.",
    )
    brand = serializers.CharField(
        max_length=200, required=False, help_text="A brand; none says that it is for no brand."
    )

    def get_fields(self):
        """Add `from`, which Python allows as no attribute's name."""
        return {
            **super().get_fields(),
            "from": serializers.DateTimeField(source="starts_at", help_text="The start, included."),
            "until": serializers.DateTimeField(source="ends_at", help_text="The end, excluded."),
        }


class PieceSerializer(serializers.Serializer):
    """A part of the range with one answer."""

    answer = serializers.ChoiceField(Availability.choices())
    dimension = serializers.ChoiceField(Dimension.choices())
    reason = serializers.CharField()
    nearest_change = serializers.CharField()
    agreement = serializers.CharField(help_text="Empty: no agreement of yours is about this twin.")

    def get_fields(self):
        return {
            "from": serializers.DateTimeField(source="starts_at"),
            "until": serializers.DateTimeField(source="ends_at"),
            **super().get_fields(),
        }


class AvailSerializer(serializers.Serializer):
    """One twin's answer for the whole range: that of its worst part."""

    twin = serializers.CharField()
    name = serializers.CharField()
    answer = serializers.ChoiceField(Availability.choices(), source="worst.answer")
    dimension = serializers.ChoiceField(Dimension.choices(), source="worst.dimension")
    reason = serializers.CharField(source="worst.reason")
    nearest_change = serializers.CharField(source="worst.nearest_change")
    changes_at = serializers.DateTimeField(
        allow_null=True, help_text="When the answer first becomes another; null: it stays."
    )
    pieces = PieceSerializer(many=True)


class AvailsSerializer(serializers.Serializer):
    """The answers, a page of at most 200 twins; `next` goes into `after` for the next."""

    twins = AvailSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class AvailsView(APIView):
    """Answers whether twins are free for a use."""

    permission_classes = [MayAsk]

    @extend_schema(
        operation_id="ask_for_avails",
        summary="Ask for availability",
        description=(
            "May these twins be used so, on the whole range, and what blocks it? Each twin is "
            "answered available, needs_approval or blocked, with the dimension that decides, the "
            "nearest change, and the parts of the range in which the answer differs. It is no "
            "clearance: ask for one before the use."
        ),
        parameters=[WantedSerializer],
        responses={
            200: AvailsSerializer,
            400: OpenApiResponse(description="Malformed, with a pointer to each fault."),
            422: OpenApiResponse(description="The range ends before it starts, or is too long."),
        },
        examples=[
            OpenApiExample(
                "A voice for French dubbing until June",
                response_only=True,
                value={
                    "twins": [
                        {
                            "twin": "T1",
                            "name": "Ada's voice",
                            "answer": "blocked",
                            "dimension": "scope",
                            "reason": "Voice in Dubbing: the consent ended on 2027-03-01.",
                            "nearest_change": "Ask the agency for a new consent.",
                            "changes_at": "2027-03-01T00:00:00Z",
                            "pieces": [],
                        }
                    ],
                    "next": None,
                },
            )
        ],
    )
    def get(self, request) -> Response:
        sent = WantedSerializer(data=request.query_params)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        after = number_in(given.pop("after", ""), Prefix.TWIN) or 0
        terms = request.auth.terms
        at = timezone.now()
        rows, wanted = _asked(given, terms, at)
        if rows is None:
            rows = list(_licensed(terms).filter(pk__gt=after)[: MOST_TWINS + 1])
        page = rows[:MOST_TWINS]
        answer = {
            "twins": _answers(page, wanted, terms, at),
            "next": name_of(Prefix.TWIN, page[-1].pk) if len(rows) > MOST_TWINS else None,
        }
        return Response(AvailsSerializer(answer).data)


def _asked(
    given: dict[str, Any], terms: LicenseeTerms, at: datetime
) -> tuple[list[DigitalTwin | str] | None, PlannedUse]:
    """Return the twins named (the name itself where it is unknown), and the planned use.

    None for the twins where none is named.
    """
    names, production = given.pop("twin", []), given.pop("production", None)
    content, brand = content_stated(given.pop("content", None)), given.pop("brand", None)
    asked = [
        SentRequest(
            name,
            given["right"],
            given["use"],
            given["starts_at"],
            production=production,
            brand=brand,
        )
        for name in names or [UNKNOWN]
    ]
    named = fact_rows(asked, terms, at).named_in(asked)
    found = named[0].production
    known = name_of(Prefix.PRODUCTION, found.pk) if found else production and UNKNOWN
    twins = [rows.twin or sent.twin for sent, rows in zip(asked, named, strict=True)]
    planned = PlannedUse(**given, production=known, content=content, brand=named[0].brand)
    return twins if names else None, planned


def _licensed(terms: LicenseeTerms) -> QuerySet[DigitalTwin]:
    """Return the twins that the licensee's own agreements are about."""
    agreements = Agreement.objects.filter(agency=terms.agency_id, licensee=terms.licensee_id)
    return DigitalTwin.objects.filter(pk__in=agreements.values("twin")).order_by("pk")


def _answers(
    rows: Sequence[DigitalTwin | str], wanted: PlannedUse, terms: LicenseeTerms, at: datetime
) -> list[Avail]:
    twins = list({row.pk: row for row in rows if isinstance(row, DigitalTwin)}.values())
    found = {one.twin: one for one in avails(twins, wanted, terms=terms, at=at)}
    return [
        found[name_of(Prefix.TWIN, row.pk)]
        if isinstance(row, DigitalTwin)
        else avail_of_unknown_twin(row, wanted)
        for row in rows
    ]
