-- Returns the partitions of events and of records: parent's table, own table, and its bounds as
-- PostgreSQL writes them. The default partitions are among them.

SELECT parent.relname, part.relname, pg_get_expr(part.relpartbound, part.oid)
FROM pg_inherits
JOIN pg_class parent ON parent.oid = inhparent
JOIN pg_class part ON part.oid = inhrelid
WHERE inhparent IN ('licensing_usageevent'::regclass, 'licensing_usagerecord'::regclass)
