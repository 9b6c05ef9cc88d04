-- What is paid by the end of a day of each reading by each issued invoice that asks for it: money that
-- was matched to the reading, and what later credit notes take off it. What a person allocated to an
-- invoice pays that one, and so does a receipt that names it and that nobody allocated, as far as it
-- pays the reading still. All other money pays the oldest invoice first, and a credit is used up by
-- what is owed, oldest first. `own` are the readings; amounts are in the invoice's currency.
asked AS (
    SELECT line.invoice_id, line.reading_id, invoice.issued_on, sum(line.amount) AS amount
    FROM own
    JOIN valuation_invoiceline line USING (reading_id)
    JOIN valuation_invoice invoice ON invoice.id = line.invoice_id
    WHERE invoice.number IS NOT NULL AND invoice.issued_on <= {on}::date
    GROUP BY line.invoice_id, line.reading_id, invoice.issued_on
), money AS (
    -- With a receipt stands what settles a difference beside it; what was exchanged is one of its own.
    SELECT posting.reading_id, receipt.id AS receipt_id, -sum(posting.amount) AS paid
    FROM own
    JOIN valuation_posting posting USING (reading_id)
    JOIN valuation_account account ON account.id = posting.account_id
    JOIN valuation_journalentry entry ON entry.id = posting.entry_id
    LEFT JOIN valuation_journalentry reversed ON reversed.id = entry.reverses_id
    LEFT JOIN valuation_remittance remittance ON remittance.id = entry.remittance_id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN remittance.taken IS NULL THEN coalesce(remittance.origin_id, remittance.id)
                    ELSE remittance.id END AS id
    ) receipt
    WHERE account.kind = 'receivable' AND entry.effective_on <= {on}::date
      AND coalesce(reversed.kind, entry.kind)
          NOT IN ('accrual', 'advance', 'contribution', 'recoupment', 'invoiced_tax', 'claimed_tax',
                  'opening')
      AND receipt.id IS DISTINCT FROM {but}::bigint
    GROUP BY posting.reading_id, receipt.id
), allocation AS (
    SELECT DISTINCT ON (remittance_id) id, remittance_id
    FROM valuation_cashallocation
    WHERE remittance_id IN (SELECT receipt_id FROM money)
    ORDER BY remittance_id, id DESC
), meant AS (
    SELECT allocation.remittance_id AS receipt_id, item.invoice_id,
           (part ->> 0)::bigint AS reading_id, (part ->> 1)::numeric AS amount, item.id AS place
    FROM allocation
    JOIN valuation_cashallocationitem item ON item.allocation_id = allocation.id
    CROSS JOIN LATERAL jsonb_array_elements(item.parts) part
    WHERE item.invoice_id IS NOT NULL
    UNION ALL
    SELECT money.receipt_id, asked.invoice_id, asked.reading_id, asked.amount, asked.invoice_id
    FROM money
    JOIN valuation_remittance_invoices named ON named.remittance_id = money.receipt_id
    JOIN asked ON asked.invoice_id = named.invoice_id AND asked.reading_id = money.reading_id
    WHERE asked.amount > 0
      AND NOT EXISTS (SELECT FROM allocation WHERE remittance_id = money.receipt_id)
), meant_until AS (
    SELECT meant.*, sum(amount) OVER (PARTITION BY receipt_id, reading_id ORDER BY place) AS until
    FROM meant
), directed AS (
    SELECT invoice_id, reading_id,
           sum(least(until, greatest(paid, 0)) - least(until - amount, greatest(paid, 0))) AS amount
    FROM meant_until
    JOIN money USING (receipt_id, reading_id)
    GROUP BY invoice_id, reading_id
), received AS (
    SELECT reading_id, greatest(0, sum(paid)) AS received FROM money GROUP BY reading_id
), part AS (
    SELECT asked.*, coalesce(received.received, 0) AS received,
           least(coalesce(directed.amount, 0), greatest(asked.amount, 0)) AS directed
    FROM asked
    LEFT JOIN directed USING (invoice_id, reading_id)
    LEFT JOIN received USING (reading_id)
), summed AS (
    SELECT part.*,
           sum(greatest(amount, 0) - directed) OVER so_far AS rest_until,
           sum(greatest(-amount, 0)) OVER so_far AS credited_until,
           sum(greatest(amount, 0)) OVER whole AS asked,
           sum(greatest(-amount, 0)) OVER whole AS credited,
           sum(directed) OVER whole AS directed_in_all
    FROM part
    WINDOW whole AS (PARTITION BY reading_id),
           so_far AS (PARTITION BY reading_id ORDER BY issued_on, invoice_id)
), pooled AS (
    SELECT summed.*,
           greatest(0, least(received + credited, asked) - directed_in_all) AS pool,
           least(credited, asked - least(received, asked)) AS used
    FROM summed
), paid_part AS (
    SELECT invoice_id, reading_id, amount,
           CASE WHEN amount >= 0
               THEN directed + least(rest_until, pool) - least(rest_until - amount + directed, pool)
               ELSE least(credited_until + amount, used) - least(credited_until, used)
           END AS paid
    FROM pooled
)
