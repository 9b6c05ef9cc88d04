-- Stores the seconds that a partition's uses add to what consents bound, by twin, right, use and day
-- of receipt. What an amendment has replaced adds nothing.
--   archive: the archive that takes the partition's place; starts, ends: the partition's bounds.
-- The partition is the only one that is read, and in full.

INSERT INTO licensing_archivedseconds
    (archive_id, twin_id, "right", use, received_until, seconds)
SELECT %(archive)s, event.twin_id, event."right", event.use,
    max(batch.received_at), sum(event.seconds)
FROM licensing_usageevent event
JOIN licensing_usagebatch batch ON batch.id = event.batch_id
WHERE event.id >= %(starts)s AND event.id < %(ends)s
    AND event.seconds IS NOT NULL AND event.kind IN ('use', 'amendment')
    AND NOT EXISTS (SELECT FROM licensing_replacement WHERE event_id = event.id)
GROUP BY event.twin_id, event."right", event.use, date_trunc('day', batch.received_at)
