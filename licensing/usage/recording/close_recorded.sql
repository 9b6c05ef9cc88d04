-- Closes the dead letters of messages that have become events.
--   terms, at: whose dead letters, and when; sources, keys, digests, event_ids: arrays side by side.
-- Served by dead_letter_once.

UPDATE licensing_deadletter dead_letter
SET resolved_at = %(at)s, resolved_event_id = recorded.event_id
FROM unnest(
    %(sources)s::text[], %(keys)s::text[], %(digests)s::bytea[], %(event_ids)s::bigint[]
) AS recorded (source, key, digest, event_id)
WHERE dead_letter.terms_id = %(terms)s AND dead_letter.resolved_at IS NULL
    AND dead_letter.source = recorded.source AND dead_letter.key = recorded.key
    AND dead_letter.digest = recorded.digest
