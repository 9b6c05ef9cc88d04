-- Which of some batches cannot be added up any more, because events of theirs lie in an archive, or
-- events that their amendments and rulings are about.
SELECT batch.id
FROM licensing_usagebatch batch
LEFT JOIN licensing_usageevent event ON event.batch_id = batch.id
    AND event.batch_id BETWEEN %(first_batch)s AND %(last_batch)s
LEFT JOIN licensing_usageevent about ON about.id = event.about
WHERE batch.id = ANY(%(batches)s::bigint[])
GROUP BY batch.id, batch.size
HAVING count(event.id) < batch.size OR count(event.about) > count(about.id)
