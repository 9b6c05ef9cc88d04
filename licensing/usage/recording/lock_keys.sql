-- Locks the keys of events until the transaction ends and returns them: source, key, event_id.
--   licensee: whose keys they are; event_ids: events by number; sources, keys: events by key,
--   arrays side by side.
-- Served by event_key_event, event_key_once and the primary key.

SELECT source, key, event_id
FROM licensing_eventkey
-- Found first, each by its own index, and handed on as an array: one condition with OR, or a join
-- that the planner may turn around, would have all keys of the licensee read, maybe millions.
WHERE id = ANY(ARRAY(
    SELECT id FROM (
        SELECT id, licensee_id FROM licensing_eventkey
        WHERE event_id = ANY(%(event_ids)s::bigint[])
        -- Keeps the planner from looking for the licensee first.
        OFFSET 0
    ) named
    WHERE licensee_id = %(licensee)s
    UNION
    SELECT known.id
    FROM unnest(%(sources)s::text[], %(keys)s::text[]) AS sent (source, key)
    CROSS JOIN LATERAL (
        SELECT id FROM licensing_eventkey
        WHERE licensee_id = %(licensee)s AND source = sent.source AND key = sent.key
        LIMIT 1
    ) known
))
-- Locked in one order by everybody, so that two overlapping batches can't wait for each other.
ORDER BY event_id
FOR UPDATE
