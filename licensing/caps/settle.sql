-- Confirms or releases one open reservation of a licensee's terms; returns its row, or none where
-- it is not open any more, lapsed, or another licensee's.
-- `id` is its decision, `state` what it becomes, `quantities` the units confirmed by meter (null:
-- all of them; a meter left out: what events have drawn of it).
-- Served by the primary keys and reserved_units_once.
--
-- A reservation that somebody else settles at this moment is waited for, and is then not open any
-- more: nothing is settled twice. Its units are read as they are after that wait, since they are
-- updated as well.
WITH settled AS (
    UPDATE licensing_capreservation reservation
    SET state = %(state)s::text, settled_at = %(at)s::timestamptz, settled_key = %(key)s::text,
        settled_digest = %(digest)s::bytea
    WHERE reservation.decision_id = %(id)s::bigint AND %(terms)s::bigint = (
        SELECT terms_id FROM licensing_clearancedecision WHERE id = %(id)s::bigint
    ) AND reservation.settled_at IS NULL AND reservation.expires_at > %(at)s::timestamptz
    RETURNING reservation.*
), units AS (
    UPDATE licensing_reservedunits units
    SET confirmed = CASE
        WHEN %(state)s::text <> 'confirmed' THEN NULL
        WHEN %(quantities)s::jsonb IS NULL THEN units.units
        ELSE coalesce((%(quantities)s::jsonb ->> units.meter)::numeric, units.drawn)
    END
    FROM settled WHERE units.reservation_id = settled.decision_id
    RETURNING units.*
), {settled_years}
SELECT settled.decision_id, settled.reserved_at, settled.expires_at, settled.state,
    settled.settled_at, settled.settled_key, settled.settled_digest
FROM settled, years
