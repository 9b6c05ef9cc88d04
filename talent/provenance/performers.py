"""In which datasets and builds a performer is, for the performer to read."""

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from talent.database.sql import sql_file
from talent.models import Build, Contamination, ContaminationMark, DatasetFile
from talent.words import Remuneration

BUILDS_OF_DATASETS = sql_file(__file__, "builds_of_datasets.sql")


@dataclass(frozen=True, slots=True)
class InDataset:
    """A dataset's version with files of somebody: how they are paid, what was trained on it."""

    agency: str
    node: int
    files: int
    pay: tuple[str, ...]
    contaminated: bool
    builds: tuple[Build, ...]


def datasets_with(performer_id: int) -> list[InDataset]:
    """Return the versions of datasets that a performer's likeness is in, the latest first.

    Their names stay with the agency. A constant number of queries.
    """
    files = DatasetFile.objects.of_performer(performer_id)
    rows = (
        files.order_by()
        .values_list("version__node", "version__dataset__agency__name", "remuneration")
        .annotate(Count("pk"))
    )
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for node, agency, pay, count in rows:
        found[node, agency][pay] = count
    nodes = [node for node, _agency in found]
    builds = _builds_made_from(nodes)
    marks = ContaminationMark.objects.filter(
        node__in=nodes, contamination__in=Contamination.objects.live()
    )
    marked = set(marks.values_list("node", flat=True))
    return [
        InDataset(
            agency, node, sum(pay.values()),
            tuple(Remuneration(code).label for code in sorted(pay)), node in marked,
            tuple(builds[node]),
        )
        for (node, agency), pay in sorted(found.items(), reverse=True)
    ]  # fmt: skip


def _builds_made_from(nodes: list[int]) -> dict[int, list[Build]]:
    with connection.cursor() as cursor:
        cursor.execute(BUILDS_OF_DATASETS, {"nodes": nodes})
        pairs = cursor.fetchall()
    rows = Build.objects.filter(pk__in={build for _node, build in pairs})
    by_id = {row.pk: row for row in rows.select_related("twin", "provider")}
    found: dict[int, list[Build]] = defaultdict(list)
    for node, build in pairs:
        found[node].append(by_id[build])
    return found
