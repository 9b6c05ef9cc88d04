"""Simulations: what a change of consent would have done to the uses and requests of some months.

Only consent is simulated, its scope included: caps, agreements and holds stay out of it. Uses are
grouped in the database by all that consent looks at and decided once for each group.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from itertools import groupby, islice
from typing import Any, Self

from django.db.models import (
    Case,
    Count,
    DateField,
    DateTimeField,
    F,
    Func,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import Cast, Coalesce, TruncMonth

from licensing.decision.approval_check import APPROVED, NEEDS_APPROVAL
from licensing.decision.case import case_of
from licensing.decision.decision import CHECKS, from_json
from licensing.decision.request import Contributor, Facts, Request, request_about
from licensing.facts.facts import facts_for
from licensing.models import (
    Agreement,
    ClearanceDecision,
    Licensee,
    LicenseeTerms,
    Ruling,
    UsageEvent,
    is_replaced,
)
from licensing.wire.names import Prefix, name_of
from licensing.words import Dimension, Finding, LeafKind, Meter, Standing
from talent.consent.consents import versions_of
from talent.consent.matrix import Cell, Version, cell_name, in_force
from talent.models import (
    Agency,
    ConsentCell,
    ConsentMatrix,
    ConsentVersion,
    DigitalTwin,
    Performer,
    Representation,
    User,
)
from talent.words import Owner

ALWAYS = datetime(1900, 1, 1, tzinfo=UTC)

CHUNK = 2_000
MOST_EXAMPLES = 5

Key = tuple[str, str]  # a right and a use


class Effect(Enum):
    """What a change would have made of something."""

    BLOCKED = "blocked"
    ASKED = "asked"
    ALLOWED = "allowed"


@dataclass(slots=True)
class Tally:
    """How many uses and requests of one licensee in one month would have had another effect."""

    effect: Effect
    licensee: str
    what: str
    month: date
    uses: int = 0
    requests: int = 0
    quantities: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """One use or request that would have had another effect, and why."""

    effect: Effect
    licensee: str
    twin: str
    what: str
    at: datetime
    reason: str
    event_id: int | None = None
    decision_id: int | None = None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a change would have done since an instant, as far as its reader may see."""

    since: datetime
    until: datetime
    tallies: tuple[Tally, ...]
    examples: tuple[Example, ...]

    def count(self, effect: Effect) -> tuple[int, int]:
        """Return how many uses and requests an effect concerns."""
        concerned = [tally for tally in self.tallies if tally.effect is effect]
        return sum(tally.uses for tally in concerned), sum(tally.requests for tally in concerned)

    @property
    def counts(self) -> list[tuple[str, int, int]]:
        """The code of each effect, with how many uses and how many requests it concerns."""
        return [(effect.value, *self.count(effect)) for effect in Effect]


# Gets the effect on a group of equal uses, and the group: what consent looks at, with the month in
# the agreement's zone (`local_month`), the ruling on it (`treatment`), `count` and sums by meter.
Notice = Callable[[Effect, Mapping[str, Any]], None]
# Is told now and then how many groups of equal uses are decided, and how many there are. What it
# raises ends the simulation.
Progress = Callable[[int, int], None]


def _nobody_notices(_effect: Effect, _group: Mapping[str, Any]) -> None:
    pass


def _nobody_watches(_done: int, _steps: int) -> None:
    pass


def simulate(
    *,
    matrix: ConsentMatrix,
    cells: Sequence[Cell],
    months: int,
    user: User,
    at: datetime,
    notice: Notice = _nobody_notices,
    apart: bool = False,
    progress: Progress = _nobody_watches,
) -> Simulation:
    """Say what a matrix with these cells would have done to the last months, had it counted.

    `matrix` may be unsaved. Covers what the user may see. Memory follows the number of distinct
    uses, not that of events; queries that of the licensees concerned. `notice` is told each group
    of equal uses that it would have done something to; with `apart` they are equal in their
    quantities too.
    """
    since = _months_before(at, months)
    proposal = Proposal.of(matrix, cells, at)
    tallies = _Tallies()
    if proposal.changed:
        span = _Span(proposal, list(_twins(matrix, user)), user, since, at, apart)
        _simulate_uses(span, tallies, notice, progress)
        _simulate_requests(span, tallies)
    return Simulation(since, at, tallies.sorted(), tuple(tallies.examples))


# Proposals: cells in the place of an owner's matrix, put into the facts of others' decisions.


@dataclass(frozen=True, slots=True)
class Proposal:
    """Cells in the place of an owner's matrix, and whom they are about."""

    layer: tuple[str, str]  # the owner's kind and name, as versions carry them
    cells: dict[Key, Cell]
    changed: frozenset[Key]
    performers: frozenset[str] | None  # None: everybody in the facts
    twin: str | None
    agency: int | None
    guild: str

    @classmethod
    def of(cls, matrix: ConsentMatrix, cells: Sequence[Cell], at: datetime) -> Self:
        new = {(cell.right, cell.use): cell for cell in cells}
        old = {(cell.right, cell.use): cell for cell in current_cells(matrix, at)}
        changed = {key for key in new.keys() | old if new.get(key) != old.get(key)}
        return cls(
            _layer_of(matrix),
            new,
            frozenset(changed),
            _people_of(matrix),
            name_of(Prefix.TWIN, matrix.twin_id),
            matrix.agency_id,
            matrix.guild,
        )

    def counts_for(self, person: Contributor, facts: Facts, agency_id: int) -> bool:
        """Tell whether the proposed matrix is a layer of this person's consent to this twin."""
        about_person = self.performers is None or person.id in self.performers
        about_twin = self.twin is None or (facts.twin is not None and facts.twin.id == self.twin)
        return about_person and about_twin and self.agency in (None, agency_id)

    def put_into(self, facts: Facts, key: Key, agency_id: int) -> Facts:
        """Return facts in which the proposed cells take the place of the owner's, at all times."""
        kind, owner = self.layer
        cell = self.cells.get(key)
        proposed = Version("proposed", 0, kind, owner, ALWAYS, ALWAYS, (cell,) if cell else ())
        people = tuple(
            replace(
                person,
                versions=(
                    *(v for v in person.versions if (v.owner_kind, v.owner) != self.layer),
                    proposed,
                ),
            )
            if self.counts_for(person, facts, agency_id)
            else person
            for person in facts.contributors
        )
        return replace(facts, contributors=people)


def _layer_of(matrix: ConsentMatrix) -> tuple[str, str]:
    if matrix.guild:
        return Owner.GUILD.value, matrix.get_guild_display()
    if matrix.agency:
        return Owner.AGENCY.value, matrix.agency.name
    if matrix.performer:
        return Owner.PERFORMER.value, matrix.performer.name
    return Owner.TWIN.value, matrix.twin.name if matrix.twin else ""


def _people_of(matrix: ConsentMatrix) -> frozenset[str] | None:
    if matrix.performer_id:
        return frozenset({str(matrix.performer_id)})
    if matrix.guild:
        members = Performer.objects.filter(guild=matrix.guild)
        return frozenset(map(str, members.values_list("pk", flat=True)))
    return None


def current_cells(matrix: ConsentMatrix, at: datetime) -> tuple[Cell, ...]:
    """Return what a matrix says at an instant; an unsaved one says nothing."""
    if matrix.pk is None:
        return ()
    by_layer = versions_of(
        guilds=[matrix.guild] if matrix.guild else [],
        agencies=[matrix.agency_id] if matrix.agency_id else [],
        performers=[matrix.performer_id] if matrix.performer_id else [],
        twins=[matrix.twin_id] if matrix.twin_id else [],
        known_at=at,
    )
    current = in_force([each for versions in by_layer.values() for each in versions], at, at)
    return current.cells if current else ()


# What is simulated, and its sums.


@dataclass(frozen=True, slots=True)
class _Span:
    """What is simulated: a proposal, on what a user may see of some twins in a span of time."""

    proposal: Proposal
    twins: Sequence[DigitalTwin]
    user: User
    since: datetime
    until: datetime
    apart: bool

    @property
    def rights(self) -> list[str]:
        return sorted({right for right, _use in self.proposal.changed})

    @property
    def uses(self) -> list[str]:
        return sorted({use for _right, use in self.proposal.changed})


class _Tallies:
    """Sums by effect, licensee, cell and month, and a few examples of each effect."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[Effect, str, str, date], Tally] = {}
        self._shown: dict[Effect, int] = defaultdict(int)
        self.examples: list[Example] = []

    def of(self, effect: Effect, licensee: str, what: str, month: date) -> Tally:
        """Return the tally to add to; a new one the first time."""
        key = (effect, licensee, what, month)
        return self._by_key.setdefault(key, Tally(*key))

    def show(self, example: Example) -> None:
        """Keep an example, unless its effect has `MOST_EXAMPLES` already."""
        if self._shown[example.effect] < MOST_EXAMPLES:
            self._shown[example.effect] += 1
            self.examples.append(example)

    def sorted(self) -> tuple[Tally, ...]:
        order = list(Effect)
        return tuple(
            sorted(
                self._by_key.values(),
                key=lambda tally: (
                    order.index(tally.effect),
                    tally.licensee,
                    tally.what,
                    tally.month,
                ),
            )
        )


def _twins(matrix: ConsentMatrix, user: User) -> QuerySet[DigitalTwin]:
    """Return the twins a matrix is about, as far as the user may see their use."""
    twins = DigitalTwin.objects.all()
    if matrix.twin_id:
        return twins.filter(pk=matrix.twin_id)
    if matrix.performer_id:
        return twins.of_performers([matrix.performer_id]).distinct()
    if matrix.agency_id:
        licensed = Agreement.objects.filter(agency=matrix.agency_id).values("twin")
        return twins.filter(Q(pk__in=licensed) | Q(agency=matrix.agency_id)).distinct()
    members = Performer.objects.filter(guild=matrix.guild)
    return twins.visible_to(user).of_performers(members).distinct()


# Uses


_DIMENSIONS = (
    "agency", "licensee", "agreement", "twin", "right", "use", "territory", "language", "channel",
    "production", "prompt_class", "real_time", "content", "brand", "standing", "over_meter",
)  # fmt: skip


def _simulate_uses(span: _Span, tallies: _Tallies, notice: Notice, progress: Progress) -> None:
    """Decide groups of equal uses on today's facts, a chunk of one pair of parties at a time."""
    proposal, at = span.proposal, span.until
    names = {twin.pk: twin.name for twin in span.twins}
    terms_of = _Terms()
    decided = 0
    rows = _grouped_uses(span).iterator(chunk_size=CHUNK)
    for parties, of_parties in groupby(rows, key=lambda row: (row["agency"], row["licensee"])):
        terms = terms_of.between(*parties)
        while chunk := list(islice(of_parties, CHUNK)):
            requests = [_request(row, terms) for row in chunk]
            facts = facts_for(requests, terms=terms, known_at=at)
            for row, request, about in zip(chunk, requests, facts, strict=True):
                effect, reason = _effect(proposal, request, about, at, terms.agency_id)
                if effect and _changes_standing(effect, row["standing"]):
                    _add_use(tallies, effect, reason, row, terms, names)
                    notice(effect, row)
            decided += len(chunk)
            progress(decided, chunk[0]["groups"])


def _grouped_uses(span: _Span) -> QuerySet[UsageEvent, dict[str, Any]]:
    """Group uses in force by what consent looks at, and by spans in which no consent changes."""
    told_apart = [*map(str, Meter.codes()), "over"] if span.apart else []
    changes = _consent_changes(span)
    pieces = [When(occurred_at__lt=change, then=Value(i)) for i, change in enumerate(changes)]
    piece = Case(*pieces, default=Value(len(changes)), output_field=IntegerField())
    events: QuerySet[UsageEvent] = (
        UsageEvent.objects.visible_to(span.user)
        .filter(
            twin__in=[twin.pk for twin in span.twins],
            kind__in=[LeafKind.USE.value, LeafKind.AMENDMENT.value],
            occurred_at__gte=span.since,
            occurred_at__lt=span.until,
            right__in=span.rights,
            use__in=span.uses,
        )
        .exclude(is_replaced(known_at=span.until))
    )
    groups: QuerySet[UsageEvent, dict[str, Any]] = (
        events.annotate(
            span=piece,
            month=TruncMonth("occurred_at", tzinfo=UTC),
            local_month=_month_in_zone(),
            treatment=_treatment(),
        )
        .values(*_DIMENSIONS, "span", "month", "local_month", "treatment", *told_apart)
        .annotate(
            count=Count("pk"),
            groups=Window(Count("*")),
            sum_over=Sum("over"),
            first_at=Min("occurred_at"),
            first_id=Min("pk"),
            **{f"sum_{meter.value}": Sum(meter.value) for meter in Meter},
        )
        .order_by("agency", "licensee", "first_id")
    )
    return groups


def _month_in_zone() -> Cast:
    """Return the first day of the month of a use in its agreement's zone."""
    zone = Coalesce(F("agreement__time_zone"), Value("UTC"))
    there = Func(zone, F("occurred_at"), function="timezone", output_field=DateTimeField())
    month = Func(Value("month"), there, function="date_trunc", output_field=DateTimeField())
    return Cast(month, DateField())


def _treatment() -> Case:
    """Return the ruling that counts for a use outside the consent; empty: none."""
    rulings = Ruling.objects.filter(about_id=OuterRef("pk")).order_by("-event_id")
    last = Coalesce(Subquery(rulings.values("treatment")[:1]), Value(""))
    # Looked up for no use that was inside it: those are the many.
    return Case(When(standing=Standing.CLEARED.value, then=Value("")), default=last)


def _consent_changes(span: _Span) -> list[datetime]:
    """Return the instants at which a consent about the twins begins or ends to count."""
    twins, at = span.twins, span.until
    people = {twin.performer_id for twin in twins} | set(
        Performer.objects.filter(composite_sources__twin__in=twins).values_list("pk", flat=True)
    )
    agencies = Representation.objects.filter(performer__in=people - {None}).values("agency")
    licensing = Agreement.objects.filter(twin__in=twins).values("agency")
    versions = ConsentVersion.objects.known(at).filter(
        ~Q(matrix__guild="")
        | Q(matrix__twin__in=twins)
        | Q(matrix__performer__in=people - {None})
        | Q(matrix__agency__in=Agency.objects.filter(Q(pk__in=agencies) | Q(pk__in=licensing)))
    )
    cells = ConsentCell.objects.filter(version__in=versions)
    changes: set[datetime | None] = set(versions.values_list("in_force_from", flat=True))
    for starts, ends in cells.values_list("valid_from", "valid_to").distinct():
        changes |= {starts, ends}
    for cell in span.proposal.cells.values():
        changes |= {cell.scope.valid_from, cell.scope.valid_to}
    return sorted(change for change in changes if change is not None and span.since < change < at)


def _request(row: dict[str, Any], terms: LicenseeTerms) -> Request:
    return request_about(
        twin=row["twin"],
        agreement=row["agreement"],
        production=row["production"],
        right=row["right"],
        use=row["use"],
        licensee=terms.licensee.slug,
        at=row["first_at"],
        territory=row["territory"],
        language=row["language"] or None,
        channel=row["channel"],
        prompt_class=row["prompt_class"],
        real_time=row["real_time"],
        content=None if row["content"] is None else tuple(row["content"]),
        brand=row["brand"] or None,
    )


class _Terms:
    """The terms between parties, looked up once; parties that have none get unsaved ones."""

    def __init__(self) -> None:
        self._licensees: dict[int, Licensee] = {}

    def between(self, agency_id: int, licensee_id: int) -> LicenseeTerms:
        if licensee_id not in self._licensees:
            self._licensees[licensee_id] = Licensee.objects.get(pk=licensee_id)
        return LicenseeTerms(agency_id=agency_id, licensee=self._licensees[licensee_id])


def _changes_standing(effect: Effect, standing: str) -> bool:
    """Only a use that was cleared can be stopped, only one that was not can be let in."""
    return (standing == Standing.CLEARED) is (effect is not Effect.ALLOWED)


def _add_use(
    tallies: _Tallies,
    effect: Effect,
    reason: str,
    row: dict[str, Any],
    terms: LicenseeTerms,
    names: dict[int, str],
) -> None:
    what, licensee = cell_name(row["right"], row["use"]), terms.licensee.name
    tally = tallies.of(effect, licensee, what, row["month"].date())
    tally.uses += row["count"]
    for meter in Meter:
        if (amount := row[f"sum_{meter.value}"]) is not None:
            tally.quantities[meter.value] = tally.quantities.get(meter.value, Decimal(0)) + amount
    twin = names[row["twin"]]
    tallies.show(
        Example(effect, licensee, twin, what, row["first_at"], reason, event_id=row["first_id"])
    )


# Requests


def _simulate_requests(span: _Span, tallies: _Tallies) -> None:
    """Decide the requests anew that asked for a changed cell, on the facts stored with them."""
    rows = (
        ClearanceDecision.objects.visible_to(span.user)
        .filter(
            twin__in=span.twins,
            known_at__gte=span.since,
            known_at__lt=span.until,
            request__right__in=span.rights,
            request__use__in=span.uses,
        )
        .select_related("terms__licensee", "twin")
        .order_by("pk")
    )
    for row in rows.iterator(chunk_size=CHUNK):
        _add_request(span.proposal, row, tallies)


def _add_request(proposal: Proposal, row: ClearanceDecision, tallies: _Tallies) -> None:
    request, facts = from_json(Request, row.request), from_json(Facts, row.facts)
    effect, reason = _effect(proposal, request, facts, row.known_at, row.terms.agency_id)
    if effect is None:
        return
    what, licensee = cell_name(request.right, request.use), row.terms.licensee.name
    month = row.known_at.astimezone(UTC).date().replace(day=1)
    tallies.of(effect, licensee, what, month).requests += 1
    twin = row.twin.name if row.twin else ""
    tallies.show(Example(effect, licensee, twin, what, row.known_at, reason, decision_id=row.pk))


# Deciding


def _effect(
    proposal: Proposal, request: Request, facts: Facts, known_at: datetime, agency_id: int
) -> tuple[Effect | None, str]:
    """Return the effect of the proposal on a request, and why; None where it changes nothing."""
    key = (request.right, request.use)
    if key not in proposal.changed or request.at is None:
        return None, ""
    before, _ = _verdict(request, facts, known_at)
    after, reason = _verdict(request, proposal.put_into(facts, key, agency_id), known_at)
    return (None, "") if before is after else (after, reason)


def _verdict(request: Request, facts: Facts, known_at: datetime) -> tuple[Effect, str]:
    """Say what consent alone makes of a request, and by which rule."""
    case = case_of(request, facts, request.at or ALWAYS, known_at)
    for dimension in (Dimension.MATRIX, Dimension.SCOPE):
        step = CHECKS[dimension](case)
        if step.finding is Finding.FAIL:
            return Effect.BLOCKED, step.rule
    answer = CHECKS[Dimension.APPROVAL](case)
    if answer.code == NEEDS_APPROVAL:
        return Effect.ASKED, answer.rule
    if answer.finding is Finding.FAIL:
        return Effect.BLOCKED, answer.rule
    return Effect.ALLOWED, answer.rule if answer.code == APPROVED else step.rule


def _months_before(at: datetime, months: int) -> datetime:
    """Return the first instant of the month that is `months` before that of `at`."""
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=years, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
