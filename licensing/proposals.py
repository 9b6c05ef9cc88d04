"""Proposals: an agency asks the operator for a licensee or a production that is not here yet."""

from datetime import datetime, timedelta

from django.db import transaction

from licensing.recipients import operators
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


class NobodyToTell(Refused):
    """Nobody runs the desk who could be told."""

    code = "nobody_to_tell"


@transaction.atomic
def propose(
    *,
    agency: Agency,
    noun: str,
    name: str,
    link: str,
    by: User,
    at: datetime,
    note: str = "",
    afterwards: str = "",
) -> int:
    """Mail a proposal to the operators; return how many. `link` leads to the filled-in page.

    Raises ProposedBefore, TooManyProposals, NobodyToTell.
    """
    # The same proposal sent twice at once is one: the second waits for the first.
    Agency.objects.select_for_update().get(pk=agency.pk)
    told = OutboxMessage.objects.exclude(status=Delivery.FAILED.value)
    before = told.filter(body__contains=f"\n{link}\n").order_by("pk").first()
    if before is not None:
        raise ProposedBefore(
            f"The operator was told of this on {before.created_at.date()}: it waits for them."
        )
    _count(agency, at)
    recipients = list(operators())
    if not recipients:
        raise NobodyToTell("Nobody runs this desk who could be told.")
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


def _count(agency: Agency, at: datetime) -> None:
    try:
        tries.count([tries.Count(MOST_A_DAY, str(agency.pk))], at=at)
    except tries.TooManyTries as refusal:
        raise TooManyProposals(
            f"{agency.name} has proposed {MOST_A_DAY.tries} within a day. Propose more tomorrow, "
            "or write to the operator."
        ) from refusal
