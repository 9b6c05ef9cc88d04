"""The published JSON Schema of an agreement's terms. Its fields are those that an export reads."""

from collections.abc import Mapping
from typing import Any

from licensing.words import (
    CapturedKind,
    Channel,
    ContributionPlan,
    ContributionsPaidBy,
    CutPeriod,
    DealKind,
    Engagement,
    Escalates,
    Exclusivity,
    Factor,
    GuaranteePeriod,
    Meter,
    PaidBackFrom,
    PayClass,
    Pricing,
    PromptClass,
    RetentionEnds,
    RoundQuantity,
)
from talent.words import (
    BrandCategory,
    Exclusion,
    Guild,
    LegalClass,
    Period,
    RepresentedBy,
    Right,
    Tier,
    Use,
    Word,
)

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
NAME = "agreement.terms.v1"
PATH = f"/api/v1/schemas/{NAME}"
TITLE = "The terms of an agreement"

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
YES_OR_NO: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time", "description": "In UTC."}
NUMBER: Schema = {
    "type": "string",
    "pattern": r"^-?[0-9]+(\.[0-9]*[1-9])?$",
    "description": "A decimal, without trailing zeros.",
}
TEXTS: Schema = {"type": "array", "items": TEXT}


def _code(words: type[Word], *more: str) -> Schema:
    return {"type": "string", "enum": [*more, *words.codes()]}


def _codes(words: type[Word]) -> Schema:
    return {"type": "array", "items": _code(words)}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(fields: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "required": list(fields),
        "properties": dict(fields),
        "additionalProperties": False,
    }


def _list(fields: Mapping[str, Schema]) -> Schema:
    return {"type": "array", "items": _object(fields)}


# The fields of each part, as the desk keeps them. A null list is any territory, language …
AGREEMENT: dict[str, Schema] = {
    "reference": TEXT,
    "starts_at": INSTANT,
    "ends_at": _or_null(INSTANT),
    "time_zone": TEXT,
    "currency": TEXT,
    "rating_period": _code(Period),
    "fiscal_year_start_month": WHOLE,
    "engagement": _code(Engagement),
    "guild": _code(Guild),
    "description": TEXT,
    "contribution_plan": _code(ContributionPlan),
    "contribution_class": _code(PayClass),
    "contributions_paid_by": _code(ContributionsPaidBy),
}
AGENCY: dict[str, Schema] = {"name": TEXT, "country": TEXT}
LICENSEE: dict[str, Schema] = {"name": TEXT, "country": TEXT}
TWIN: dict[str, Schema] = {
    "name": TEXT,
    "hand_id": TEXT,
    "tier": _code(Tier),
    "legal_class": _code(LegalClass),
}
PRODUCTION: dict[str, Schema] = {"title": TEXT, "eidr": TEXT, "isan": TEXT}
GRANT: dict[str, Schema] = {
    "right": _code(Right),
    "use": _code(Use),
    "territories": _or_null(TEXTS),
    "territories_excluded": TEXTS,
    "languages": _or_null(TEXTS),
    "channels": _or_null(_codes(Channel)),
    "brands": _or_null(TEXTS),
    "exclusions": _codes(Exclusion),
    "real_time": YES_OR_NO,
}
LANGUAGES_IN: dict[str, Schema] = {"territory": TEXT, "languages": TEXTS}
RATE_CARD: dict[str, Schema] = {"effective_from": DAY, "source": TEXT}
RATE_LINE: dict[str, Schema] = {
    "code": TEXT,
    "label": TEXT,
    "meter": _code(Meter),
    "pricing": _code(Pricing),
    "unit_price": NUMBER,
    "package_size": _or_null(NUMBER),
    "free_quantity": NUMBER,
    "discount_percent": NUMBER,
    "minimum": NUMBER,
    "maximum": _or_null(NUMBER),
    "cut_period": _code(CutPeriod),
    "charge_group": TEXT,
    "unlicensed": YES_OR_NO,
    "rights": _or_null(_codes(Right)),
    "uses": _or_null(_codes(Use)),
    "territories": _or_null(TEXTS),
    "languages": _or_null(TEXTS),
    "channels": _or_null(_codes(Channel)),
    "prompt_classes": _or_null(_codes(PromptClass)),
    "round_quantity": _code(RoundQuantity),
    "round_to": NUMBER,
}
BRACKET: dict[str, Schema] = {"up_to": _or_null(NUMBER), "unit_price": NUMBER, "flat": NUMBER}
MULTIPLIER: dict[str, Schema] = {"dimension": _code(Factor), "value": TEXT, "factor": NUMBER}
ESCALATOR: dict[str, Schema] = {
    "raises": _codes(Escalates),
    "first_on": DAY,
    "every": _code(Period, ""),
    "percent": _or_null(NUMBER),
    "base_on": _or_null(DAY),
    "months_before": WHOLE,
}
GUARANTEE: dict[str, Schema] = {
    "amount": NUMBER,
    "period": _code(GuaranteePeriod),
    "cut_period": _code(CutPeriod),
    "starts_on": _or_null(DAY),
    "ends_on": _or_null(DAY),
}
ADVANCE: dict[str, Schema] = {
    "label": TEXT,
    "amount": NUMBER,
    "due_on": DAY,
    "paid_back_from": _code(PaidBackFrom),
}
CAP: dict[str, Schema] = {
    "meter": _code(Meter),
    "limit": NUMBER,
    "channels": _or_null(_codes(Channel)),
    "hard": YES_OR_NO,
    "starts_on": DAY,
    "ends_on": _or_null(DAY),
}
DEAL: dict[str, Schema] = {
    "kind": _code(DealKind),
    "governing_law": TEXT,
    "exclusivity": _code(Exclusivity),
    "exclusive_in": _codes(BrandCategory),
    "ai_label": YES_OR_NO,
    "represented_by": _code(RepresentedBy),
    "counsel_name": TEXT,
    "counsel_firm": TEXT,
    "court_approval": TEXT,
    "captures": _codes(CapturedKind),
    "capture_boundary": TEXT,
    "capture_reason": TEXT,
    "capture_notice_hours": _or_null(WHOLE),
    "retention_ends": _code(RetentionEnds),
    "retention_days": _or_null(WHOLE),
    "removal_right": YES_OR_NO,
    "withdrawal_notice_days": _or_null(WHOLE),
    "audit_notice_days": _or_null(WHOLE),
    "audit_years_back": _or_null(WHOLE),
    "confidential_years": _or_null(WHOLE),
    "usage_report_days": _or_null(WHOLE),
    "statement_days": _or_null(WHOLE),
    "payment_days": _or_null(WHOLE),
    "renewal_notice_days": _or_null(WHOLE),
    "transfer_answer_days": _or_null(WHOLE),
    "cure_days": _or_null(WHOLE),
    "late_interest_percent": _or_null(NUMBER),
    "audit_shortfall_percent": _or_null(NUMBER),
    "minor_trust_percent": _or_null(NUMBER),
    "credit": TEXT,
}


def terms_schema(*, at: str) -> Schema:
    """Return the schema (JSON Schema 2020-12), published at an address."""
    line = RATE_LINE | {"production": _or_null(TEXT), "brackets": _list(BRACKET)}
    card = RATE_CARD | {
        "lines": _list(line),
        "multipliers": _list(MULTIPLIER),
        "escalators": _list(ESCALATOR | {"index": _or_null(TEXT)}),
    }
    whole = AGREEMENT | {
        "schema": {"const": NAME},
        "id": {"type": "string", "pattern": "^A[0-9]+$"},
        "agency": _object(AGENCY),
        "licensee": _object(LICENSEE | {"id": TEXT}),
        "twin": _object(TWIN | {"id": {"type": "string", "pattern": "^T[0-9]+$"}}),
        "productions": _list(PRODUCTION | {"id": {"type": "string", "pattern": "^P[0-9]+$"}}),
        "grants": _list(GRANT | {"languages_in": _list(LANGUAGES_IN)}),
        "rate_cards": _list(card),
        "guarantees": _list(GUARANTEE),
        "advances": _list(ADVANCE),
        "caps": _list(CAP),
        "deal": _or_null(_object(DEAL | {"held_by": _or_null(TEXT)})),
    }
    return {"$schema": DRAFT, "$id": at, "title": TITLE, **_object(whole)}
