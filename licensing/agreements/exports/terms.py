"""The terms of an agreement as its parties read them: JSON in one canonical form, and ODRL.

The same terms give the same bytes, whether the agreement is a draft, signed or ended. What stands
between the agency and its performers is in neither: commissions, scale portions, reserves, with
whom advances are recouped, caps of twins and performers.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch

from licensing.facts.facts import agreement_facts
from licensing.models import Agreement, Cap, DealTerms, Grant, RateCard, RateLine
from licensing.wire.canonical import canonical_bytes, plain
from licensing.wire.names import Prefix, name_of
from talent.consent.exports import instant
from talent.periods import starts_at

from . import policy, terms_schema
from .policy import URN, CapTerm, Json

MEDIA_TYPE = "application/json"
ODRL_MEDIA_TYPE = "application/ld+json"


def terms_of(agreement: Agreement) -> Json:
    """Return the terms that an agreement has now, in a fixed number of queries."""
    return _terms(_read(agreement))


def terms_bytes(agreement: Agreement) -> bytes:
    """Return the same as canonical JSON (RFC 8785): what a document carries and a digest is of."""
    return canonical_bytes(terms_of(agreement))


def policy_of(agreement: Agreement) -> Json:
    """Return what an agreement licenses as an ODRL policy, in a fixed number of queries."""
    return _policy(_read(agreement))


def terms_and_policy_of(agreement: Agreement) -> tuple[Json, Json]:
    """Return both, read once."""
    row = _read(agreement)
    return _terms(row), _policy(row)


def _policy(row: Agreement) -> Json:
    return policy.policy(
        agreement_facts(row),
        [_cap_term(cap) for cap in _sorted(row.caps.all(), "meter", "starts_on", "pk")],
        twin=f"{URN}twin:{row.twin_id}",
        assigner=f"{URN}agency:{row.agency.slug}",
        title=row.reference,
    )


def policy_bytes(agreement: Agreement) -> bytes:
    """Return the same as canonical JSON-LD."""
    return canonical_bytes(policy_of(agreement))


def _read(agreement: Agreement) -> Agreement:
    cards = RateCard.objects.agreed().prefetch_related(
        "lines__brackets", "multipliers", "escalators__index"
    )
    rows = Agreement.objects.select_related("agency", "licensee", "twin", "deal__held_by")
    read: Agreement = rows.prefetch_related(
        "productions",
        "grants",
        Prefetch("rate_cards", queryset=cards),
        "guarantees",
        "advances",
        "caps__agreement",
    ).get(pk=agreement.pk)
    return read


def _terms(agreement: Agreement) -> Json:
    productions = _sorted(agreement.productions.all(), "pk")
    deal: DealTerms | None = getattr(agreement, "deal", None)
    return _fields(agreement, terms_schema.AGREEMENT) | {
        "schema": terms_schema.NAME,
        "id": name_of(Prefix.AGREEMENT, agreement.pk),
        "agency": _fields(agreement.agency, terms_schema.AGENCY),
        "licensee": _fields(agreement.licensee, terms_schema.LICENSEE)
        | {"id": agreement.licensee.slug},
        "twin": _fields(agreement.twin, terms_schema.TWIN)
        | {"id": name_of(Prefix.TWIN, agreement.twin_id)},
        "productions": [
            _fields(row, terms_schema.PRODUCTION) | {"id": name_of(Prefix.PRODUCTION, row.pk)}
            for row in productions
        ],
        "grants": [_grant(row) for row in _sorted(agreement.grants.all(), "right", "use")],
        "rate_cards": [_card(row) for row in _sorted(agreement.rate_cards.all(), "effective_from")],
        "guarantees": _parts(agreement.guarantees.all(), terms_schema.GUARANTEE),
        "advances": _parts(agreement.advances.all(), terms_schema.ADVANCE),
        "caps": _parts(agreement.caps.all(), terms_schema.CAP),
        "deal": _deal(deal) if deal else None,
    }


def _grant(grant: Grant) -> Json:
    return _fields(grant, terms_schema.GRANT) | {
        "languages_in": sorted(
            (
                {"territory": there["territory"], "languages": sorted(there["languages"])}
                for there in grant.languages_in
            ),
            key=lambda there: there["territory"],
        )
    }


def _card(card: RateCard) -> Json:
    escalators = (
        _fields(row, terms_schema.ESCALATOR) | {"index": row.index.name if row.index else None}
        for row in card.escalators.all()
    )
    return _fields(card, terms_schema.RATE_CARD) | {
        "lines": [_line(row) for row in _sorted(card.lines.all(), "code")],
        "multipliers": _parts(card.multipliers.all(), terms_schema.MULTIPLIER),
        "escalators": sorted(escalators, key=canonical_bytes),
    }


def _line(line: RateLine) -> Json:
    brackets = sorted(line.brackets.all(), key=lambda row: (row.up_to is None, row.up_to))
    return _fields(line, terms_schema.RATE_LINE) | {
        "production": name_of(Prefix.PRODUCTION, line.production_id),
        "brackets": [_fields(row, terms_schema.BRACKET) for row in brackets],
    }


def _deal(deal: DealTerms) -> Json:
    held_by = deal.held_by.name if deal.held_by else None
    return _fields(deal, terms_schema.DEAL) | {"held_by": held_by}


def _cap_term(cap: Cap) -> CapTerm:
    def begins(on: date) -> str:
        return instant(starts_at(on, cap.time_zone))

    return CapTerm(
        cap.meter,
        cap.limit,
        cap.hard,
        cap.starts_on,
        begins(cap.starts_on),
        begins(cap.ends_on) if cap.ends_on else None,
        None if cap.channels is None else frozenset(cap.channels),
    )


def _parts(rows: Iterable[object], fields: Iterable[str]) -> list[Json]:
    """Return rows that have no order of their own, in one that only their content decides."""
    return sorted((_fields(row, fields) for row in rows), key=canonical_bytes)


def _sorted(rows: Iterable[Any], *by: str) -> list[Any]:
    return sorted(rows, key=lambda row: tuple(getattr(row, name) for name in by))


def _fields(row: object, names: Iterable[str]) -> Json:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: object) -> object:
    """Return a column as JSON: decimals as digits, instants in UTC, lists of codes in order."""
    match value:
        case Decimal():
            return plain(value)
        case datetime():
            return instant(value)
        case date():
            return value.isoformat()
        case list() | tuple():
            return sorted(value)
    return value
