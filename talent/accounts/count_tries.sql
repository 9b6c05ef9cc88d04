-- Counts one try for each key, and returns how many there were in its time, this one included.
-- A count whose time is over begins anew.
INSERT INTO talent_trycount AS counted (key, tries, ends_at)
SELECT asked.key, 1, asked.ends_at
  FROM unnest(%(keys)s::text[], %(ends)s::timestamptz[]) AS asked (key, ends_at)
 ORDER BY asked.key
    ON CONFLICT (key) DO UPDATE
   SET tries = CASE WHEN counted.ends_at <= %(at)s THEN 1 ELSE counted.tries + 1 END,
       ends_at = CASE WHEN counted.ends_at <= %(at)s THEN excluded.ends_at ELSE counted.ends_at END
RETURNING counted.key, counted.tries
