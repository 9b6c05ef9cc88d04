-- Returns what is known of keys that were sent: source, key, event_id, digest.
--   licensee: whose keys they are; sources, keys: arrays side by side.
-- Served by event_key_once.
--
-- Also locks out who adds a cap, until the transaction ends: what is read from the next statement on
-- are the caps that these uses count against, and a cap that is added waits to count them itself
-- (licensing/caps/counting.py).

WITH locked AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(hashtextextended('licensing_cap', 0))
)
SELECT sent.source, sent.key, known.event_id, known.digest
FROM locked CROSS JOIN unnest(%(sources)s::text[], %(keys)s::text[]) AS sent (source, key)
-- Each is looked up by itself, whatever the planner believes of a licensee it has no figures of:
-- it would take one for small, and go through all of its keys for each key that was sent.
CROSS JOIN LATERAL (
    SELECT event_id, digest FROM licensing_eventkey
    WHERE licensee_id = %(licensee)s AND source = sent.source AND key = sent.key
    LIMIT 1
) known
