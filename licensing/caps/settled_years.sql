-- Two parts of a statement that settles reservations. `units` are their rows of reserved units:
-- what these still reserve of a cap's year is freed, and what is confirmed beyond what events have
-- drawn counts as used. `years` is one row, which every statement must read: a part that only
-- calls a function is not run where nothing reads it.
-- Years are moved in the order of their ids, as by everybody who moves several.
freed AS (
    SELECT cap_year_id, sum(units - drawn) AS reserved,
        sum(coalesce(confirmed - drawn, 0)) AS used
    FROM units WHERE cap_year_id IS NOT NULL GROUP BY cap_year_id
), years AS (
    SELECT count(licensing_settle_units(cap_year_id, reserved, used))
    FROM (SELECT * FROM freed ORDER BY cap_year_id) AS in_order
)
