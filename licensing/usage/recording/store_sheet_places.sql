-- Writes into the dead letters of an import where in the sheet their rows stand.
--   usage_import: the import, whose dead letters alone are changed; ids, rows, columns: arrays side
--   by side.
-- Served by the primary key.

UPDATE licensing_deadletter dead_letter
SET sheet_row = place.sheet_row, sheet_column = place.sheet_column
FROM unnest(%(ids)s::bigint[], %(rows)s::int[], %(columns)s::text[])
    AS place (id, sheet_row, sheet_column)
WHERE dead_letter.id = place.id AND dead_letter.usage_import_id = %(usage_import)s
