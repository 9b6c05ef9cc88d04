-- Adds to what years of caps have used and reserved; returns nothing. `ids` are the locked years,
-- `used` and `reserved` what is added to each, which may be negative. Served by the primary key.
UPDATE licensing_capyear year
SET used = year.used + moved.used, reserved = year.reserved + moved.reserved
FROM unnest(%(ids)s::bigint[], %(used)s::numeric[], %(reserved)s::numeric[])
    AS moved (id, used, reserved)
WHERE year.id = moved.id
