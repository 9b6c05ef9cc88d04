-- What was posted to an agency's licensees by the end of a day and stands on no invoice: one row a
-- reading, and one more where advances pay of it. The latest line of an invoice that was about the
-- same stands beside it. What money moved is no claim, and tax has lines of its own.
WITH moved AS (
    SELECT posting.reading_id, account.licensee_id, posting.currency,
           sum(posting.amount) FILTER (WHERE kind.code <> 'recoupment') AS accrued,
           sum(posting.amount) FILTER (WHERE kind.code = 'recoupment') AS recouped
    FROM valuation_account account
    JOIN valuation_posting posting ON posting.account_id = account.id
    JOIN valuation_journalentry entry ON entry.id = posting.entry_id
    LEFT JOIN valuation_journalentry reversed ON reversed.id = entry.reverses_id
    CROSS JOIN LATERAL (SELECT coalesce(reversed.kind, entry.kind) AS code) kind
    WHERE account.agency_id = %(agency)s::bigint AND account.kind = 'receivable'
      AND (%(licensee)s::bigint IS NULL OR account.licensee_id = %(licensee)s::bigint)
      AND entry.effective_on <= %(through)s::date
      AND kind.code IN ('accrual', 'advance', 'contribution', 'recoupment', 'claimed_tax')
    GROUP BY 1, 2, 3
), posted AS (
    SELECT reading_id, licensee_id, currency, false AS recouped, coalesce(accrued, 0) AS amount
    FROM moved
    UNION ALL
    -- Dated by the use that pays back, which a later night posted: no more than it earned by then.
    SELECT reading_id, licensee_id, currency, true,
           greatest(recouped, -greatest(coalesce(accrued, 0), 0))
    FROM moved WHERE recouped IS NOT NULL
), invoiced AS (
    SELECT line.reading_id, line.kind = 'recoupment' AS recouped, sum(line.amount) AS amount,
           sum(line.quantity) AS quantity, max(line.id) AS latest
    FROM valuation_invoice invoice
    JOIN valuation_invoiceline line ON line.invoice_id = invoice.id
    WHERE invoice.agency_id = %(agency)s::bigint AND line.kind <> 'tax'
      AND line.reading_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM valuation_invoicestep step
          WHERE step.invoice_id = invoice.id AND step.kind = 'discarded'
      )
    GROUP BY 1, 2
), differing AS (
    SELECT posted.reading_id, posted.licensee_id, posted.currency, posted.recouped,
           posted.amount - coalesce(invoiced.amount, 0) AS amount,
           coalesce(invoiced.quantity, 0) AS quantity, invoiced.latest
    FROM posted
    LEFT JOIN invoiced USING (reading_id, recouped)
    WHERE posted.amount <> coalesce(invoiced.amount, 0)
)
SELECT differing.reading_id, differing.licensee_id, differing.currency, differing.recouped,
       differing.amount, differing.latest, used.quantity - differing.quantity AS quantity
FROM differing
LEFT JOIN LATERAL (
    -- Each beneficiary's line has the whole quantity; who left the split gave it back.
    SELECT sum(of_month.quantity) AS quantity FROM (
        SELECT max(of_payee.quantity) AS quantity FROM (
            SELECT line.month_on, sum(line.quantity) AS quantity
            FROM valuation_residualline line
            JOIN valuation_nightrun run ON run.id = line.run_id
            WHERE line.reading_id = differing.reading_id AND run.as_of <= %(through)s::date
            GROUP BY line.month_on, line.beneficiary_id
        ) of_payee GROUP BY of_payee.month_on
    ) of_month
) used ON NOT differing.recouped
ORDER BY differing.licensee_id, differing.currency, differing.reading_id, differing.recouped
