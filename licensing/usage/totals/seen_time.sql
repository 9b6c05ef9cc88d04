-- On which days the leaves [from_index, to_index) of the log say that twins were seen, and for how
-- long: one row for each agency, twin, licensee, production, use, channel, brand and day in the
-- agreement's zone. An amendment takes back what the event it replaces said and adds its own;
-- a ruling says what a use costs, not that it was not seen.
--
-- `unmeasured` counts uses that say nothing of time. Those of lines that end in the mark "of one
-- twin" are kept only where one is wanted: served by usage_event_twin; all others by
-- usage_event_batch, a BRIN index, and amended events by their primary key.
WITH leaf AS MATERIALIZED (
    SELECT event.*
    FROM licensing_usageevent event
    JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    WHERE event.kind <> 'ruling'
        AND event.batch_id BETWEEN %(first_batch)s AND %(last_batch)s
        AND batch.first_index >= %(from_index)s AND batch.first_index < %(to_index)s
        AND event.agency_id = %(agency)s AND event.twin_id = %(twin)s  -- of one twin
),

told AS (
    SELECT 1 AS sign, leaf.* FROM leaf
    UNION ALL
    SELECT -1 AS sign, event.*
    FROM leaf
    JOIN licensing_usageevent event ON event.id = leaf.about
),

seen AS (
    SELECT told.agency_id, told.twin_id, told.licensee_id, told.production_id, told.use,
           told.channel, told.brand,
           (told.occurred_at AT TIME ZONE coalesce(agreement.time_zone, 'UTC'))::date AS "on",
           sum(told.sign * coalesce(told.seconds, 0)) AS seconds,
           sum(CASE WHEN told.seconds IS NULL AND greatest(
               told.lines, told.words, told.characters, told.frames, told.shots, told.tokens,
               told.prompts, told.sessions, told.equivalent_days, told.runs, told.copies
           ) > 0 THEN told.sign ELSE 0 END) AS unmeasured
    FROM told
    LEFT JOIN licensing_agreement agreement ON agreement.id = told.agreement_id
    GROUP BY told.agency_id, told.twin_id, told.licensee_id, told.production_id, told.use,
        told.channel, told.brand, "on"
)

SELECT agency_id, twin_id, licensee_id, production_id, use, channel, brand, "on", seconds,
       unmeasured
FROM seen
WHERE seconds <> 0 OR unmeasured <> 0
