-- What became of the shards of a chunk; their agreements are rated by the terms that these began with.
WITH closed AS (
    UPDATE valuation_nightshard shard
    SET status = done.status, error = done.error, set_aside = done.set_aside,
        posted = done.posted, events_rated = done.rated, events_held = done.held,
        events_zero = done.zero, events_unpriced = done.unpriced
    FROM unnest(
        %(ids)s::bigint[], %(status)s::text[], %(error)s::text[], %(set_aside)b::jsonb[],
        %(posted)s::numeric[], %(rated)s::bigint[], %(held)s::bigint[], %(zero)s::bigint[],
        %(unpriced)s::bigint[]
    ) AS done (id, status, error, set_aside, posted, rated, held, zero, unpriced)
    WHERE shard.id = done.id
    RETURNING shard.agreement_id, shard.run_id, shard.terms
)

INSERT INTO valuation_ratedagreement (agreement_id, run_id, terms)
SELECT agreement_id, run_id, terms FROM closed
ON CONFLICT (agreement_id) DO UPDATE SET run_id = excluded.run_id, terms = excluded.terms
