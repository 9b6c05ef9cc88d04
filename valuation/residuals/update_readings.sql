-- What readings that were stored before have come to. JSON goes in binary form ("b"): as text in an
-- array each quotation mark in it is looked for and escaped.
UPDATE valuation_reading reading
SET period_ends_on = now.period_ends_on, quantity = now.quantity, events = now.events,
    gross = now.gross, months = now.months, summary = now.summary, explanation = now.explanation,
    first_index = now.first_index, last_index = now.last_index
FROM unnest(
    %(ids)s::bigint[], %(period_ends_on)s::date[], %(quantity)s::numeric[], %(events)s::bigint[],
    %(gross)s::numeric[], %(months)b::jsonb[], %(summary)b::jsonb[], %(explanation)b::jsonb[],
    %(first_index)s::bigint[], %(last_index)s::bigint[]
) AS now (
    id, period_ends_on, quantity, events, gross, months, summary, explanation, first_index,
    last_index
)
WHERE reading.id = now.id
