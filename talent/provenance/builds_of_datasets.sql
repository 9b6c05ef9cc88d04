-- The builds that are made from each of some nodes, at any depth. Parameters: nodes.
-- Edges are found by lineage_edge_once.
WITH RECURSIVE reached (start_id, node_id) AS (
    SELECT start_id, start_id FROM unnest(%(nodes)s::bigint[]) AS start (start_id)
    UNION
    SELECT reached.start_id, edge.target_id FROM reached
    JOIN talent_lineageedge edge ON edge.source_id = reached.node_id
)
SELECT reached.start_id, node.build_id FROM reached
JOIN talent_lineagenode node ON node.id = reached.node_id
WHERE node.build_id IS NOT NULL ORDER BY reached.start_id, node.build_id
