-- Makes the tables of usage events and of their records anew, empty, RANGE-partitioned by the
-- event's id: a single bigint key suits Django's admin and foreign keys, and ids grow with time.
-- PostgreSQL 15 and 16 have no identity columns on partitions, hence the sequence. The default
-- partition takes what no other holds, so that a job that adds partitions too late loses nothing.

ALTER TABLE licensing_usageevent RENAME TO licensing_usageevent_plain;
CREATE TABLE licensing_usageevent (
    LIKE licensing_usageevent_plain INCLUDING CONSTRAINTS INCLUDING DEFAULTS,
    CONSTRAINT licensing_usageevent_by_id PRIMARY KEY (id)
) PARTITION BY RANGE (id);
DROP TABLE licensing_usageevent_plain;
CREATE TABLE licensing_usageevent_p0 PARTITION OF licensing_usageevent
    FOR VALUES FROM (0) TO (10000000);
CREATE TABLE licensing_usageevent_p1 PARTITION OF licensing_usageevent
    FOR VALUES FROM (10000000) TO (20000000);
CREATE TABLE licensing_usageevent_p2 PARTITION OF licensing_usageevent
    FOR VALUES FROM (20000000) TO (30000000);
CREATE TABLE licensing_usageevent_p3 PARTITION OF licensing_usageevent
    FOR VALUES FROM (30000000) TO (40000000);
CREATE TABLE licensing_usageevent_default PARTITION OF licensing_usageevent DEFAULT;
CREATE SEQUENCE licensing_usageevent_id_seq;
ALTER TABLE licensing_usageevent
    ALTER COLUMN id SET DEFAULT nextval('licensing_usageevent_id_seq');
ALTER SEQUENCE licensing_usageevent_id_seq OWNED BY licensing_usageevent.id;

ALTER TABLE licensing_usagerecord RENAME TO licensing_usagerecord_plain;
CREATE TABLE licensing_usagerecord (
    LIKE licensing_usagerecord_plain INCLUDING CONSTRAINTS INCLUDING DEFAULTS,
    CONSTRAINT licensing_usagerecord_by_event_id PRIMARY KEY (event_id)
) PARTITION BY RANGE (event_id);
DROP TABLE licensing_usagerecord_plain;
CREATE TABLE licensing_usagerecord_p0 PARTITION OF licensing_usagerecord
    FOR VALUES FROM (0) TO (10000000);
CREATE TABLE licensing_usagerecord_p1 PARTITION OF licensing_usagerecord
    FOR VALUES FROM (10000000) TO (20000000);
CREATE TABLE licensing_usagerecord_p2 PARTITION OF licensing_usagerecord
    FOR VALUES FROM (20000000) TO (30000000);
CREATE TABLE licensing_usagerecord_p3 PARTITION OF licensing_usagerecord
    FOR VALUES FROM (30000000) TO (40000000);
CREATE TABLE licensing_usagerecord_default PARTITION OF licensing_usagerecord DEFAULT;
