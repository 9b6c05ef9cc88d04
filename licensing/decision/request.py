"""What a decision is made of: the request for a use, and the facts that it is judged by."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict, Unpack

from licensing.wire.names import Prefix, name_of
from talent.consent.matrix import VOICES, Version
from talent.consent.scope import EVERYWHERE, NOTHING, LanguagesIn, Scope
from talent.territories import touches
from talent.words import Life


@dataclass(frozen=True, slots=True)
class Request:
    """A use that somebody asks for, or that happened.

    Twin, agreement, build and production go by their numbers (T7, A3, B2, P5), the licensee by
    its slug. `at` is the instant of the use, `noticed_at` when it was asked for. `brand` goes by
    its slug; `NO_BRAND_STATED` says that it is for none, and None says nothing. `content` is what
    it shows: an empty tuple says that it is nothing of the kind, and None says nothing. `units` are
    quantities by meter, in the meter's own unit. `reserve` asks the desk to hold them; the
    decision is the same without it. The approval it stands on is that of the same words
    (`described` is their digest), or the one it names (`approval`: Q7).
    """

    twin: str
    right: str
    use: str
    licensee: str
    at: datetime | None
    agreement: str | None = None
    territory: str | None = None
    language: str | None = None
    channel: str | None = None
    production: str | None = None
    build: str | None = None
    prompt_class: str = ""
    real_time: bool = False
    content: tuple[str, ...] | None = None
    units: tuple[tuple[str, Decimal], ...] = ()
    noticed_at: datetime | None = None
    reserve: bool = False
    described: str = ""
    approval: str | None = None
    brand: str | None = None


class Conditions(TypedDict, total=False):
    """What a request may state of its use, under the names of `Request`."""

    territory: str | None
    language: str | None
    channel: str | None
    prompt_class: str
    real_time: bool
    content: tuple[str, ...] | None
    brand: str | None
    units: tuple[tuple[str, Decimal], ...]
    noticed_at: datetime | None
    reserve: bool
    described: str
    approval: str | None


def request_about(
    *,
    twin: int | None,
    agreement: int | None = None,
    build: int | None = None,
    production: int | None = None,
    right: str,
    use: str,
    licensee: str,
    at: datetime | None,
    **conditions: Unpack[Conditions],
) -> Request:
    """Return a request that names rows by their numbers, such as T7; None leaves a row unnamed.

    `licensee` is a slug. Every request of the desk is made here, so that all name alike.
    """
    return Request(
        twin=name_of(Prefix.TWIN, twin) or "",
        agreement=name_of(Prefix.AGREEMENT, agreement),
        build=name_of(Prefix.BUILD, build),
        production=name_of(Prefix.PRODUCTION, production),
        right=right,
        use=use,
        licensee=licensee,
        at=at,
        **conditions,
    )


@dataclass(frozen=True, slots=True)
class TwinFacts:
    """The twin that a request names."""

    id: str
    name: str
    tier: str
    status: str


@dataclass(frozen=True, slots=True)
class BrandFacts:
    """A brand that the desk knows; its categories are the operator's word."""

    slug: str
    categories: frozenset[str] = NOTHING


ANY_LICENSEE = ""  # of units whose licensee is not known: they count for every one


@dataclass(frozen=True, slots=True)
class UsedUnits:
    """What counts against a consent's limits: units of one meter by one licensee in one year.

    The year is that of the use, in UTC. `used` was reported or confirmed, `reserved` is held by
    open reservations. `right` is another than the request's: in training they share a door.
    """

    meter: str
    licensee: str
    year: int
    used: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    right: str = ""


@dataclass(frozen=True, slots=True)
class Contributor:
    """A person whose likeness is in the twin (or the owner of a persona that has none).

    `versions` are all recorded versions of the consents that bind them: the guild's, the
    agency's, their own, the twin's. Only those of an owner in `voices` may allow something; the
    others narrow it. `used` is how much all their twins were used for the right and use of the
    request, as far as some consent limits it; None is not known.
    """

    id: str
    name: str
    life: str = Life.LIVING.value
    born_on: date | None = None
    versions: tuple[Version, ...] = ()
    used: tuple[UsedUnits, ...] | None = None
    died_on: date | None = None
    voices: frozenset[str] = VOICES


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """A right for a use that an agreement grants. None is any territory, language, channel, brand.

    `exclusions` are content that the grant leaves out.
    """

    right: str
    use: str
    territories: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    real_time: bool = False
    territories_excluded: frozenset[str] = NOTHING
    languages_in: tuple[LanguagesIn, ...] = ()
    brands: frozenset[str] | None = None
    exclusions: frozenset[str] = NOTHING


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """An agreement's terms. No productions means all of the licensee's.

    Of a try-out nothing is published.
    """

    id: str
    reference: str
    licensee: str
    twin: str
    status: str
    signed_at: datetime | None
    starts_at: datetime
    ends_at: datetime | None = None
    productions: tuple[str, ...] = ()
    grants: tuple[GrantFacts, ...] = ()
    try_out: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """A contributor's answer to one request for approval, within a scope.

    An `answer` of "asked" is a request without one yet: `decided_at` is then when it was made,
    and from `due_at` on silence is a veto. `units` are the most, by meter, that one use may have,
    or all uses together where they count in `total`; `used` is what they have taken so far. An
    approval given `once` counts until something has `spent` it. It speaks of one description:
    `described` is the digest of its words (None: of any), `request` its name (Q7), `part` the
    number of the contributor's part of it. `reason` is for staff, `public_reason` for the licensee.
    """

    contributor: str
    right: str
    use: str
    licensee: str
    answer: str
    decided_at: datetime
    decided_by: str = ""
    production: str | None = None
    scope: Scope = EVERYWHERE
    id: str = ""
    channel: str | None = None
    units: tuple[tuple[str, Decimal], ...] = ()
    once: bool = False
    due_at: datetime | None = None
    reason: str = ""
    public_reason: str = ""
    request: str = ""
    part: str = ""
    described: str | None = None
    total: bool = False
    used: tuple[tuple[str, Decimal], ...] = ()
    spent: bool = False


@dataclass(frozen=True, slots=True)
class CapFacts:
    """One fiscal year of a cap: `used` and `reserved` in the meter's own unit.

    `starts_on` is the year's first day. `channels` are those it counts; None is every channel.
    """

    id: str
    subject: str
    meter: str
    limit: Decimal
    used: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    hard: bool = True
    channels: frozenset[str] | None = None
    starts_on: date | None = None
    shown_to_licensee: bool = False


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """The build that a request names: its twin, its days of service, whether its data is clean.

    `contaminated` None says that nobody here knows; then `destroy_by` is not known either. What is
    contaminated counts from `contaminated_from` on (None: ever), by the way that `path` says, and
    `public_path` for the licensee, without a name.
    """

    id: str
    version: str
    twin: str
    built_on: date
    retired_on: date | None = None
    contaminated: bool | None = None
    destroy_by: date | None = None
    contaminated_from: datetime | None = None
    path: str = ""
    public_path: str = ""


@dataclass(frozen=True, slots=True)
class HoldFacts:
    """A hold on the twin, somebody in it, a guild or the agreement; `subject` says on which.

    `uses` and `territories` are those that it lies on; None is all. A strike may spare productions
    that had begun before a day: `spared` are those of them that the request may name. `public` is
    what the licensee reads; without it, that there is a hold.
    """

    kind: str
    subject: str
    starts_at: datetime
    ends_at: datetime | None = None
    reason: str = ""
    uses: frozenset[str] | None = None
    territories: frozenset[str] | None = None
    spares_begun_before: date | None = None
    spared: frozenset[str] = NOTHING
    public: str = ""

    def concerns(self, request: Request) -> bool:
        """Tell whether it lies on a use, at whatever instant. What is not stated is held."""
        if self.uses is not None and request.use not in self.uses:
            return False
        if request.production is not None and request.production in self.spared:
            return False
        places, where = self.territories, request.territory
        return places is None or where is None or touches(places, where)

    def lies_at(self, at: datetime) -> bool:
        """Tell whether it is in force at an instant: its start included, its end not."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a request is judged by. None and empty are what the desk does not know."""

    twin: TwinFacts | None = None
    contributors: tuple[Contributor, ...] = ()
    agreement: AgreementFacts | None = None
    approvals: tuple[ApprovalFacts, ...] = ()
    caps: tuple[CapFacts, ...] = ()
    build: BuildFacts | None = None
    holds: tuple[HoldFacts, ...] = ()
    brand: BrandFacts | None = None
