"""Clearances as JSON: as they are answered, and as the reference describes them."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, inline_serializer
from rest_framework import serializers

from licensing.clearance.reserve import why_nothing_reserved
from licensing.clearance.sent_request import LONGEST_LANGUAGE, LONGEST_TERRITORY, REQUIRED
from licensing.models import CapReservation, ClearanceDecision
from licensing.permits.claims import MOST_MINUTES
from licensing.usage.events.schema import QUANTITY
from licensing.wire.fields import LONGEST_REFERENCE
from licensing.wire.names import Prefix, name_of
from licensing.words import (
    NO_CONTENT_STATED,
    Channel,
    Finding,
    Meter,
    Outcome,
    PromptClass,
    ReservationState,
)
from talent.words import Exclusion, Right, Use, Word

Json = dict[str, Any]

ASK_EXAMPLE = OpenApiExample(
    "Ten lines dubbed into French, reserved for a day",
    request_only=True,
    value={
        "twin": "T1",
        "agreement": "NA-1",
        "right": "voice",
        "use": "dubbing",
        "at": "2026-12-01T09:00:00Z",
        "territory": "FR",
        "language": "fr",
        "channel": "streaming",
        "quantities": {"lines": "10"},
        "reserve": True,
    },
)
_QUANTITIES: Json = {
    "type": "object",
    "properties": {meter.value: QUANTITY for meter in Meter},
    "additionalProperties": False,
}
CONFIRM: Json = {
    "type": "object",
    "properties": {"quantities": _QUANTITIES},
    "additionalProperties": False,
}


# As they are answered


def clearance_as_decided(decision: ClearanceDecision) -> Json:
    """Return a decision as its licensee was first told it; what changes later is not in it."""
    answer = decision.decision
    reservation = getattr(decision, "reservation", None)
    permit = getattr(decision, "permit", None)
    return {
        "id": name_of(Prefix.CLEARANCE, decision.pk),
        "outcome": decision.outcome,
        "text": answer["studio_text"],
        "nearest_change": answer["nearest_change"],
        "at": decision.at,
        "known_at": decision.known_at,
        "trace": [
            {
                "dimension": step["dimension"],
                "finding": step["finding"],
                "code": step["code"],
                "text": step["public"],
            }
            for step in answer["trace"]
        ],
        "reservation": reservation and _units_reserved(reservation),
        "permit": permit and permit.token,
        "note": why_nothing_reserved(decision),
    }


def reservation_now(decision: ClearanceDecision) -> Json | None:
    """Return a decision's reservation as it stands now."""
    reservation = getattr(decision, "reservation", None)
    if reservation is None:
        return None
    reported = {row.meter: _plain(row.drawn) for row in reservation.units.all()}
    return {**_units_reserved(reservation), **_state_of(reservation), "reported": reported}


def closed_reservation(reservation: CapReservation) -> Json:
    """Return a reservation as it was confirmed or released, under its clearance's name."""
    return {
        "id": name_of(Prefix.CLEARANCE, reservation.pk),
        **_units_reserved(reservation),
        **_state_of(reservation),
    }


def _units_reserved(reservation: CapReservation) -> Json:
    rows = list(reservation.units.all())
    return {
        "expires_at": reservation.expires_at,
        "units": {row.meter: _plain(row.units) for row in rows},
        "over": {
            meter: _plain(max(row.over for row in rows if row.meter == meter))
            for meter in dict.fromkeys(row.meter for row in rows if row.over)
        },
    }


def _state_of(reservation: CapReservation) -> Json:
    rows = reservation.units.all()
    return {
        "state": reservation.state,
        "settled_at": reservation.settled_at,
        "confirmed": {
            row.meter: _plain(row.confirmed) for row in rows if row.confirmed is not None
        },
    }


def _plain(units: Decimal) -> str:
    return f"{units.normalize():f}"


# As the reference describes them


def request_schema() -> Json:
    """Return the schema of one request, made of the words that reading it is checked against."""
    return {
        "type": "object",
        "required": list(REQUIRED),
        "properties": {
            "twin": _text("T7, its HAND ID or its name."),
            "right": _word(Right),
            "use": _word(Use),
            "at": {
                "type": "string",
                "format": "date-time",
                "description": "When the use takes place, or begins, with its offset.",
            },
            "agreement": _text("A3 or its reference."),
            "territory": _text("ISO 3166.", LONGEST_TERRITORY),
            "language": _text("BCP 47.", LONGEST_LANGUAGE),
            "channel": _word(Channel),
            "production": _text("P7, EIDR, ISAN or title."),
            "build": _text("The version of the twin's model."),
            "prompt_class": _word(PromptClass),
            "real_time": {"type": "boolean"},
            "content": {
                "type": "array",
                "items": {"type": "string", "enum": [*Exclusion.codes(), NO_CONTENT_STATED]},
                "description": 'What it shows; ["none"] says that it is nothing of the kind.',
            },
            "brand": _text("A brand's slug or name; none says that it is for no brand."),
            "quantities": _QUANTITIES,
            "approval": _text("Q7: the approval it stands on; or repeat its description."),
            "reserve": {"type": "boolean", "description": "Hold the quantities; get a permit."},
            "reserve_minutes": {
                "type": "integer", "minimum": 1, "maximum": MOST_MINUTES, "default": 1440,
            },
        },
        "additionalProperties": False,
    }  # fmt: skip


def _text(description: str, longest: int = LONGEST_REFERENCE) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": longest, "description": description}


def _word(words: type[Word]) -> Json:
    return {"type": "string", "enum": words.codes()}


class StepSerializer(serializers.Serializer):
    """What one dimension found, in words for the licensee."""

    dimension = serializers.CharField()
    finding = serializers.ChoiceField(Finding.choices())
    code = serializers.CharField()
    text = serializers.CharField()


class ReservationSerializer(serializers.Serializer):
    """What a cleared request holds. Its state is told where it is asked for or settled."""

    id = serializers.CharField(required=False)
    expires_at = serializers.DateTimeField()
    units = serializers.DictField(child=serializers.CharField())
    over = serializers.DictField(
        child=serializers.CharField(), help_text="The part past a soft cap's limit."
    )
    state = serializers.ChoiceField(ReservationState.choices(), required=False)
    settled_at = serializers.DateTimeField(required=False, allow_null=True)
    confirmed = serializers.DictField(child=serializers.CharField(), required=False)
    reported = serializers.DictField(child=serializers.CharField(), required=False)


class ClearanceSerializer(serializers.Serializer):
    """A decision as its licensee may read it."""

    id = serializers.CharField()
    outcome = serializers.ChoiceField(Outcome.choices())
    text = serializers.CharField()
    nearest_change = serializers.CharField()
    at = serializers.DateTimeField()
    known_at = serializers.DateTimeField()
    trace = StepSerializer(many=True)
    reservation = ReservationSerializer(allow_null=True)
    permit = serializers.CharField(allow_null=True, help_text="JWS; verify it with the JWKS.")
    note = serializers.CharField(help_text="Why a cleared use was not reserved.")


BATCH_RESULTS = OpenApiResponse(
    inline_serializer(
        "ClearanceResults",
        {
            "results": inline_serializer(
                "ClearanceResult",
                {
                    "index": serializers.IntegerField(),
                    "status": serializers.IntegerField(),
                    "clearance": ClearanceSerializer(required=False),
                    "problem": serializers.DictField(required=False),
                },
                many=True,
            )
        },
    ),
    description="The result of each question, in order.",
)
