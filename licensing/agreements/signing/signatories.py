"""Signatories: who signs an agreement, in which order, and who may act for each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from licensing.models import Agreement, LicenseeTerms, Signatory
from licensing.recipients import address_in
from licensing.words import SignatoryRole
from talent.errors import Refused
from talent.four_eyes import could_approve
from talent.models import CompositeSource, Delegation, Performer, User
from talent.periods import local_day
from talent.principals import deciders
from talent.words import DelegateKind, Life, RepresentedBy

SIGNS = "licensing.sign_agreement"
# Who decides for a performer who does not do so alone.
INSTEAD = {
    Life.DECEASED: (DelegateKind.ESTATE, SignatoryRole.ESTATE),
    Life.MINOR: (DelegateKind.GUARDIAN, SignatoryRole.GUARDIAN),
}


class NobodyToSign(Refused):
    """Somebody must sign who has no account, or for whom nobody may sign."""

    code = "nobody_to_sign"


class NotTheirs(Refused):
    """Somebody else signs here, or who was to sign may no longer do so."""

    code = "not_theirs_to_sign"


@dataclass(frozen=True, slots=True)
class Proposed:
    """Somebody who is to sign. Without a user they are sent a link by mail."""

    role: SignatoryRole
    name: str
    email: str = ""
    user: User | None = None
    performer: Performer | None = None
    initials: bool = False


def proposed(
    agreement: Agreement, *, licensee_name: str = "", licensee_email: str = "", at: datetime
) -> list[Proposed]:
    """Return who signs an agreement, in order.

    The performers or whoever decides for them, counsel if one is named and has an account, the
    agency, then the licensee, whose signatory is the contact of its terms unless one is named.
    Raises NobodyToSign.
    """
    return [
        *_performers_side(agreement, at),
        Proposed(SignatoryRole.AGENCY, agreement.agency.name),
        _licensee(agreement, licensee_name, licensee_email),
    ]


def licensees_contact(agreement: Agreement) -> tuple[str, str]:
    """Return name and mail address of whom the terms with the licensee name; empty if nobody."""
    terms = LicenseeTerms.objects.filter(
        agency=agreement.agency_id, licensee=agreement.licensee_id
    ).first()
    contact = terms.contact if terms else ""
    return parseaddr(contact)[0], address_in(contact)


def _licensee(agreement: Agreement, name: str, email: str) -> Proposed:
    if not (name and email):
        their_name, their_email = licensees_contact(agreement)
        name, email = name or their_name, email or their_email
    if not (name and email):
        raise NobodyToSign(
            f"Name who signs for {agreement.licensee.name}, with their mail address: the link is "
            "sent there."
        )
    return Proposed(SignatoryRole.LICENSEE, name, email)


def _performers_side(agreement: Agreement, at: datetime) -> Iterator[Proposed]:
    on = local_day(at, agreement.time_zone)
    performers = _performers(agreement, at)
    able = deciders([performer.pk for performer in performers], on=on)
    for performer in performers:
        yield _decider(performer, able[performer.pk], at)
    deal = getattr(agreement, "deal", None)
    if deal is not None and deal.represented_by == RepresentedBy.COUNSEL:
        for performer in performers:
            yield from _counsel(performer)


def _performers(agreement: Agreement, at: datetime) -> list[Performer]:
    if agreement.twin.performer is not None:
        return [agreement.twin.performer]
    sources = (
        CompositeSource.objects.on(local_day(at, agreement.time_zone))
        .filter(twin=agreement.twin_id)
        .select_related("performer__user")
        .order_by("performer__name", "pk")
    )
    return [source.performer for source in sources]


def _decider(performer: Performer, able: list[User], at: datetime) -> Proposed:
    if performer.user is not None and performer.user in able:
        return _for(performer, performer.user, SignatoryRole.PERFORMER)
    instead = INSTEAD.get(Life.MINOR if performer.life == Life.LIVING else Life(performer.life))
    if performer.decides_alone(at.date()) or instead is None:
        raise NobodyToSign(
            f"{performer.name} has no account to sign with. Invite them on the performer's page."
        )
    kind, role = instead
    delegates = Delegation.objects.current().filter(performer=performer, kind=kind.value)
    row = delegates.filter(user__in=able).select_related("user").order_by("starts_on", "pk").first()
    if row is None:
        raise NobodyToSign(
            f"Nobody may sign for {performer.name}: give the {kind.label.lower()} a delegation "
            "with the power to decide."
        )
    return _for(performer, row.user, role)


def _for(performer: Performer, user: User, role: SignatoryRole) -> Proposed:
    own = performer.legal_name or performer.name
    name = own if role is SignatoryRole.PERFORMER else str(user)
    return Proposed(role, name, user.email, user, performer, initials=True)


def _counsel(performer: Performer) -> Iterator[Proposed]:
    rows = Delegation.objects.current().filter(
        performer=performer, kind=DelegateKind.COUNSEL.value, user__is_active=True
    )
    for row in rows.select_related("user").order_by("starts_on", "pk"):
        yield Proposed(SignatoryRole.COUNSEL, str(row.user), row.user.email, row.user, performer)


def refuse_other(signatory: Signatory, by: User | None, *, at: datetime) -> None:
    """Refuse whoever may not act for a signatory now. Raises NotTheirs.

    `by` is None for who came by the link that was mailed to the signatory, and gave its code.
    """
    if not _may_act(signatory, by, at):
        raise NotTheirs(
            f"Only {signatory.name} signs here, and only while they may decide. Ask the agency."
        )


def _may_act(signatory: Signatory, by: User | None, at: datetime) -> bool:
    if signatory.role == SignatoryRole.AGENCY:
        agency = signatory.round.agreement.agency_id
        return by is not None and could_approve(SIGNS, agency).filter(pk=by.pk).exists()
    if signatory.user_id is None:
        return by is None
    if by is None or by.pk != signatory.user_id or not by.is_active:
        return False
    if signatory.role == SignatoryRole.COUNSEL:
        return Delegation.objects.current().filter(
            performer=signatory.performer_id, user=by, kind=DelegateKind.COUNSEL.value
        ).exists()  # fmt: skip
    performer = signatory.performer_id
    return performer is not None and by in deciders([performer], on=at.date())[performer]
