-- The same totals, added up by month over all kinds of use that an agreement rates in the same way;
-- but of agreements that have some that are told one by one.
-- What the run itself reads stays apart from what runs that failed have read, and counted.
-- Materialized, so that they are read by agreement, not again for each of its kinds.
WITH added AS MATERIALIZED (
    SELECT total.agreement_id, rated.book, total.month_on,
           total.last_index >= %(from_index)s::bigint AS is_new,
           total.events, total.leaves, total.first_index, total.last_index, {kind} AS kind {meters}
    FROM unnest(%(agreements)s::bigint[], %(rated_to)s::bigint[], %(books)s::int[])
        AS rated (agreement_id, to_index, book)
    JOIN valuation_usagetotal total
        ON total.agreement_id = rated.agreement_id AND total.last_index >= rated.to_index
    WHERE total.last_index < %(to_index)s::bigint
        AND total.agreement_id <> ALL(%(one_by_one)s::bigint[])
)

SELECT agreement_id, month_on, array_agg(kind), sum(events)::bigint, sum(leaves)::bigint,
       min(first_index), max(last_index) {sums}
FROM added
JOIN unnest(%(of_books)s::int[], %(kinds)s::bigint[], %(ways)s::int[])
    AS way (book, kind, number) USING (book, kind)
GROUP BY agreement_id, month_on, way.number, is_new
