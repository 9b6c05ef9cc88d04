"""Storing: decisions, what they hold and what that takes of caps, written in one statement.

A year of a cap is a row that all who reserve wait for, so it is locked for one statement and its
commit, never across an answer to the desk. That statement takes units only where it can see that
nothing else follows: no limit, and no alert that was not raised, may come near. Where it can't,
it writes nothing, and the caller decides again with the years locked.
"""

from collections.abc import Sequence
from functools import cache

import msgspec
from django.db.models import Model

from licensing.models import ClearanceDecision
from licensing.prepared import fetched

from .alerts import PERCENTS
from .caps import Balance

# Reserved units that have lapsed are counted as held: whoever sweeps them up may be waited for,
# and what they held is then not what this statement sees.
STORE = f"""
WITH taken AS (
    SELECT * FROM jsonb_to_recordset(%(taken)s::jsonb) AS taken (year bigint, units numeric)
), locked AS (
    SELECT year.id, taken.units, (year.used + year.reserved + taken.units) * 100 < cap."limit" * (
        CASE WHEN EXISTS (
            SELECT FROM licensing_capalert alert
            WHERE alert.year_id = year.id AND alert.percent = {min(PERCENTS)}
        ) THEN {max(PERCENTS)} ELSE {min(PERCENTS)} END
    ) AS has_room
    FROM taken
    JOIN licensing_capyear year ON year.id = taken.year
    JOIN licensing_cap cap ON cap.id = year.cap_id
    ORDER BY year.id FOR NO KEY UPDATE OF year
), room AS (
    SELECT coalesce(bool_and(has_room), true) AS is_there FROM locked
), decided AS (
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
    ), room WHERE room.is_there
    RETURNING id
), reserved AS (
    INSERT INTO licensing_capreservation (decision_id, reserved_at, expires_at, state, settled_key)
    SELECT decision_id, reserved_at, expires_at, state, settled_key
    FROM jsonb_to_recordset(%(reservations)s::jsonb) AS one (
        decision_id bigint, reserved_at timestamptz, expires_at timestamptz, state text,
        settled_key text
    ), room WHERE room.is_there
), held AS (
    INSERT INTO licensing_reservedunits (
        reservation_id, cap_year_id, meter, units, over, drawn
    )
    SELECT reservation_id, cap_year_id, meter, units, over, drawn
    FROM jsonb_to_recordset(%(units)s::jsonb) AS one (
        reservation_id bigint, cap_year_id bigint, meter text, units numeric, over numeric,
        drawn numeric
    ), room WHERE room.is_there
), permitted AS (
    INSERT INTO licensing_permit (decision_id, key_id, starts_at, expires_at, token)
    SELECT decision_id, key_id, starts_at, expires_at, token
    FROM jsonb_to_recordset(%(permits)s::jsonb) AS one (
        decision_id bigint, key_id bigint, starts_at timestamptz, expires_at timestamptz, token text
    ), room WHERE room.is_there
), moved AS (
    UPDATE licensing_capyear year SET reserved = year.reserved + locked.units
    FROM locked, room WHERE year.id = locked.id AND room.is_there
)
SELECT room.is_there FROM room
"""  # noqa: S608 (our own text)


def stored(rows: Sequence[ClearanceDecision], *, taking: Sequence[Balance] = ()) -> bool:
    """Write decisions with what they hold; tell whether they were.

    `taking` are years, not locked, whose units they took: the decisions are only written if these
    are far enough from their limits. Who has locked the years moves them on their own.
    """
    reservations = [row.reservation for row in rows if hasattr(row, "reservation")]
    ((is_there,),) = fetched(
        STORE,
        {
            "taken": _json({"year": one.pk, "units": one.taken} for one in taking),
            "decisions": _rows(rows),
            "reservations": _rows(reservations),
            "units": _rows(units for held in reservations for units in held.units.all()),
            "permits": _rows(row.permit for row in rows if hasattr(row, "permit")),
        },
    )
    return is_there


def _rows(rows) -> str:
    return _json({name: row.__dict__[name] for name in _names(type(row))} for row in rows)


@cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _json(rows) -> str:
    return msgspec.json.encode(list(rows)).decode()
