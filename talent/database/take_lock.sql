-- Takes a named lock of the session if it is free, and notes who holds it and for how long at most.
WITH taken AS MATERIALIZED (
    SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0)) AS is_ours
)
INSERT INTO talent_heldlock (name, holder, backend, taken_at, ends_at)
SELECT %(name)s, %(holder)s, pg_backend_pid(), clock_timestamp(), clock_timestamp() + %(at_most)s
FROM taken WHERE is_ours
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, backend = excluded.backend, taken_at = excluded.taken_at,
    ends_at = excluded.ends_at
RETURNING id
