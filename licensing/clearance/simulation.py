"""Simulations: what a change of consent would have done to the uses and requests of some months.

Only consent is simulated, its scope included: caps, agreements and holds stay out of it. Uses are
grouped in the database by all that consent looks at and decided once for each group.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from itertools import groupby, islice
from typing import Any

from django.db.models import Case, Count, IntegerField, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import TruncMonth

from licensing.decision.approval_check import APPROVED, NEEDS_APPROVAL
from licensing.decision.case import case_of
from licensing.decision.decision import CHECKS, from_json
from licensing.decision.request import Facts, Request, request_about
from licensing.facts.facts import facts_for
from licensing.models import (
    Agreement,
    ClearanceDecision,
    Licensee,
    LicenseeTerms,
    UsageEvent,
    replaced,
)
from licensing.words import Dimension, Finding, LeafKind, Meter, Standing
from talent.consent.matrix import Cell, cell_name
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

from .proposals import ALWAYS, Proposal

CHUNK = 2_000
MOST_EXAMPLES = 5


class Effect(Enum):
    """What a change would have made of something."""

    BLOCKED = "blocked"
    ASKED = "asked"
    ALLOWED = "allowed"


@dataclass(slots=True)
class Tally:
    """How much of one licensee's uses in one month would have gone another way."""

    effect: Effect
    licensee: str
    what: str
    month: date
    uses: int = 0
    requests: int = 0
    quantities: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """One use or request that would have gone another way, and why."""

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
        return sum(one.uses for one in concerned), sum(one.requests for one in concerned)

    @property
    def counts(self) -> list[tuple[str, int, int]]:
        return [(effect.value, *self.count(effect)) for effect in Effect]


def simulate(
    *, matrix: ConsentMatrix, cells: Sequence[Cell], months: int, user: User, at: datetime
) -> Simulation:
    """Say what a matrix with these cells would have done to the last months, had it counted.

    `matrix` may be unsaved. Covers what the user may see. Memory follows the number of distinct
    uses, not that of events; queries that of the licensees concerned.
    """
    since = _months_before(at, months)
    proposal = Proposal.of(matrix, cells, at)
    tallies = _Tallies()
    if proposal.changed:
        twins = list(_twins(matrix, user))
        _simulate_uses(proposal, twins, tallies, since=since, user=user, at=at)
        _simulate_requests(proposal, twins, tallies, since=since, user=user, at=at)
    return Simulation(since, at, tallies.sorted(), tuple(tallies.examples))


class _Tallies:
    """Sums by effect, licensee, cell and month, and a few examples of each effect."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[Effect, str, str, date], Tally] = {}
        self._shown: dict[Effect, int] = defaultdict(int)
        self.examples: list[Example] = []

    def of(self, effect: Effect, licensee: str, what: str, month: date) -> Tally:
        key = (effect, licensee, what, month)
        return self._by_key.setdefault(key, Tally(*key))

    def show(self, example: Example) -> None:
        if self._shown[example.effect] < MOST_EXAMPLES:
            self._shown[example.effect] += 1
            self.examples.append(example)

    def sorted(self) -> tuple[Tally, ...]:
        order = list(Effect)
        return tuple(
            sorted(
                self._by_key.values(),
                key=lambda one: (order.index(one.effect), one.licensee, one.what, one.month),
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
    "production", "prompt_class", "real_time", "standing",
)  # fmt: skip


def _simulate_uses(
    proposal: Proposal,
    twins: Sequence[DigitalTwin],
    tallies: _Tallies,
    *,
    since: datetime,
    user: User,
    at: datetime,
) -> None:
    names = {twin.pk: twin.name for twin in twins}
    terms_of = _Terms()
    rows = _grouped(proposal, twins, since=since, user=user, at=at).iterator(chunk_size=CHUNK)
    for parties, of_parties in groupby(rows, key=lambda row: (row["agency"], row["licensee"])):
        terms = terms_of.between(*parties)
        while chunk := list(islice(of_parties, CHUNK)):
            requests = [_request(row, terms) for row in chunk]
            found = facts_for(requests, terms=terms, known_at=at)
            for row, request, facts in zip(chunk, requests, found, strict=True):
                effect, reason = _effect(proposal, request, facts, at, terms.agency_id)
                if effect and _goes_another_way(effect, row["standing"]):
                    _add_use(tallies, effect, reason, row, terms, names)


def _grouped(
    proposal: Proposal,
    twins: Sequence[DigitalTwin],
    *,
    since: datetime,
    user: User,
    at: datetime,
) -> QuerySet[UsageEvent, dict[str, Any]]:
    """Group uses in force by what consent looks at, and by spans in which no consent changes."""
    turns = _turns(proposal, twins, since, at)
    spans = [When(occurred_at__lt=turn, then=Value(i)) for i, turn in enumerate(turns)]
    span = Case(*spans, default=Value(len(turns)), output_field=IntegerField())
    return (
        UsageEvent.objects.visible_to(user)
        .filter(
            twin__in=[twin.pk for twin in twins],
            kind__in=[LeafKind.USE.value, LeafKind.AMENDMENT.value],
            occurred_at__gte=since,
            occurred_at__lt=at,
            right__in={right for right, _ in proposal.changed},
            use__in={use for _, use in proposal.changed},
        )
        .exclude(replaced(known_at=at))
        .annotate(span=span, month=TruncMonth("occurred_at", tzinfo=UTC))
        .values(*_DIMENSIONS, "span", "month")
        .annotate(
            count=Count("pk"),
            first_at=Min("occurred_at"),
            first_id=Min("pk"),
            **{f"sum_{meter.value}": Sum(meter.value) for meter in Meter},
        )
        .order_by("agency", "licensee", "first_id")
    )


def _turns(
    proposal: Proposal, twins: Sequence[DigitalTwin], since: datetime, at: datetime
) -> list[datetime]:
    """Return the instants at which a consent about the twins begins or ends to count."""
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
    found = set(versions.values_list("in_force_from", flat=True))
    for starts, ends in cells.values_list("valid_from", "valid_to").distinct():
        found |= {starts, ends}
    for cell in proposal.cells.values():
        found |= {cell.scope.valid_from, cell.scope.valid_to}
    return sorted(turn for turn in found if turn is not None and since < turn < at)


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
    )


class _Terms:
    """The terms between parties, asked for once; parties without any get them unsaved."""

    def __init__(self) -> None:
        self._licensees: dict[int, Licensee] = {}

    def between(self, agency_id: int, licensee_id: int) -> LicenseeTerms:
        if licensee_id not in self._licensees:
            self._licensees[licensee_id] = Licensee.objects.get(pk=licensee_id)
        return LicenseeTerms(agency_id=agency_id, licensee=self._licensees[licensee_id])


def _goes_another_way(effect: Effect, standing: str) -> bool:
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


def _simulate_requests(
    proposal: Proposal,
    twins: Sequence[DigitalTwin],
    tallies: _Tallies,
    *,
    since: datetime,
    user: User,
    at: datetime,
) -> None:
    """Decide the requests anew that asked for a changed cell, on the facts stored with them."""
    rows = (
        ClearanceDecision.objects.visible_to(user)
        .filter(
            twin__in=twins,
            known_at__gte=since,
            known_at__lt=at,
            request__right__in=sorted({right for right, _ in proposal.changed}),
            request__use__in=sorted({use for _, use in proposal.changed}),
        )
        .select_related("terms__licensee", "twin")
        .order_by("pk")
    )
    for row in rows.iterator(chunk_size=CHUNK):
        _add_request(proposal, row, tallies)


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
    """Say what the proposal would have made of a request, if anything else than was made."""
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
    """Return the first instant of the month that lies so many months back."""
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=years, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
