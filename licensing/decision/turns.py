"""Turns: the instants at which the answer to a question can become another."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from talent.consent.matrix import Scope, Version

from .request import Facts


def turns_of(facts: Facts, *, noticed_at: datetime | None) -> set[datetime]:
    """Return the instants at which what facts say of a question can turn.

    Those of consents, approvals, the agreement and holds, and of a notice given at `noticed_at`.
    Caps' years, the days of builds and people's ages turn apart from these.
    """
    found = {*_of_consents(facts, noticed_at), *_of_terms(facts)}
    return {turn for turn in found if turn is not None}


def _of_consents(facts: Facts, noticed_at: datetime | None) -> Iterator[datetime | None]:
    """Versions and scopes beginning and ending, and notices running out."""
    signed_at = facts.agreement.signed_at if facts.agreement else None
    notices = [notice for notice in (noticed_at, signed_at) if notice is not None]
    for version in _versions(facts):
        yield version.in_force_from
    for scope in scopes(facts):
        yield scope.valid_from
        yield scope.valid_to
        if scope.notice_hours:
            yield from (notice + timedelta(hours=scope.notice_hours) for notice in notices)


def _versions(facts: Facts) -> Iterator[Version]:
    return (version for contributor in facts.contributors for version in contributor.versions)


def scopes(facts: Facts) -> Iterator[Scope]:
    """Yield the scopes that consents and approvals set."""
    for version in _versions(facts):
        yield from (cell.scope for cell in version.cells)
    yield from (approval.scope for approval in facts.approvals)


def _of_terms(facts: Facts) -> Iterator[datetime | None]:
    for one in (facts.agreement, *facts.holds):
        if one is not None:
            yield one.starts_at
            yield one.ends_at
