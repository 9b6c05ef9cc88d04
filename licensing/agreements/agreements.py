"""Agreements: drafting, signing and ending a licence. Each leaves a step that says who and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from licensing.decision.case import case_of
from licensing.decision.request import Contributor, Request, request_about
from licensing.facts.facts import codes_in, facts_for, grant_facts
from licensing.models import (
    Agreement,
    AgreementStep,
    Grant,
    Licensee,
    LicenseeTerms,
    RateCard,
    RateLine,
    UsageSum,
)
from licensing.wire.names import Prefix, name_of
from licensing.words import AgreementStatus, AgreementStepKind
from talent.consent.bounds import GrantSought, excesses
from talent.consent.matrix import CellKey, CombinedCell
from talent.consent.scope import Scope
from talent.errors import Refused
from talent.locales import currency_of
from talent.models import Agency, DigitalTwin, User
from talent.words import Guild

from .commissions import fix_commissions
from .counted_caps import begin_to_count
from .grounds import Grounds, refuse_groundless
from .kept_items import follow
from .money_terms import refuse_unsound
from .rates.escalators import refuse_unsteady
from .rates.rate_cards import refuse_incomplete
from .rates.rate_lines import Alternative, refuse_equal
from .rates.specimens import refuse_unpriceable


class NotADraft(Refused):
    """Only a draft can be signed."""

    code = "not_a_draft"


class NotSigned(Refused):
    """Only a signed agreement can be ended."""

    code = "not_signed"


class EndsOutsideItsTerm(Refused):
    """An agreement ends after it starts, and not later than it would have anyway."""

    code = "ends_outside_its_term"


class GrantsNothing(Refused):
    """An agreement without a grant licenses nothing."""

    code = "grants_nothing"


@dataclass(frozen=True, slots=True)
class Excess:
    """A grant that is more than a contributor's consent, and why."""

    right: str
    use: str
    contributor: str
    reason: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.contributor})"


class GrantsExceedConsent(Refused):
    """The grants are more than the consent in force. `excesses` says which grants and why."""

    code = "grants_exceed_consent"

    def __init__(self, excesses: Sequence[Excess]):
        self.excesses = tuple(excesses)
        super().__init__(" ".join(str(excess) for excess in excesses))


@transaction.atomic
def draft(
    *,
    agency: Agency,
    licensee: Licensee,
    twin: DigitalTwin,
    reference: str,
    currency: str,
    starts_at: datetime,
    ends_at: datetime | None,
    at: datetime,
    by: User | None,
    **terms: Any,
) -> Agreement:
    """Draft an agreement; `terms` are further fields of it. `currency` is ISO 4217."""
    agreement = Agreement(
        agency=agency,
        licensee=licensee,
        twin=twin,
        reference=reference,
        currency=currency,
        starts_at=starts_at,
        ends_at=ends_at,
        **terms,
    )
    agreement.save(force_insert=True)
    _step(agreement, AgreementStepKind.DRAFTED, at=at, by=by)
    return agreement


def was_used(agreement: Agreement) -> bool:
    """Tell whether uses were reported under an agreement, and added up by its zone's months."""
    return UsageSum.objects.filter(agreement=agreement.pk).exists()


def taken_over(*, agency: Agency, twin: DigitalTwin) -> dict[str, str]:
    """Return what a new agreement takes from its agency and from the twin's performer."""
    return {
        "currency": currency_of(agency.country) or "",
        "time_zone": agency.time_zone,
        "guild": twin.performer.guild if twin.performer else Guild.NONE.value,
    }


@transaction.atomic
def sign(
    *, agreement: Agreement, grounds: Grounds, at: datetime, by: User | None, reason: str = ""
) -> Agreement:
    """Put a draft in force, by what was signed and what the rules said of it.

    From now on it licenses and charges; nothing else puts an agreement in force. Raises NotADraft,
    NothingWasSigned, NotChecked, and what `refuse_unsignable` raises.
    """
    locked = lock(agreement)
    if locked.status != AgreementStatus.DRAFT:
        raise NotADraft(f"{locked.reference} is {locked.status}; only a draft can be signed.")
    refuse_groundless(locked, grounds, at=at)
    refuse_unsignable(locked, at=at)
    locked.status, locked.signed_at = AgreementStatus.SIGNED.value, at
    locked.signed_elsewhere_on = grounds.signed_elsewhere_on
    locked.save(update_fields=["status", "signed_at", "signed_elsewhere_on"])
    begin_to_count(list(locked.caps.values_list("pk", flat=True)), at=at)
    fix_commissions(locked, at=at)
    follow(locked, at=at, by=by)
    _step(locked, AgreementStepKind.SIGNED, at=at, by=by, reason=reason)
    return locked


@transaction.atomic
def end(
    *, agreement: Agreement, ends_at: datetime, at: datetime, by: User | None, reason: str
) -> Agreement:
    """End a signed agreement at an instant of its term; what was used before stays licensed.

    Raises NotSigned and EndsOutsideItsTerm.
    """
    locked = lock(agreement)
    if locked.status != AgreementStatus.SIGNED:
        raise NotSigned(f"{locked.reference} is {locked.status}; only a signed one can be ended.")
    if ends_at <= locked.starts_at or (locked.ends_at and ends_at > locked.ends_at):
        raise EndsOutsideItsTerm(f"{locked.reference} can't end on {ends_at.date()}.")
    locked.status, locked.ends_at = AgreementStatus.ENDED.value, ends_at
    locked.save(update_fields=["status", "ends_at"])
    _step(locked, AgreementStepKind.ENDED, at=at, by=by, reason=reason)
    follow(locked, at=at, by=by)
    return locked


def refuse_unsignable(agreement: Agreement, *, at: datetime) -> None:
    """Raise what forbids signing an agreement at an instant; return if nothing does.

    Raises GrantsNothing; GrantsExceedConsent for grants that are more than the consent in force
    then; CardIncomplete for rates that price nothing; EqualRateLines for rate lines that leave open
    which of them rates a use; and MoneyTermsUnsound or GroupDoesNotFit for guarantees, advances and
    groups that cannot be computed.
    """
    grants = list(agreement.grants.order_by("pk"))
    if not grants:
        raise GrantsNothing(f"{agreement.reference} grants nothing yet; add a grant first.")
    refuse_excess(agreement, grants, at=at)
    cards = RateCard.objects.filter(agreement=agreement).order_by("effective_from")
    for card in cards.prefetch_related(
        "lines__brackets", "multipliers", "escalators__index__figures"
    ):
        refuse_unclear(card)
    refuse_unsound(agreement)


def refuse_excess(agreement: Agreement, grants: Sequence[Grant], *, at: datetime) -> None:
    """Raise GrantsExceedConsent for grants that are more than the consent in force."""
    excesses = _excesses(agreement, grants, at)
    if excesses:
        raise GrantsExceedConsent(excesses)


def _excesses(agreement: Agreement, grants: Sequence[Grant], at: datetime) -> list[Excess]:
    """Return how the grants exceed the consent in force; an empty list where they don't.

    Takes a fixed number of queries.
    """
    asked = [(grant.right, grant.use) for grant in grants]
    consents = consents_about(agreement, asked, at=at)
    return [
        excess
        for grant, consent in zip(grants, consents, strict=True)
        for excess in _excesses_of_grant(grant, agreement, consent)
    ]


Consent = tuple[Contributor, CombinedCell]


def consents_about(
    agreement: Agreement, keys: Sequence[CellKey], *, at: datetime
) -> list[tuple[Consent, ...]]:
    """Return what each contributor's consents in force say of some cells, for an agreement.

    In the order of the cells; an empty tuple: nobody's consent counts. Takes a fixed number of
    queries.
    """
    requests = [_request(agreement, key, at) for key in keys]
    terms = LicenseeTerms(agency_id=agreement.agency_id, licensee_id=agreement.licensee_id)
    facts = facts_for(requests, terms=terms, known_at=at)
    return [
        case_of(request, about, at, at).cells
        for request, about in zip(requests, facts, strict=True)
    ]


def consents_to(
    agreement: Agreement, grants: Sequence[Grant], *, at: datetime
) -> list[tuple[Grant, str, CombinedCell]]:
    """Return each grant with who contributes and what their consent in force says about it.

    Takes a fixed number of queries.
    """
    asked = [(grant.right, grant.use) for grant in grants]
    return [
        (grant, contributor.name, cell)
        for grant, consent in zip(grants, consents_about(agreement, asked, at=at), strict=True)
        for contributor, cell in consent
    ]


def _excesses_of_grant(
    grant: Grant, agreement: Agreement, consent: Sequence[Consent]
) -> list[Excess]:
    if not consent:
        reason = "Nobody whose consent counts is on record for this twin."
        return [Excess(grant.right, grant.use, "nobody", reason)]
    sought = GrantSought(grant.right, grant.use, _scope_of(grant, agreement))
    return [
        Excess(grant.right, grant.use, contributor.name, reason)
        for contributor, cell in consent
        for reason in excesses(sought, cell)
    ]


def _scope_of(grant: Grant, agreement: Agreement) -> Scope:
    """Return all that a grant claims: its own bounds, with the agreement's parties and term."""
    facts = grant_facts(grant)
    return Scope(
        territories=facts.territories,
        territories_excluded=facts.territories_excluded,
        languages=facts.languages,
        languages_in=facts.languages_in,
        channels_allowed=facts.channels,
        brands_allowed=facts.brands,
        exclusions=facts.exclusions,
        real_time=facts.real_time,
        **claimed_by(agreement),
    )


def claimed_by(agreement: Agreement) -> dict[str, Any]:
    """Return the fields of a scope that an agreement claims for each grant: parties and term."""
    productions = [name_of(Prefix.PRODUCTION, row.pk) for row in agreement.productions.all()]
    return {
        "productions_allowed": frozenset(productions) or None,
        "licensees_allowed": frozenset([agreement.licensee.slug]),
        "valid_from": agreement.starts_at,
        "valid_to": agreement.ends_at,
    }


def _request(agreement: Agreement, key: CellKey, at: datetime) -> Request:
    right, use = key
    return request_about(
        twin=agreement.twin_id,
        agreement=agreement.pk,
        right=right,
        use=use,
        licensee=agreement.licensee.slug,
        at=at,
    )


def refuse_unclear(card: RateCard) -> None:
    """Raise CardIncomplete for a card that prices nothing somewhere, or cannot be priced.

    Raises EqualRateLines for lines that leave open which of them rates a use.
    """
    refuse_incomplete(card)
    refuse_unpriceable(card)
    refuse_unsteady(card)
    refuse_equal(_alternative(line) for line in card.lines.all())


def _alternative(line: RateLine) -> Alternative:
    return Alternative(
        code=line.code,
        charge_group=line.charge_group,
        unlicensed=line.unlicensed,
        rights=codes_in(line.rights),
        uses=codes_in(line.uses),
        territories=codes_in(line.territories),
        languages=codes_in(line.languages),
        channels=codes_in(line.channels),
        prompt_classes=codes_in(line.prompt_classes),
        production=None if line.production_id is None else str(line.production_id),
    )


def lock(agreement: Agreement) -> Agreement:
    """Lock an agreement, so that nobody signs, ends or amends it between a check and its write."""
    rows = Agreement.objects.select_for_update(of=("self",), no_key=True).select_related("licensee")
    locked: Agreement = rows.get(pk=agreement.pk)
    return locked


def _step(
    agreement: Agreement,
    kind: AgreementStepKind,
    *,
    at: datetime,
    by: User | None,
    reason: str = "",
) -> None:
    AgreementStep.objects.create(agreement=agreement, kind=kind.value, at=at, by=by, reason=reason)
