-- What leaves that came after those which an agreement is rated to add to its totals, up to this run.
-- Served by usage_total_agreement_index.
SELECT {columns}
FROM unnest(%(agreements)s::bigint[], %(rated_to)s::bigint[]) AS rated (agreement_id, to_index)
JOIN valuation_usagetotal total
    ON total.agreement_id = rated.agreement_id AND total.last_index >= rated.to_index
WHERE total.last_index < %(to_index)s::bigint
