-- What is paid by the end of a day of the row of valuation_invoice that it stands beside: money that
-- was matched to its readings, and what later credit notes take off them. A reading may stand on
-- several invoices: the oldest is paid first. A credit is used up by what is owed, oldest first.
(WITH own AS (
    SELECT DISTINCT line.reading_id FROM valuation_invoiceline line
    WHERE line.invoice_id = valuation_invoice.id AND line.reading_id IS NOT NULL
), lines AS (
    SELECT line.invoice_id, line.reading_id, line.amount,
           sum(greatest(line.amount, 0)) OVER so_far AS asked_until,
           sum(greatest(-line.amount, 0)) OVER so_far AS credited_until,
           sum(greatest(line.amount, 0)) OVER whole AS asked,
           sum(greatest(-line.amount, 0)) OVER whole AS credited
    FROM own
    JOIN valuation_invoiceline line USING (reading_id)
    JOIN valuation_invoice invoice ON invoice.id = line.invoice_id
    WHERE invoice.number IS NOT NULL AND invoice.issued_on <= {on}::date
    WINDOW whole AS (PARTITION BY line.reading_id),
           so_far AS (PARTITION BY line.reading_id
                      ORDER BY invoice.issued_on, invoice.id, line.position)
), money AS (
    SELECT posting.reading_id, greatest(0, -sum(posting.amount)) AS received
    FROM own
    JOIN valuation_posting posting USING (reading_id)
    JOIN valuation_account account ON account.id = posting.account_id
    JOIN valuation_journalentry entry ON entry.id = posting.entry_id
    LEFT JOIN valuation_journalentry reversed ON reversed.id = entry.reverses_id
    WHERE account.kind = 'receivable' AND entry.effective_on <= {on}::date
      AND coalesce(reversed.kind, entry.kind)
          NOT IN ('accrual', 'advance', 'contribution', 'recoupment', 'invoiced_tax')
    GROUP BY posting.reading_id
), pooled AS (
    SELECT lines.*,
           least(coalesce(money.received, 0) + credited, asked) AS pool,
           least(credited, asked - least(coalesce(money.received, 0), asked)) AS used
    FROM lines LEFT JOIN money USING (reading_id)
)
SELECT coalesce(sum(
    CASE WHEN amount >= 0
        THEN least(asked_until, pool) - least(asked_until - amount, pool)
        ELSE least(credited_until + amount, used) - least(credited_until, used)
    END
), 0) FROM pooled WHERE invoice_id = valuation_invoice.id)
