"""P26: 100,000 descendants marked as contaminated, fifty deep, beside a recursive query."""

from datetime import UTC, datetime

from django.db import connection, transaction

from talent.lineage import contamination
from talent.models import Agency, LineageNode
from talent.words import ContaminationCause
from tests.bench.harness import Row, at_most, in_turn, seconds

DEPTH = 50
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)

# Layers of equal width: each node is made from two of the layer before.
NODES = """
    INSERT INTO talent_lineagenode (agency_id, kind, name, sha256, recorded_at)
    SELECT %s, 'dataset', 'Node ' || number, '', now() FROM generate_series(0, %s) number
    RETURNING id
"""
EDGES = """
    INSERT INTO talent_lineageedge (source_id, target_id, at)
    SELECT DISTINCT source_id, target_id, now() FROM (
        SELECT %(root)s + greatest(number - %(width)s, 0) AS source_id,
            %(root)s + number AS target_id
        FROM generate_series(1, %(nodes)s) number
        UNION ALL
        SELECT %(root)s + ((number - 1) / %(width)s - 1) * %(width)s + 1
            + number * 7 %% %(width)s, %(root)s + number
        FROM generate_series(%(width)s + 1, %(nodes)s) number
    ) made
"""
DESCENDANTS = """
    WITH RECURSIVE reached (node_id) AS (
        SELECT %s::bigint
        UNION
        SELECT edge.target_id FROM reached
        JOIN talent_lineageedge edge ON edge.source_id = reached.node_id
    )
    SELECT count(*) FROM reached
"""


def spread(nodes: int) -> Row:
    """P26: all are marked in one transaction; nothing of it stays."""
    with transaction.atomic(), connection.cursor() as cursor:
        agency = Agency.objects.order_by("pk").first() or Agency.objects.create(
            name="Bench", slug="bench-lineage"
        )
        cursor.execute(NODES, [agency.pk, nodes])
        root = min(pk for (pk,) in cursor.fetchall())
        cursor.execute(EDGES, {"root": root, "width": nodes // DEPTH, "nodes": nodes})
        cursor.execute("ANALYZE talent_lineageedge")
        node = LineageNode.objects.get(pk=root)

        def mark() -> None:
            cause = ContaminationCause.CLAIM
            fact = contamination.mark(
                node=node, cause=cause, reason="Bench", from_at=AT, at=AT, by=None
            )
            assert fact.marks.count() == nodes + 1

        def query() -> None:
            cursor.execute(DESCENDANTS, [root])
            assert cursor.fetchone() == (nodes + 1,)

        taken = in_turn(lambda: seconds(mark), lambda: seconds(query))
        transaction.set_rollback(True)
    return at_most(f"P26 {nodes:,} descendants marked, beside one recursive query", 3, *taken)
