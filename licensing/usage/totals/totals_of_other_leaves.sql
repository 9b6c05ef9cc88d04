-- What amendments, rulings, reports and uses that crossed a cap add to the totals and take back from
-- them. The columns and the marks are those of totals_of_uses.sql.
--
-- Served by usage_event_apart, a partial index of exactly these leaves, and by the primary keys
-- of events and the rulings' index of what they are about.
WITH leaf AS (
    SELECT event.*, batch.first_index
    FROM licensing_usageevent event
    JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    WHERE (event.kind <> 'use' OR event.over_meter <> '')
        AND event.batch_id BETWEEN %(first_batch)s AND %(last_batch)s  -- of batches
        AND batch.id = ANY(%(batches)s::bigint[])  -- of batches
        AND event.id BETWEEN %(first_event)s AND %(last_event)s  -- of new events
        AND batch.first_index >= %(from_index)s  -- of one agreement
        AND batch.first_index < %(to_index)s  -- of one agreement
),

-- Each leaf moves events: its own, or the one it is about. `sign` adds or takes back, `treatment`
-- is that of the last ruling before the leaf, and `ruled` marks a ruling's moves: they touch only
-- what is outside the consent. A leaf counts once, in the move that adds.
move AS (
    -- What the leaf itself reports.
    SELECT leaf.id AS event_id, 1 AS sign, '' AS treatment, false AS ruled, 1 AS leaves,
           leaf.batch_id, leaf.first_index, leaf.seat
    FROM leaf
    WHERE leaf.kind <> 'ruling'
    UNION ALL
    -- What it replaces or rules on, taken back as it was counted.
    SELECT leaf.about, -1, coalesce(before.treatment, ''), leaf.kind = 'ruling', 0,
           leaf.batch_id, leaf.first_index, leaf.seat
    FROM leaf
    LEFT JOIN LATERAL (
        SELECT ruling.treatment
        FROM licensing_ruling ruling
        WHERE ruling.about_id = leaf.about AND ruling.event_id < leaf.id
        ORDER BY ruling.event_id DESC
        LIMIT 1
    ) before ON true
    WHERE leaf.about IS NOT NULL
    UNION ALL
    -- What a ruling makes of the event it is about.
    SELECT leaf.about, 1, ruling.treatment, true, 1, leaf.batch_id, leaf.first_index, leaf.seat
    FROM leaf
    JOIN licensing_ruling ruling ON ruling.event_id = leaf.id
),

-- A use that crossed a cap is split in two parts, within the cap and past it; every other event is
-- one part, on the side its standing says. `capped` is its quantity of the cap's own meter.
part AS (
    SELECT event.*,
           move.sign,
           move.batch_id AS told_in,
           move.first_index,
           move.seat AS told_at,
           CASE WHEN side.outside THEN move.treatment ELSE '' END AS treatment,
           CASE WHEN NOT crossing.split THEN event.standing
                WHEN side.outside THEN 'over_cap'
                ELSE 'cleared' END AS part_standing,
           CASE WHEN side.outside AND partly.both AND NOT move.ruled THEN 0
                ELSE move.leaves END AS leaves,
           crossing.split,
           side.outside,
           crossing.capped,
           partly.both AS crosses,
           -- The move of an event that came before it happened waits as the event itself does.
           CASE WHEN event.occurred_at > batch.received_at + %(skew)s::interval
                THEN (event.occurred_at AT TIME ZONE 'UTC')::date + 1 END AS counts_from,
           -- An amendment to nothing says that there was no use: it is no event of its own.
           event.kind = 'amendment' AND greatest(
               event.lines, event.words, event.characters, event.seconds, event.frames,
               event.shots, event.tokens, event.prompts, event.sessions, event.gpu_seconds,
               event.equivalent_days, event.runs, event.copies, event.revenue
           ) = 0 AS taken_back
    FROM move
    JOIN licensing_usageevent event ON event.id = move.event_id
    JOIN licensing_usagebatch batch ON batch.id = event.batch_id
    CROSS JOIN LATERAL (
        SELECT event.over_meter <> '' AND event.standing IN ('cleared', 'over_cap') AS split,
               CASE event.over_meter
                   WHEN 'lines' THEN event.lines
                   WHEN 'words' THEN event.words
                   WHEN 'characters' THEN event.characters
                   WHEN 'seconds' THEN event.seconds
                   WHEN 'frames' THEN event.frames
                   WHEN 'shots' THEN event.shots
                   WHEN 'tokens' THEN event.tokens
                   WHEN 'prompts' THEN event.prompts
                   WHEN 'sessions' THEN event.sessions
                   WHEN 'gpu_seconds' THEN event.gpu_seconds
                   WHEN 'equivalent_days' THEN event.equivalent_days
                   WHEN 'runs' THEN event.runs
                   WHEN 'copies' THEN event.copies
                   WHEN 'revenue' THEN event.revenue
               END AS capped
    ) crossing
    -- Of a use that was past its cap altogether nothing is within.
    CROSS JOIN LATERAL (SELECT crossing.split AND event.over < crossing.capped AS both) partly
    CROSS JOIN (VALUES (false), (true)) AS side (outside)
    WHERE CASE WHEN crossing.split THEN side.outside OR (partly.both AND NOT move.ruled)
               ELSE side.outside = (event.standing <> 'cleared') END
        AND event.agreement_id = %(agreement)s  -- of one agreement
        AND event.occurred_at >= %(since)s AND event.occurred_at < %(until)s  -- of one agreement
),

-- How much of each quantity a part holds: `whole` times all of it, and `past` times what is past
-- the cap. The cap's own meter is split exactly, the others in its proportion, to a millionth.
share AS (
    SELECT part.*,
           CASE WHEN part.split AND part.outside THEN 0 ELSE 1 END AS whole,
           CASE WHEN NOT part.split THEN 0 WHEN part.outside THEN 1 ELSE -1 END AS past,
           CASE WHEN part.split THEN part.over ELSE 0 END AS over_cap,
           CASE WHEN part.split THEN part.capped ELSE 1 END AS of_quantity
    FROM part
),

event AS (
    SELECT id, agency_id, agreement_id, occurred_at, production_id, "right", use, territory,
           language, channel, prompt_class, real_time, part_standing AS standing, treatment, sign,
           leaves, taken_back, counts_from, told_in, told_at, first_index,
           -- What the event of a part says in all, for a rate that rounds each event once.
           CASE WHEN crosses THEN jsonb_strip_nulls(jsonb_build_object(
               'lines', lines::text, 'words', words::text, 'characters', characters::text,
               'seconds', seconds::text, 'frames', frames::text, 'shots', shots::text,
               'tokens', tokens::text, 'prompts', prompts::text, 'sessions', sessions::text,
               'gpu_seconds', gpu_seconds::text, 'equivalent_days', equivalent_days::text,
               'runs', runs::text, 'copies', copies::text, 'revenue', revenue::text
           )) END AS whole_event,
           whole * lines + past * round(lines * over_cap / of_quantity, 6) AS lines,
           whole * words + past * round(words * over_cap / of_quantity, 6) AS words,
           whole * characters + past * round(characters * over_cap / of_quantity, 6) AS characters,
           whole * seconds + past * round(seconds * over_cap / of_quantity, 6) AS seconds,
           whole * frames + past * round(frames * over_cap / of_quantity, 6) AS frames,
           whole * shots + past * round(shots * over_cap / of_quantity, 6) AS shots,
           whole * tokens + past * round(tokens * over_cap / of_quantity, 6) AS tokens,
           whole * prompts + past * round(prompts * over_cap / of_quantity, 6) AS prompts,
           whole * sessions + past * round(sessions * over_cap / of_quantity, 6) AS sessions,
           whole * gpu_seconds + past * round(gpu_seconds * over_cap / of_quantity, 6)
               AS gpu_seconds,
           whole * equivalent_days + past * round(equivalent_days * over_cap / of_quantity, 6)
               AS equivalent_days,
           whole * runs + past * round(runs * over_cap / of_quantity, 6) AS runs,
           whole * copies + past * round(copies * over_cap / of_quantity, 6) AS copies,
           whole * revenue + past * round(revenue * over_cap / of_quantity, 6) AS revenue
    FROM share
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

SELECT event.told_in AS batch_id,
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
       event.treatment,
       event.counts_from,
       CASE WHEN agreement.rounds_each_event THEN event.whole_event END AS whole,
       coalesce(agreement.rounds_each_event, false) AS uniform,
       event.sign > 0 AS adds,
       CASE WHEN agreement.rounds_each_event THEN ROW(
           event.taken_back, event.lines, event.words, event.characters, event.seconds,
           event.frames, event.shots, event.tokens, event.prompts, event.sessions,
           event.gpu_seconds, event.equivalent_days, event.runs, event.copies, event.revenue
       )::text END AS apart,
       sum(CASE WHEN event.taken_back THEN 0 ELSE event.sign END) AS events,
       sum(event.leaves) AS leaves,
       min(event.told_at) AS first_seat,
       max(event.told_at) AS last_seat,
       event.first_index,
       sum(event.sign * event.lines) AS lines,
       sum(event.sign * event.words) AS words,
       sum(event.sign * event.characters) AS characters,
       sum(event.sign * event.seconds) AS seconds,
       sum(event.sign * event.frames) AS frames,
       sum(event.sign * event.shots) AS shots,
       sum(event.sign * event.tokens) AS tokens,
       sum(event.sign * event.prompts) AS prompts,
       sum(event.sign * event.sessions) AS sessions,
       sum(event.sign * event.gpu_seconds) AS gpu_seconds,
       sum(event.sign * event.equivalent_days) AS equivalent_days,
       sum(event.sign * event.runs) AS runs,
       sum(event.sign * event.copies) AS copies,
       sum(event.sign * event.revenue) AS revenue
FROM event
LEFT JOIN agreement ON agreement.id = event.agreement_id
GROUP BY event.told_in, event.first_index, event.agency_id, event.agreement_id, month_on,
    event.production_id, event."right", event.use, event.territory, event.language, event.channel,
    event.prompt_class, event.real_time, event.standing, event.treatment, event.counts_from, whole,
    event.id, event.told_at,  -- per leaf
    uniform, adds, apart
