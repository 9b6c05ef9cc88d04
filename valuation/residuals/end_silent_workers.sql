-- Ends the sessions of workers that hold shards of a night and have left off in the middle of what
-- they were sending. One that says nothing between two statements the database ends by itself.
SELECT pg_terminate_backend(worker.pid)
FROM pg_locks held
JOIN pg_stat_activity worker ON worker.pid = held.pid
WHERE held.relation = 'valuation_nightshard'::regclass AND held.mode = 'RowShareLock' AND held.granted
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND worker.pid <> pg_backend_pid()
    AND worker.state = 'active' AND worker.wait_event = 'ClientRead'
    AND worker.query_start < clock_timestamp() - %(silence)s::interval
