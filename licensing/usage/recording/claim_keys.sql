-- Enters keys, each with the id of a new event, and returns those that were not there yet:
-- source, key, event_id. The ids rise in the order in which the keys were sent.
--   licensee: whose keys they are; sources, keys, digests: arrays side by side.
-- A key that another transaction is entering at this moment is waited for, and then is not new.
-- Served by event_key_once.

INSERT INTO licensing_eventkey (licensee_id, source, key, digest, event_id)
SELECT %(licensee)s, source, key, digest, event_id
FROM (
    SELECT source, key, digest, nextval('licensing_usageevent_id_seq') AS event_id
    FROM unnest(%(sources)s::text[], %(keys)s::text[], %(digests)s::bytea[])
        WITH ORDINALITY AS sent (source, key, digest, place)
    ORDER BY place
) numbered
-- Entered in one order by everybody, so that two overlapping batches can't wait for each other.
ORDER BY source, key
ON CONFLICT ON CONSTRAINT event_key_once DO NOTHING
RETURNING source, key, event_id
