"""Standing offers: a package the performer approved, taken by studios without a negotiation.

Each taking is an agreement of its own. Whoever approves or accepts is bound to the words that they
read, by their digest; whether the consent covers it and the rules allow it is looked at each time.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.idempotency import KeyConflict, do_once
from licensing.models import (
    Advance,
    Agreement,
    ApiKey,
    Cap,
    DealTerms,
    Grant,
    Licensee,
    LicenseeTerms,
    OfferStep,
    OfferTaking,
    Production,
    RateCard,
    RateLine,
    StandingOffer,
)
from licensing.quantities import measured
from licensing.recipients import staff_by_agency
from licensing.words import (
    CutPeriod,
    LicenseeKind,
    OfferState,
    OfferStepKind,
    PaidBackFrom,
    Pricing,
)
from talent import locales, outbox
from talent.consent.matrix import cell_name
from talent.consent.scope import language_names
from talent.errors import Refused
from talent.models import Performer, User
from talent.periods import local_day, months_later, starts_at
from talent.territories import place_names
from talent.words import Channel, Exclusion, Power, Role

from . import agreements
from .findings import findings

EDITS = "licensing.change_standingoffer"
NOT_PUBLISHED = Channel.OTHER.value
# Why a line of a package, or of a try-out, costs nothing.
INCLUDED = "Included in the package"
TRIED = "Try-out: free, watermarked, never published"
PRICED_BY = "Standing offer"


class OfferIsFixed(Refused):
    """What was shown to the performer stays as it was; another package is another offer."""

    code = "offer_is_fixed"


class OfferNotOpen(Refused):
    """It is not offered now: not approved, withdrawn, out of its dates, or of another agency."""

    code = "offer_not_open"


class OfferIsTaken(Refused):
    """All packages of an offer are taken."""

    code = "offer_is_taken"


class OfferReadsOtherwise(Refused):
    """The words that somebody approves or accepts are not those that stand now."""

    code = "offer_reads_otherwise"


class NotYoursToApprove(Refused):
    """Only a performer of the twin, or who decides for them, approves an offer."""

    code = "not_yours_to_approve"


class NobodyAccepts(Refused):
    """A taking says who accepts it for the studio."""

    code = "nobody_accepts"


class NoTryOut(Refused):
    """The offer has no free units to try, or this studio tried it before."""

    code = "no_try_out"


class OfferIsUnsound(Refused):
    """An offer that says nothing to take, or a price that cannot be paid."""

    code = "offer_is_unsound"


@dataclass(frozen=True)
class Acceptance:
    """How a studio accepts: by which key, for whom, of which words, under which idempotency key.

    `request_digest` is the SHA-256 of what it sent.
    """

    api_key: ApiKey
    signatory: str
    title: str
    shown: str
    idempotency_key: str
    request_digest: bytes


# What it says


def text_of(offer: StandingOffer) -> str:
    """Return an offer in plain words: what its performer approves and a studio accepts."""
    lines = [
        f"“{offer.name}”: {offer.agency.name} offers the digital twin {offer.twin.name}.",
        offer.description.strip(),
        *(_grant_in_words(grant) for grant in offer.grants.order_by("pk")),
        _package_in_words(offer),
        f"It can be taken {offer.times} times in all, each time by one studio for itself.",
        _offered_in_words(offer),
    ]
    if offer.try_out_units:
        lines.append(
            f"Each studio may first try {measured(offer.try_out_units, offer.meter)} for "
            f"{offer.try_out_days} days: free, watermarked, and never published."
        )
    return "\n".join(lines)


def _package_in_words(offer: StandingOffer) -> str:
    money = locales.money(offer.price, offer.currency, "en") if offer.price else "nothing"
    holds = f"It holds {measured(offer.units, offer.meter)}, for {offer.months} months from the day"
    return f"{holds} on which it is taken, and costs {money}. Nothing beyond is cleared."


def _grant_in_words(grant: Any) -> str:
    places = place_names(grant.territories) if grant.territories else "everywhere"
    languages = language_names(grant.languages) if grant.languages else "any language"
    channels = (
        ", ".join(str(Channel(code).label) for code in grant.channels)
        if grant.channels
        else "any channel"
    )
    text = f"{cell_name(grant.right, grant.use)}: {places}; {languages}; {channels}"
    if grant.exclusions:
        left_out = ", ".join(str(Exclusion(code).label).lower() for code in grant.exclusions)
        text += f"; without {left_out}"
    return f"{text}{'; in real time too' if grant.real_time else ''}."


def _offered_in_words(offer: StandingOffer) -> str:
    zone = offer.agency.time_zone
    since = local_day(offer.offered_from, zone)
    if offer.offered_until is None:
        return f"It is offered from {since:%d %B %Y} on, until it is withdrawn."
    until = local_day(offer.offered_until, zone)
    return f"It is offered from {since:%d %B %Y} until {until:%d %B %Y}, unless it is withdrawn."


def digest_of(offer: StandingOffer) -> str:
    """Return the SHA-256 of an offer's words."""
    return hashlib.sha256(text_of(offer).encode()).hexdigest()


def left_of(offer: StandingOffer) -> int:
    """Return how many packages are left."""
    return max(0, offer.times - offer.takings.filter(try_out=False).count())


# The agency proposes, the performer approves


@transaction.atomic
def propose(*, offer: StandingOffer, at: datetime, by: User) -> StandingOffer:
    """Show an offer to its performers, and fix it. Whatever would stop a taking stops it here.

    Raises OfferIsFixed, OfferIsUnsound, and what forbids signing, for a studio of no name.
    """
    locked = _locked(offer.pk)
    if locked.state is not OfferState.DRAFT:
        raise OfferIsFixed(_("It was shown before. Draft another offer."))
    if not locked.grants.exists():
        raise OfferIsUnsound(_("It grants nothing yet; add a grant."))
    if not people_of(locked):
        raise OfferIsUnsound(_("Nobody whose consent counts is on record for this twin."))
    _rehearse(locked, at=at)
    _add_step(locked, OfferStepKind.PROPOSED, at=at, by=by)
    for performer in people_of(locked):
        if performer.user is not None:
            outbox.post(
                recipient=performer.user.email,
                subject=_("An offer waits for your approval: %s") % locked.name,
                body=text_of(locked)
                + "\n\n"
                + _("Read and decide on it in your portal, under “Offers”."),
                at=at,
            )
    return _locked(offer.pk)


@transaction.atomic
def approve(
    *, offer: StandingOffer, performer: Performer, shown: str, at: datetime, by: User
) -> StandingOffer:
    """Approve an offer for a performer of the twin; once all have, studios may take it.

    `shown` is the digest of what was read. Raises NotYoursToApprove, OfferReadsOtherwise,
    OfferNotOpen, and what forbids signing.
    """
    locked = _locked(offer.pk)
    _refuse_stranger(locked, performer, by)
    if locked.state is not OfferState.PROPOSED:
        raise OfferNotOpen(_("This offer does not wait for approval."))
    if shown != digest_of(locked):
        raise OfferReadsOtherwise(_("The offer reads otherwise now. Read it again."))
    _rehearse(locked, at=at)
    _add_step(
        locked, OfferStepKind.APPROVED, at=at, by=by, performer=performer, digest=shown,
        text=text_of(locked),
    )  # fmt: skip
    approved = locked.steps.filter(kind=OfferStepKind.APPROVED.value).values_list("performer")
    if {pk for (pk,) in approved} >= {one.pk for one in people_of(locked)}:
        _add_step(locked, OfferStepKind.OPENED, at=at)
    return _locked(offer.pk)


@transaction.atomic
def decline(
    *, offer: StandingOffer, performer: Performer, at: datetime, by: User, reason: str
) -> StandingOffer:
    """Decline an offer that waits, or withdraw an open one, for a performer of the twin.

    What was taken stays. Raises NotYoursToApprove, OfferNotOpen.
    """
    locked = _locked(offer.pk)
    _refuse_stranger(locked, performer, by)
    if locked.state is OfferState.OPEN:
        return withdraw(offer=locked, at=at, by=by, reason=reason)
    if locked.state is not OfferState.PROPOSED:
        raise OfferNotOpen(_("This offer does not wait for approval."))
    _add_step(locked, OfferStepKind.DECLINED, at=at, by=by, reason=reason)
    _tell_agency(locked, _("declined"), reason, at)
    return _locked(offer.pk)


@transaction.atomic
def withdraw(*, offer: StandingOffer, at: datetime, by: User, reason: str) -> StandingOffer:
    """Withdraw an offer for all takings to come. Raises OfferNotOpen."""
    locked = _locked(offer.pk)
    if locked.state not in (OfferState.PROPOSED, OfferState.OPEN):
        raise OfferNotOpen(_("This offer is not open."))
    _add_step(locked, OfferStepKind.WITHDRAWN, at=at, by=by, reason=reason)
    _tell_agency(locked, _("withdrawn"), reason, at)
    return _locked(offer.pk)


def people_of(offer: StandingOffer) -> list[Performer]:
    """Return the performers in an offer's twin: each of them approves it."""
    twin = offer.twin
    if twin.performer is not None:
        return [twin.performer]
    return list(dict.fromkeys(one.performer for one in twin.sources.order_by("pk")))


def _refuse_stranger(offer: StandingOffer, performer: Performer, by: User) -> None:
    theirs = Performer.objects.spoken_for_by(by, Power.DECIDE).filter(pk=performer.pk).exists()
    if not theirs or performer not in people_of(offer):
        raise NotYoursToApprove(_("Only a performer of the twin decides on its offers."))


def _tell_agency(offer: StandingOffer, what: str, reason: str, at: datetime) -> None:
    staff = staff_by_agency([offer.agency_id], Role.AGENT, Role.BUSINESS_AFFAIRS)
    for user in staff.get(offer.agency_id, []):
        outbox.post(
            recipient=user.email,
            subject=_("%(offer)s was %(what)s") % {"offer": offer, "what": what},
            body=reason or _("No reason was given."),
            at=at,
        )


class _Rehearsed(Exception):
    """Rolls a rehearsal back."""


def _rehearse(offer: StandingOffer, *, at: datetime) -> None:
    """Take an offer as a studio of no name would, and leave nothing of it.

    Raises what would stop the taking.
    """
    try:
        with transaction.atomic():
            anybody = Licensee.objects.create(
                name=f"Any studio {secrets.token_hex(8)}",
                slug=f"any-studio-{secrets.token_hex(8)}",
                kind=LicenseeKind.STUDIO.value,
                country=offer.agency.country,
            )
            made = _draft(
                offer, anybody, at=max(at, offer.offered_from), signed_at=at, try_out=False
            )
            findings.refuse_blocked(made, at=at)
            agreements.refuse_unsignable(made, at=at)
            raise _Rehearsed
    except _Rehearsed:
        return


# A studio takes it


def take(
    *,
    offer_id: int,
    accepted: Acceptance,
    at: datetime,
    try_out: bool = False,
    production: Production | None = None,
) -> OfferTaking:
    """Take an offer for the studio whose key it is, or its try-out; the last package goes once.

    The same idempotency key with the same request gets the first taking. Raises KeyConflict,
    OfferNotOpen, OfferIsTaken, OfferReadsOtherwise, NobodyAccepts, NoTryOut, and what forbids
    signing: consent is looked at as it is now, and the rules as they are.
    """
    terms = accepted.api_key.terms

    def known() -> OfferTaking | None:
        return OfferTaking.objects.filter(
            terms=terms, idempotency_key=accepted.idempotency_key
        ).first()

    def first() -> OfferTaking:
        return _take(offer_id, accepted, at=at, try_out=try_out, production=production)

    taking = do_once(f"offer {terms.pk} {accepted.idempotency_key}", known, first)
    if bytes(taking.request_digest) != accepted.request_digest:
        raise KeyConflict(sent=accepted.request_digest, known=bytes(taking.request_digest))
    return taking


def _take(
    offer_id: int,
    accepted: Acceptance,
    *,
    at: datetime,
    try_out: bool,
    production: Production | None,
) -> OfferTaking:
    terms = accepted.api_key.terms
    offer = _locked(offer_id)
    _refuse_closed(offer, terms, at=at, try_out=try_out)
    if accepted.shown != digest_of(offer):
        raise OfferReadsOtherwise(_("The offer reads otherwise. Read it again, and accept that."))
    if not accepted.signatory.strip():
        raise NobodyAccepts(_("Say who accepts it for the studio."))
    agreement = _draft(
        offer, terms.licensee, at=at, signed_at=at, try_out=try_out, production=production
    )
    taking = OfferTaking.objects.create(
        offer=offer,
        terms=terms,
        agreement=agreement,
        try_out=try_out,
        taken_at=at,
        api_key=accepted.api_key,
        signatory=accepted.signatory.strip(),
        signatory_title=accepted.title.strip(),
        digest=accepted.shown,
        text=text_of(offer),
        idempotency_key=accepted.idempotency_key,
        request_digest=accepted.request_digest,
    )
    findings.sign_checked(
        agreement=agreement, words=taking, at=at, by=None,
        reason=_("Taken by the studio: %s.") % f"{offer.code}, {offer.name}",
    )  # fmt: skip
    return taking


def _refuse_closed(
    offer: StandingOffer, terms: LicenseeTerms, *, at: datetime, try_out: bool
) -> None:
    if offer.agency_id != terms.agency_id:
        raise OfferNotOpen(_("This offer is not open to you."))
    if not StandingOffer.objects.open_at(at).filter(pk=offer.pk).exists():
        raise OfferNotOpen(_("This offer is not open now. List the offers to see which are."))
    if not try_out:
        if left_of(offer) == 0:
            raise OfferIsTaken(_("All packages of this offer are taken."))
        return
    if not offer.try_out_units:
        raise NoTryOut(_("This offer has no free units to try. Take it."))
    if offer.takings.filter(terms=terms, try_out=True).exists():
        raise NoTryOut(_("You have tried this offer before. Take it, or leave it."))


def _draft(
    offer: StandingOffer,
    licensee: Licensee,
    *,
    at: datetime,
    signed_at: datetime,
    try_out: bool,
    production: Production | None = None,
) -> Agreement:
    """Draft the agreement of one taking: grants, price, cap, terms. `at` is its start."""
    zone = offer.agency.time_zone
    today = local_day(at, zone)
    agreement = agreements.draft(
        agency=offer.agency,
        licensee=licensee,
        twin=offer.twin,
        reference=_reference(offer, try_out=try_out),
        currency=offer.currency,
        starts_at=at,
        ends_at=_ends_at(offer, at, try_out=try_out),
        at=signed_at,
        by=None,
        time_zone=zone,
        guild=offer.guild,
        engagement=offer.engagement,
        description=offer.description,
        # A package lasts less than a year, so its cap has one fiscal year.
        fiscal_year_start_month=today.month,
        try_out=try_out,
    )
    if production is not None:
        agreement.productions.set([production])
    for grant in offer.grants.order_by("pk"):
        Grant.objects.create(
            agreement=agreement,
            right=grant.right,
            use=grant.use,
            territories=grant.territories,
            languages=grant.languages,
            channels=[NOT_PUBLISHED] if try_out else grant.channels,
            exclusions=grant.exclusions,
            real_time=grant.real_time,
        )
    card = RateCard.objects.create(
        agreement=agreement,
        effective_from=today.replace(day=1),
        source=f"{PRICED_BY} {offer.code}: {offer.name}",
    )
    RateLine.objects.create(
        card=card,
        code="try-out" if try_out else "package",
        label=TRIED if try_out else INCLUDED,
        meter=offer.meter,
        pricing=Pricing.PER_UNIT.value,
        unit_price=0,
        cut_period=CutPeriod.WHOLE.value,
    )
    units: Decimal = offer.try_out_units if try_out else offer.units
    Cap.objects.create(agreement=agreement, meter=offer.meter, limit=units, starts_on=today)
    if offer.price and not try_out:
        Advance.objects.create(
            agreement=agreement,
            label=offer.name,
            amount=offer.price,
            due_on=today,
            paid_back_from=PaidBackFrom.NOTHING.value,
        )
    DealTerms.objects.create(
        agreement=agreement,
        kind=offer.kind,
        governing_law=offer.governing_law,
        represented_by=offer.represented_by,
        counsel_name=offer.counsel_name,
    )
    return agreement


def _ends_at(offer: StandingOffer, at: datetime, *, try_out: bool) -> datetime:
    """Return when a taking ends: after its days, or on the same day of a later month, or its last.

    The day is that of the agency's zone.
    """
    if try_out:
        return at + timedelta(days=offer.try_out_days)
    zone = offer.agency.time_zone
    today = local_day(at, zone)
    first = months_later(today.replace(day=1), offer.months)
    last = months_later(first, 1) - timedelta(days=1)
    return starts_at(min(first + timedelta(days=today.day - 1), last), zone)


def _reference(offer: StandingOffer, *, try_out: bool) -> str:
    """Return a reference of this taking: O3-2, or O3-T1 for a try-out."""
    taken = offer.takings.filter(try_out=try_out).count() + 1
    return f"{offer.code}-{'T' if try_out else ''}{taken}"


def _locked(offer_id: int) -> StandingOffer:
    rows = StandingOffer.objects.select_related("agency", "twin__performer__user")
    rows = rows.prefetch_related("steps")
    offer: StandingOffer = rows.select_for_update(of=("self",), no_key=True).get(pk=offer_id)
    return offer


def _add_step(offer: StandingOffer, kind: OfferStepKind, **told: Any) -> None:
    told["reason"] = told.get("reason", "").strip()[:500]
    OfferStep.objects.create(offer=offer, kind=kind.value, **told)
