-- All totals of some agreements' rating periods, up to a run: what a period is priced from where
-- that is not just what is new. Served by usage_total_agreement_month.
SELECT {columns}
FROM unnest(%(agreements)s::bigint[], %(starts)s::date[], %(ends)s::date[])
    AS period (agreement_id, starts_on, ends_on)
JOIN valuation_usagetotal total ON total.agreement_id = period.agreement_id
    AND total.month_on >= period.starts_on AND total.month_on < period.ends_on
WHERE total.last_index < %(to_index)s::bigint
