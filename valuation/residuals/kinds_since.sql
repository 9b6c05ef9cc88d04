-- Of which kinds of use there are totals that runs since the last one have added to some agreements,
-- each with one of them. A null kind stands for all that are told one by one.
-- Served by usage_total_agreement_run.
SELECT total.agreement_id, {kind} AS kind, min(total.id)
FROM unnest(%(agreements)s::bigint[], %(since)s::bigint[]) AS rated (agreement_id, run_id)
JOIN valuation_usagetotal total
    ON total.agreement_id = rated.agreement_id AND total.run_id > rated.run_id
WHERE total.run_id <= %(run)s::bigint
GROUP BY total.agreement_id, kind
