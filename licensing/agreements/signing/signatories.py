"""Signatories: who signs an agreement, in which order, and who may act for each of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

from licensing.models import Agreement, LicenseeTerms, Signatory, SigningRound
from licensing.recipients import address_in
from licensing.words import SignatoryRole
from talent.errors import Refused
from talent.four_eyes import could_approve
from talent.models import CompositeSource, Delegation, Membership, Performer, User
from talent.periods import local_day
from talent.principals import deciders
from talent.words import DelegateKind, Life, Power, RepresentedBy

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
    agreement: Agreement,
    *,
    licensee_name: str = "",
    licensee_email: str = "",
    mails: Mapping[int, str] | None = None,
    at: datetime,
) -> list[Proposed]:
    """Return who signs an agreement, in order.

    The performers or whoever decides for them, counsel if one is named and on record, the agency,
    then the licensee, whose signatory is the contact of its terms unless one is named. `mails` are
    addresses of performers without an account, by their ids. Raises NobodyToSign.
    """
    theirs = list(_performers_side(agreement, mails or {}, at))
    licensee = _licensee(agreement, licensee_name, licensee_email)
    _refuse_other_sides(agreement, [*theirs, licensee])
    return [*theirs, Proposed(SignatoryRole.AGENCY, agreement.agency.name), licensee]


def without_account(agreement: Agreement, *, at: datetime) -> list[Performer]:
    """Return the performers who sign for themselves and whom no account reaches."""
    return [
        performer
        for performer in _performers(agreement, at)
        if performer.user_id is None and performer.decides_alone(at.date())
    ]


def has_account(user: User) -> bool:
    """Tell whether somebody ever signed in, or could: who was only invited signs by link."""
    return user.has_usable_password() or user.last_login is not None


def _refuse_other_sides(agreement: Agreement, people: Sequence[Proposed]) -> None:
    """Refuse a link that would reach the agency, or the same mailbox for two people.

    Whoever reads the mailbox signs.
    """
    mailed = [one for one in people if one.user is None]
    emails = [one.email.lower() for one in people]
    for one in mailed:
        staff = Membership.objects.filter(
            agency=agreement.agency_id, user__email__iexact=one.email
        ).exists()
        if staff and one.role is not SignatoryRole.LICENSEE:
            raise NobodyToSign(f"{one.email} is an address of the agency, not of {one.name}.")
        if emails.count(one.email.lower()) > 1 and not _is_one_person(one, people):
            raise NobodyToSign(f"{one.email} is the address of two who sign. Each has their own.")


def _is_one_person(one: Proposed, people: Sequence[Proposed]) -> bool:
    """Tell whether all with an address have one name and side: a guardian of two minors."""
    same = [other for other in people if other.email.lower() == one.email.lower()]
    return len({(other.name, other.role) for other in same}) == 1


def refuse_left_out(found: SigningRound, *, at: datetime) -> None:
    """Refuse to go on where somebody has come to sign too, since the round was sent.

    A second guardian, say. Raises NobodyToSign.
    """
    rows = list(found.signatories.all())
    mails = {one.performer_id: one.email for one in rows if one.performer_id is not None}
    now = Counter(
        (one.performer and one.performer.pk, one.role)
        for one in _performers_side(found.agreement, mails, at)
    )
    then = Counter((one.performer_id, SignatoryRole(one.role)) for one in rows)
    for _performer, role in now - then:
        raise NobodyToSign(
            f"Somebody else signs too by now ({role.label.lower()}). Ask the agency to send the "
            "document anew, to all."
        )


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


def _performers_side(
    agreement: Agreement, mails: Mapping[int, str], at: datetime
) -> Iterator[Proposed]:
    on = local_day(at, agreement.time_zone)
    performers = _performers(agreement, at)
    able = deciders([performer.pk for performer in performers], on=on)
    for performer in performers:
        if performer.decides_alone(at.date()):
            yield _themselves(performer, able[performer.pk], mails.get(performer.pk, ""))
        else:
            yield from _instead_of(performer, able[performer.pk])
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


def _themselves(performer: Performer, able: list[User], email: str) -> Proposed:
    name = performer.legal_name or performer.name
    if performer.user is not None and performer.user in able:
        return _for(performer, performer.user, SignatoryRole.PERFORMER, name)
    if performer.user is not None or not email:
        raise NobodyToSign(
            f"{performer.name} has no account to sign with: name their mail address, or invite "
            "them on the performer's page."
        )
    return Proposed(SignatoryRole.PERFORMER, name, email, None, performer, initials=True)


def _instead_of(performer: Performer, able: list[User]) -> Iterator[Proposed]:
    """Yield everybody on record who decides for a performer: each of two guardians signs."""
    life = Life(performer.life)
    kind, role = INSTEAD[Life.MINOR if life is Life.LIVING else life]
    delegates = Delegation.objects.current().filter(performer=performer, kind=kind.value)
    rows = list(delegates.filter(user__in=able).select_related("user").order_by("starts_on", "pk"))
    if not rows:
        raise NobodyToSign(
            f"Nobody may sign for {performer.name}: give the {kind.label.lower()} a delegation "
            "with the power to decide."
        )
    for row in rows:
        yield _for(performer, row.user, role, str(row.user))


def _for(performer: Performer, user: User, role: SignatoryRole, name: str) -> Proposed:
    account = user if has_account(user) else None
    initials = role is not SignatoryRole.COUNSEL
    return Proposed(role, name, user.email, account, performer, initials=initials)


def _counsel(performer: Performer) -> Iterator[Proposed]:
    rows = Delegation.objects.current().filter(
        performer=performer, kind=DelegateKind.COUNSEL.value, user__is_active=True
    )
    for row in rows.select_related("user").order_by("starts_on", "pk"):
        yield _for(performer, row.user, SignatoryRole.COUNSEL, str(row.user))


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
        return by is None and _may_act_by_link(signatory, at)
    if by is None or by.pk != signatory.user_id or not by.is_active:
        return False
    if signatory.role == SignatoryRole.COUNSEL:
        return Delegation.objects.current().filter(
            performer=signatory.performer_id, user=by, kind=DelegateKind.COUNSEL.value
        ).exists()  # fmt: skip
    performer = signatory.performer_id
    return performer is not None and by in deciders([performer], on=at.date())[performer]


def _may_act_by_link(signatory: Signatory, at: datetime) -> bool:
    """Tell whether who has no account still has the authority that they had when it was sent."""
    role, performer = SignatoryRole(signatory.role), signatory.performer
    if role is SignatoryRole.LICENSEE:
        return True
    if performer is None:
        return False
    if role is SignatoryRole.PERFORMER:
        return performer.decides_alone(at.date())
    return _is_delegate(signatory, [] if role is SignatoryRole.COUNSEL else [Power.DECIDE])


def may_see_money(signatory: Signatory, *, at: datetime) -> bool:
    """Tell whether a signatory may read what is between a performer and the agency.

    The performer may, and whoever signs for them or advises them with the power to see earnings;
    nobody of the licensee or the agency, and nobody whose authority is over.
    """
    role = SignatoryRole(signatory.role)
    if signatory.performer_id is None or not _may_act(signatory, signatory.user, at):
        return False
    return role is SignatoryRole.PERFORMER or _is_delegate(signatory, [Power.SEE_MONEY])


def _is_delegate(signatory: Signatory, powers: Sequence[Power]) -> bool:
    """Tell whether a signatory's delegation is in force, and gives the powers."""
    who: dict[str, object] = {"user": signatory.user_id}
    if signatory.user_id is None:
        who = {"user__email__iexact": signatory.email}
    return Delegation.objects.current().filter(
        **who, performer=signatory.performer_id, kind=DelegateKind(signatory.role).value,
        powers__contains=[power.value for power in powers], user__is_active=True,
    ).exists()  # fmt: skip
