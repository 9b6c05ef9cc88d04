-- The ways by which contaminations reach nodes, one row a step, from the node back to what is
-- contaminated. Parameters: marks, ids of the marks on the nodes.
-- Each step is one look at contamination_mark_once: as many as the way has steps.
WITH RECURSIVE way (mark_id, contamination_id, node_id, via_id, step) AS (
    SELECT id, contamination_id, node_id, via_id, 0
    FROM talent_contaminationmark WHERE id = ANY(%(marks)s::bigint[])
    UNION ALL
    SELECT way.mark_id, mark.contamination_id, mark.node_id, mark.via_id, way.step + 1
    FROM way JOIN talent_contaminationmark mark
        ON mark.contamination_id = way.contamination_id AND mark.node_id = way.via_id
)
SELECT way.mark_id, node.id, node.kind, node.name, build.version, node.agency_id
FROM way JOIN talent_lineagenode node ON node.id = way.node_id
LEFT JOIN talent_build build ON build.id = node.build_id
ORDER BY way.mark_id, way.step DESC
