-- What new totals of some agreements come to by month and use, for pages and statements: a tenth of
-- the rows or fewer. Served by usage_total_agreement_index.
INSERT INTO valuation_usagemonth (
    agency_id, agreement_id, month_on, use, standing, counts_from, events, leaves,
    last_index, {meters}
)
SELECT agency_id, agreement_id, month_on, use, standing, counts_from, sum(events), sum(leaves),
       max(last_index), {sums}
FROM valuation_usagetotal
WHERE {whose} AND last_index >= %(from_index)s AND last_index < %(to_index)s
GROUP BY agency_id, agreement_id, month_on, use, standing, counts_from
ORDER BY agreement_id, month_on
