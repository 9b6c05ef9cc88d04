"""How a contamination reaches what is made from something, and by which way it came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from talent.database.sql import sql_file
from talent.models import CleanAnswer, Contamination, ContaminationMark
from talent.words import Answer, LineageKind

REACH = sql_file(__file__, "reach.sql")
PATH = sql_file(__file__, "path.sql")
CHANGED_BUILDS = sql_file(__file__, "changed_builds.sql")


def mark_all(contamination: Contamination) -> int:
    """Mark what is contaminated and all that is made from it; return how many nodes.

    The caller holds the lock of the lineage.
    """
    ContaminationMark.objects.create(
        contamination=contamination, node_id=contamination.node_id, via=None, distance=0
    )
    return 1 + _reach(contamination.pk, [contamination.node_id], 1)


def inherit(*, source_id: int, target_id: int) -> None:
    """Mark a new edge's target, and all that is made from it, with what lies on its source."""
    marks = ContaminationMark.objects.filter(
        node=source_id, contamination__in=Contamination.objects.live()
    )
    for mark in marks:
        _reach(mark.contamination_id, [source_id], mark.distance + 1)


def _reach(contamination_id: int, frontier: list[int], distance: int) -> int:
    marked = 0
    with connection.cursor() as cursor:
        while frontier:
            told: dict[str, Any] = {
                "contamination": contamination_id,
                "frontier": frontier,
                "distance": distance,
            }
            cursor.execute(REACH, told)
            frontier = [node for (node,) in cursor.fetchall()]
            marked, distance = marked + len(frontier), distance + 1
    return marked


def reopen_answers(*, node_id: int, at: datetime) -> None:
    """Let no build stay provably clean that rests on something its answer did not see.

    The caller holds the lock of the lineage.
    """
    with connection.cursor() as cursor:
        cursor.execute(CHANGED_BUILDS, {"node": node_id, "yes": Answer.YES.value})
        builds = cursor.fetchall()
    CleanAnswer.objects.bulk_create(
        CleanAnswer(
            build_id=build_id, agency_id=agency_id, answer=Answer.UNKNOWN.value, at=at, content={}
        )
        for build_id, agency_id in builds
    )


@dataclass(frozen=True, slots=True)
class PathStep:
    """One node of the way by which a contamination came; `version` is a build's.

    `agency` is the id of the one that keeps it.
    """

    node: int
    kind: str
    name: str
    version: str
    agency: int


def paths_of(mark_ids: Iterable[int]) -> dict[int, tuple[PathStep, ...]]:
    """Return by mark the way from what is contaminated to the marked node. One query."""
    wanted = sorted(mark_ids)
    with connection.cursor() as cursor:
        cursor.execute(PATH, {"marks": wanted})
        rows = cursor.fetchall()
    return {
        mark: tuple(
            PathStep(node, kind, name, version or "", agency)
            for _mark, node, kind, name, version, agency in steps
        )
        for mark, steps in groupby(rows, key=lambda row: row[0])
    }


def in_words(path: Sequence[PathStep], agency_id: int) -> str:
    """Say a way for an agency's staff: by kind and name, what others keep by number."""
    return " → ".join(
        f"{LineageKind(step.kind).label.lower()} “{step.name}”"
        if step.version or step.agency == agency_id
        else _public(step)
        for step in path
    )


def in_public_words(path: Sequence[PathStep]) -> str:
    """Say a way for licensees: by number, since names of nodes may name performers and others."""
    return " → ".join(_public(step) for step in path)


def _public(step: PathStep) -> str:
    if step.version:
        return _("build %s") % step.version
    return f"{LineageKind(step.kind).label.lower()} N{step.node}"
