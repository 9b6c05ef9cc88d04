"""Facts of a deal: everything that a rule looks at. None means that nobody knows it, never no."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

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
from talent.periods import of_age
from talent.words import (
    CaptureMethod,
    Exclusion,
    Guild,
    LegalClass,
    Life,
    RepresentedBy,
    Right,
    Tier,
    Use,
)


@dataclass(frozen=True, slots=True)
class Days:
    """The days on which a fact happens, both included. No last day: it may go on for ever.

    `assumed` means that nobody entered the day, and that of the agreement stands in for it.
    """

    first: date
    last: date | None
    assumed: bool = False

    @classmethod
    def of(cls, day: date, *, assumed: bool = False) -> "Days":
        return cls(day, day, assumed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of whom the twin is made, and who acts for them."""

    name: str
    life: Life = Life.LIVING
    born_on: date | None = None
    died_on: date | None = None
    domicile: str = ""  # ISO 3166; at death of the deceased. Empty: not known.
    guild: Guild = Guild.NONE
    guardians: tuple[str, ...] = ()
    estate: tuple[str, ...] = ()  # Who acts for it, with the document it rests on.
    successors: tuple[str, ...] = ()
    commission_percent: Decimal | None = None
    represented_from: date | None = None
    represented_to: date | None = None  # The first day on which nobody is any more.

    def is_minor(self, on: date) -> bool:
        """Tell whether they are not of age yet; one without a birthday is, if noted as a minor."""
        if self.life is Life.DECEASED:
            return False
        if self.born_on is None:
            return self.life is Life.MINOR
        return not of_age(self.born_on, on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A right for one use, and within what. None: anywhere, in any, for any."""

    right: Right
    use: Use
    territories: frozenset[str] | None = None
    territories_excluded: frozenset[str] = frozenset()
    languages: frozenset[str] | None = None
    channels: frozenset[Channel] | None = None
    brands: frozenset[str] | None = None
    exclusions: frozenset[Exclusion] = frozenset()
    real_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a rate line charges at least for one unit, in the deal's currency.

    None where a line has no price for a unit: it is flat, or a share of revenue.
    """

    label: str
    meter: Meter
    pricing: Pricing
    unit: Decimal | None = None
    unit_in_real_time: Decimal | None = None
    minimum: Decimal = Decimal(0)
    scale_portion: Decimal = Decimal(0)
    channels: frozenset[Channel] | None = None
    production_kinds: frozenset[ProductionKind] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much of a meter a fiscal year allows."""

    meter: Meter
    amount: Decimal
    hard: bool


@dataclass(frozen=True, slots=True)
class Stated:
    """What staff state of a fact: whether it holds, since when, and what shows it."""

    holds: bool
    on: date | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFacts:
    """All that rules ask of a deal, as it stands on a day. Amounts are in `currency`."""

    today: date
    signed: bool
    starts_on: date
    ends_on: date | None = None  # The last day. None: open.
    currency: str
    tier: Tier
    legal_class: LegalClass
    guild: Guild
    engagement: Engagement
    days: Mapping[Trigger, Days]  # A trigger that is missing has no known day.
    # What the deal's terms say. None throughout: the agreement has none.
    kind: DealKind | None = None
    governing_law: str = ""
    exclusivity: Exclusivity | None = None
    ai_label: bool | None = None
    represented_by: RepresentedBy | None = None
    counsel: str = ""
    court_approval: str | None = None
    captures: frozenset[CapturedKind] | None = None
    capture_boundary: str | None = None
    capture_reason: str | None = None
    capture_notice_hours: int | None = None
    retention_ends: RetentionEnds | None = None
    retention_days: int | None = None
    usage_report_days: int | None = None
    removal_right: bool | None = None
    # Parties and people.
    agency_country: str = ""
    licensee_country: str = ""
    persons: tuple[Person, ...] = ()
    capture_method: CaptureMethod | None = None
    union_told_on: date | None = None
    # What is licensed, and for how much.
    description: str = ""
    productions: tuple[str, ...] = ()  # None named: all of the licensee's.
    production_kinds: frozenset[ProductionKind] = frozenset()
    grants: tuple[Granted, ...] = ()
    prices: tuple[Price, ...] = ()
    caps: tuple[Limit, ...] = ()
    contributions: ContributionPlan = ContributionPlan.NONE  # Paid on top of pay.
    guaranteed: Decimal = Decimal(0)
    stated: Mapping[StatedFact, Stated] = field(default_factory=dict)

    def says(self, fact: StatedFact) -> bool | None:
        """Tell whether a fact was stated to hold, or not to; None where nobody stated it."""
        stated = self.stated.get(fact)
        return None if stated is None else stated.holds

    @property
    def uses(self) -> frozenset[Use]:
        return frozenset(grant.use for grant in self.grants)

    @property
    def rights(self) -> frozenset[Right]:
        return frozenset(grant.right for grant in self.grants)

    @property
    def real_time(self) -> bool:
        return any(grant.real_time for grant in self.grants)

    @property
    def deceased(self) -> tuple[Person, ...]:
        return tuple(person for person in self.persons if person.life is Life.DECEASED)

    @property
    def living(self) -> tuple[Person, ...]:
        return tuple(person for person in self.persons if person.life is not Life.DECEASED)

    @property
    def minors(self) -> tuple[Person, ...]:
        """Those who are minors when the agreement is signed, or when its term begins."""
        on = min(self.starts_on, self.days.get(Trigger.AGREEMENT, Days.of(self.starts_on)).first)
        return tuple(person for person in self.persons if person.is_minor(on))
