-- Returns the events that lines of an archive's file hold, as rows of their table.
--   lines: array of JSON objects; defaults: a JSON object of what columns hold that are younger than
--   the file. Reads no table.

SELECT event.*
FROM unnest(%(lines)s::jsonb[]) AS line,
    LATERAL jsonb_populate_record(
        NULL::licensing_usageevent, %(defaults)s::jsonb || line
    ) AS event
