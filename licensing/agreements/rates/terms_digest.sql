-- One digest for each signed agreement over all that its price can depend on: term, zone, periods,
-- and its rate cards with their lines, brackets, multipliers and escalators, and the figures of the
-- indexes that these follow. Another digest than last night's
-- means that the agreement is rated anew, whether it was used or not.
--
-- It reads the terms of all signed agreements, some rows each, and no usage.
WITH bracket AS (
    SELECT line_id, string_agg(bracket::text, ' ' ORDER BY bracket.id) AS terms
    FROM licensing_bracket bracket
    GROUP BY line_id
),

line AS (
    SELECT line.card_id,
           string_agg(concat_ws(' ', line::text, bracket.terms), ' ' ORDER BY line.id) AS terms
    FROM licensing_rateline line
    LEFT JOIN bracket ON bracket.line_id = line.id
    GROUP BY line.card_id
),

multiplier AS (
    SELECT card_id, string_agg(multiplier::text, ' ' ORDER BY multiplier.id) AS terms
    FROM licensing_multiplier multiplier
    GROUP BY card_id
),

figure AS (
    SELECT index_id, string_agg(figure::text, ' ' ORDER BY figure.id) AS terms
    FROM licensing_indexfigure figure
    GROUP BY index_id
),

escalator AS (
    SELECT escalator.card_id,
           string_agg(
               concat_ws(' ', escalator::text, figure.terms), ' ' ORDER BY escalator.id
           ) AS terms
    FROM licensing_escalator escalator
    LEFT JOIN figure ON figure.index_id = escalator.index_id
    GROUP BY escalator.card_id
),

card AS (
    SELECT card.agreement_id,
           string_agg(
               concat_ws(
                   ' ', card.id, card.effective_from, line.terms, multiplier.terms, escalator.terms
               ),
               ' ' ORDER BY card.id
           ) AS terms
    FROM licensing_ratecard card
    LEFT JOIN line ON line.card_id = card.id
    LEFT JOIN multiplier ON multiplier.card_id = card.id
    LEFT JOIN escalator ON escalator.card_id = card.id
    WHERE NOT card.proposed
    GROUP BY card.agreement_id
)

SELECT agreement.id,
       agreement.twin_id,
       md5(concat_ws(
           ' ', agreement.twin_id, agreement.starts_at, agreement.ends_at, agreement.time_zone,
           agreement.currency, agreement.rating_period, agreement.fiscal_year_start_month,
           card.terms
       )) AS digest
FROM licensing_agreement agreement
LEFT JOIN card ON card.agreement_id = agreement.id
WHERE agreement.signed_at IS NOT NULL
