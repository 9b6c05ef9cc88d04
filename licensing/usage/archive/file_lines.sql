-- Returns the events [starts, ends) with their records as lines of JSON, in the order of ids.
--   starts, ends: the bounds of one partition, which is the only one that is read.
-- Served by the primary keys of the partition's tables.

SELECT row_to_json(line) FROM (
    SELECT event.*, record.salt, record.canonical
    FROM licensing_usageevent event
    JOIN licensing_usagerecord record ON record.event_id = event.id
    WHERE event.id >= %(starts)s AND event.id < %(ends)s
        AND record.event_id >= %(starts)s AND record.event_id < %(ends)s
    ORDER BY event.id
) line
