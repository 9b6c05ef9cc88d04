-- The builds among a node and all that is made from it.
-- Parameters: node. Edges are found by lineage_edge_once.
WITH RECURSIVE reached (node_id) AS (
    SELECT %(node)s::bigint
    UNION
    SELECT edge.target_id FROM reached
    JOIN talent_lineageedge edge ON edge.source_id = reached.node_id
)
SELECT node.build_id FROM reached
JOIN talent_lineagenode node ON node.id = reached.node_id
WHERE node.build_id IS NOT NULL ORDER BY node.build_id
