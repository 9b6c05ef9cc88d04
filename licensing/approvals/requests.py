"""Asking: a studio describes one use, and everybody whose approval it needs is asked at once."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from licensing.decision.approval_check import contributors_to_ask
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
from licensing.wire.faults import Fault
from licensing.words import Dimension, Outcome
from talent.errors import Refused
from talent.models import CompositeSource

from . import notices
from .description import Description, faults


class NothingToApprove(Refused):
    """The clearance waits for nobody's approval."""

    code = "nothing_to_approve"


class NotSpecific(Refused):
    """A description is not reasonably specific. Carries what is missing, each with a pointer."""

    code = "description_not_specific"

    def __init__(self, found: tuple[Fault, ...]):
        super().__init__(
            _("The description does not say specifically enough what shall be approved.")
        )
        self.faults = found


class AskedOtherwise(Refused):
    """This clearance was asked about before, with another description."""

    code = "asked_otherwise"


class VetoedBefore(Refused):
    """This very description was vetoed."""

    code = "vetoed_before"


class NobodyToAsk(Refused):
    """The persona has no performer who could be asked."""

    code = "nobody_to_ask"


@transaction.atomic
def open_request(
    *,
    decision: ClearanceDecision,
    description: Description,
    at: datetime,
) -> ApprovalRequest:
    """Ask everybody whose approval a clearance waits for, and tell them by mail.

    The same description again finds the request that waits already. Raises NotSpecific,
    NothingToApprove, NobodyToAsk, AskedOtherwise, VetoedBefore.
    """
    # Locked, so that the same question asked twice at once opens one request.
    terms = LicenseeTerms.objects.select_for_update(no_key=True, of=("self",)).get(
        pk=decision.terms_id
    )
    question = _question(decision)
    digest = _digest(decision, question, description)
    known = _asked_before(decision, digest)
    if known is not None:
        return known
    facts = _facts(decision, question, at)
    people = _waited_for(question, facts, at)
    if found := faults(description, question, at=at):
        raise NotSpecific(found)
    request = _same(terms, digest, at) or _opened(
        decision, question, description, terms, digest, people, at
    )
    ApprovalAsking.objects.create(request=request, decision=decision, asked_at=at)
    return request


def _question(decision: ClearanceDecision) -> Request:
    if not decision.facts:
        raise NothingToApprove(_("The desk could not decide this; ask again."))
    return from_json(Request, decision.request)


def _asked_before(decision: ClearanceDecision, digest: bytes) -> ApprovalRequest | None:
    asking = ApprovalAsking.objects.select_related("request").filter(decision=decision).first()
    if asking is None:
        return None
    if bytes(asking.request.digest) != digest:
        raise AskedOtherwise(
            _("An approval was asked for with another description. Ask for a new clearance.")
        )
    return asking.request


def _facts(decision: ClearanceDecision, question: Request, at: datetime) -> Facts:
    """Return what the clearance stood on, or what is known now if it is older."""
    if decision.known_at == at:
        return from_json(Facts, decision.facts)
    (facts,) = facts_for([question], terms=decision.terms, known_at=at, once=True)
    return facts


def _waited_for(question: Request, facts: Facts, at: datetime) -> list[int]:
    """Return the performers to ask; refuse where asking them would change nothing."""
    now = decide(question, facts, at)
    if now.outcome is Outcome.CLEARED:
        raise NothingToApprove(_("This use needs no approval now. Ask for a new clearance."))
    if now.deciding.dimension is not Dimension.APPROVAL:
        raise NothingToApprove(
            _("No approval would clear this use: %(why)s") % {"why": now.studio_text}
        )
    asked = contributors_to_ask(question, facts, at)
    if not asked or not all(person.id.isdecimal() for person in asked):
        raise NobodyToAsk(
            _("This persona has no performer to ask; its owner's consent alone decides.")
        )
    return [int(person.id) for person in asked]


def _same(terms: LicenseeTerms, digest: bytes, at: datetime) -> ApprovalRequest | None:
    """Return the request that asks the same and still waits; refuse what was vetoed."""
    same = ApprovalRequest.objects.filter(terms=terms, digest=digest)
    if same.vetoed().exists():
        raise VetoedBefore(
            _("This was asked before and vetoed. Ask again with another description or offer.")
        )
    return same.waiting(at).first()


def _opened(
    decision: ClearanceDecision,
    question: Request,
    description: Description,
    terms: LicenseeTerms,
    digest: bytes,
    people: list[int],
    at: datetime,
) -> ApprovalRequest:
    languages = description.languages or ((question.language,) if question.language else None)
    request = ApprovalRequest.objects.create(
        terms=terms,
        agreement_id=decision.agreement_id,
        twin_id=decision.twin_id,
        production_id=int((question.production or "")[1:]),
        right=question.right,
        use=question.use,
        channel=question.channel or "",
        real_time=question.real_time,
        content=sorted(question.content),
        scene=description.scene.strip(),
        campaign=description.campaign.strip(),
        lines=description.lines.strip(),
        territories=sorted(description.territories or (question.territory or "",)),
        languages=None if languages is None else sorted(languages),
        starts_at=description.starts_at,
        ends_at=description.ends_at,
        units={meter: str(quantity) for meter, quantity in question.units},
        amount=description.amount,
        currency=description.currency,
        basis=description.basis.strip(),
        digest=digest,
        opened_at=at,
        due_at=_due_at(description, terms, at),
    )
    shares = _shares(request.twin_id)
    parts = ApprovalPart.objects.bulk_create(
        ApprovalPart(
            request=request, performer_id=person, share_percent=shares.get(person, Decimal(100))
        )
        for person in people
    )
    notices.opened(request, [part.pk for part in parts], at=at)
    return request


def _due_at(description: Description, terms: LicenseeTerms, at: datetime) -> datetime:
    """Return the deadline: the agency's, or the studio's or the use's end if that is earlier."""
    given = at + timedelta(hours=terms.approval_hours)
    return min(filter(None, (given, description.answer_by, description.ends_at)))


def _shares(twin_id: int) -> dict[int, Decimal]:
    weights = dict(CompositeSource.objects.filter(twin=twin_id).values_list("performer", "weight"))
    total = sum(weights.values())
    return {
        person: (100 * weight / total).quantize(Decimal("0.001"))
        for person, weight in weights.items()
    }


def _digest(decision: ClearanceDecision, question: Request, description: Description) -> bytes:
    """Return the same for the same words about the same use, whenever it was asked."""
    timeless = replace(question, at=None, noticed_at=None)
    about = (decision.terms_id, timeless, replace(description, answer_by=None))
    return hashlib.sha256(msgspec.json.encode(about, order="deterministic")).digest()
