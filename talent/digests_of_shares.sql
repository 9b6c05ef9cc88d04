-- One digest for each twin over all that decides who is paid for it: its performer, owners and
-- sources, and the estates of those performers who died.
WITH source AS (
    SELECT twin.id AS twin_id, twin.performer_id, '' AS terms
    FROM talent_digitaltwin twin
    WHERE twin.performer_id IS NOT NULL
    UNION ALL
    SELECT source.twin_id, source.performer_id, source::text
    FROM talent_compositesource source
),

estate AS (
    SELECT share.performer_id, string_agg(share::text, ' ' ORDER BY share.id) AS terms
    FROM talent_estateshare share
    GROUP BY share.performer_id
)

SELECT twin.id,
       md5(concat_ws(
           ' ', twin.performer_id, twin.owner_id,
           (
               SELECT string_agg(earlier::text, ' ' ORDER BY earlier.ends_on)
               FROM talent_earlierowner earlier
               WHERE earlier.twin_id = twin.id
           ),
           string_agg(
               concat_ws(' ', source.terms, performer.life, performer.died_on, estate.terms),
               ' ' ORDER BY source.performer_id, source.terms
           )
       )) AS digest
FROM talent_digitaltwin twin
LEFT JOIN source ON source.twin_id = twin.id
LEFT JOIN talent_performer performer ON performer.id = source.performer_id
LEFT JOIN estate ON estate.performer_id = performer.id
GROUP BY twin.id
