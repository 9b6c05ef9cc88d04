-- Returns what a partition holds: how many events, how many of them without an index in the log, the
-- first and the last index, and when the last event was received.
--   starts, ends: the bounds of the partition, which is the only one that is read, and in full.

SELECT count(*), count(*) FILTER (WHERE batch.first_index IS NULL),
    min(batch.first_index + event.seat), max(batch.first_index + event.seat),
    max(batch.received_at)
FROM licensing_usageevent event
JOIN licensing_usagebatch batch ON batch.id = event.batch_id
WHERE event.id >= %(starts)s AND event.id < %(ends)s
