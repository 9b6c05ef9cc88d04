"""Facts: all that decisions stand on, loaded in a fixed number of queries for one or many requests.

Requests name things the way the API does: T7 a twin, A3 an agreement, B2 a build, P5 a production.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from licensing.decision.request import (
    AgreementFacts,
    ApprovalFacts,
    BuildFacts,
    CapFacts,
    Contributor,
    Facts,
    GrantFacts,
    HoldFacts,
    Request,
    TwinFacts,
)
from licensing.models import (
    Agreement,
    ApprovalPart,
    ArchivedSeconds,
    Cap,
    Grant,
    Hold,
    LicenseeTerms,
    UsageEvent,
    replaced,
)
from licensing.wire.names import Prefix, name_of
from licensing.words import LeafKind
from talent.consent.consents import Layer
from talent.consent.matrix import Cell, Version
from talent.models import Build, DigitalTwin, Performer
from talent.periods import local_day
from talent.words import Stance

from .approvals import Question, approvals_known, parts_asked
from .rows import NO_GUILD, Records, read


def facts_for(
    requests: Sequence[Request], *, terms: LicenseeTerms, known_at: datetime, once: bool = False
) -> list[Facts]:
    """Return the facts for each request, in their order, as known at an instant.

    Takes the same number of queries for one request and for a thousand. Requests that ask about
    the same share their facts. What a request names and the agency's records don't have stays
    None; the decision then refuses. `once` also brings approvals that were given once and that
    no clearance has spent; who stands on one must spend it (`spending`).
    """
    return facts_of(requests, load(requests, terms, known_at, once=once))


def facts_of(requests: Sequence[Request], loaded: "Loaded") -> list[Facts]:
    """Return the facts for each request from loaded rows; those that ask the same share theirs."""
    shared = _Shared(loaded)
    return [shared.facts_of(request) for request in requests]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds used by (twin, right, use), and each performer's twins."""

    by_twin: dict[tuple[int, str, str], Decimal]
    twins_of: dict[int, set[int]]

    def of(self, twins: Iterable[int], request: Request) -> Decimal:
        used = (self.by_twin.get((twin, request.right, request.use)) for twin in twins)
        return sum((seconds for seconds in used if seconds), Decimal(0))


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows that a batch of requests may need."""

    twins: dict[str, DigitalTwin]
    agreements: dict[str, Agreement]
    builds: dict[str, Build]
    versions: dict[tuple[str, object], list[Version]]
    approvals: dict[Question, list[ApprovalPart]]
    caps: list[Cap]
    holds: list[Hold]
    seconds_used: Seconds
    agency_id: int
    known_at: datetime
    once: bool

    @property
    def people(self) -> list[Performer]:
        """The performers in the twins."""
        return list({p.pk: p for twin in self.twins.values() for p in _people(twin)}.values())


def load(
    requests: Sequence[Request], terms: LicenseeTerms, known_at: datetime, *, once: bool = False
) -> Loaded:
    """Return the rows that requests need, in a fixed number of queries."""
    return loaded_from(read(requests, terms, known_at), terms, known_at, once=once)


def loaded_from(
    records: Records, terms: LicenseeTerms, known_at: datetime, *, once: bool = False
) -> Loaded:
    """Return records with what else was asked, answered and used, where a consent minds it."""
    twins = frozenset(twin.pk for twin in records.twins)
    people = frozenset(person.pk for twin in records.twins for person in _people(twin))
    return Loaded(
        {name_of(Prefix.TWIN, twin.pk): twin for twin in records.twins},
        {name_of(Prefix.AGREEMENT, agreement.pk): agreement for agreement in records.agreements},
        {name_of(Prefix.BUILD, build.pk): build for build in records.builds},
        records.versions,
        _approvals(twins, records.versions, terms, known_at),
        records.caps,
        records.holds,
        _seconds_used(twins, people, records.versions, known_at),
        terms.agency_id,
        known_at,
        once,
    )


def _approvals(
    twins: frozenset[int],
    versions: dict[Layer, list[Version]],
    terms: LicenseeTerms,
    known_at: datetime,
) -> dict[Question, list[ApprovalPart]]:
    """Load what was asked and answered. Two queries; none if no consent asks."""
    asking = {
        (cell.right, cell.use)
        for recorded in versions.values()
        for version in recorded
        for cell in version.cells
        if cell.stance == Stance.ASK
    }
    if not asking:
        return {}
    return parts_asked(terms=terms, twins=twins, cells=asking, known_at=known_at)


def _seconds_used(
    twins: frozenset[int],
    performers: frozenset[int],
    versions: dict[Layer, list[Version]],
    known_at: datetime,
) -> Seconds:
    """Sum the use that some consent bounds in hours. Four queries; none if no consent does."""
    bounded = {
        (cell.right, cell.use)
        for recorded in versions.values()
        for version in recorded
        for cell in version.cells
        if cell.scope.maximum_hours is not None
    }
    if not bounded:
        return Seconds({}, {})
    people = defaultdict(set)
    theirs = DigitalTwin.objects.of_performers(performers)
    for twin, performer, source in theirs.values_list("pk", "performer", "sources__performer"):
        people[performer or source].add(twin)
    rows = (
        UsageEvent.objects.filter(
            twin__in=twins.union(*people.values()),
            kind__in=[LeafKind.USE.value, LeafKind.AMENDMENT.value],
            right__in={right for right, _ in bounded},
            use__in={use for _, use in bounded},
            batch__received_at__lt=known_at,
        )
        .exclude(replaced(known_at=known_at))
        .values_list("twin", "right", "use")
        .annotate(seconds=Sum("seconds", default=Decimal(0)))
    )
    archived = (
        ArchivedSeconds.objects.filter(
            archive__detached_at__isnull=False,
            twin__in=twins.union(*people.values()),
            right__in={right for right, _ in bounded},
            use__in={use for _, use in bounded},
            received_until__lt=known_at,
        )
        .values_list("twin", "right", "use")
        .annotate(sum=Sum("seconds"))
    )
    by_twin: defaultdict[tuple[int, str, str], Decimal] = defaultdict(Decimal)
    for twin, right, use, seconds in (*rows, *archived):
        by_twin[twin, right, use] += seconds
    return Seconds(by_twin, people)


def _people(twin: DigitalTwin) -> list[Performer]:
    """Return those whose likeness is in a twin: its performer, or a composite's sources."""
    if twin.performer is not None:
        return [twin.performer]
    return [source.performer for source in twin.sources.all()]


class _Shared:
    """Facts made once for all requests that ask about the same.

    What requests of many days ask about is the same while they lie in the same years of caps.
    """

    def __init__(self, loaded: Loaded):
        self._loaded = loaded
        self._facts: dict[tuple[object, ...], Facts] = {}
        self._by_day: dict[tuple[object, ...], Facts] = {}
        self._caps: dict[tuple[str, str | None], list[Cap]] = {}

    def facts_of(self, request: Request) -> Facts:
        about = (request.twin, request.agreement, request.build, request.right, request.use)
        day = _day(request, self._loaded.agreements.get(request.agreement or ""))
        facts = self._by_day.get((*about, day))
        if facts is None:
            years = self._years_of(request, day) if day else ()
            if (*about, years) not in self._facts:
                self._facts[*about, years] = facts_from(request, self._loaded)
            facts = self._by_day[*about, day] = self._facts[*about, years]
        return facts

    def _years_of(self, request: Request, day: date) -> tuple[tuple[int, date], ...]:
        subjects = request.twin, request.agreement
        if subjects not in self._caps:
            twin = self._loaded.twins.get(request.twin)
            agreement = self._loaded.agreements.get(request.agreement or "")
            caps = [cap for cap in self._loaded.caps if _lies_on(cap, twin, agreement)]
            self._caps[subjects] = caps
        counting = (cap for cap in self._caps[subjects] if _counts(cap, day))
        return tuple((cap.pk, cap.year_of(day).starts_on) for cap in counting)


def _day(request: Request, agreement: Agreement | None) -> date | None:
    """Return the day of the use where its agreement counts days."""
    if request.at is None or request.at.tzinfo is None:
        return None
    return local_day(request.at, agreement.time_zone if agreement else "UTC")


def facts_from(request: Request, loaded: Loaded) -> Facts:
    """Return the facts for one request from loaded rows, without a query."""
    twin = loaded.twins.get(request.twin)
    agreement = loaded.agreements.get(request.agreement or "")
    build = loaded.builds.get(request.build or "")
    day = _day(request, agreement)
    return Facts(
        twin=_twin_facts(twin) if twin else None,
        contributors=_contributors(twin, agreement, request, loaded) if twin else (),
        agreement=_agreement_facts(agreement) if agreement else None,
        approvals=_approval_facts(twin, agreement, request, loaded),
        caps=_cap_facts(twin, agreement, day, loaded.caps) if day else (),
        build=_build_facts(build) if build else None,
        holds=_hold_facts(twin, agreement, loaded.holds),
    )


def _twin_facts(twin: DigitalTwin) -> TwinFacts:
    return TwinFacts(name_of(Prefix.TWIN, twin.pk), twin.name, twin.tier, twin.status)


def _contributors(
    twin: DigitalTwin, agreement: Agreement | None, request: Request, loaded: Loaded
) -> tuple[Contributor, ...]:
    """Return each person in the twin with the versions that count for them, or its owner."""
    people = _people(twin)
    shared = _shared_layers(twin, agreement, loaded.agency_id)
    if people:
        return tuple(
            Contributor(
                str(person.pk),
                person.name,
                person.life,
                person.born_on,
                _versions([*_own_layers(person), *shared], request, loaded),
                loaded.seconds_used.of(loaded.seconds_used.twins_of.get(person.pk, ()), request),
            )
            for person in people
        )
    if twin.owner is None:
        return ()
    versions = _versions(shared, request, loaded)
    used = loaded.seconds_used.of([twin.pk], request)
    owner = f"owner {twin.owner_id}"
    return (Contributor(owner, twin.owner.name, versions=versions, seconds_used=used),)


def _own_layers(person: Performer) -> list[tuple[str, object]]:
    return [("guild", person.guild), ("performer", person.pk)]


def _shared_layers(
    twin: DigitalTwin, agreement: Agreement | None, agency_id: int
) -> list[tuple[str, object]]:
    guild = [("guild", agreement.guild)] if agreement else []
    return [*guild, ("agency", agency_id), ("twin", twin.pk)]


def _versions(
    layers: Iterable[tuple[str, object]], request: Request, loaded: Loaded
) -> tuple[Version, ...]:
    """Return the layers' versions with the one cell that the request asks about."""
    return tuple(
        replace(version, cells=_asked(version, request))
        for layer in dict.fromkeys(layers)
        for version in loaded.versions.get(layer, [])
    )


def _asked(version: Version, request: Request) -> tuple[Cell, ...]:
    wanted = (request.right, request.use)
    return tuple(cell for cell in version.cells if (cell.right, cell.use) == wanted)


def _approval_facts(
    twin: DigitalTwin | None, agreement: Agreement | None, request: Request, loaded: Loaded
) -> tuple[ApprovalFacts, ...]:
    if twin is None or agreement is None:
        return ()
    parts = loaded.approvals.get((twin.pk, agreement.pk, request.right, request.use), ())
    return approvals_known(parts, known_at=loaded.known_at, once=loaded.once)


def _agreement_facts(agreement: Agreement) -> AgreementFacts:
    return AgreementFacts(
        id=name_of(Prefix.AGREEMENT, agreement.pk),
        reference=agreement.reference,
        licensee=agreement.licensee.slug,
        twin=name_of(Prefix.TWIN, agreement.twin_id),
        status=agreement.status,
        signed_at=agreement.signed_at,
        starts_at=agreement.starts_at,
        ends_at=agreement.ends_at,
        productions=tuple(
            name_of(Prefix.PRODUCTION, production.pk) for production in agreement.productions.all()
        ),
        grants=tuple(grant_facts(grant) for grant in agreement.grants.all()),
    )


def grant_facts(grant: Grant) -> GrantFacts:
    return GrantFacts(
        grant.right,
        grant.use,
        limited(grant.territories),
        limited(grant.languages),
        limited(grant.channels),
        grant.real_time,
    )


def limited(codes: Iterable[str] | None) -> frozenset[str] | None:
    """Return a list column as a set; null stays unset."""
    return None if codes is None else frozenset(codes)


def _build_facts(build: Build) -> BuildFacts:
    return BuildFacts(
        name_of(Prefix.BUILD, build.pk),
        build.version,
        name_of(Prefix.TWIN, build.twin_id),
        build.built_on,
        build.retired_on,
    )


def _cap_facts(
    twin: DigitalTwin | None, agreement: Agreement | None, day: date, caps: Iterable[Cap]
) -> tuple[CapFacts, ...]:
    return tuple(
        _cap_year(cap, day) for cap in caps if _lies_on(cap, twin, agreement) and _counts(cap, day)
    )


def _counts(cap: Cap, day: date) -> bool:
    return cap.starts_on <= day and (cap.ends_on is None or day < cap.ends_on)


def _lies_on(row: Cap | Hold, twin: DigitalTwin | None, agreement: Agreement | None) -> bool:
    """Tell whether a cap or hold is about this agreement, this twin or somebody in it."""
    return (
        (
            row.agreement_id is not None
            and agreement is not None
            and row.agreement_id == agreement.pk
        )
        or (row.twin_id is not None and twin is not None and row.twin_id == twin.pk)
        or (twin is not None and row.performer_id in {person.pk for person in _people(twin)})
    )


def _cap_year(cap: Cap, day: date) -> CapFacts:
    starts_on = cap.year_of(day).starts_on
    year = next((year for year in cap.years.all() if year.starts_on == starts_on), None)
    return CapFacts(
        id=str(cap.pk),
        subject=_subject(cap),
        meter=cap.meter,
        limit=cap.limit,
        used=year.used if year else Decimal(0),
        reserved=year.still_reserved if year else Decimal(0),
        hard=cap.hard,
        channels=limited(cap.channels),
        starts_on=starts_on,
        shown_to_licensee=cap.agreement_id is not None,
    )


def _hold_facts(
    twin: DigitalTwin | None, agreement: Agreement | None, holds: Iterable[Hold]
) -> tuple[HoldFacts, ...]:
    guilds = {person.guild for person in _people(twin)} if twin else set()
    guilds |= {agreement.guild} if agreement else set()
    return tuple(
        HoldFacts(hold.kind, _subject(hold), hold.starts_at, hold.ends_at, hold.reason)
        for hold in holds
        if hold.guild in guilds - NO_GUILD or _lies_on(hold, twin, agreement)
    )


def _subject(row: Cap | Hold) -> str:
    if isinstance(row, Hold) and row.guild:
        return row.get_guild_display()
    if row.agreement is not None:
        return f"agreement {row.agreement.reference}"
    if row.twin is not None:
        return f"twin {row.twin.name}"
    return f"performer {row.performer.name}" if row.performer else ""
