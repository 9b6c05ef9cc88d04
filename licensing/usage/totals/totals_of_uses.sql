-- What ordinary uses add up to: one row for each batch, agreement, month in its zone, and
-- combination of what a rate may look at. The columns are those of licensing/usage/totals.py.
-- Ordinary are uses that crossed no cap; totals_of_other_leaves.sql adds up the rest.
--
-- A use that came more than the allowed skew before it happened counts from the day after that, in
-- UTC; `counts_from` is null for all others.
--
-- Events of agreements that have a rate which rounds each event are kept apart by their quantities
-- ("uniform"), so that each can still be rounded by itself.
--
-- Of the lines that end in a mark only those are kept whose events are wanted: "of batches" is
-- served by usage_event_batch, a BRIN index, since the events of a batch lie side by side; with
-- "of new events", by the primary key; "of one agreement" by usage_event_agreement. Those
-- that end in "per leaf" tell each event apart.
WITH event AS MATERIALIZED (
    SELECT event.*, batch.first_index, batch.received_at
    FROM licensing_usageevent event
    JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    WHERE event.kind = 'use' AND event.over_meter = ''
        AND event.batch_id BETWEEN %(first_batch)s AND %(last_batch)s  -- of batches
        AND batch.id = ANY(%(batches)s::bigint[])  -- of batches
        AND event.id BETWEEN %(first_event)s AND %(last_event)s  -- of new events
        AND batch.first_index >= %(from_index)s  -- of one agreement
        AND batch.first_index < %(to_index)s  -- of one agreement
        AND event.agreement_id = %(agreement)s  -- of one agreement
        AND event.occurred_at >= %(since)s AND event.occurred_at < %(until)s  -- of one agreement
),

agreement AS MATERIALIZED (
    SELECT id, time_zone, EXISTS (
        SELECT FROM licensing_rateline line
        JOIN licensing_ratecard card ON card.id = line.card_id
        WHERE card.agreement_id = agreement.id AND line.round_quantity = ANY(%(each_event)s)
    ) AS rounds_each_event
    FROM licensing_agreement agreement
    WHERE id IN (SELECT agreement_id FROM event)
)

SELECT event.batch_id,
       event.id AS event_id,  -- per leaf
       event.agency_id,
       event.agreement_id,
       date_trunc(
           'month', event.occurred_at AT TIME ZONE coalesce(agreement.time_zone, 'UTC')
       )::date AS month_on,
       event.production_id,
       event."right",
       event.use,
       event.territory,
       event.language,
       event.channel,
       event.prompt_class,
       event.real_time,
       event.standing,
       '' AS treatment,
       CASE WHEN event.occurred_at > event.received_at + %(skew)s::interval
            THEN (event.occurred_at AT TIME ZONE 'UTC')::date + 1 END AS counts_from,
       NULL::jsonb AS whole,
       coalesce(agreement.rounds_each_event, false) AS uniform,
       true AS adds,
       CASE WHEN agreement.rounds_each_event THEN ROW(
           event.lines, event.words, event.characters, event.seconds, event.frames,
           event.shots, event.tokens, event.prompts, event.sessions, event.gpu_seconds,
           event.equivalent_days, event.runs, event.copies, event.revenue
       )::text END AS apart,
       count(*) AS events,
       count(*) AS leaves,
       min(event.seat) AS first_seat,
       max(event.seat) AS last_seat,
       event.first_index,
       sum(event.lines) AS lines,
       sum(event.words) AS words,
       sum(event.characters) AS characters,
       sum(event.seconds) AS seconds,
       sum(event.frames) AS frames,
       sum(event.shots) AS shots,
       sum(event.tokens) AS tokens,
       sum(event.prompts) AS prompts,
       sum(event.sessions) AS sessions,
       sum(event.gpu_seconds) AS gpu_seconds,
       sum(event.equivalent_days) AS equivalent_days,
       sum(event.runs) AS runs,
       sum(event.copies) AS copies,
       sum(event.revenue) AS revenue
FROM event
LEFT JOIN agreement ON agreement.id = event.agreement_id
GROUP BY event.batch_id, event.first_index, event.agency_id, event.agreement_id, month_on,
    event.production_id, event."right", event.use, event.territory, event.language, event.channel,
    event.prompt_class, event.real_time, event.standing, counts_from,
    event.id,  -- per leaf
    uniform, apart
