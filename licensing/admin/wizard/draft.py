"""A draft as one request reads it: loaded once, with what its pages need, in a fixed number of
queries."""

from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.http import HttpRequest

from licensing.agreements import document
from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.findings import findings
from licensing.agreements.rates import line_floors
from licensing.agreements.rules.rulebook import Rule
from licensing.agreements.wizard import drafting, offered, priced, standing
from licensing.agreements.wizard.kinds import KindOfDeal
from licensing.models import Agreement, Cap, DealTerms, Grant, RateCard
from licensing.words import Factor
from talent.admin.as_read import locale_of_reader
from talent.consent import party_names
from talent.consent.sentences import Names, word_list

PARTS = (
    "productions", "grants", "rate_cards__lines__brackets", "rate_cards__multipliers", "caps",
)  # fmt: skip


class Draft:
    """A draft agreement with all that the wizard's pages say of it."""

    def __init__(self, agreement: Agreement, request: HttpRequest, at: datetime) -> None:
        self.request, self.at = request, at
        rows = Agreement.objects.select_related(
            "agency", "licensee", "twin__performer", "deal__held_by"
        )
        self.agreement: Agreement = rows.prefetch_related(*PARTS).get(pk=agreement.pk)
        self.locale = locale_of_reader()

    @property
    def deal(self) -> DealTerms | None:
        return getattr(self.agreement, "deal", None)

    @property
    def kind(self) -> KindOfDeal | None:
        return drafting.kind_of(self.agreement)

    @cached_property
    def offers(self) -> offered.Offers:
        return offered.offers_to(self.agreement, at=self.at)

    @cached_property
    def names(self) -> Names:
        return party_names.names_in(one.cell.scope for one in self.offers.values())

    @cached_property
    def meters(self) -> list[priced.PricedMeter]:
        """What may be priced here; nothing where the rates change over time."""
        return [] if self.several_cards else priced.meters_of(self.agreement, self.kind)

    @cached_property
    def rules(self) -> list[Rule]:
        return line_floors.floor_rules()

    @property
    def card(self) -> RateCard | None:
        return None if self.several_cards else drafting.card_of(self.agreement)

    @property
    def several_cards(self) -> bool:
        return len(self.agreement.rate_cards.all()) > 1

    @property
    def grants(self) -> list[Grant]:
        return list(self.agreement.grants.all())

    @property
    def in_real_time(self) -> bool:
        return any(grant.real_time for grant in self.grants)

    @cached_property
    def found(self) -> list[RuleCheck]:
        """What the rules say of it, the gravest first."""
        return findings.of(self.agreement, at=self.at)

    @cached_property
    def standing(self) -> list[standing.Standing]:
        below = line_floors.below_floors(self.agreement)
        let_pass = findings.overrides_of(self.agreement)
        lacking = document.missing(self.agreement, at=self.at)
        return standing.standing_of(
            self.agreement, self.offers, below, self.found, let_pass, lacking
        )

    @cached_property
    def people(self) -> str:
        """Whose likeness it is, by first names as a sentence lists them."""
        people = drafting.performers_of(self.agreement)
        names = [person.name for person in people] or [self.agreement.twin.name]
        return word_list(names)

    def comes_to(
        self,
        prices: list[drafting.PriceSought] | None = None,
        factor: Decimal | None = None,
        *,
        in_real_time: bool | None = None,
    ) -> priced.ComesTo | None:
        """Return what an example's use comes to, by these prices or by those that stand there."""
        if prices is None:
            if self.several_cards:
                return None
            prices = priced.prices_of(self.card)
            factor = priced.factor_of(self.card, Factor.REAL_TIME)
        return priced.comes_to(
            self.agreement,
            prices,
            self.kind,
            factor=factor,
            in_real_time=self.in_real_time if in_real_time is None else in_real_time,
            locale=self.locale,
        )

    def kept_at(self) -> datetime | None:
        """Return when something of it was written last, by its history."""
        by_agreement = [(Agreement, "pgh_obj")] + [
            (model, "agreement") for model in (DealTerms, Grant, RateCard, Cap)
        ]
        latest = [
            model.pgh_event_model.objects.filter(**{f"{link}_id": self.agreement.pk})
            .order_by("-pgh_created_at")
            .values_list("pgh_created_at")[:1]
            for model, link in by_agreement
        ]
        found = [at for (at,) in latest[0].union(*latest[1:], all=True)]
        return max(found, default=None)
