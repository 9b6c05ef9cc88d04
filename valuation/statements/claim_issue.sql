-- Claim the next statement of an issue run, unless another worker has it. One comes after those of its
-- own chain before it, a roll-up after what it adds up. What a worker claimed and said nothing about
-- since %(silent)s is claimed anew: that worker is gone.
UPDATE valuation_issueitem
SET state = 'at_work', claimed_at = %(now)s, detail = ''
WHERE id = (
  SELECT item.id
  FROM valuation_issueitem item
  JOIN valuation_statement this ON this.id = item.statement_id
  WHERE item.run_id = %(run)s
    AND (item.state = 'waiting' OR (item.state = 'at_work' AND item.claimed_at < %(silent)s))
    AND NOT EXISTS (
      SELECT 1
      FROM valuation_issueitem other
      JOIN valuation_statement before ON before.id = other.statement_id
      WHERE other.run_id = item.run_id
        AND other.id <> item.id
        AND other.state IN ('waiting', 'at_work')
        AND before.currency = this.currency
        AND (
          (before.kind = this.kind
            AND before.beneficiary_id IS NOT DISTINCT FROM this.beneficiary_id
            AND before.period_on < this.period_on)
          OR (this.kind = 'roll_up' AND before.kind = 'beneficiary'
            AND before.period_on <= this.period_on)
        )
    )
  ORDER BY this.period_on, this.kind, item.id
  LIMIT 1
  FOR UPDATE OF item SKIP LOCKED
)
RETURNING id, statement_id
