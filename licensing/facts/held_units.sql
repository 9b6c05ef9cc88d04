-- Adds up what permits hold of twins and no event has reported yet:
--   twin_id, right, use, licensee, year (UTC, of the use), meter, used (confirmed), reserved
-- `twins` are the twins, `uses` the uses asked for, `at` the instant as of which a reservation has
-- lapsed, `own` a decision that is left out (null: none).
-- A reservation has a row for each cap that counts a meter, all with the same quantity.
-- Served by decision_by_twin, the primary keys and reserved_units_once.
SELECT decision.twin_id, decision.request ->> 'right', decision.request ->> 'use', licensee.slug,
    extract(year FROM decision.at AT TIME ZONE 'UTC')::int, held.meter, sum(held.used),
    sum(held.reserved)
FROM licensing_clearancedecision decision
JOIN licensing_capreservation reservation ON reservation.decision_id = decision.id
JOIN licensing_licenseeterms terms ON terms.id = decision.terms_id
JOIN licensing_licensee licensee ON licensee.id = terms.licensee_id
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (units.meter) units.meter,
        CASE WHEN reservation.state = 'confirmed' THEN units.confirmed - units.drawn ELSE 0 END
            AS used,
        CASE WHEN reservation.state = 'open' AND reservation.expires_at > %(at)s::timestamptz
            THEN units.units - units.drawn ELSE 0 END AS reserved
    FROM licensing_reservedunits units
    WHERE units.reservation_id = reservation.decision_id
) AS held
WHERE decision.twin_id = ANY(%(twins)s::bigint[])
    AND decision.request ->> 'use' = ANY(%(uses)s::text[])
    AND reservation.state IN ('open', 'confirmed')
    AND reservation.decision_id IS DISTINCT FROM %(own)s::bigint
    AND held.used + held.reserved > 0
GROUP BY 1, 2, 3, 4, 5, 6
