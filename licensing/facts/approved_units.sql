-- Adds up what has been taken of approvals, by part of a request for approval and meter:
--   part_id, meter, units
-- `parts` are the parts, `at` the instant as of which a reservation has lapsed, `own` the decision
-- whose permit is looked at: of its reservation only what events have drawn counts (null: none).
--
-- A reservation counts with what it holds, confirmed or drawn, whichever its state says; a reported
-- use without a permit with the quantities that its row keeps. A reservation has a row for each cap
-- that counts a meter, all with the same quantity.
-- Served by the indexes of the foreign keys and by reserved_units_once.
WITH spent AS (
    SELECT answer.part_id, spending.decision_id, spending.units
    FROM licensing_approvalspending spending
    JOIN licensing_approvalanswer answer ON answer.id = spending.answer_id
    WHERE answer.part_id = ANY(%(parts)s::bigint[])
), taken AS (
    SELECT spent.part_id, held.meter, held.units
    FROM spent CROSS JOIN LATERAL (
        SELECT DISTINCT ON (units.meter) units.meter, CASE
            WHEN reservation.decision_id = %(own)s::bigint THEN units.drawn
            WHEN reservation.state = 'confirmed' THEN units.confirmed
            WHEN reservation.state = 'open' AND reservation.expires_at > %(at)s::timestamptz
                THEN units.units
            ELSE units.drawn
        END AS units
        FROM licensing_capreservation reservation
        JOIN licensing_reservedunits units ON units.reservation_id = reservation.decision_id
        WHERE reservation.decision_id = spent.decision_id
    ) AS held
    UNION ALL
    SELECT spent.part_id, reported.key, reported.value::numeric
    FROM spent CROSS JOIN LATERAL jsonb_each_text(spent.units) AS reported
    WHERE spent.decision_id IS NULL
)
SELECT part_id, meter, sum(units) FROM taken GROUP BY part_id, meter
