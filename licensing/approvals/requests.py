"""Requests: a studio describes one use, and everybody whose approval it needs is asked at once."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from licensing.decision.approval_check import contributors_to_ask, digest_of_description
from licensing.decision.decision import decide, from_json
from licensing.decision.request import Facts, Request
from licensing.facts.facts import facts_for
from licensing.models import (
    ApprovalAsking,
    ApprovalPart,
    ApprovalRequest,
    ClearanceDecision,
    LicenseeTerms,
)
from licensing.models.approvals import ApprovalRequestQuerySet
from licensing.wire.faults import Fault
from licensing.wire.names import Prefix, number_in
from licensing.words import Dimension, Outcome
from talent.errors import Refused
from talent.models import CompositeSource

from . import notices
from .description import Description, faults_of

ZERO, HUNDRED = Decimal(0), Decimal(100)


class NothingToApprove(Refused):
    """The clearance waits for nobody's approval."""

    code = "nothing_to_approve"


class NotSpecific(Refused):
    """A description is not reasonably specific. Carries what is missing, each with a pointer."""

    code = "description_not_specific"

    def __init__(self, faults: tuple[Fault, ...]):
        super().__init__(
            _("The description does not say specifically enough what shall be approved.")
        )
        self.faults = faults


class DescribedOtherwise(Refused):
    """An approval was asked for under this clearance before, with another description."""

    code = "asked_otherwise"


class VetoedBefore(Refused):
    """This very description was vetoed."""

    code = "vetoed_before"


class NobodyToAsk(Refused):
    """The persona has no performer who could be asked."""

    code = "nobody_to_ask"


@dataclass(frozen=True, slots=True)
class _Inquiry:
    """A use as its clearance asked for it (`use`) and as the studio describes it."""

    decision: ClearanceDecision
    terms: LicenseeTerms
    use: Request
    description: Description
    at: datetime

    @property
    def digest(self) -> bytes:
        """A SHA-256 that is the same for one description of one use, whenever it is sent."""
        timeless = replace(self.use, at=None, noticed_at=None, reserve=False)
        words = replace(self.description, answer_by=None)
        about = (self.decision.terms_id, timeless, words)
        return hashlib.sha256(msgspec.json.encode(about, order="deterministic")).digest()


@transaction.atomic
def open_request(
    *,
    decision: ClearanceDecision,
    description: Description,
    at: datetime,
) -> ApprovalRequest:
    """Ask everybody whose approval a clearance waits for, and notify them by mail.

    The same description again returns the request that waits already. Raises NotSpecific,
    NothingToApprove, NobodyToAsk, DescribedOtherwise, VetoedBefore.
    """
    # Locked, so that the same description sent twice at the same time opens one request.
    terms = LicenseeTerms.objects.select_for_update(no_key=True, of=("self",)).get(
        pk=decision.terms_id
    )
    use = _described(_use_in(decision), description)
    inquiry = _Inquiry(decision, terms, use, description, at)
    if (earlier := _request_under(inquiry)) is not None:
        return earlier
    performers = _performers_to_ask(inquiry)
    if faults := faults_of(description, inquiry.use, at=at):
        raise NotSpecific(faults)
    request = _same_request_waiting(inquiry) or _store_request(inquiry, performers)
    ApprovalAsking.objects.create(request=request, decision=decision, asked_at=at)
    return request


def _use_in(decision: ClearanceDecision) -> Request:
    if not decision.facts:
        raise NothingToApprove(_("The desk could not decide this; ask again."))
    return from_json(Request, decision.request)


def _described(use: Request, description: Description) -> Request:
    return replace(use, described=description.digest, approval=None)


def _request_under(inquiry: _Inquiry) -> ApprovalRequest | None:
    """Return the request that this clearance led to before. Raises DescribedOtherwise."""
    asking = (
        ApprovalAsking.objects.select_related("request").filter(decision=inquiry.decision).first()
    )
    if asking is None:
        return None
    if bytes(asking.request.digest) != inquiry.digest:
        raise DescribedOtherwise(
            _("An approval was asked for with another description. Ask for a new clearance.")
        )
    return asking.request


def _performers_to_ask(inquiry: _Inquiry) -> list[int]:
    """Return the performers to ask; refuse where asking them would change nothing.

    Raises NothingToApprove and NobodyToAsk.
    """
    facts = _facts_now(inquiry)
    decision = decide(inquiry.use, facts, inquiry.at)
    if decision.outcome is Outcome.CLEARED:
        raise NothingToApprove(_("This use needs no approval now. Ask for a new clearance."))
    if decision.deciding.dimension is not Dimension.APPROVAL:
        raise NothingToApprove(
            _("No approval would clear this use: %(why)s") % {"why": decision.studio_text}
        )
    people = contributors_to_ask(inquiry.use, facts, inquiry.at)
    if not people or not all(person.id.isdecimal() for person in people):
        raise NobodyToAsk(
            _("This persona has no performer to ask; its owner's consent alone decides.")
        )
    return [int(person.id) for person in people]


def _facts_now(inquiry: _Inquiry) -> Facts:
    """Return the facts of the clearance if it was decided right now, else those known now."""
    decision = inquiry.decision
    if decision.known_at == inquiry.at:
        return from_json(Facts, decision.facts)
    (facts,) = facts_for([inquiry.use], terms=decision.terms, known_at=inquiry.at)
    return facts


def _same_request_waiting(inquiry: _Inquiry) -> ApprovalRequest | None:
    """Return the request that asks the same and still waits. Raises VetoedBefore."""
    if any(_asks_the_same(vetoed, inquiry) for vetoed in _requests_like(inquiry).vetoed()):
        raise VetoedBefore(
            _("This was asked before and vetoed. Ask again with another description or offer.")
        )
    same = ApprovalRequest.objects.filter(terms=inquiry.terms, digest=inquiry.digest)
    return same.waiting(inquiry.at).first()


def _requests_like(inquiry: _Inquiry) -> ApprovalRequestQuerySet:
    """Return the requests about the same use, at the same offer, in whatever words and quantity."""
    use, description = inquiry.use, inquiry.description
    return ApprovalRequest.objects.filter(
        terms=inquiry.terms,
        twin=inquiry.decision.twin_id,
        right=use.right,
        use=use.use,
        channel=use.channel or "",
        production=number_in(use.production or "", Prefix.PRODUCTION),
        real_time=use.real_time,
        content=sorted(use.content or ()),
        amount=description.amount,
        currency=description.currency,
    )


def _asks_the_same(request: ApprovalRequest, inquiry: _Inquiry) -> bool:
    """Tell whether a request has the words, places and time that are described.

    More units, or fewer, make no other request of it.
    """
    described, use = inquiry.description, inquiry.use
    return (
        digest_of_description(scene=request.scene, campaign=request.campaign, lines=request.lines)
        == described.digest
        and request.territories == sorted(described.territories or (use.territory or "",))
        and (request.starts_at, request.ends_at) == (described.starts_at, described.ends_at)
    )


def _store_request(inquiry: _Inquiry, performers: Sequence[int]) -> ApprovalRequest:
    """Store a request with a part for each performer, and notify who may answer them."""
    decision, use, description = inquiry.decision, inquiry.use, inquiry.description
    own_language = (use.language,) if use.language else None
    request = ApprovalRequest.objects.create(
        terms=inquiry.terms,
        # What waits for an approval was decided about a twin under an agreement, and its
        # description was checked to name a production.
        agreement_id=cast("int", decision.agreement_id),
        twin_id=cast("int", decision.twin_id),
        production_id=cast("int", number_in(use.production or "", Prefix.PRODUCTION)),
        right=use.right,
        use=use.use,
        channel=use.channel or "",
        real_time=use.real_time,
        content=sorted(use.content or ()),
        scene=description.scene.strip(),
        campaign=description.campaign.strip(),
        lines=description.lines.strip(),
        territories=sorted(description.territories or (use.territory or "",)),
        languages=_sorted(description.languages or own_language),
        starts_at=description.starts_at,
        ends_at=description.ends_at,
        units={meter: str(quantity) for meter, quantity in use.units},
        amount=description.amount,
        currency=description.currency,
        basis=description.basis.strip(),
        digest=inquiry.digest,
        opened_at=inquiry.at,
        due_at=_due_at(inquiry),
    )
    parts = _store_parts(request, performers)
    notices.notify_of_request([part.pk for part in parts], at=inquiry.at)
    return request


def _sorted(codes: Collection[str] | None) -> list[str] | None:
    return None if codes is None else sorted(codes)


def _due_at(inquiry: _Inquiry) -> datetime:
    """Return the deadline: the agency's, or the studio's or the use's end if that is earlier."""
    description = inquiry.description
    deadline = inquiry.at + timedelta(hours=inquiry.terms.approval_hours)
    return min(filter(None, (deadline, description.answer_by, description.ends_at)))


def _store_parts(request: ApprovalRequest, performers: Sequence[int]) -> list[ApprovalPart]:
    shares = _shares(request.twin_id, request.opened_at.date())
    return ApprovalPart.objects.bulk_create(
        ApprovalPart(
            request=request,
            performer_id=performer,
            share_percent=shares.get(performer, ZERO) if shares else HUNDRED,
        )
        for performer in performers
    )


def _shares(twin_id: int, day: date) -> dict[int, Decimal]:
    """Return the percentage that each performer has in a composite on a day; empty for others."""
    sources = CompositeSource.objects.on(day).filter(twin=twin_id)
    weights = dict(sources.values_list("performer", "weight"))
    total = sum(weights.values())
    return {
        performer: (HUNDRED * weight / total).quantize(Decimal("0.001"))
        for performer, weight in weights.items()
    }
