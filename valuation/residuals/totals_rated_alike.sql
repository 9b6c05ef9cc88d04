-- The same totals, added up by month over all kinds of use that an agreement rates in the same way;
-- but of agreements that have some that are told one by one. What no number is known of yet, and what
-- is told one by one, comes without.
-- What the run itself reads stays apart from what runs that failed have read, and counted.
-- OFFSET 0, so that they are read by agreement, not again for each of its kinds.
SELECT agreement_id, month_on, known.number, array_agg(kind), sum(events)::bigint,
       sum(leaves)::bigint, min(first_index), max(last_index) {sums}
FROM (
    SELECT total.agreement_id, rated.book, total.month_on,
           total.last_index >= %(from_index)s::bigint AS is_new,
           total.events, total.leaves, total.first_index, total.last_index, {kind} AS kind {meters}
    FROM unnest(%(agreements)s::bigint[], %(rated_to)s::bigint[], %(books)s::int[])
        AS rated (agreement_id, to_index, book)
    JOIN valuation_usagetotal total
        ON total.agreement_id = rated.agreement_id AND total.last_index >= rated.to_index
    WHERE total.last_index < %(to_index)s::bigint
        AND total.agreement_id <> ALL(%(one_by_one)s::bigint[])
    OFFSET 0
) added
LEFT JOIN unnest(%(of_books)s::int[], %(kinds)s::bigint[], %(numbers)s::int[])
    AS known (book, kind, number) USING (book, kind)
GROUP BY agreement_id, month_on, known.number, is_new
