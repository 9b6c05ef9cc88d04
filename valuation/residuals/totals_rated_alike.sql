-- The same totals, added up by month over all kinds of use that an agreement rates in the same way.
-- Those of the run itself stay apart from those of runs that failed, whose leaves were counted then.
-- Materialized, so that they are read by agreement, not again for each of its kinds.
WITH added AS MATERIALIZED (
    SELECT total.agreement_id, total.month_on, total.run_id = %(run)s::bigint AS is_new,
           total.events, total.leaves, total.first_index, total.last_index, {kind} AS kind {meters}
    FROM unnest(%(agreements)s::bigint[], %(since)s::bigint[]) AS rated (agreement_id, run_id)
    JOIN valuation_usagetotal total
        ON total.agreement_id = rated.agreement_id AND total.run_id > rated.run_id
    WHERE total.run_id <= %(run)s::bigint
)

SELECT agreement_id, month_on, array_agg(kind), sum(events)::bigint, sum(leaves)::bigint,
       min(first_index), max(last_index) {sums}
FROM added
JOIN unnest(%(of)s::bigint[], %(kinds)s::bigint[], %(ways)s::int[])
    AS way (agreement_id, kind, number) USING (agreement_id, kind)
GROUP BY agreement_id, month_on, way.number, is_new
