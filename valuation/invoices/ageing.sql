-- What an agency's licensees owe by its invoices at the end of a day, by how many days it is late:
-- a row for each licensee, currency and age. A credit that nothing has used up has no due date.
SELECT licensee_id, currency, age, sum(left_to_pay) AS left_to_pay, count(*) AS invoices
FROM (
    SELECT licensee_id, currency, left_to_pay,
           CASE WHEN due_on IS NULL THEN 'credit'
                WHEN {on}::date <= due_on THEN 'not_due'
                WHEN {on}::date - due_on <= 30 THEN 'to_30'
                WHEN {on}::date - due_on <= 60 THEN 'to_60'
                WHEN {on}::date - due_on <= 90 THEN 'to_90'
                ELSE 'over_90' END AS age
    FROM (
        SELECT licensee_id, currency, due_on, total - {paid} AS left_to_pay
        FROM valuation_invoice
        WHERE agency_id = %(agency)s::bigint AND kind IN ('invoice', 'credit_note')
          AND number IS NOT NULL AND issued_on <= {on}::date
    ) issued
    WHERE left_to_pay <> 0
) aged
GROUP BY licensee_id, currency, age
