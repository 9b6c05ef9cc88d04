-- Ends open reservations, whose rows the caller has locked; returns a row for each. `ids` are their
-- decisions, `state` what they become, `at` the instant (null: the end of their time).
-- Served by the primary key and reserved_units_once.
WITH settled AS (
    UPDATE licensing_capreservation
    SET state = %(state)s::text, settled_at = coalesce(%(at)s::timestamptz, expires_at)
    WHERE decision_id = ANY(%(ids)s::bigint[]) RETURNING decision_id
), units AS (
    SELECT units.* FROM licensing_reservedunits units
    JOIN settled ON settled.decision_id = units.reservation_id
), {settled_years}
SELECT decision_id FROM settled, years
