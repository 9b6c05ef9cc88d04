-- By which months of use the readings of an invoice moved: what nights after a run and by a day
-- posted for each. Each beneficiary's line has the whole quantity, and a part of the amount.
SELECT reading_id, month_on, max(quantity) AS quantity, sum(amount) AS amount
FROM (
    SELECT line.reading_id, line.month_on, line.beneficiary_id,
           sum(line.quantity) AS quantity, sum(line.amount) AS amount
    FROM valuation_residualline line
    JOIN valuation_nightrun run ON run.id = line.run_id
    WHERE line.reading_id = ANY(%(readings)s::bigint[])
      AND line.run_id > %(after)s::bigint AND run.as_of <= %(through)s::date
    GROUP BY line.reading_id, line.month_on, line.beneficiary_id
) of_payee
GROUP BY reading_id, month_on
ORDER BY reading_id, month_on
