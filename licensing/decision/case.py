"""What the checks of all dimensions share: the case that they judge, and the step they return."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from licensing.words import NO_BRAND_STATED, Dimension, Finding
from talent.consent.matrix import (
    CombinedCell,
    Source,
    Version,
    combined_cell,
    in_force,
    source_name,
)
from talent.consent.scope import NO_BRAND, Breach, Scope, brand_names, breaches

from .request import AgreementFacts, Contributor, Facts, GrantFacts, Request


@dataclass(frozen=True, slots=True)
class Step:
    """What one dimension found, by which rule, set by whom and since when.

    `rule` is for staff, `public` for the licensee; `change` is what would pass instead.
    """

    dimension: Dimension
    finding: Finding
    code: str
    rule: str
    public: str = ""
    set_by: str = ""
    since: datetime | None = None
    change: str = ""


def failed_step(
    dimension: Dimension,
    code: str,
    rule: str,
    public: str = "",
    *,
    source: Source | None = None,
    change: str = "",
) -> Step:
    """Return the step of a dimension that refuses the use.

    Without `public`, the licensee reads the rule. `source` is the consent that set the rule.
    """
    return Step(dimension, Finding.FAIL, code, rule, public or rule, *_provenance(source), change)


@lru_cache(maxsize=8192)
def passed_step(
    dimension: Dimension, code: str, rule: str, public: str = "", *, source: Source | None = None
) -> Step:
    """Return the step of a dimension that lets the use pass.

    Without `public`, the licensee reads the rule. `source` is the consent that set the rule.
    """
    return Step(dimension, Finding.PASS, code, rule, public or rule, *_provenance(source))


def unknown_step(dimension: Dimension, code: str, rule: str) -> Step:
    """Return the step of a dimension whose facts the desk does not hold: no pass and no failure."""
    return Step(dimension, Finding.NOT_KNOWN, code, rule, rule)


def _provenance(source: Source | None) -> tuple[str, datetime | None]:
    """Return who set a rule of consent, and since when it is in force."""
    if source is None:
        return "", None
    recorded = f", recorded by {source.recorded_by}" if source.recorded_by else ""
    return f"{source_name(source)}{recorded}", source.in_force_from


@dataclass(frozen=True, slots=True)
class Case:
    """A request with its facts: a use at `at`, judged by what was recorded until `known_at`.

    `cells` are the contributors, each with what the consents in force say together of the right
    and use that are asked for.
    """

    request: Request
    facts: Facts
    at: datetime
    known_at: datetime
    cells: tuple[tuple[Contributor, CombinedCell], ...]


def case_of(request: Request, facts: Facts, at: datetime, known_at: datetime) -> Case:
    """Return the case of a use at `at`, as far as consents were recorded by `known_at`."""
    wanted = (request.right, request.use)
    cells = tuple(
        (person, _combined_cell(_layers(person, at, known_at), *wanted, person.voices))
        for person in facts.contributors
    )
    return Case(request, facts, at, known_at, cells)


def breaches_of(scope: Scope, case: Case) -> tuple[Breach, ...]:
    """Return how a use goes beyond the scope of a consent or approval; empty if it does not."""
    request = case.request
    return breaches(
        scope,
        at=case.at,
        licensee=request.licensee,
        territory=request.territory,
        language=request.language,
        channel=request.channel,
        production=request.production,
        brand=_names_of_brand(case),
        content=request.content,
        real_time=request.real_time,
        noticed_at=_noticed_at(request),
    )


def _names_of_brand(case: Case) -> frozenset[str] | None:
    """Return by which names lists mean the brand; None if it is not stated or not known."""
    brand = case.facts.brand
    if case.request.brand == NO_BRAND_STATED:
        return NO_BRAND
    if brand is None or brand.slug != case.request.brand:
        return None
    return brand_names(brand.slug, brand.categories)


def grant_for(request: Request, agreement: AgreementFacts) -> GrantFacts | None:
    """Return an agreement's grant of the right and use that are asked for."""
    wanted = (request.right, request.use)
    return next((grant for grant in agreement.grants if (grant.right, grant.use) == wanted), None)


def _noticed_at(request: Request) -> datetime | None:
    """Return when the studio asked for this very use: a signed agreement is no notice of it."""
    at = request.noticed_at
    return at if at is not None and at.tzinfo is not None else None


def _layers(contributor: Contributor, at: datetime, known_at: datetime) -> tuple[Version, ...]:
    """Return the version in force of each owner that has a say: guild, agency, performer, twin."""
    versions = (in_force(of_owner, at, known_at) for of_owner in _by_owner(contributor.versions))
    return tuple(version for version in versions if version)


# The same consents are judged again and again: the requests of a batch and of a day share them.


@lru_cache(maxsize=8192)
def _by_owner(versions: tuple[Version, ...]) -> tuple[tuple[Version, ...], ...]:
    owners: dict[tuple[str, str], list[Version]] = {}
    for version in versions:
        owners.setdefault((version.owner_kind, version.owner), []).append(version)
    return tuple(tuple(of_owner) for of_owner in owners.values())


@lru_cache(maxsize=8192)
def _combined_cell(
    layers: Sequence[Version], right: str, use: str, voices: frozenset[str]
) -> CombinedCell:
    return combined_cell(layers, right, use, voices=voices)
