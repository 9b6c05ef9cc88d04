-- The builds whose last answer was that they are provably clean, among a node and all that is made
-- from it. Parameters: node; yes, the code of that answer.
-- Edges are found by lineage_edge_once, answers by their foreign key on build_id.
WITH RECURSIVE reached (node_id) AS (
    SELECT %(node)s::bigint
    UNION
    SELECT edge.target_id FROM reached
    JOIN talent_lineageedge edge ON edge.source_id = reached.node_id
)
SELECT last.build_id, last.agency_id FROM reached
JOIN talent_lineagenode node ON node.id = reached.node_id
CROSS JOIN LATERAL (
    SELECT answer.build_id, answer.agency_id, answer.answer FROM talent_cleananswer answer
    WHERE answer.build_id = node.build_id ORDER BY answer.id DESC LIMIT 1
) last
WHERE last.answer = %(yes)s::text
