"""Proposals: an agency asks the operator for a licensee or a production that is not here yet."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction

from licensing.models import Proposal
from licensing.recipients import operators
from licensing.words import ProposalState, Proposed
from talent import outbox
from talent.accounts import tries
from talent.errors import Refused
from talent.models import Agency, OutboxMessage, User
from talent.words import Delivery

BODY = """\
{by} of {agency} proposes a {noun}: {name}.

{note}

This page adds it, with what was proposed filled in; look at it before you save:
{link}

{afterwards}
Write to {by} once it is there, or to ask.
"""


# Of one agency, so that nobody floods the operator's mail.
MOST_A_DAY = tries.Limit("proposals", 20, timedelta(days=1))


class TooManyProposals(Refused):
    """The agency has proposed as much as it may in a day."""

    code = "too_many_proposals"


class ProposedBefore(Refused):
    """The operator was told of the very same proposal before."""

    code = "proposed_before"


class DecidedBefore(Refused):
    """Somebody has decided the proposal."""

    code = "decided_before"


class NobodyToTell(Refused):
    """Nobody runs the desk who could be told."""

    code = "nobody_to_tell"


@transaction.atomic
def propose(
    *,
    agency: Agency,
    asks_for: Proposed,
    name: str,
    link: str,
    by: User,
    at: datetime,
    note: str = "",
    afterwards: str = "",
) -> int:
    """Put a proposal on the operators' desk and mail it to them; return to how many.

    `link` leads to the page that adds it, filled in by its query.
        Raises ProposedBefore, TooManyProposals, NobodyToTell.
    """
    # The same proposal sent twice at once is one: the second waits for the first.
    Agency.objects.select_for_update().get(pk=agency.pk)
    filled_in = urlsplit(link).query
    told = OutboxMessage.objects.exclude(status=Delivery.FAILED.value)
    before = told.filter(body__contains=f"\n{link}\n").order_by("-pk").first()
    same = Proposal.objects.waiting().filter(
        agency=agency, asks_for=asks_for.value, filled_in=filled_in
    )
    if before is not None and same.exists():
        raise ProposedBefore(
            f"The operator was told of this on {before.created_at.date()}: it waits for them."
        )
    _count(agency, at)
    recipients = list(operators())
    if not recipients:
        raise NobodyToTell("Nobody runs this desk who could be told.")
    if not same.exists():
        Proposal.objects.create(
            agency=agency,
            asks_for=asks_for.value,
            name=name,
            filled_in=filled_in,
            note=note,
            proposed_by=by,
            proposed_at=at,
        )
    noun = asks_for.label.lower()
    body = BODY.format(
        by=by.email,
        agency=agency.name,
        noun=noun,
        name=name,
        note=note or "They wrote no remark.",
        link=link,
        afterwards=afterwards,
    )
    for user in recipients:
        outbox.post(recipient=user.email, subject=f"Proposed {noun}: {name}", body=body, at=at)
    return len(recipients)


@transaction.atomic
def decline(*, proposal: Proposal, by: User, at: datetime, reason: str) -> None:
    """Decline a proposal, and write the reason to who proposed it. Raises DecidedBefore."""
    _decide(proposal, ProposalState.DECLINED, by=by, at=at, reason=reason)
    outbox.post(
        recipient=proposal.proposed_by.email,
        subject=f"Not added: {proposal.name}",
        body=f"The operator does not add the {proposal.get_asks_for_display().lower()} that you "
        f"proposed, {proposal.name}:\n\n{reason}\n",
        at=at,
    )


@transaction.atomic
def note_that_it_is_here(*, proposal: Proposal, by: User, at: datetime, reason: str = "") -> None:
    """Note that what was proposed is here, under whatever name, and tell who proposed it.

    Raises DecidedBefore.
    """
    _decide(proposal, ProposalState.ADDED, by=by, at=at, reason=reason)
    outbox.post(
        recipient=proposal.proposed_by.email,
        subject=f"Added: {proposal.name}",
        body=f"The {proposal.get_asks_for_display().lower()} that you proposed, {proposal.name}, "
        f"is on the desk now.\n\n{reason}\n",
        at=at,
    )


def settle(*, asks_for: Proposed, name: str, by: User, at: datetime) -> None:
    """Note of each waiting proposal for a row of this name that the row was just added."""
    waiting = Proposal.objects.waiting().filter(asks_for=asks_for.value, name__iexact=name)
    for proposal in waiting.order_by("pk"):
        note_that_it_is_here(proposal=proposal, by=by, at=at)


def _decide(
    proposal: Proposal, state: ProposalState, *, by: User, at: datetime, reason: str
) -> None:
    rows = Proposal.objects.waiting().filter(pk=proposal.pk)
    decided = {"state": state.value, "decided_by": by, "decided_at": at, "reason": reason.strip()}
    if not rows.update(**decided):
        raise DecidedBefore(f"{proposal} was decided before.")


def _count(agency: Agency, at: datetime) -> None:
    try:
        tries.count([tries.Count(MOST_A_DAY, str(agency.pk))], at=at)
    except tries.TooManyTries as refusal:
        raise TooManyProposals(
            f"{agency.name} has proposed {MOST_A_DAY.tries} within a day. Propose more tomorrow, "
            "or write to the operator."
        ) from refusal
