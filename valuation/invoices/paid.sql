-- What is paid by the end of a day of the row of valuation_invoice that it stands beside.
(WITH own AS (
    SELECT DISTINCT line.reading_id FROM valuation_invoiceline line
    WHERE line.invoice_id = valuation_invoice.id AND line.reading_id IS NOT NULL
), {parts}
SELECT coalesce(sum(paid), 0) FROM paid_part WHERE invoice_id = valuation_invoice.id)
