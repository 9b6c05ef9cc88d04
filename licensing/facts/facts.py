"""The facts that decisions are made on, in a fixed number of queries for one request or many.

Requests name rows by their numbers: T7 a twin, A3 an agreement, B2 a build, P5 a production.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import msgspec

from licensing.decision.request import (
    AgreementFacts,
    ApprovalFacts,
    BrandFacts,
    BuildFacts,
    CapFacts,
    Contributor,
    Facts,
    GrantFacts,
    HoldFacts,
    Request,
    TwinFacts,
)
from licensing.models import Agreement, Brand, Cap, Grant, Hold, LicenseeTerms, Production
from licensing.wire.names import Prefix, name_of
from talent.consent.consents import Layer
from talent.consent.decision_rows import NO_GUILD
from talent.consent.matrix import VOICES, VOICES_IN_A_COMPOSITE, Cell, Version, keys_needed
from talent.consent.scope import NOTHING, LanguagesIn
from talent.models import Build, DigitalTwin, Performer
from talent.periods import local_day

from .approvals import Approvals, load_approvals
from .lineage import Lineage, load_lineage
from .rows import FactRows, fact_rows
from .used import UsedByTwin, used_by_twin


def facts_for(
    requests: Sequence[Request],
    *,
    terms: LicenseeTerms,
    known_at: datetime,
    own: int | None = None,
) -> list[Facts]:
    """Return the facts for each request, in their order, as known at an instant.

    Takes the same number of queries for one request and for a thousand. Requests about the same
    rows share one object of facts. What a request names and the agency does not have is None, so
    that the decision refuses. `own` is the decision whose permit is looked at: what it holds of
    approvals is not taken from it.
    """
    return facts_of(requests, load_records(requests, terms, known_at, own=own))


def facts_of(requests: Sequence[Request], records: "Records") -> list[Facts]:
    """Return the facts for each request from records that are loaded, without a query."""
    shared = _SharedFacts(records)
    return [shared.facts_of(request) for request in requests]


@dataclass(frozen=True, slots=True)
class Records:
    """All rows that the facts of a batch are made from, by the names that its requests use."""

    twins: dict[str, DigitalTwin]
    agreements: dict[str, Agreement]
    builds: dict[str, Build]
    lineage: Lineage
    versions: dict[Layer, list[Version]]
    approvals: Approvals
    caps: list[Cap]
    holds: list[Hold]
    productions: dict[str, Production]
    used_units: UsedByTwin
    brands: list[Brand]
    agency_id: int
    known_at: datetime

    @property
    def people(self) -> list[Performer]:
        """The performers in the twins."""
        return list({p.pk: p for twin in self.twins.values() for p in _people(twin)}.values())


def load_records(
    requests: Sequence[Request], terms: LicenseeTerms, known_at: datetime, *, own: int | None = None
) -> Records:
    """Load what the facts of requests are made from, as known at an instant.

    One query; four more if a consent says to ask somebody, four more if one limits use, one more
    if a build is contaminated.
    """
    return records_of(fact_rows(requests, terms, known_at), terms, known_at, own=own)


def records_of(
    rows: FactRows, terms: LicenseeTerms, known_at: datetime, *, own: int | None = None
) -> Records:
    """Return rows with the approvals, and the units used, that their consents depend on.

    Four queries if a consent says to ask somebody, four more if one limits use, one more if a build
    is contaminated.
    """
    twins = frozenset(twin.pk for twin in rows.twins)
    people = frozenset(person.pk for twin in rows.twins for person in _people(twin))
    versions = [version for of_owner in rows.versions.values() for version in of_owner]
    return Records(
        {name_of(Prefix.TWIN, twin.pk): twin for twin in rows.twins},
        {name_of(Prefix.AGREEMENT, agreement.pk): agreement for agreement in rows.agreements},
        {name_of(Prefix.BUILD, build.pk): build for build in rows.builds},
        load_lineage(rows, known_at),
        rows.versions,
        load_approvals(twins, versions, terms=terms, known_at=known_at, own=own),
        rows.caps,
        rows.holds,
        {name_of(Prefix.PRODUCTION, production.pk): production for production in rows.productions},
        used_by_twin(twins, people, versions, known_at=known_at, own=own),
        rows.brands,
        terms.agency_id,
        known_at,
    )


def with_used_now(records: Records) -> Records:
    """Return records with what is used and held by now, read anew after `held.lock_limits`."""
    versions = [version for of_owner in records.versions.values() for version in of_owner]
    used = used_by_twin(
        {twin.pk for twin in records.twins.values()},
        {person.pk for person in records.people},
        versions,
        known_at=records.known_at,
    )
    return replace(records, used_units=used)


def _people(twin: DigitalTwin) -> list[Performer]:
    """Return those whose likeness is in a twin: its performer, or a composite's sources.

    Each source once, however often its share was dated anew, and also when it earns no share any
    more: what the persona took from it stays in its builds.
    """
    if twin.performer is not None:
        return [twin.performer]
    return list(dict.fromkeys(source.performer for source in twin.sources.all()))


class _SharedFacts:
    """Facts made once for all requests about the same rows, right and use.

    Only a strike that spares productions looks at the production, and only caps at the day of a
    use, so requests share facts while their days lie in
    the same fiscal years of the same caps.
    """

    def __init__(self, records: Records):
        self._records = records
        self._facts: dict[tuple[object, ...], Facts] = {}
        self._by_day: dict[tuple[object, ...], Facts] = {}
        self._caps: dict[tuple[str, str | None], list[Cap]] = {}
        self._spare = any(hold.spares_begun_before for hold in records.holds)

    def facts_of(self, request: Request) -> Facts:
        about = (
            request.twin,
            request.agreement,
            request.build,
            request.right,
            request.use,
            request.brand,
            request.production if self._spare else None,
        )
        day = _day(request, self._records.agreements.get(request.agreement or ""))
        facts = self._by_day.get((*about, day))
        if facts is None:
            years = self._years_of(request, day) if day else ()
            if (*about, years) not in self._facts:
                self._facts[*about, years] = facts_about(request, self._records)
            facts = self._by_day[*about, day] = self._facts[*about, years]
        return facts

    def _years_of(self, request: Request, day: date) -> tuple[tuple[int, date], ...]:
        subjects = request.twin, request.agreement
        if subjects not in self._caps:
            twin = self._records.twins.get(request.twin)
            agreement = self._records.agreements.get(request.agreement or "")
            caps = [cap for cap in self._records.caps if _lies_on(cap, twin, agreement)]
            self._caps[subjects] = caps
        counted = (cap for cap in self._caps[subjects] if _counts_on(cap, day))
        return tuple((cap.pk, cap.year_of(day).starts_on) for cap in counted)


def _day(request: Request, agreement: Agreement | None) -> date | None:
    """Return the day of a use in its agreement's time zone, or UTC; None if it has no instant."""
    if request.at is None or request.at.tzinfo is None:
        return None
    return local_day(request.at, agreement.time_zone if agreement else "UTC")


def facts_about(request: Request, records: Records) -> Facts:
    """Return the facts for one request, without a query."""
    twin = records.twins.get(request.twin)
    agreement = records.agreements.get(request.agreement or "")
    build = records.builds.get(request.build or "")
    day = _day(request, agreement)
    return Facts(
        twin=_twin_facts(twin) if twin else None,
        contributors=_contributors(twin, agreement, request, records) if twin else (),
        agreement=agreement_facts(agreement) if agreement else None,
        approvals=_approval_facts(twin, agreement, request, records),
        caps=_cap_facts(twin, agreement, day, records.caps) if day else (),
        build=_build_facts(build, records) if build else None,
        holds=_hold_facts(
            twin, agreement, records.productions.get(request.production or ""), records
        ),
        brand=_brand_facts(request, records.brands),
    )


def _twin_facts(twin: DigitalTwin) -> TwinFacts:
    return TwinFacts(name_of(Prefix.TWIN, twin.pk), twin.name, twin.tier, twin.status)


def _contributors(
    twin: DigitalTwin, agreement: Agreement | None, request: Request, records: Records
) -> tuple[Contributor, ...]:
    """Return each person in the twin with the versions that count for them, or its owner."""
    people = _people(twin)
    shared = _shared_layers(twin, agreement, records.agency_id)
    if people:
        return tuple(
            Contributor(
                str(person.pk),
                person.name,
                person.life,
                person.born_on,
                _versions([*_own_layers(person), *shared], request, records),
                records.used_units.of_performer(person.pk, request),
                person.died_on,
                VOICES if twin.performer_id else VOICES_IN_A_COMPOSITE,
            )
            for person in people
        )
    if twin.owner is None:
        return ()
    versions = _versions(shared, request, records)
    used = records.used_units.of_twins([twin.pk], request)
    owner = f"owner {twin.owner_id}"
    return (Contributor(owner, twin.owner.name, versions=versions, used=used),)


def _own_layers(person: Performer) -> list[Layer]:
    return [("guild", person.guild), ("performer", person.pk)]


def _shared_layers(twin: DigitalTwin, agreement: Agreement | None, agency_id: int) -> list[Layer]:
    guild = [("guild", agreement.guild)] if agreement else []
    return [*guild, ("agency", agency_id), ("twin", twin.pk)]


def _versions(layers: Iterable[Layer], request: Request, records: Records) -> tuple[Version, ...]:
    """Return the layers' versions with the cells by which the request is judged."""
    return tuple(
        replace(version, cells=_cells_for(request, version))
        for layer in dict.fromkeys(layers)
        for version in records.versions.get(layer, [])
    )


def _cells_for(request: Request, version: Version) -> tuple[Cell, ...]:
    wanted = keys_needed(request.right, request.use)
    return tuple(cell for cell in version.cells if (cell.right, cell.use) in wanted)


def _approval_facts(
    twin: DigitalTwin | None, agreement: Agreement | None, request: Request, records: Records
) -> tuple[ApprovalFacts, ...]:
    if twin is None or agreement is None:
        return ()
    return records.approvals.facts_about((twin.pk, agreement.pk, request.right, request.use))


def agreement_facts(agreement: Agreement) -> AgreementFacts:
    """Return an agreement, its productions and its grants as facts."""
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
        try_out=agreement.try_out,
    )


def _brand_facts(request: Request, brands: Iterable[Brand]) -> BrandFacts | None:
    named = (brand for brand in brands if brand.slug == request.brand)
    brand = next(named, None)
    return BrandFacts(brand.slug, frozenset(brand.categories)) if brand else None


def grant_facts(grant: Grant) -> GrantFacts:
    """Return a grant of an agreement as facts."""
    return GrantFacts(
        grant.right,
        grant.use,
        codes_in(grant.territories),
        codes_in(grant.languages),
        codes_in(grant.channels),
        grant.real_time,
        frozenset(grant.territories_excluded),
        msgspec.convert(grant.languages_in, tuple[LanguagesIn, ...]),
        codes_in(grant.brands),
        frozenset(grant.exclusions),
    )


def codes_in(codes: Iterable[str] | None) -> frozenset[str] | None:
    """Return a column of codes as a set; null is None, which stands for any."""
    return None if codes is None else frozenset(codes)


def _build_facts(build: Build, records: Records) -> BuildFacts:
    facts = BuildFacts(
        name_of(Prefix.BUILD, build.pk),
        build.version,
        name_of(Prefix.TWIN, build.twin_id),
        build.built_on,
        build.retired_on,
    )
    return records.lineage.of_build(
        facts, build.pk, agency_id=records.agency_id, known_at=records.known_at
    )


def _cap_facts(
    twin: DigitalTwin | None, agreement: Agreement | None, day: date, caps: Iterable[Cap]
) -> tuple[CapFacts, ...]:
    return tuple(
        _cap_year(cap, day)
        for cap in caps
        if _lies_on(cap, twin, agreement) and _counts_on(cap, day)
    )


def _counts_on(cap: Cap, day: date) -> bool:
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
        channels=codes_in(cap.channels),
        starts_on=starts_on,
        shown_to_licensee=cap.agreement_id is not None,
    )


def _hold_facts(
    twin: DigitalTwin | None,
    agreement: Agreement | None,
    production: Production | None,
    records: Records,
) -> tuple[HoldFacts, ...]:
    guilds = {person.guild for person in _people(twin)} if twin else set()
    guilds |= {agreement.guild} if agreement else set()
    return tuple(
        hold_facts(hold, production)
        for hold in records.holds
        if (hold.guild in guilds - NO_GUILD and _is_struck(hold, agreement))
        or _lies_on(hold, twin, agreement)
    )


def _is_struck(hold: Hold, agreement: Agreement | None) -> bool:
    """Tell whether a guild's hold lies on agreements of this engagement."""
    return hold.engagements is None or agreement is None or agreement.engagement in hold.engagements


def hold_facts(hold: Hold, production: Production | None) -> HoldFacts:
    """Return a hold as facts about a use in a production; None: it names none."""
    begun = production is not None and production.had_begun_before(hold.spares_begun_before)
    return HoldFacts(
        hold.kind,
        _subject(hold),
        hold.starts_at,
        hold.ends_at,
        hold.reason,
        codes_in(hold.uses),
        codes_in(hold.territories),
        hold.spares_begun_before,
        frozenset([name_of(Prefix.PRODUCTION, production.pk)]) if production and begun else NOTHING,
        hold.said_to_licensees,
    )


def _subject(row: Cap | Hold) -> str:
    if isinstance(row, Hold) and row.guild:
        return row.get_guild_display()
    if row.agreement is not None:
        return f"agreement {row.agreement.reference}"
    if row.twin is not None:
        return f"twin {row.twin.name}"
    return f"performer {row.performer.name}" if row.performer else ""
