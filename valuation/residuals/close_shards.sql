-- What became of the shards of a chunk.
UPDATE valuation_nightshard shard
SET status = done.status, error = done.error, set_aside = done.set_aside, posted = done.posted,
    events_rated = done.rated, events_held = done.held, events_zero = done.zero,
    events_unpriced = done.unpriced
FROM unnest(
    %(ids)s::bigint[], %(status)s::text[], %(error)s::text[], %(set_aside)s::jsonb[],
    %(posted)s::numeric[], %(rated)s::bigint[], %(held)s::bigint[], %(zero)s::bigint[],
    %(unpriced)s::bigint[]
) AS done (id, status, error, set_aside, posted, rated, held, zero, unpriced)
WHERE shard.id = done.id
