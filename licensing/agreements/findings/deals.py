"""Deals as rules see them: the facts of agreements, gathered in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import prefetch_related_objects

from licensing.agreements.checks.deal_facts import (
    Days,
    DealFacts,
    Granted,
    Limit,
    Person,
    Price,
    Stated,
)
from licensing.agreements.rates.line_floors import least_price
from licensing.models import (
    Agreement,
    DealTerms,
    Grant,
    Production,
    RateLine,
    SignedCommission,
)
from licensing.words import (
    CapturedKind,
    Channel,
    ContributionPlan,
    DealKind,
    Engagement,
    Exclusivity,
    Meter,
    Pricing,
    ProductionKind,
    RetentionEnds,
    StatedFact,
    Trigger,
)
from talent.models import Delegation, EstateShare, Performer, Representation
from talent.periods import local_day
from talent.words import (
    CaptureMethod,
    DelegateKind,
    Exclusion,
    Guild,
    LegalClass,
    Life,
    Power,
    RepresentedBy,
    Right,
    Tier,
    Use,
)

OfAPerformer = TypeVar("OfAPerformer", Delegation, EstateShare, Representation)

PARTS = (
    "agency", "licensee", "twin__performer", "twin__sources__performer", "productions", "grants",
    "rate_cards__lines__brackets", "rate_cards__lines__production", "rate_cards__multipliers",
    "caps", "deal", "stated_facts", "guarantees", "commissions",
)  # fmt: skip


def facts_of(agreements: Sequence[Agreement], *, at: datetime) -> dict[int, DealFacts]:
    """Return the facts of agreements as they stand at an instant, by their ids."""
    prefetch_related_objects(agreements, *PARTS)
    people = _People(agreements, at)
    return {agreement.pk: _facts(agreement, people, at) for agreement in agreements}


def _facts(agreement: Agreement, people: "_People", at: datetime) -> DealFacts:
    zone = agreement.time_zone
    starts_on = local_day(agreement.starts_at, zone)
    ends_on = (
        local_day(agreement.ends_at, zone) - timedelta(days=1)
        if agreement.ends_at is not None
        else None
    )
    twin = agreement.twin
    productions = sorted(agreement.productions.all(), key=lambda one: one.pk)
    kinds = frozenset(ProductionKind(one.kind) for one in productions)
    persons = people.of(agreement)
    today = local_day(at, zone)
    return DealFacts(
        today=today,
        signed=agreement.signed_at is not None,
        starts_on=starts_on,
        ends_on=None if ends_on is None else max(ends_on, starts_on),
        currency=agreement.currency,
        tier=Tier(twin.tier),
        legal_class=LegalClass(twin.legal_class),
        guild=Guild(agreement.guild),
        engagement=Engagement(agreement.engagement),
        days=_days(agreement, productions, persons, today, starts_on, ends_on),
        agency_country=agreement.agency.country,
        licensee_country=agreement.licensee.country,
        persons=persons,
        capture_method=CaptureMethod(twin.capture_method) if twin.capture_method else None,
        union_told_on=twin.union_notice_on,
        description=agreement.description,
        productions=tuple(one.title for one in productions),
        production_kinds=kinds,
        grants=tuple(_grant(row) for row in sorted(agreement.grants.all(), key=lambda g: g.pk)),
        prices=tuple(_prices(agreement, kinds)),
        caps=tuple(Limit(meter=Meter(c.meter), amount=c.limit, hard=c.hard)
                   for c in sorted(agreement.caps.all(), key=lambda c: c.pk)),
        contributions=ContributionPlan(agreement.contribution_plan),
        guaranteed=sum((row.amount for row in agreement.guarantees.all()), Decimal(0)),
        stated={
            StatedFact(row.fact): Stated(row.holds, row.on, row.evidence)
            for row in agreement.stated_facts.all()
        },
        **_terms(getattr(agreement, "deal", None)),
    )  # fmt: skip


def _terms(deal: DealTerms | None) -> dict[str, Any]:
    """Return what the terms beside grants, rates and caps say; nothing where there are none."""
    if deal is None:
        return {}
    return {
        "kind": DealKind(deal.kind),
        "governing_law": deal.governing_law,
        "exclusivity": Exclusivity(deal.exclusivity),
        "ai_label": deal.ai_label,
        "represented_by": RepresentedBy(deal.represented_by),
        "counsel": deal.counsel_name,
        "court_approval": deal.court_approval,
        "captures": frozenset(CapturedKind(code) for code in deal.captures),
        "capture_boundary": deal.capture_boundary,
        "capture_reason": deal.capture_reason,
        "capture_notice_hours": deal.capture_notice_hours,
        "retention_ends": RetentionEnds(deal.retention_ends),
        "retention_days": deal.retention_days,
        "usage_report_days": deal.usage_report_days,
        "removal_right": deal.removal_right,
    }


def _days(
    agreement: Agreement,
    productions: Iterable[Production],
    persons: Iterable[Person],
    today: date,
    starts_on: date,
    ends_on: date | None,
) -> dict[Trigger, Days]:
    """Return the days of the facts that select rules.

    New performances, payments and showings happen on any day of the term. Of several photographies
    the latest counts, as floors count it. A draft is taken to be signed today.
    """
    signed_on = agreement.signed_on or today
    term = Days(starts_on, None if ends_on is None else max(ends_on, starts_on))
    days = {
        Trigger.AGREEMENT: Days.of(signed_on),
        Trigger.FIXATION: term,
        Trigger.PAYMENT: term,
        Trigger.DISTRIBUTION: term,
        Trigger.CAPTURE: term,
    }
    begun = [one.photography_starts_on for one in productions if one.photography_starts_on]
    if begun:
        days[Trigger.PHOTOGRAPHY] = Days.of(max(begun))
    if agreement.twin.captured_on is not None:
        days[Trigger.CAPTURE] = Days.of(agreement.twin.captured_on)
    died = [person.died_on for person in persons if person.died_on is not None]
    if died:
        days[Trigger.DEATH] = Days(min(died), max(died))
    return days


def _grant(row: Grant) -> Granted:
    return Granted(
        right=Right(row.right),
        use=Use(row.use),
        territories=_all_or_these(row.territories),
        territories_excluded=frozenset(row.territories_excluded),
        languages=_all_or_these(row.languages),
        channels=None if row.channels is None else frozenset(map(Channel, row.channels)),
        brands=_all_or_these(row.brands),
        exclusions=frozenset(map(Exclusion, row.exclusions)),
        real_time=row.real_time,
    )


def _all_or_these(tags: list[str] | None) -> frozenset[str] | None:
    return None if tags is None else frozenset(tags)


def _prices(agreement: Agreement, kinds: frozenset[ProductionKind]) -> Iterable[Price]:
    """Yield the lines of the rates that are agreed; use outside the licence has no floor."""
    for card in agreement.rate_cards.all():
        card.agreement = agreement
        if card.proposed:
            continue
        for line in sorted(card.lines.all(), key=lambda one: one.pk):
            if not line.unlicensed:
                line.card = card
                yield _price(line, kinds)


def _price(line: RateLine, kinds: frozenset[ProductionKind]) -> Price:
    return Price(
        label=line.label,
        meter=Meter(line.meter),
        pricing=Pricing(line.pricing),
        unit=least_price(line, real_time=False),
        unit_in_real_time=least_price(line, real_time=True),
        minimum=line.minimum,
        scale_portion=line.scale_portion,
        channels=None if line.channels is None else frozenset(map(Channel, line.channels)),
        production_kinds=(
            frozenset([ProductionKind(line.production.kind)]) if line.production else kinds
        ),
    )


class _People:
    """Who the twins of some agreements are made of, and who acts for them at an instant."""

    def __init__(self, agreements: Sequence[Agreement], at: datetime):
        self.at = at
        self.performers = {agreement.pk: _performers(agreement) for agreement in agreements}
        ids = {person.pk for persons in self.performers.values() for person in persons}
        self.delegations: Mapping[int, list[Delegation]] = _by_performer(
            Delegation.objects.filter(performer__in=ids).select_related("user").order_by("pk")
        )
        self.heirs: Mapping[int, list[EstateShare]] = _by_performer(
            EstateShare.objects.filter(performer__in=ids)
            .select_related("beneficiary")
            .order_by("pk")
        )
        self.representations: Mapping[int, list[Representation]] = _by_performer(
            Representation.objects.filter(performer__in=ids).order_by("starts_on")
        )

    def of(self, agreement: Agreement) -> tuple[Person, ...]:
        on = agreement.signed_on or local_day(self.at, agreement.time_zone)
        fixed = {row.performer_id: row for row in agreement.commissions.all()}
        return tuple(
            self._person(one, agreement, on, fixed.get(one.pk))
            for one in self.performers[agreement.pk]
        )

    def _person(
        self, performer: Performer, agreement: Agreement, on: date, fixed: SignedCommission | None
    ) -> Person:
        acting = [row for row in self.delegations.get(performer.pk, []) if _holds(row, on)]
        represented = [
            row
            for row in self.representations.get(performer.pk, [])
            if row.agency_id == agreement.agency_id and _holds(row, on)
        ]
        term = represented[-1] if represented else None
        percent = term.commission_percent if term is not None else None
        percent = fixed.percent if fixed is not None else percent
        return Person(
            name=performer.name,
            life=Life(performer.life),
            born_on=performer.born_on,
            died_on=performer.died_on,
            domicile=performer.domicile,
            guild=Guild(performer.guild),
            guardians=tuple(
                str(row.user)
                for row in acting
                if row.kind == DelegateKind.GUARDIAN and _decides(row)
            ),
            estate=tuple(str(row.user) for row in acting if row.kind == DelegateKind.ESTATE),
            successors=tuple(row.beneficiary.name for row in self.heirs.get(performer.pk, [])),
            commission_percent=percent,
            represented_from=term.starts_on if term else None,
            represented_to=term.ends_on if term else None,
        )


def _performers(agreement: Agreement) -> list[Performer]:
    twin = agreement.twin
    if twin.performer is not None:
        return [twin.performer]
    on = local_day(agreement.starts_at, agreement.time_zone)
    counted = [
        row
        for row in twin.sources.all()
        if (row.starts_on is None or row.starts_on <= on)
        and (row.ends_on is None or on < row.ends_on)
    ]
    return [row.performer for row in sorted(counted, key=lambda one: one.pk)]


def _decides(row: Delegation) -> bool:
    return Power.DECIDE.value in row.powers


def _holds(row: Delegation | Representation, on: date) -> bool:
    return row.starts_on <= on and (row.ends_on is None or on < row.ends_on)


def _by_performer(rows: Iterable[OfAPerformer]) -> dict[int, list[OfAPerformer]]:
    grouped: dict[int, list[OfAPerformer]] = defaultdict(list)
    for row in rows:
        grouped[row.performer_id].append(row)
    return grouped
