-- Locks years of caps and returns what each has used and still reserves:
--   id, cap_id, starts_on, limit, used, reserved (without what has lapsed at the instant `at`).
-- Years are named by the arrays `caps` and `days` (a cap and its year's first day; made where they
-- are missing) and by the array of ids `pks`.
--
-- Three statements in one round trip, since each needs a snapshot of its own: what stands in a
-- locked row is read after the lock, because a sweep that was waited for has changed it.
-- Served by cap_year_once and the primary keys.

-- Made in one order by everybody: two who make the same years in two orders would deadlock.
INSERT INTO licensing_capyear (cap_id, starts_on, reserved, used)
SELECT cap_id, starts_on, 0, 0
FROM unnest(%(caps)s::bigint[], %(days)s::date[]) AS wanted (cap_id, starts_on)
WHERE NOT EXISTS (
    SELECT FROM licensing_capyear year
    WHERE year.cap_id = wanted.cap_id AND year.starts_on = wanted.starts_on
)
ORDER BY cap_id, starts_on
ON CONFLICT (cap_id, starts_on) DO NOTHING;

-- Locked in the order of their ids, for the same reason.
SELECT FROM licensing_capyear
WHERE id IN (
    SELECT year.id FROM licensing_capyear year
    JOIN unnest(%(caps)s::bigint[], %(days)s::date[]) AS wanted (cap_id, starts_on)
        USING (cap_id, starts_on)
    UNION SELECT unnest(%(pks)s::bigint[])
)
ORDER BY id
FOR NO KEY UPDATE;

SELECT year.id, year.cap_id, year.starts_on, cap."limit", year.used,
    year.reserved - {lapsed_units}
FROM licensing_capyear year
JOIN licensing_cap cap ON cap.id = year.cap_id
WHERE year.id IN (
    SELECT year.id FROM licensing_capyear year
    JOIN unnest(%(caps)s::bigint[], %(days)s::date[]) AS wanted (cap_id, starts_on)
        USING (cap_id, starts_on)
    UNION SELECT unnest(%(pks)s::bigint[])
)
