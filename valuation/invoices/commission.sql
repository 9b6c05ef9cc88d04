-- Commission of an agency's payees that was posted by the end of a day and stands on no invoice: a
-- row for each payee, currency and agreement where both differ. What a payee sold to the agency
-- bears no commission: it stands on their self-billed invoices, and is a row without an agreement.
WITH posted AS (
    SELECT account.beneficiary_id, posting.currency,
           coalesce(reading.agreement_id, entry.agreement_id) AS agreement_id,
           -posting.amount AS amount, entry.effective_on AS happened
    FROM valuation_account account
    JOIN valuation_posting posting ON posting.account_id = account.id
    JOIN valuation_journalentry entry ON entry.id = posting.entry_id
    LEFT JOIN valuation_journalentry reversed ON reversed.id = entry.reverses_id
    LEFT JOIN valuation_reading reading ON reading.id = posting.reading_id
    WHERE account.agency_id = %(agency)s::bigint AND account.kind = 'commission'
      AND account.beneficiary_id IS NOT NULL
      AND coalesce(reversed.kind, entry.kind) <> 'commission_drawn'
      AND entry.effective_on <= %(through)s::date
), bought AS (
    SELECT invoice.beneficiary_id, invoice.currency, NULL::bigint AS agreement_id,
           line.amount, invoice.through AS happened
    FROM valuation_invoice invoice
    JOIN valuation_invoiceline line ON line.invoice_id = invoice.id
    WHERE invoice.agency_id = %(agency)s::bigint AND invoice.number IS NOT NULL
      AND invoice.kind IN ('self_billed', 'self_billed_credit')
      AND invoice.licensee_id IS NULL AND line.kind = 'commission'
      AND invoice.through <= %(through)s::date
), invoiced AS (
    SELECT invoice.beneficiary_id, invoice.currency, line.agreement_id, -line.amount, NULL::date
    FROM valuation_invoice invoice
    JOIN valuation_invoiceline line ON line.invoice_id = invoice.id
    WHERE invoice.agency_id = %(agency)s::bigint
      AND invoice.kind IN ('commission', 'commission_credit')
      AND NOT EXISTS (
          SELECT FROM valuation_invoicestep step
          WHERE step.invoice_id = invoice.id AND step.kind = 'discarded'
      )
)
SELECT beneficiary_id, currency, agreement_id, sum(amount) AS amount, min(happened) AS since
FROM (
    SELECT * FROM posted UNION ALL SELECT * FROM bought UNION ALL SELECT * FROM invoiced
) moved
GROUP BY beneficiary_id, currency, agreement_id
HAVING sum(amount) <> 0
ORDER BY beneficiary_id, currency, agreement_id NULLS LAST
