-- What runs after the last that rated an agreement have added to its totals, up to this run.
-- Served by usage_total_agreement_run.
SELECT {columns}
FROM unnest(%(agreements)s::bigint[], %(since)s::bigint[]) AS rated (agreement_id, run_id)
JOIN valuation_usagetotal total
    ON total.agreement_id = rated.agreement_id AND total.run_id > rated.run_id
WHERE total.run_id <= %(run)s::bigint
