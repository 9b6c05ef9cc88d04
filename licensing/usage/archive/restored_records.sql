-- Returns the records that lines of an archive's file hold: event_id, salt, canonical.
--   lines: array of JSON objects. Reads no table.

SELECT (line->>'id')::bigint AS event_id, (line->>'salt')::bytea AS salt,
    (line->>'canonical')::bytea AS canonical
FROM unnest(%(lines)s::jsonb[]) AS line
