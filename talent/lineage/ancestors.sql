-- A node and all that it is made from, at any depth: one row for each, with what it is made from
-- directly and in which share. Parameters: node. Edges are found by their foreign key on target_id.
WITH RECURSIVE reached (node_id) AS (
    SELECT %(node)s::bigint
    UNION
    SELECT edge.source_id FROM reached
    JOIN talent_lineageedge edge ON edge.target_id = reached.node_id
)
SELECT reached.node_id, edge.source_id, edge.share
FROM reached LEFT JOIN talent_lineageedge edge ON edge.target_id = reached.node_id
ORDER BY reached.node_id, edge.source_id
