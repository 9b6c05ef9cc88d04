"""Gathered: all of an agreement that its document says, read once, and what the deal is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain

from django.db.models import Q

from licensing.agreements import agreements
from licensing.agreements.clauses.clause_library import Deal
from licensing.models import (
    Advance,
    Agreement,
    Cap,
    DealTerms,
    Grant,
    Guarantee,
    LicenseeTerms,
    Multiplier,
    Production,
    RateCard,
)
from licensing.words import ContributionPlan, Exclusivity, Factor, Situation
from talent.models import CompositeSource, Delegation, Performer, Representation
from talent.periods import local_day
from talent.words import DelegateKind, Guild, LegalClass, Life, RepresentedBy, Stance, Use

EXCLUSIVITY = {
    Exclusivity.NONE: Situation.NOT_EXCLUSIVE,
    Exclusivity.CATEGORY: Situation.EXCLUSIVE_CATEGORY,
    Exclusivity.FULL: Situation.EXCLUSIVE,
}
REPRESENTED = {
    RepresentedBy.COUNSEL: Situation.COUNSEL,
    RepresentedBy.UNION: Situation.UNION,
    RepresentedBy.NONE: Situation.NOBODY,
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """The terms of an agreement. `deal` is None where nobody has entered any yet."""

    agreement: Agreement
    deal: DealTerms | None
    licensee_terms: LicenseeTerms | None
    grants: tuple[Grant, ...]
    cards: tuple[RateCard, ...]
    caps: tuple[Cap, ...]
    guarantees: tuple[Guarantee, ...]
    advances: tuple[Advance, ...]
    productions: tuple[Production, ...]
    sources: tuple[CompositeSource, ...]
    delegations: tuple[Delegation, ...]
    representations: tuple[Representation, ...]
    asks: tuple[Grant, ...]

    @property
    def performer(self) -> Performer | None:
        performer: Performer | None = self.agreement.twin.performer
        return performer

    @property
    def locale(self) -> str:
        return "en-US" if self.paper == "Letter" else "en-GB"

    @property
    def paper(self) -> str:
        return self.agreement.agency.paper_format

    @property
    def starts_on(self) -> date:
        return local_day(self.agreement.starts_at, self.agreement.time_zone)

    def delegate(self, kind: DelegateKind) -> Delegation | None:
        """Return who acts for the performer in a capacity, the earliest first."""
        return next((row for row in self.delegations if row.kind == kind), None)

    def multipliers(self) -> Iterator[Multiplier]:
        return chain.from_iterable(card.multipliers.all() for card in self.cards)

    def real_time_factors(self) -> set[Decimal]:
        return {
            row.factor
            for row in self.multipliers()
            if row.dimension == Factor.REAL_TIME and row.value == "yes"
        }


def gather(agreement: Agreement, *, at: datetime) -> Gathered:
    """Read all that the document of an agreement says, in a fixed number of queries."""
    row = Agreement.objects.select_related(
        "agency", "licensee", "twin__performer", "twin__agency"
    ).get(pk=agreement.pk)
    grants = list(row.grants.order_by("right", "use"))
    deal = DealTerms.objects.select_related("held_by").filter(agreement=row).first()
    performer, signed = row.twin.performer_id, row.signed_at or at
    today = local_day(signed, row.time_zone)
    running = Q(ends_on=None) | Q(ends_on__gt=today)
    return Gathered(
        agreement=row,
        deal=deal,
        licensee_terms=LicenseeTerms.objects.filter(
            agency=row.agency_id, licensee=row.licensee_id
        ).first(),
        grants=tuple(grants),
        cards=tuple(
            RateCard.objects.agreed()
            .filter(agreement=row)
            .prefetch_related("lines__brackets", "multipliers", "escalators__index")
            .order_by("effective_from")
        ),
        caps=tuple(Cap.objects.filter(agreement=row).order_by("meter", "starts_on", "pk")),
        guarantees=tuple(row.guarantees.order_by("starts_on", "pk")),
        advances=tuple(row.advances.order_by("due_on", "pk")),
        productions=tuple(row.productions.order_by("title", "pk")),
        sources=tuple(
            CompositeSource.objects.on(today)
            .filter(twin=row.twin_id)
            .select_related("performer")
            .order_by("performer__name", "pk")
        ),
        delegations=tuple(
            Delegation.objects.filter(running, performer=performer)
            .select_related("user")
            .order_by("starts_on", "pk")
        )
        if performer
        else (),
        representations=tuple(
            Representation.objects.on(today)
            .filter(Q(performer=performer) | Q(performer__composite_sources__twin=row.twin_id))
            .filter(agency=row.agency_id)
            .select_related("performer")
            .distinct()
            .order_by("performer__name", "pk")
        ),
        asks=_asks(row, grants, at),
    )


def _asks(agreement: Agreement, grants: list[Grant], at: datetime) -> tuple[Grant, ...]:
    """Return the grants for which somebody's consent asks for an approval each time."""
    if not grants:
        return ()
    asking = {
        grant.pk
        for grant, _name, cell in agreements.consents_to(agreement, grants, at=at)
        if cell.stance is Stance.ASK
    }
    return tuple(grant for grant in grants if grant.pk in asking)


def deal_of(gathered: Gathered) -> Deal | None:
    """Return what of the terms decides which clauses apply; None where the kind is not chosen."""
    deal, agreement = gathered.deal, gathered.agreement
    if deal is None:
        return None
    performer = gathered.performer
    return Deal(
        kind=deal.kind,
        tier=agreement.twin.tier,
        legal_class=agreement.twin.legal_class,
        guild=agreement.guild,
        law=deal.governing_law,
        uses=frozenset(grant.use for grant in gathered.grants),
        lives=frozenset([performer.life] if performer else []),
        situations=frozenset(one.value for one, holds in _situations(gathered, deal) if holds),
    )


def _situations(gathered: Gathered, deal: DealTerms) -> Iterator[tuple[Situation, bool]]:
    yield EXCLUSIVITY[Exclusivity(deal.exclusivity)], True
    yield REPRESENTED[RepresentedBy(deal.represented_by)], True
    yield from _of_grants(gathered)
    yield from _of_money(gathered, deal)
    yield from _of_terms(gathered, deal)


def _of_grants(gathered: Gathered) -> Iterator[tuple[Situation, bool]]:
    grants = gathered.grants
    real_time = any(grant.real_time for grant in grants)
    trains = any(grant.use == Use.TRAINING for grant in grants)
    yield Situation.REAL_TIME, real_time
    yield Situation.NOT_REAL_TIME, not real_time
    yield Situation.TRAINS, trains
    yield Situation.NEVER_TRAINS, not trains
    yield Situation.ASKS, bool(gathered.asks)
    yield Situation.EXCLUDES, any(grant.exclusions for grant in grants)
    yield Situation.CAPPED, bool(gathered.caps)
    yield Situation.UNCAPPED, not gathered.caps
    yield Situation.SOME_PRODUCTIONS, bool(gathered.productions)
    yield Situation.ANY_PRODUCTION, not gathered.productions


def _of_money(gathered: Gathered, deal: DealTerms) -> Iterator[tuple[Situation, bool]]:
    agreement = gathered.agreement
    yield Situation.ADVANCES, bool(gathered.advances)
    yield Situation.GUARANTEES, bool(gathered.guarantees)
    yield Situation.RESERVE, bool(agreement.reserve_percent)
    yield Situation.ESCALATES, any(list(card.escalators.all()) for card in gathered.cards)
    yield Situation.CONTRIBUTIONS, agreement.contribution_plan != ContributionPlan.NONE
    yield Situation.RECOUPS_TOGETHER, bool(agreement.recoups_with)
    yield Situation.COMMISSION, any(row.commission_percent for row in gathered.representations)
    yield Situation.AUDIT, deal.audit_notice_days is not None
    yield Situation.SHORTFALL, deal.audit_shortfall_percent is not None
    yield Situation.LATE_INTEREST, deal.late_interest_percent is not None
    yield Situation.TRUST, is_minor(gathered)


def _of_terms(gathered: Gathered, deal: DealTerms) -> Iterator[tuple[Situation, bool]]:
    agreement = gathered.agreement
    yield Situation.CAPTURES, bool(deal.captures)
    yield Situation.LABELLED, deal.ai_label
    yield Situation.CREDITED, bool(deal.credit)
    yield Situation.REMOVAL, deal.removal_right
    yield Situation.NO_REMOVAL, not deal.removal_right
    yield Situation.CONFIDENTIAL, deal.confidential_years is not None
    yield Situation.COURT, bool(deal.court_approval)
    yield Situation.ENDS, agreement.ends_at is not None
    yield Situation.OPEN_ENDED, agreement.ends_at is None
    yield Situation.RENEWAL, deal.renewal_notice_days is not None
    yield Situation.TRANSFER, True
    yield Situation.SOURCES, bool(gathered.sources)
    yield Situation.UNION_TOLD, agreement.twin.legal_class == LegalClass.SYNTHETIC


def is_minor(gathered: Gathered) -> bool:
    """Tell whether the performer is a minor, for whom a part of the pay is set aside."""
    return gathered.performer is not None and gathered.performer.life == Life.MINOR


def has_guild(gathered: Gathered) -> bool:
    return bool(gathered.agreement.guild != Guild.NONE)
