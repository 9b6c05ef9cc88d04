"""Answering and deciding a dispute: one person proposes, another takes the decision."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from talent import four_eyes
from talent.models import Agency, User
from valuation.models import Dispute, DisputeMessage, DisputeStep
from valuation.words import (
    DisputeOutcome,
    DisputeRemedy,
    DisputeSide,
    DisputeState,
    DisputeStepKind,
)

from . import holding, telling
from .raising import checked_text
from .refusals import NotItsTurn

DECIDES = "valuation.decide_dispute"
APPROVES = "valuation.approve_dispute"
OVER = (DisputeState.REJECTED, DisputeState.SETTLED, DisputeState.WITHDRAWN)
# What is put right by rating the agreement anew.
RATED_ANEW = (DisputeRemedy.RATE.value, DisputeRemedy.USE.value)
# What a decision makes of a dispute, by how far it is.
NEXT: dict[DisputeState, tuple[DisputeOutcome, ...]] = {
    DisputeState.OPEN: (DisputeOutcome.UPHELD, DisputeOutcome.REJECTED),
    DisputeState.UPHELD: (DisputeOutcome.SETTLED,),
}


@transaction.atomic
def write(
    *, dispute_id: int, text: str, by: User, at: datetime, from_agency: bool, internal: bool = False
) -> DisputeMessage:
    """Add to the thread of a dispute; the other side is told, but of a note of the agency's own.

    A withdrawn one takes no more. Raises NoText, NotItsTurn.
    """
    text = checked_text(text)
    dispute = _locked(dispute_id, but=(DisputeState.WITHDRAWN,))
    message = DisputeMessage.objects.create(
        dispute=dispute, by=by, at=at, is_from_agency=from_agency, is_internal=internal, text=text
    )
    telling.written(dispute, message)
    return message


def outcomes(dispute: Dispute) -> tuple[DisputeOutcome, ...]:
    """Return what may be decided of a dispute next; a licensee's is withdrawn by staff, too."""
    found = NEXT.get(dispute.state, ())
    if found and dispute.side == DisputeSide.LICENSEE:
        return (*found, DisputeOutcome.WITHDRAWN)
    return found


@transaction.atomic
def propose(
    *,
    dispute_id: int,
    outcome: DisputeOutcome,
    remedy: DisputeRemedy | None = None,
    note: str,
    by: User,
    at: datetime,
) -> DisputeStep:
    """Propose a decision, which somebody else takes; nothing moves until then.

    What is upheld names what puts it right. Raises NotItsTurn, NoText, four_eyes.NobodyToApprove.
    """
    note = checked_text(note)
    dispute = _locked(dispute_id, but=(*OVER, DisputeState.PROPOSED))
    if outcome not in outcomes(dispute):
        raise NotItsTurn(
            _("%(dispute)s is %(state)s: that is not decided next.")
            % {"dispute": dispute.reference, "state": dispute.state.label.lower()}
        )
    if (outcome is DisputeOutcome.UPHELD) != (remedy is not None):
        raise NotItsTurn(_("Say what puts it right, if it is upheld, and only then."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=dispute.agency_id)
    return _step(dispute, DisputeStepKind.PROPOSED, by, at, note, outcome, remedy)


@transaction.atomic
def approve(*, dispute_id: int, by: User, at: datetime, note: str = "") -> Dispute:
    """Take the decision that somebody else proposed, and have the money follow.

    Who proposed it, and who raised the dispute, takes none. Raises NotItsTurn, four_eyes.FourEyes.
    """
    dispute = _locked(dispute_id, only=DisputeState.PROPOSED)
    proposal = _proposal(dispute)
    four_eyes.refuse_same_person(by=by, before=[proposal.by_id, dispute.raised_by_id])
    outcome = DisputeOutcome(proposal.outcome)
    remedy = DisputeRemedy(proposal.remedy) if proposal.remedy else None
    _step(dispute, DisputeStepKind.DECIDED, by, at, note, outcome, remedy)
    _let_go(dispute, outcome, by, at)
    telling.decided(dispute, outcome, proposal.note, at)
    return dispute


@transaction.atomic
def send_back(*, dispute_id: int, by: User, at: datetime, note: str) -> DisputeStep:
    """Send a proposal back, with the reason; who made it takes it back so.

    Raises NotItsTurn, NoText, four_eyes.FourEyes.
    """
    note = checked_text(note)
    dispute = _locked(dispute_id, only=DisputeState.PROPOSED)
    four_eyes.refuse_to_reject(
        by=by,
        asked_by=[_proposal(dispute).by_id],
        permission=APPROVES,
        agency_ids=[dispute.agency_id],
    )
    return _step(dispute, DisputeStepKind.SENT_BACK, by, at, note)


def upheld(dispute_id: int) -> DisputeStep:
    """Lock a dispute that a decision has upheld, and that rating anew puts right; return that.

    Within the caller's transaction. Raises NotItsTurn.
    """
    dispute = _locked(dispute_id, only=DisputeState.UPHELD)
    step = DisputeStep.objects.filter(dispute=dispute, kind=DisputeStepKind.DECIDED.value).latest(
        "pk"
    )
    if dispute.reading is None or step.remedy not in RATED_ANEW:
        raise NotItsTurn(_("%s is not put right by rating anew.") % dispute.reference)
    return step


@transaction.atomic
def withdraw(*, dispute_id: int, by: User, at: datetime, note: str = "") -> Dispute:
    """Withdraw a payee's own dispute: what it held is payable again. Raises NotItsTurn.

    The caller looks that `by` speaks for the payee. One whose decision waits or was taken is not
    theirs to end.
    """
    dispute = _locked(dispute_id, only=DisputeState.OPEN)
    if dispute.side != DisputeSide.PAYEE:
        raise NotItsTurn(_("Only a payee withdraws at once; for a licensee two people do."))
    _step(dispute, DisputeStepKind.DECIDED, by, at, note, DisputeOutcome.WITHDRAWN)
    _let_go(dispute, DisputeOutcome.WITHDRAWN, by, at)
    telling.withdrawn(dispute, at)
    return dispute


def _let_go(dispute: Dispute, outcome: DisputeOutcome, by: User, at: datetime) -> None:
    """Free what a decided dispute held; what is upheld is held until it is put right."""
    if outcome is not DisputeOutcome.UPHELD and dispute.reading is not None:
        holding.follow([dispute.reading.agreement_id], now=at, by=by, let_go=[dispute.pk])


def _proposal(dispute: Dispute) -> DisputeStep:
    return DisputeStep.objects.filter(dispute=dispute, kind=DisputeStepKind.PROPOSED.value).latest(
        "pk"
    )


def _locked(
    dispute_id: int, *, but: Collection[DisputeState] = (), only: DisputeState | None = None
) -> Dispute:
    """Lock a dispute and its agency's money; raise NotItsTurn unless it is in such a state."""
    agency_id = Dispute.objects.values_list("agency", flat=True).get(pk=dispute_id)
    # Locked, so that two people do not decide at once, nor a run pays what is held.
    Agency.objects.select_for_update(no_key=True).get(pk=agency_id)
    dispute: Dispute = (
        Dispute.objects.with_state()
        .select_related("agency", "reading__agreement", "beneficiary", "licensee", "statement")
        .get(pk=dispute_id)
    )
    if dispute.state in but or (only is not None and dispute.state is not only):
        raise NotItsTurn(
            _("%(dispute)s: %(state)s.")
            % {"dispute": dispute.reference, "state": dispute.state.label.lower()}
        )
    return dispute


def _step(
    dispute: Dispute,
    kind: DisputeStepKind,
    by: User,
    at: datetime,
    note: str,
    outcome: DisputeOutcome | None = None,
    remedy: DisputeRemedy | None = None,
) -> DisputeStep:
    return DisputeStep.objects.create(
        dispute=dispute,
        kind=kind.value,
        outcome=outcome.value if outcome else "",
        remedy=remedy.value if remedy else "",
        at=at,
        by=by,
        note=note.strip()[:300],
    )
