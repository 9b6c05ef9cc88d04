"""Transfers: a licence passes to another studio on a day, by a new agreement that takes its place.

Who a licensee is hangs on an agreement's uses, permits, caps, keys and receivables, so the licensee
of an agreement never changes: the old agreement ends at the instant at which the new one begins.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from licensing.caps.reservations import release_units
from licensing.models import (
    Agreement,
    ApiKey,
    Cap,
    Licensee,
    LicenseeTerms,
    Permit,
    PermitRevocation,
    RuleSet,
    Transfer,
    TransferStep,
)
from licensing.recipients import address_in
from licensing.words import (
    AgreementStatus,
    GuaranteePeriod,
    TransferState,
    TransferStepKind,
)
from talent import four_eyes, outbox
from talent.errors import Refused
from talent.models import User
from talent.periods import label, local_day, next_period, period_containing
from talent.words import Guild

from . import agreements
from .assignments import (
    LEAST_UNIT,
    NotTransferable,
    assign,
    caps_on,
    left_of,
    productions_of,
    refuse_unassignable,
    takes_effect_at,
)
from .rules.rulesets import rule_of

ASKS = "licensing.ask_amendment"
APPROVES = "licensing.approve_amendment"
RULE = "theatrical.transfer"
REVOKED = "The licence passed to another studio."

ASSUMPTION = """\
{licensee} takes over agreement {reference} between {agency} and {old} about {twin}, as of \
{effect} ({zone}).

From that instant on {licensee} owes everything that the agreement asks of the licensee: its \
limits and exclusions, reports of use, payment, the destruction of data, and the settlement of \
disputes, arbitration included. What was used before stays with {old}, with what is owed for it.

The agreement's terms are those that the desk holds on the day of this statement; they are not \
changed by it.
"""


class NoDayForIt(Refused):
    """The day is too early, too late, or within a period that cannot be cut."""

    code = "no_day_for_it"


class TermsInTheWay(Refused):
    """Something was promised for after the day that nobody could owe then."""

    code = "terms_in_the_way"


class TransferIsDecided(Refused):
    """It was done, rejected or taken back before."""

    code = "transfer_is_decided"


class NotAssumed(Refused):
    """The new studio has not assumed the obligations in writing."""

    code = "not_assumed"


class AssumedOtherWords(Refused):
    """The statement that was signed is not the one that stands now."""

    code = "assumed_other_words"


class UnionMayAnswer(Refused):
    """The union's days to answer have not run yet."""

    code = "union_may_answer"


@dataclass(frozen=True)
class Consequences:
    """What a transfer does, to be shown before anybody decides.

    `permits` and `reservations` run past its instant and end then; `left` is what each cap's year
    has left by now, which is what the new studio gets of it, less what the old one still uses.
    """

    permits: int
    reservations: int
    left: tuple[tuple[Cap, Decimal], ...]


# Asking


@transaction.atomic
def ask(
    *,
    agreement: Agreement,
    licensee: Licensee,
    takes_effect_on: date,
    reason: str,
    by: User,
    at: datetime,
) -> Transfer:
    """Ask that an agreement pass to another licensee on a day; somebody else approves it.

    The performer and both studios are told. Raises NotTransferable, NoDayForIt, TermsInTheWay,
    four_eyes.NobodyToApprove, and what forbids signing: consents may name the licensees allowed.
    """
    locked = agreements.lock(agreement)
    if not reason.strip():
        raise NotTransferable(_("Say why: whoever approves it reads it."))
    if Transfer.objects.waiting().filter(agreement=locked).exists():
        raise NotTransferable(_("A transfer of this agreement waits already."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=locked.agency_id)
    rule = union_rule(locked, on=local_day(at, locked.time_zone))
    transfer = Transfer(
        agreement=locked,
        licensee=licensee,
        takes_effect_on=takes_effect_on,
        reason=reason.strip(),
        asked_at=at,
        asked_by=by,
    )
    if rule is not None:
        days = int(str(rule.values["answer_days"]))
        transfer.answer_due_on = local_day(at, locked.time_zone) + timedelta(days=days)
        transfer.rule = f"{rule.instrument}, {rule.clause}: {rule.title} ({rule.source})"[:300]
    _refuse_impossible(transfer, at=at)
    refuse_unassignable(transfer, at=at)
    transfer.save(force_insert=True)
    _tell(transfer, at)
    return transfer


def union_rule(agreement: Agreement, *, on: date) -> RuleSet | None:
    """Return the rule that gives the agreement's union days to answer; None if there is none.

    It follows the start of photography; of several productions the latest counts, of none the day.
    """
    if agreement.guild in ("", Guild.NONE):
        return None
    begun = [row.photography_starts_on for row in agreement.productions.all()]
    day = max((one for one in begun if one is not None), default=on)
    rows = RuleSet.objects.on(day).filter(code=RULE, values__guild=agreement.guild)
    rule = rows.order_by("-effective_from").first()
    return rule if rule is not None and rule_of(rule).may_be_relied_on else None


def _refuse_impossible(transfer: Transfer, *, at: datetime) -> None:
    """Refuse a transfer that its agreement, its day or its parties do not allow."""
    old = transfer.agreement
    if old.status != AgreementStatus.SIGNED.value:
        raise NotTransferable(_("Only a signed agreement that was not ended passes on."))
    if transfer.licensee.pk == old.licensee_id:
        raise NotTransferable(_("This studio has the licence already."))
    if not LicenseeTerms.objects.filter(agency=old.agency_id, licensee=transfer.licensee).exists():
        raise NotTransferable(
            _("The agency has no terms with %s yet; add them first.") % transfer.licensee
        )
    _refuse_day(transfer, at=at)
    _refuse_promises(transfer)
    productions_of(transfer)


def _refuse_day(transfer: Transfer, *, at: datetime) -> None:
    old, day = transfer.agreement, transfer.takes_effect_on
    instant = takes_effect_at(transfer)
    if instant <= at:
        raise NoDayForIt(
            _("This day has begun: what was used stays with who used it. Choose another.")
        )
    if instant <= old.starts_at or (old.ends_at is not None and instant >= old.ends_at):
        raise NoDayForIt(_("The agreement does not run on this day."))
    due = transfer.answer_due_on
    if due is not None and day <= due and not transfer.releases:
        raise NoDayForIt(
            _("The union may answer until %(due)s (%(rule)s). Choose a day after that.")
            % {"due": due, "rule": transfer.rule}
        )
    period = period_containing(day, old.rating_period, old.fiscal_year_start_month)
    if period.starts_on != day:
        after = next_period(day, old.rating_period, old.fiscal_year_start_month)
        raise NoDayForIt(
            _(
                "It would cut the period %(period)s, of which each studio owes its own. "
                "Choose %(day)s."
            )
            % {"period": label(period), "day": after.starts_on}
        )


def _refuse_promises(transfer: Transfer) -> None:
    """Refuse where a guarantee's period would be cut, or an advance is due after the day."""
    old, day = transfer.agreement, transfer.takes_effect_on
    for guarantee in old.guarantees.all():
        if guarantee.period == GuaranteePeriod.TERM:
            raise TermsInTheWay(
                _("A guarantee is for the whole term. End it by an amendment, and agree anew.")
            )
        begins = period_containing(day, guarantee.period, old.fiscal_year_start_month).starts_on
        if begins != day:
            raise TermsInTheWay(
                _("The guarantee (%s) would be cut. Choose a day on which its period begins.")
                % guarantee
            )
    if advance := old.advances.filter(due_on__gte=day).order_by("due_on").first():
        raise TermsInTheWay(
            _("“%s” falls due after that day. Take it out by an amendment, and agree anew.")
            % advance
        )


# The new studio's word


def assumption_text(transfer: Transfer) -> str:
    """Return the statement by which the new studio assumes the obligations, in words."""
    old = transfer.agreement
    return ASSUMPTION.format(
        licensee=transfer.licensee.name,
        reference=old.reference,
        agency=old.agency.name,
        old=old.licensee.name,
        twin=old.twin.name,
        effect=f"{transfer.takes_effect_on:%d %B %Y}, 00:00",
        zone=old.time_zone,
    )


def digest_of(text: str) -> str:
    """Return the SHA-256 of a statement's words, as who signs them sends it back."""
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def assume(
    *,
    transfer: Transfer,
    shown: str,
    signatory: str,
    title: str,
    at: datetime,
    api_key: ApiKey | None = None,
    by: User | None = None,
    reason: str = "",
) -> Transfer:
    """Keep that the new studio assumes the obligations: by its key, or on paper `by` vouches for.

    `shown` is the digest of the words that were signed. The same again changes nothing.
    Raises TransferIsDecided, AssumedOtherWords, NotAssumed.
    """
    locked = _locked(transfer.pk)
    text = assumption_text(locked)
    if shown != digest_of(text):
        raise AssumedOtherWords(
            _("The statement reads otherwise now. Read it again, and sign that.")
        )
    if not signatory.strip():
        raise NotAssumed(_("Say who signs for the studio."))
    known = locked.step(TransferStepKind.ASSUMED)
    if known is not None and known.signatory == signatory.strip():
        return locked
    _refuse_decided(locked)
    if known is not None:
        raise TransferIsDecided(_("%s has signed it already.") % known.signatory)
    _add_step(
        locked,
        TransferStepKind.ASSUMED,
        at=at,
        by=by,
        api_key=api_key,
        signatory=signatory.strip(),
        signatory_title=title.strip(),
        text=text,
        reason=reason,
    )
    return _locked(transfer.pk)


@transaction.atomic
def note_union(
    *, transfer: Transfer, approved: bool, by: User, at: datetime, reason: str
) -> Transfer:
    """Keep the union's answer about the new studio's financial responsibility.

    Without its yes the old studio stays liable, whatever it says. Raises TransferIsDecided.
    """
    locked = _locked(transfer.pk)
    _refuse_decided(locked)
    if locked.answer_due_on is None:
        raise TransferIsDecided(_("No rule asks a union about this transfer."))
    if locked.step(TransferStepKind.UNION_APPROVED, TransferStepKind.UNION_REFUSED):
        raise TransferIsDecided(_("The union has answered."))
    kind = TransferStepKind.UNION_APPROVED if approved else TransferStepKind.UNION_REFUSED
    _add_step(locked, kind, at=at, by=by, reason=reason)
    return _locked(transfer.pk)


# Deciding


@transaction.atomic
def approve(*, transfer: Transfer, by: User, at: datetime, reason: str = "") -> Agreement:
    """Let the licence pass, as the second person; return the new studio's agreement.

    All is checked again. Permits that run past the instant end then, and the old agreement too.
    Raises TransferIsDecided, NotAssumed, UnionMayAnswer, four_eyes.FourEyes, and what `ask` raises.
    """
    locked = _locked(transfer.pk)
    _refuse_decided(locked)
    four_eyes.refuse_same_person(by=by, before=[locked.asked_by_id])
    if locked.step(TransferStepKind.ASSUMED) is None:
        raise NotAssumed(_("The new studio has not assumed the obligations in writing yet."))
    answered = locked.step(TransferStepKind.UNION_APPROVED, TransferStepKind.UNION_REFUSED)
    today = local_day(at, locked.agreement.time_zone)
    if locked.answer_due_on is not None and answered is None and today <= locked.answer_due_on:
        raise UnionMayAnswer(
            _("The union may answer until %(due)s. Note its answer, or wait until it has run.")
            % {"due": locked.answer_due_on}
        )
    _refuse_impossible(locked, at=at)
    assigned = assign(locked, at=at, by=by)
    instant = takes_effect_at(locked)
    agreements.end(
        agreement=locked.agreement,
        ends_at=instant,
        at=at,
        by=by,
        reason=_("Passes to %(licensee)s as %(reference)s.")
        % {"licensee": locked.licensee, "reference": assigned.reference},
    )
    _end_permits(locked.agreement, instant, by=by)
    _add_step(locked, TransferStepKind.TRANSFERRED, at=at, by=by, assigned=assigned, reason=reason)
    _tell(_locked(locked.pk), at)
    return assigned


@transaction.atomic
def reject(*, transfer: Transfer, by: User, at: datetime, reason: str) -> Transfer:
    """Reject a transfer, with the reason; who asked for it takes it back so."""
    locked = _locked(transfer.pk)
    _refuse_decided(locked)
    if not reason.strip():
        raise NotTransferable(_("Say why: whoever asked reads it."))
    agency = locked.agreement.agency_id
    four_eyes.refuse_to_reject(
        by=by, asked_by=[locked.asked_by_id], permission=APPROVES, agency_ids=[agency]
    )
    own = locked.asked_by_id == by.pk
    kind = TransferStepKind.TAKEN_BACK if own else TransferStepKind.REJECTED
    _add_step(locked, kind, at=at, by=by, reason=reason)
    return _locked(transfer.pk)


def consequences(transfer: Transfer, *, at: datetime) -> Consequences:
    """Return what a transfer ends and splits, as far as it is known at an instant."""
    instant = takes_effect_at(transfer)
    permits = _running_permits(transfer.agreement, instant)
    return Consequences(
        permits.count(),
        permits.filter(decision__reservation__expires_at__gt=instant).count(),
        tuple(
            (cap, left_of(cap, max(cap.starts_on, transfer.takes_effect_on)))
            for cap in caps_on(transfer.agreement, transfer.takes_effect_on)
        ),
    )


# On the day


def divide_caps(*, at: datetime) -> int:
    """Take off what the old studios used until their transfers' day; return how many transfers.

    What is reported later of before counts against the old agreement's cap alone.
    """
    done = TransferStep.objects.filter(kind=TransferStepKind.TRANSFERRED.value).exclude(
        transfer__steps__kind=TransferStepKind.SETTLED.value
    )
    soon = local_day(at, "UTC") + timedelta(days=1)
    due = done.filter(transfer__takes_effect_on__lte=soon).order_by("pk")
    return sum(_divide(pk, at) for pk in list(due.values_list("transfer", flat=True)))


@transaction.atomic
def _divide(transfer_id: int, at: datetime) -> bool:
    transfer = _locked(transfer_id)
    instant, day = takes_effect_at(transfer), transfer.takes_effect_on
    done = transfer.step(TransferStepKind.TRANSFERRED)
    if instant > at or done is None or transfer.step(TransferStepKind.SETTLED):
        return False
    held = Permit.objects.filter(
        decision__agreement=transfer.agreement, revocation__revoked_at=instant
    )
    # As of the instant, so that uses of before that are reported later still draw on them.
    release_units(decision_ids=list(held.values_list("pk", flat=True)), at=instant)
    rest = {
        (cap.meter, tuple(cap.channels or ()), cap.hard): cap
        for cap in done.assigned.caps.filter(starts_on=day)
    }
    for cap in caps_on(transfer.agreement, day):
        own = rest.get((cap.meter, tuple(cap.channels or ()), cap.hard))
        if own is not None and cap.starts_on < day and cap.year_of(day).starts_on < day:
            own.limit = max(left_of(cap, day), LEAST_UNIT)
            own.save(update_fields=["limit"])
    _add_step(transfer, TransferStepKind.SETTLED, at=at)
    return True


def _running_permits(agreement: Agreement, instant: datetime) -> Any:
    return Permit.objects.filter(
        decision__agreement=agreement.pk, expires_at__gt=instant, revocation=None
    )


def _end_permits(agreement: Agreement, instant: datetime, *, by: User | None) -> None:
    """Take back, as of the instant, what was signed for after it; it holds its units till then."""
    PermitRevocation.objects.bulk_create(
        PermitRevocation(permit=permit, revoked_at=instant, revoked_by=by, reason=REVOKED)
        for permit in _running_permits(agreement, instant).order_by("pk")
    )


# Telling


def _tell(transfer: Transfer, at: datetime) -> None:
    """Write to both studios, and to the performers of the twin, what was asked or has been done."""
    old = transfer.agreement
    done = transfer.state is TransferState.TRANSFERRED
    told = {
        "agreement": old.reference,
        "old": old.licensee.name,
        "new": transfer.licensee.name,
        "day": transfer.takes_effect_on,
        "twin": old.twin.name,
    }
    if done:
        subject = _("Licence %(agreement)s passes to %(new)s") % told
        body = (
            _(
                "Agreement %(agreement)s about %(twin)s passes from %(old)s to %(new)s on "
                "%(day)s. Uses before that day stay with %(old)s, with what is owed for them. "
                "Permits that run on end then; %(new)s asks for its own."
            )
            % told
        )
    else:
        subject = _("Licence %(agreement)s is to pass to %(new)s") % told
        body = (
            _(
                "%(old)s and the agency ask that agreement %(agreement)s about %(twin)s pass to "
                "%(new)s on %(day)s. Nothing changes before %(new)s has assumed the obligations "
                "in writing and a second person has approved it. Write to the agency if you "
                "object."
            )
            % told
        )
    for address in sorted(set(_addresses(transfer))):
        outbox.post(recipient=address, subject=subject, body=body, at=at)


def _addresses(transfer: Transfer) -> Iterator[str]:
    old = transfer.agreement
    licensees: Sequence[Licensee] = (old.licensee, transfer.licensee)
    terms = LicenseeTerms.objects.filter(agency=old.agency_id, licensee__in=licensees)
    contacts: Mapping[int, str] = dict(terms.values_list("licensee_id", "contact"))
    for licensee in licensees:
        yield from _known([address_in(contacts.get(licensee.pk, "")) or licensee.billing_email])
    performer = old.twin.performer
    people = [performer] if performer else [one.performer for one in old.twin.sources.all()]
    yield from _known(person.user.email for person in people if person.user is not None)


def _known(addresses: Iterable[str]) -> Iterator[str]:
    return (address for address in addresses if address)


def _locked(transfer_id: int) -> Transfer:
    """Return a transfer under the lock of its agreement, which everybody takes who changes it."""
    agreement = agreements.lock(Agreement.objects.get(transfers=transfer_id))
    rows = Transfer.objects.select_related("agreement__agency", "agreement__twin", "licensee")
    transfer: Transfer = rows.prefetch_related("steps__assigned").get(pk=transfer_id)
    transfer.agreement = agreement
    return transfer


def _refuse_decided(transfer: Transfer) -> None:
    if transfer.state not in (TransferState.ASKED, TransferState.ASSUMED):
        raise TransferIsDecided(
            _("%(transfer)s is decided: %(state)s.")
            % {"transfer": transfer, "state": transfer.state.label.lower()}
        )


def _add_step(transfer: Transfer, kind: TransferStepKind, **told: Any) -> None:
    told["reason"] = told.get("reason", "").strip()[:500]
    TransferStep.objects.create(transfer=transfer, kind=kind.value, **told)
