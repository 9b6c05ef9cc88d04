-- Totals of use that an agreement's last night had read before it happened, and that has by now.
-- Served by usage_total_counts_from, a partial index of such totals.
SELECT {columns}
FROM unnest(%(agreements)s::bigint[], %(rated_to)s::bigint[], %(days)s::date[])
    AS rated (agreement_id, to_index, as_of)
JOIN valuation_usagetotal total
    ON total.agreement_id = rated.agreement_id AND total.last_index < rated.to_index
WHERE total.counts_from > rated.as_of AND total.counts_from <= %(as_of)s::date
