-- What the ordinary uses among the leaves [from_index, to_index) of the log add up to: one row
-- for each agreement, month in its zone, and combination of what a rate may look at. The columns
-- are those of licensing/usage/totals.py. Ordinary are uses that crossed no cap; the rest is
-- added up by totals_of_other_leaves.sql.
--
-- A use that came more than the allowed skew before it happened counts from the day after that, in
-- the desk's zone; `counts_from` is null for all others.
--
-- Served by the unique index of licensing_usagebatch.first_index and usage_event_batch, a BRIN
-- index: the events of new batches lie side by side, so the pass reads them and little else.
--
-- Lines that end in "-- of one agreement" are cut out but where some days of one are added up anew;
-- then usage_event_agreement leads to its events.
--
-- Lines that end in "-- per event" are cut out where no rate rounds each event, because comparing
-- all quantities of every event is dear. With them, events of agreements that have such a rate are
-- kept apart by their quantities ("uniform"), so that each can still be rounded by itself.
SELECT event.agency_id,
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
       CASE WHEN event.occurred_at > batch.received_at + %(skew)s::interval
            THEN (event.occurred_at AT TIME ZONE %(zone)s)::date + 1 END AS counts_from,
       NULL::jsonb AS whole,
       false
           OR rounding.agreement_id IS NOT NULL  -- per event
           AS uniform,
       count(*) AS events,
       count(*) AS leaves,
       min(batch.first_index + event.seat) AS first_index,
       max(batch.first_index + event.seat) AS last_index,
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
FROM licensing_usageevent event
JOIN licensing_usagebatch batch ON batch.id = event.batch_id
LEFT JOIN licensing_agreement agreement ON agreement.id = event.agreement_id
LEFT JOIN (  -- per event
    SELECT DISTINCT card.agreement_id  -- per event
    FROM licensing_rateline line  -- per event
    JOIN licensing_ratecard card ON card.id = line.card_id  -- per event
    WHERE line.round_quantity = ANY(%(each_event)s)  -- per event
) rounding ON rounding.agreement_id = event.agreement_id  -- per event
WHERE batch.first_index >= %(from_index)s AND batch.first_index < %(to_index)s
    AND event.kind = 'use' AND event.over_meter = ''
    AND event.agreement_id = %(agreement)s  -- of one agreement
    AND event.occurred_at >= %(since)s AND event.occurred_at < %(until)s  -- of one agreement
GROUP BY event.agency_id, event.agreement_id, month_on, event.production_id, event."right",
    event.use, event.territory, event.language, event.channel, event.prompt_class,
    event.real_time, event.standing, counts_from
    , rounding.agreement_id  -- per event
    , CASE WHEN rounding.agreement_id IS NOT NULL THEN ROW(  -- per event
        event.lines, event.words, event.characters, event.seconds, event.frames,  -- per event
        event.shots, event.tokens, event.prompts, event.sessions, event.gpu_seconds,  -- per event
        event.equivalent_days, event.runs, event.copies, event.revenue  -- per event
    ) END  -- per event
