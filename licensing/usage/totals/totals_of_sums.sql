-- What the sums of new batches come to for some agreements: a row for each bucket, with the columns
-- of licensing/usage/totals/statements.py. What makes a bucket is the same in all of its sums, so that
-- it is read from one of them; LIMIT keeps the planner from reading all sums that there are for it.
--
-- Served by usage_sum_agreement: a night reads what is new for its agreements and nothing else. The
-- zero keeps the planner from reading all sums of each batch, which it takes for a few.
SELECT {columns}, total.events, total.leaves, total.first_index, total.last_index, {meters}
FROM (
    SELECT bucket,
           min(sum.id) AS sample,
           sum(sum.events) AS events,
           sum(sum.leaves) AS leaves,
           min(batch.first_index + sum.first_seat) AS first_index,
           max(batch.first_index + sum.last_seat) AS last_index,
           {sums}
    FROM licensing_usagesum sum
    JOIN licensing_usagebatch batch ON batch.id = sum.batch_id + 0
    WHERE {whose}
        AND sum.batch_id BETWEEN %(first_batch)s AND %(last_batch)s
        AND batch.first_index >= %(from_index)s AND batch.first_index < %(to_index)s
    GROUP BY bucket
) total
CROSS JOIN LATERAL (SELECT * FROM licensing_usagesum WHERE id = total.sample LIMIT 1) sample
