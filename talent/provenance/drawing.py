"""The graph around a node, drawn and as a table: columns by depth, arrows to the right."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from talent.models import Contamination, ContaminationMark, LineageEdge, LineageNode

MOST_NODES = 60
WIDTH, HEIGHT, BESIDE, BELOW = 190, 46, 60, 18
LONGEST = 24


@dataclass(frozen=True, slots=True)
class Box:
    """A node of the picture, in its units, and how the table tells it."""

    node: LineageNode
    x: int
    y: int
    contaminated: bool
    sources: tuple[str, ...]

    @property
    def label(self) -> str:
        """Its name, cut to its box in the middle: versions stand at the end."""
        name, tail = self.node.name, LONGEST // 2 - 1
        return name if len(name) <= LONGEST else f"{name[: LONGEST - tail - 1]}…{name[-tail:]}"

    @property
    def middle(self) -> int:
        """Where a text across it begins."""
        return self.y + HEIGHT // 2

    @property
    def right(self) -> int:
        """Where an arrow from it begins."""
        return self.x + WIDTH


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow of the picture, as the path of a curve."""

    path: str
    contaminated: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """The graph around a node; `more` tells that it has nodes that are not drawn."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int
    more: bool


def around(node: LineageNode, seen: QuerySet[LineageNode]) -> Picture:
    """Return the graph around a node, among the nodes that the reader may see.

    Two queries a step away, at most 60 nodes, the nearest first.
    """
    ids, more = _near(node.pk)
    rows = {row.pk: row for row in seen.filter(pk__in=ids)}
    edges = list(
        LineageEdge.objects.filter(source__in=rows, target__in=rows).values_list("source", "target")
    )
    live = Contamination.objects.live()
    marks = ContaminationMark.objects.filter(node__in=rows, contamination__in=live)
    marked = set(marks.values_list("node", flat=True))
    return _drawn(rows, edges, marked, more=more or len(rows) < len(ids))


def _near(start: int) -> tuple[set[int], bool]:
    """Return the nodes nearest to one, behind it and before it, and whether there are more."""
    found = {start}
    behind, before = {start}, {start}
    while behind or before:
        edges = LineageEdge.objects.filter(Q(target__in=behind) | Q(source__in=before))
        pairs = list(edges.order_by("pk").values_list("source", "target")[: 4 * MOST_NODES])
        behind, before = (
            {source for source, target in pairs if target in behind} - found,
            {target for source, target in pairs if source in before} - found,
        )
        for pk in sorted(behind | before):
            if len(found) == MOST_NODES:
                return found, True
            found.add(pk)
    return found, False


def _drawn(
    rows: dict[int, LineageNode], edges: list[tuple[int, int]], marked: set[int], *, more: bool
) -> Picture:
    columns = _columns(rows, edges)
    sources: dict[int, list[str]] = defaultdict(list)
    for source, target in edges:
        sources[target].append(rows[source].name)
    boxes = {}
    used: dict[int, int] = defaultdict(int)
    for pk in sorted(rows, key=lambda pk: (columns[pk], pk)):
        column = columns[pk]
        x, y = column * (WIDTH + BESIDE), used[column] * (HEIGHT + BELOW)
        used[column] += 1
        boxes[pk] = Box(rows[pk], x + 2, y + 2, pk in marked, tuple(sorted(sources[pk])))
    arrows = tuple(
        Arrow(_curve(boxes[source], boxes[target]), source in marked) for source, target in edges
    )
    width = (1 + max(columns.values(), default=0)) * (WIDTH + BESIDE) - BESIDE + 4
    height = max(used.values(), default=1) * (HEIGHT + BELOW) - BELOW + 4
    return Picture(tuple(boxes.values()), arrows, width, height, more)


def _columns(rows: Iterable[int], edges: list[tuple[int, int]]) -> dict[int, int]:
    """Return the column of each node: one more than the rightmost that it is made from."""
    columns = dict.fromkeys(rows, 0)
    for _round in columns:
        moved = False
        for source, target in edges:
            if columns[target] <= columns[source]:
                columns[target], moved = columns[source] + 1, True
        if not moved:
            break
    return columns


def _curve(source: Box, target: Box) -> str:
    half = max(BESIDE, target.x - source.right) // 2
    return (
        f"M {source.right} {source.middle} C {source.right + half} {source.middle}, "
        f"{target.x - half} {target.middle}, {target.x - 4} {target.middle}"
    )
