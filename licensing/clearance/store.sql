-- Inserts decisions with their reservations, permits and reserved units, each as a JSON array of
-- rows; where `reserving`, takes the units from caps' years that nobody has locked. Returns a row
-- for each such year. Raises LD001, and has then written nothing, where a year comes near its limit
-- or an alert that was not raised: at `first_alert` percent, or at `last_alert` where the first was.
-- It reads nothing but what it inserts; the function reads years by their primary key.
--
-- Each part waits for the rows of the one before by joining them, so that the years come last, in
-- the order of their ids: a year is a row that all who reserve wait for, and is held for the commit
-- alone. Units that have lapsed count as reserved here. To subtract them would be wrong while a
-- sweep settles them: this statement waits for it, then reads the year as the sweep left it, but
-- the reservations as they were before.
WITH decision AS (
    INSERT INTO licensing_clearancedecision (
        id, terms_id, api_key_id, batch_id, seat, agreement_id, twin_id, outcome, at, known_at,
        idempotency_key, request_digest, request, facts, decision
    )
    SELECT id, terms_id, api_key_id, batch_id, seat, agreement_id, twin_id, outcome, at, known_at,
        idempotency_key, decode(request_digest, 'base64'), request, facts, decision
    FROM jsonb_to_recordset(%(decisions)s::jsonb) AS sent (
        id bigint, terms_id bigint, api_key_id bigint, batch_id bigint, seat smallint,
        agreement_id bigint, twin_id bigint, outcome text, at timestamptz, known_at timestamptz,
        idempotency_key text, request_digest text, request jsonb, facts jsonb, decision jsonb
    )
    RETURNING id
), reservation AS (
    INSERT INTO licensing_capreservation (decision_id, reserved_at, expires_at, state, settled_key)
    SELECT decision_id, reserved_at, expires_at, state, settled_key
    FROM jsonb_to_recordset(%(reservations)s::jsonb) AS sent (
        decision_id bigint, reserved_at timestamptz, expires_at timestamptz, state text,
        settled_key text
    ) JOIN decision ON decision.id = decision_id
    RETURNING decision_id
), permit AS (
    INSERT INTO licensing_permit (decision_id, key_id, starts_at, expires_at, token)
    SELECT decision_id, key_id, starts_at, expires_at, token
    FROM jsonb_to_recordset(%(permits)s::jsonb) AS sent (
        decision_id bigint, key_id bigint, starts_at timestamptz, expires_at timestamptz, token text
    ) JOIN reservation USING (decision_id)
    RETURNING decision_id
), units AS (
    INSERT INTO licensing_reservedunits (
        reservation_id, cap_year_id, meter, units, over, drawn
    )
    SELECT reservation_id, cap_year_id, meter, units, over, drawn
    FROM jsonb_to_recordset(%(units)s::jsonb) AS sent (
        reservation_id bigint, cap_year_id bigint, meter text, units numeric, over numeric,
        drawn numeric
    ) JOIN permit ON permit.decision_id = reservation_id
    RETURNING cap_year_id, units
), taken AS (
    SELECT cap_year_id AS year, sum(units) AS units FROM units
    WHERE %(reserving)s::boolean AND cap_year_id IS NOT NULL GROUP BY cap_year_id ORDER BY cap_year_id
)
SELECT licensing_reserve_units(year, units, %(first_alert)s::int, %(last_alert)s::int) FROM taken
