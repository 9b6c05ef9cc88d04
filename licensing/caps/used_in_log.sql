-- Adds up what the log has in force of a cap's meter, by month of use: month_on, quantity.
-- `meter` is the cap's, `agreement` its agreement (null: it is on twins), `twins` its twins,
-- `channels` those that it counts (null: every one), `starts_on` its first day, `ends_on` the day
-- after its last (null: none). Days are those of a use's own agreement, else in UTC, as when the use
-- was recorded; fiscal years begin with a month.
-- Served by usage_event_agreement and usage_event_twin.
SELECT date_trunc('month', happened.day)::date AS month_on, sum(happened.quantity) AS quantity
FROM (
    SELECT (
        event.occurred_at AT TIME ZONE coalesce(agreement.time_zone, 'UTC')
    )::date AS day, CASE %(meter)s::text {quantities} END AS quantity
    FROM licensing_usageevent event
    LEFT JOIN licensing_agreement agreement ON agreement.id = event.agreement_id
    WHERE (event.agreement_id = %(agreement)s::bigint OR event.twin_id = ANY(%(twins)s::bigint[]))
        AND (%(channels)s::text[] IS NULL OR event.channel = ANY(%(channels)s::text[]))
        -- What an amendment replaced is in force no more.
        AND NOT EXISTS (
            SELECT FROM licensing_replacement replacement WHERE replacement.event_id = event.id
        )
) AS happened
WHERE happened.quantity <> 0 AND happened.day >= %(starts_on)s::date
    AND (%(ends_on)s::date IS NULL OR happened.day < %(ends_on)s::date)
GROUP BY 1
