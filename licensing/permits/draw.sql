-- Writes what events have drawn of reserved units, where it has changed; returns nothing. `ids` are
-- the units' rows, whose reservations the caller has locked. Served by the primary key.
UPDATE licensing_reservedunits units SET drawn = new.drawn
FROM unnest(%(ids)s::bigint[], %(drawn)s::numeric[]) AS new (id, drawn)
WHERE units.id = new.id AND units.drawn <> new.drawn
