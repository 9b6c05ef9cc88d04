"""Deciding many requests at once.

Requests that differ only in instant and quantity share one decision until a fact changes.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from talent.consent.matrix import Version
from talent.consent.scope import Scope
from talent.words import Use

from .decision import Decision, decide, is_failure
from .dimensions import any_minor
from .request import Contributor, Facts, Request, UsedUnits

# All that a decision reads of a request beside its instant, its notice and its quantities.
_compared = attrgetter(
    "twin", "right", "use", "licensee", "agreement", "territory", "language", "channel",
    "production", "build", "prompt_class", "real_time", "content", "brand", "described", "approval",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _SharedFacts:
    """Facts that several requests share, the same without caps, and when they change.

    `changes_at` are the sorted instants at which a decision on them may become another. It is
    None where the decision also depends on quantities: each request is then decided by itself.
    """

    facts: Facts
    without_caps: Facts
    changes_at: Sequence[datetime] | None


class SharedDecisions:
    """Decides the requests of a batch on facts as known at an instant, equal requests only once.

    Requests share a decision if their facts are one object, as `facts_for` returns them.
    """

    def __init__(self, known_at: datetime):
        self._known_at = known_at
        self._facts: dict[int, _SharedFacts] = {}
        self._decisions: dict[tuple[object, ...], Decision] = {}

    def without_caps(self, request: Request, facts: Facts) -> Decision:
        """Return what `decide` says of a request on these facts as if there were no caps."""
        shared = self._shared(facts)
        if shared.changes_at is None or request.at is None or request.noticed_at is not None:
            return decide(request, shared.without_caps, self._known_at)
        key = (
            id(facts),
            _compared(request),
            bisect_right(shared.changes_at, request.at),
            # A build is in service for whole days, and people come of age on one.
            request.at.date() if facts.build else None,
            any_minor(facts.contributors, request.at.date()),
        )
        decision = self._decisions.get(key)
        if decision is None:
            decision = decide(request, shared.without_caps, self._known_at)
            if not is_failure(decision):  # Its reference number is the request's own.
                self._decisions[key] = decision
        return decision

    def _shared(self, facts: Facts) -> _SharedFacts:
        # Holding on to the facts keeps other facts from getting the same id.
        shared = self._facts.get(id(facts))
        if shared is None:
            counts_units = limits_units(facts) or any(
                approval.units for approval in facts.approvals
            )
            shared = self._facts[id(facts)] = _SharedFacts(
                facts,
                replace(facts, caps=()),
                None if counts_units else sorted(instants_of_change(facts, noticed_at=None)),
            )
        return shared


def limits_units(facts: Facts) -> bool:
    """Tell whether some consent limits how much a twin is used."""
    return any(scope.limits for scope in _scopes(facts))


Counted = tuple[str, str, int, str]  # a meter, a licensee, a year and a right


class UnitsOfBatch:
    """The units that a batch itself adds to those that consents limit, by contributor.

    All twins of somebody count together, composites among them. `facts` are those of the batch:
    where no consent in them limits anything, nothing is counted.
    """

    def __init__(self, facts: Iterable[Facts]) -> None:
        distinct = {id(known): known for known in facts}.values()
        self._is_limited = any(map(limits_units, distinct))
        self._units: defaultdict[tuple[str, str], defaultdict[Counted, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )

    def add(
        self, request: Request, facts: Facts, units: Mapping[str, Decimal], *, sign: int = 1
    ) -> None:
        """Count units of a use for everybody whose likeness is in its twin; -1 takes them off."""
        if request.at is None or not self._is_limited:
            return
        year = request.at.astimezone(UTC).year
        for contributor in facts.contributors:
            counted = self._units[contributor.id, request.use]
            for meter, quantity in units.items():
                counted[meter, request.licensee, year, request.right] += sign * quantity

    def put_into(self, facts: Facts, request: Request) -> Facts:
        """Return facts in which these units are used as well, where a consent limits something."""
        if not self._units or not limits_units(facts):
            return facts
        contributors = tuple(
            replace(contributor, used=self._used(contributor, request))
            for contributor in facts.contributors
        )
        return (
            facts
            if contributors == facts.contributors
            else replace(facts, contributors=contributors)
        )

    def _used(self, contributor: Contributor, request: Request) -> tuple[UsedUnits, ...] | None:
        more = self._units.get((contributor.id, request.use))
        if contributor.used is None or not more:
            return contributor.used
        added = (
            UsedUnits(
                meter, licensee, year, used=units, right="" if right == request.right else right
            )
            for (meter, licensee, year, right), units in sorted(more.items())
            if units and (right == request.right or request.use == Use.TRAINING)
        )
        return (*contributor.used, *added)


def instants_of_change(facts: Facts, *, noticed_at: datetime | None) -> set[datetime]:
    """Return the instants at which a decision on these facts may become another.

    That is when consents, approvals, the agreement and holds begin and end, and when the notice
    that a consent demands has run since `noticed_at`. The first days of caps' fiscal years and of
    the years of consents' limits, the days of builds and birthdays are not among them.
    """
    instants = {*_of_consents(facts, noticed_at), *_of_terms(facts)}
    return {instant for instant in instants if instant is not None}


def _of_consents(facts: Facts, noticed_at: datetime | None) -> Iterator[datetime | None]:
    for version in _versions(facts):
        yield version.in_force_from
    for scope in _scopes(facts):
        yield scope.valid_from
        yield scope.valid_to
        if scope.notice_hours and noticed_at is not None:
            yield noticed_at + timedelta(hours=scope.notice_hours)


def _of_terms(facts: Facts) -> Iterator[datetime | None]:
    for term in (facts.agreement, *facts.holds):
        if term is not None:
            yield term.starts_at
            yield term.ends_at


def _versions(facts: Facts) -> Iterator[Version]:
    return (version for contributor in facts.contributors for version in contributor.versions)


def _scopes(facts: Facts) -> Iterator[Scope]:
    """Yield the scopes that consents and approvals set."""
    for version in _versions(facts):
        yield from (cell.scope for cell in version.cells)
    yield from (approval.scope for approval in facts.approvals)
