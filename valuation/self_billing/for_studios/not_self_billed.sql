-- What was posted for payees by the end of a day and stands in no data of an invoice that a studio
-- writes: a row a payee and reading, and one more where advances pay of it. The last line that was
-- about the same stands beside it. Amounts are the payee's part, before anything is taken off it.
WITH moved AS (
    SELECT account.beneficiary_id, posting.reading_id, posting.currency,
           -sum(posting.amount) FILTER (WHERE kind.code = 'accrual') AS accrued,
           -sum(posting.amount) FILTER (WHERE kind.code = 'recoupment') AS recouped
    FROM valuation_account account
    JOIN valuation_posting posting ON posting.account_id = account.id
    JOIN valuation_journalentry entry ON entry.id = posting.entry_id
    LEFT JOIN valuation_journalentry reversed ON reversed.id = entry.reverses_id
    CROSS JOIN LATERAL (SELECT coalesce(reversed.kind, entry.kind) AS code) kind
    WHERE account.agency_id = %(agency)s::bigint AND account.kind = 'accrued'
      AND account.beneficiary_id = ANY(%(payees)s::bigint[])
      AND posting.reading_id IS NOT NULL AND entry.effective_on <= %(through)s::date
      AND kind.code IN ('accrual', 'recoupment')
    GROUP BY 1, 2, 3
), posted AS (
    SELECT beneficiary_id, reading_id, currency, false AS recouped, coalesce(accrued, 0) AS amount
    FROM moved
    UNION ALL
    -- Dated by the use that pays back, which a later night posted: no more than it earned by then.
    SELECT beneficiary_id, reading_id, currency, true,
           greatest(recouped, -greatest(coalesce(accrued, 0), 0))
    FROM moved WHERE recouped IS NOT NULL
), told AS (
    SELECT invoice.beneficiary_id, line.payees_reading_id AS reading_id,
           line.kind = 'recoupment' AS recouped, sum(line.amount) AS amount,
           sum(line.quantity) AS quantity, max(line.id) AS latest
    FROM valuation_invoice invoice
    JOIN valuation_invoiceline line ON line.invoice_id = invoice.id
    WHERE invoice.agency_id = %(agency)s::bigint AND line.payees_reading_id IS NOT NULL
      AND line.kind <> 'passed_tax'
      AND NOT EXISTS (
          SELECT FROM valuation_invoicestep step
          WHERE step.invoice_id = invoice.id AND step.kind = 'discarded'
      )
    GROUP BY 1, 2, 3
)
SELECT posted.beneficiary_id, posted.currency, posted.reading_id,
       posted.recouped, posted.amount - coalesce(told.amount, 0) AS amount, told.latest,
       used.quantity - coalesce(told.quantity, 0) AS quantity
FROM posted
LEFT JOIN told USING (beneficiary_id, reading_id, recouped)
LEFT JOIN LATERAL (
    SELECT sum(line.quantity) AS quantity
    FROM valuation_residualline line
    JOIN valuation_nightrun run ON run.id = line.run_id
    WHERE line.reading_id = posted.reading_id AND line.beneficiary_id = posted.beneficiary_id
      AND run.as_of <= %(through)s::date
) used ON NOT posted.recouped
WHERE posted.amount <> coalesce(told.amount, 0)
ORDER BY posted.beneficiary_id, posted.currency, posted.reading_id, posted.recouped
