"""Contamination: marked with all that is made from it, at once; cleared by two people."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.database.locks import lock_until_commit
from talent.errors import Refused
from talent.models import (
    ConsentMatrix,
    ConsentVersion,
    Contamination,
    ContaminationClearing,
    ContaminationClearingStep,
    DatasetFile,
    LineageNode,
    User,
)
from talent.models.lineage import LINEAGE_LOCK
from talent.words import ClearingState, ClearingStepKind, ContaminationCause

from . import spread

MARKS = "talent.mark_contamination"
ASKS = "talent.ask_clearing"
APPROVES = "talent.approve_clearing"


class NotItsTurn(Refused):
    """A contamination was cleared, or a clearing decided, before."""

    code = "contamination_not_its_turn"


class NotOfThisNode(Refused):
    """A file is named that the dataset's version does not hold."""

    code = "contamination_of_another_node"


@transaction.atomic
def mark(
    *,
    node: LineageNode,
    cause: ContaminationCause,
    reason: str,
    from_at: datetime,
    at: datetime,
    by: User | None,
    file: DatasetFile | None = None,
    consent: ConsentVersion | None = None,
) -> Contamination:
    """Record a contamination and mark all that is made from the node, at any depth, at once.

    `from_at` is from when it counts, `at` when the desk knows it. Raises NotOfThisNode.
    """
    lock_until_commit(LINEAGE_LOCK)
    if file is not None and file.version.node_id != node.pk:
        raise NotOfThisNode(_("This dataset's version holds no such file."))
    fact = Contamination.objects.create(
        node=node, file=file, consent=consent, cause=cause.value, reason=reason.strip(),
        from_at=from_at, known_at=at, by=by,
    )  # fmt: skip
    spread.mark_all(fact)
    # Once it is cleared, a yes of before would count again that nobody asked for anew.
    spread.reopen_answers(node_id=node.pk, at=at)
    return fact


@transaction.atomic
def follow_consent(*, version: ConsentVersion, allows_training: bool, at: datetime) -> int:
    """Mark the datasets that rest on an earlier version, where a new one allows no training.

    Counts from when the new version does. Returns how many datasets' versions. Of builds that rest
    on the people without naming this consent, no yes of before counts: they are asked anew.
    """
    if allows_training:
        return 0
    lock_until_commit(LINEAGE_LOCK)
    for node_id in _with_people_of(version.matrix):
        spread.reopen_answers(node_id=node_id, at=at)
    nodes = _resting_on(version)
    for node in nodes:
        mark(
            node=node, cause=ContaminationCause.WITHDRAWN, at=at, by=version.recorded_by,
            from_at=version.in_force_from, consent=version,
            reason=f"{version} allows no training from {version.in_force_from.date()} on.",
        )  # fmt: skip
    return len(nodes)


def _resting_on(version: ConsentVersion) -> list[LineageNode]:
    """Return the nodes whose files rest on this consent and that no withdrawal of it marks yet."""
    files = DatasetFile.objects.filter(consent__matrix=version.matrix_id)
    marked = Contamination.objects.live().filter(consent__matrix=version.matrix_id)
    nodes = LineageNode.objects.filter(pk__in=files.values("version__node"))
    return list(nodes.exclude(pk__in=marked.values("node")).order_by("pk"))


def _with_people_of(matrix: ConsentMatrix) -> list[int]:
    """Return the nodes that have files of those for whom a matrix speaks."""
    if matrix.guild:
        whose = Q(performer__guild=matrix.guild)
    elif matrix.agency_id:
        whose = Q(version__dataset__agency=matrix.agency_id, performer__isnull=False)
    else:
        whose = Q(performer=matrix.performer_id, performer__isnull=False)
    files = DatasetFile.objects.filter(whose)
    return list(files.order_by().values_list("version__node", flat=True).distinct())


# Clearing


@transaction.atomic
def ask_clearing(
    *, contamination_id: int, reason: str, by: User, at: datetime
) -> ContaminationClearing:
    """Ask to clear a contamination; somebody else approves it.

    Raises NotItsTurn, four_eyes.NobodyToApprove.
    """
    fact = _locked(contamination_id)
    if fact.cleared_at is not None:
        raise NotItsTurn(_("This was cleared before."))
    if any(one.state == ClearingState.WAITING for one in fact.clearings.select_related("decided")):
        raise NotItsTurn(_("Somebody asked for this before."))
    could = four_eyes.could_approve(APPROVES, fact.node.agency_id)
    if not could.exclude(pk__in=[by.pk, fact.by_id or by.pk]).exists():
        raise four_eyes.NobodyToApprove(
            _("Nobody else at the agency may approve this, beside who marked it and you.")
        )
    return ContaminationClearing.objects.create(
        contamination=fact, reason=reason.strip(), asked_at=at, asked_by=by
    )


@transaction.atomic
def approve_clearing(
    *, clearing_id: int, by: User, at: datetime, reason: str = ""
) -> ContaminationClearing:
    """Clear a contamination that somebody else asked to clear; it no longer counts from `at` on.

    Whoever marked it cannot clear it either. Raises NotItsTurn, four_eyes.FourEyes.
    """
    clearing = _locked_clearing(clearing_id)
    before = [clearing.asked_by_id, clearing.contamination.by_id]
    four_eyes.refuse_same_person(by=by, before=before)
    _decide(clearing, ClearingStepKind.APPROVED, by=by, at=at, reason=reason)
    return clearing


@transaction.atomic
def reject_clearing(
    *, clearing_id: int, by: User, at: datetime, reason: str
) -> ContaminationClearing:
    """Reject a clearing, or take it back. Raises NotItsTurn, four_eyes.FourEyes."""
    clearing = _locked_clearing(clearing_id)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[clearing.asked_by_id],
        permission=APPROVES,
        agency_ids=[clearing.contamination.node.agency_id],
    )
    own = by.pk == clearing.asked_by_id
    kind = ClearingStepKind.TAKEN_BACK if own else ClearingStepKind.REJECTED
    _decide(clearing, kind, by=by, at=at, reason=reason)
    return clearing


def _decide(
    clearing: ContaminationClearing, kind: ClearingStepKind, *, by: User, at: datetime, reason: str
) -> None:
    ContaminationClearingStep.objects.create(
        clearing=clearing, kind=kind.value, at=at, by=by, reason=reason.strip()
    )


def _locked(contamination_id: int) -> Contamination:
    lock_until_commit(LINEAGE_LOCK)
    return Contamination.objects.with_cleared_at().select_related("node").get(pk=contamination_id)


def _locked_clearing(clearing_id: int) -> ContaminationClearing:
    """Return a clearing that waits. Raises NotItsTurn."""
    lock_until_commit(LINEAGE_LOCK)
    clearing = ContaminationClearing.objects.with_state().get(pk=clearing_id)
    if clearing.state != ClearingState.WAITING:
        told = {"state": clearing.state.label.lower()}
        raise NotItsTurn(_("This was decided: %(state)s.") % told)
    return clearing
