-- Of which kinds of use there are totals of leaves that came after those which some agreements are
-- rated to: each kind once for all agreements with one book of rates, with one of its totals.
-- Served by usage_total_agreement_index.
SELECT rated.book, {kind} AS kind, min(total.id)
FROM unnest(%(agreements)s::bigint[], %(rated_to)s::bigint[], %(books)s::int[])
    AS rated (agreement_id, to_index, book)
JOIN valuation_usagetotal total
    ON total.agreement_id = rated.agreement_id AND total.last_index >= rated.to_index
WHERE total.last_index < %(to_index)s::bigint AND total.kind IS NOT NULL
GROUP BY rated.book, total.kind
