-- Marks what is made from the nodes of the frontier with a contamination, one step further; returns
-- the nodes that it newly marked, which are the next frontier. Each node is marked once, by the
-- shortest way, so that the cost follows the nodes and edges, however many ways there are.
-- Parameters: contamination; frontier, ids of nodes; distance, of what is marked now.
-- Edges are found by lineage_edge_once, marks by contamination_mark_once.
INSERT INTO talent_contaminationmark (contamination_id, node_id, via_id, distance)
SELECT DISTINCT ON (edge.target_id)
    %(contamination)s::bigint, edge.target_id, edge.source_id, %(distance)s::int
FROM unnest(%(frontier)s::bigint[]) AS frontier (node_id)
JOIN talent_lineageedge edge ON edge.source_id = frontier.node_id
ORDER BY edge.target_id, edge.source_id
ON CONFLICT (contamination_id, node_id) DO NOTHING
RETURNING node_id
