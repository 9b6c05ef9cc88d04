-- Ends the session that holds a named lock for longer than it may. A process number may have gone to
-- another session since, so that only one that holds this very lock is ended.
SELECT pg_terminate_backend(held.pid)
FROM talent_heldlock noted
JOIN pg_locks held ON held.pid = noted.backend AND held.locktype = 'advisory' AND held.granted
    AND held.objsubid = 1
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (held.classid::bigint << 32 | held.objid::bigint) = hashtextextended(noted.name, 0)
WHERE noted.name = %(name)s AND noted.ends_at < clock_timestamp()
