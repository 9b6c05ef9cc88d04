-- Returns the blocks of detached archives in which events lie: id.
--   event_ids: array of the events that are looked for.
-- Served by the unique indexes on the first ids of archives and blocks.

SELECT DISTINCT block.id
FROM unnest(%(event_ids)s::bigint[]) AS wanted (id)
JOIN licensing_eventarchive archive
    ON archive.first_id <= wanted.id AND wanted.id < archive.end_id
    AND archive.detached_at IS NOT NULL
CROSS JOIN LATERAL (
    SELECT id FROM licensing_archiveblock
    WHERE archive_id = archive.id AND first_id <= wanted.id
    ORDER BY first_id DESC LIMIT 1
) block
