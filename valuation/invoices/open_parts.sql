-- What is left to pay of each reading by each invoice of an agency's licensees: a row for each part
-- of which something is left.
WITH own AS (
    SELECT DISTINCT line.reading_id
    FROM valuation_invoiceline line
    JOIN valuation_invoice invoice ON invoice.id = line.invoice_id
    WHERE invoice.agency_id = %(agency)s::bigint AND invoice.number IS NOT NULL
      AND (%(licensee)s::bigint IS NULL OR invoice.licensee_id = %(licensee)s::bigint)
      AND (%(currency)s::text = '' OR invoice.currency = %(currency)s::text)
      AND line.reading_id IS NOT NULL
), {parts}
SELECT invoice_id, reading_id, amount - paid AS left_to_pay
FROM paid_part
WHERE amount > paid AND amount > 0
ORDER BY invoice_id, reading_id
