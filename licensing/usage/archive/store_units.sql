-- Stores what a partition's uses add to what consents limit, by twin, right, use, licensee, year of
-- use (UTC), day of receipt and meter. What an amendment has replaced adds nothing.
--   archive: the archive that takes the partition's place; starts, ends: the partition's bounds.
-- The partition is the only one that is read, and in full. The meters are all that events have.

INSERT INTO licensing_archivedunits
    (archive_id, twin_id, licensee_id, "right", use, year, received_until, meter, quantity)
SELECT %(archive)s, used.twin_id, used.licensee_id, used."right", used.use, used.year,
    used.received_until, units.meter, units.quantity
FROM (
    SELECT event.twin_id, event.licensee_id, event."right", event.use,
        extract(year FROM event.occurred_at AT TIME ZONE 'UTC')::int AS year,
        max(batch.received_at) AS received_until,
        sum(lines) AS lines, sum(words) AS words, sum(characters) AS characters,
        sum(seconds) AS seconds, sum(frames) AS frames, sum(shots) AS shots,
        sum(tokens) AS tokens, sum(prompts) AS prompts, sum(sessions) AS sessions,
        sum(gpu_seconds) AS gpu_seconds, sum(equivalent_days) AS equivalent_days,
        sum(runs) AS runs, sum(copies) AS copies, sum(revenue) AS revenue
    FROM licensing_usageevent event
    JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    WHERE event.id >= %(starts)s AND event.id < %(ends)s
        AND event.kind IN ('use', 'amendment')
        AND NOT EXISTS (SELECT FROM licensing_replacement WHERE event_id = event.id)
    GROUP BY event.twin_id, event.licensee_id, event."right", event.use, 5,
        date_trunc('day', batch.received_at)
) AS used
CROSS JOIN LATERAL (VALUES
    ('lines', used.lines), ('words', used.words), ('characters', used.characters),
    ('seconds', used.seconds), ('frames', used.frames), ('shots', used.shots),
    ('tokens', used.tokens), ('prompts', used.prompts), ('sessions', used.sessions),
    ('gpu_seconds', used.gpu_seconds), ('equivalent_days', used.equivalent_days),
    ('runs', used.runs), ('copies', used.copies), ('revenue', used.revenue)
) AS units (meter, quantity)
WHERE units.quantity <> 0
