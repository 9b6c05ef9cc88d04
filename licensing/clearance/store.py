"""Storing: decisions, what they hold and what that takes of caps, written in one statement.

A year of a cap is a row that all who reserve wait for, so it is taken of last, when all else is
written, and held for the commit alone, never across an answer to the desk. Units are taken so
only where it can be seen that nothing else follows: no limit, and no alert that was not raised,
may come near. Where it can't, nothing is written, and the caller decides again with the years
locked.
"""

from collections.abc import Sequence
from functools import cache

import msgspec
from django.db import DatabaseError
from django.db.models import Model

from licensing.caps.alerts import PERCENTS
from licensing.models import ClearanceDecision
from licensing.prepared_statements import fetch_prepared

NO_ROOM = "LD001"  # what `licensing_reserve_units` raises

# Each part waits for the rows of the one before, and the years come last, in the order of their
# ids. Reserved units that have lapsed are counted as held: whoever sweeps them up may be waited
# for, and what they held is then not what is seen here.
STORE = f"""
WITH decided AS (
    INSERT INTO licensing_clearancedecision (
        id, terms_id, api_key_id, batch_id, seat, agreement_id, twin_id, outcome, at, known_at,
        idempotency_key, request_digest, request, facts, decision
    )
    SELECT id, terms_id, api_key_id, batch_id, seat, agreement_id, twin_id, outcome, at, known_at,
        idempotency_key, decode(request_digest, 'base64'), request, facts, decision
    FROM jsonb_to_recordset(%(decisions)s::jsonb) AS one (
        id bigint, terms_id bigint, api_key_id bigint, batch_id bigint, seat smallint,
        agreement_id bigint, twin_id bigint, outcome text, at timestamptz, known_at timestamptz,
        idempotency_key text, request_digest text, request jsonb, facts jsonb, decision jsonb
    )
    RETURNING id
), reserved AS (
    INSERT INTO licensing_capreservation (decision_id, reserved_at, expires_at, state, settled_key)
    SELECT decision_id, reserved_at, expires_at, state, settled_key
    FROM jsonb_to_recordset(%(reservations)s::jsonb) AS one (
        decision_id bigint, reserved_at timestamptz, expires_at timestamptz, state text,
        settled_key text
    ) JOIN decided ON decided.id = decision_id
    RETURNING decision_id
), permitted AS (
    INSERT INTO licensing_permit (decision_id, key_id, starts_at, expires_at, token)
    SELECT decision_id, key_id, starts_at, expires_at, token
    FROM jsonb_to_recordset(%(permits)s::jsonb) AS one (
        decision_id bigint, key_id bigint, starts_at timestamptz, expires_at timestamptz, token text
    ) JOIN reserved USING (decision_id)
    RETURNING decision_id
), held AS (
    INSERT INTO licensing_reservedunits (
        reservation_id, cap_year_id, meter, units, over, drawn
    )
    SELECT reservation_id, cap_year_id, meter, units, over, drawn
    FROM jsonb_to_recordset(%(units)s::jsonb) AS one (
        reservation_id bigint, cap_year_id bigint, meter text, units numeric, over numeric,
        drawn numeric
    ) JOIN permitted ON permitted.decision_id = reservation_id
    RETURNING cap_year_id, units
), taken AS (
    SELECT cap_year_id AS year, sum(units) AS units FROM held
    WHERE %(taking)s AND cap_year_id IS NOT NULL GROUP BY cap_year_id ORDER BY cap_year_id
)
SELECT licensing_reserve_units(year, units, {min(PERCENTS)}, {max(PERCENTS)}) FROM taken
"""  # noqa: S608 (our own text)


class NoRoom(Exception):
    """The units taken come near a limit or an alert: the years must be locked to decide."""


def stored(rows: Sequence[ClearanceDecision], *, taking: bool = False) -> None:
    """Write decisions with what they hold, and where `taking`, take that of caps not locked.

    Raises NoRoom, and writes nothing, unless these are far enough from their limits. Who has
    locked the years moves them on their own.
    """
    reservations = [row.reservation for row in rows if hasattr(row, "reservation")]
    parts = {
        "decisions": _rows(rows),
        "reservations": _rows(reservations),
        "units": _rows(units for held in reservations for units in held.units.all()),
        "permits": _rows(row.permit for row in rows if hasattr(row, "permit")),
    }
    try:
        fetch_prepared(STORE, {"taking": taking, **parts})
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == NO_ROOM:
            raise NoRoom from error
        raise


def _rows(rows) -> str:
    return _json({name: row.__dict__[name] for name in _names(type(row))} for row in rows)


@cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _json(rows) -> str:
    return msgspec.json.encode(list(rows)).decode()
