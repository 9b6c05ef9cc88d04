"""Strikes: one hold over a guild's work, by scope and dates; what it holds is shown first.

Nothing is copied onto agreements: a decision finds the hold by guild, engagement, use, territory
and production. So what is signed during a strike is held too, and its lift restores what was.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Prefetch, Q, QuerySet

from licensing.decision.request import HoldFacts, Request, request_about
from licensing.facts.facts import codes_in, hold_facts
from licensing.models import (
    Agreement,
    CapReservation,
    ClearanceDecision,
    Grant,
    Hold,
    Permit,
    Production,
)
from licensing.wire.names import Prefix, number_in
from licensing.words import AgreementStatus, HoldKind, ReservationState
from talent.consent.matrix import cell_name
from talent.database.locks import lock_until_commit
from talent.errors import Refused
from talent.models import User
from talent.territories import touches

from .holds import place


class NoGuildToStrike(Refused):
    """A strike is that of a guild."""

    code = "no_guild"


class StruckAlready(Refused):
    """A strike of the same scope lies already."""

    code = "struck_already"


class StrikeHasChanged(Refused):
    """What the strike holds is not what was shown any more."""

    code = "strike_has_changed"


@dataclass(frozen=True)
class HeldAgreement:
    """An agreement that a strike holds: which grants, and which productions it spares there.

    `grants` are empty where it holds all of them.
    """

    agreement: Agreement
    grants: tuple[str, ...]
    spared: tuple[str, ...]


@dataclass(frozen=True)
class StrikePreview:
    """What a strike holds as soon as it lies, at every agency: for the operator's eyes.

    `permits` run on after its start and speak for no use from then on; `reservations` are cleared
    requests that hold units for such a use. `digest` stands for all of it.
    """

    agreements: tuple[HeldAgreement, ...]
    permits: int
    reservations: int
    digest: str

    @property
    def by_agency(self) -> list[tuple[str, int]]:
        """How many agreements it holds at each agency."""
        names = Counter(held.agreement.agency.name for held in self.agreements)
        return sorted(names.items())


def preview(strike: Hold, *, at: datetime) -> StrikePreview:
    """Return what a hold over a guild's work stops, in a fixed number of queries.

    `strike` need not be stored. It is judged as clearance judges it.
    """
    agreements = tuple(_held(strike, at=at))
    permits = len(_stopped(strike, Permit.objects.filter(revocation=None), at))
    open_ones = CapReservation.objects.filter(state=ReservationState.OPEN.value)
    reservations = len(_stopped(strike, open_ones, at))
    parts = [
        *(f"{held.agreement.pk} {held.grants} {held.spared}" for held in agreements),
        f"{_terms(strike)} {permits} {reservations}",
    ]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return StrikePreview(agreements, permits, reservations, digest)


@transaction.atomic
def declare(*, strike: Hold, shown: str, at: datetime, by: User) -> Hold:
    """Let a strike lie as it was shown. `strike` is not stored yet; its reason is in it.

    Raises NoGuildToStrike; StruckAlready for the same scope while one lies or is to come; and
    StrikeHasChanged where it holds other agreements, permits or reservations than were shown.
    """
    if not strike.guild:
        raise NoGuildToStrike("Choose the guild whose members strike.")
    lock_until_commit(f"strike of {strike.guild}")
    for other in Hold.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=max(at, strike.starts_at)),
        kind=HoldKind.STRIKE.value,
        guild=strike.guild,
    ):
        if _scope(other) == _scope(strike):
            raise StruckAlready(
                f"{other} lies already on the same work. Lift that one, or choose another scope."
            )
    if preview(strike, at=at).digest != shown:
        raise StrikeHasChanged(
            "Agreements, permits or reservations have changed since you looked. Look at what the "
            "strike holds now, and confirm it again."
        )
    terms = {name: getattr(strike, name) for name in _TERMS}
    return place(at=at, by=by, kind=HoldKind.STRIKE.value, **terms)


_SCOPE = ("engagements", "uses", "territories", "spares_begun_before")
_TERMS = ("guild", "starts_at", "ends_at", "reason", *_SCOPE)


def _scope(strike: Hold) -> tuple[Any, ...]:
    lists = (strike.engagements, strike.uses, strike.territories)
    return (*(codes_in(listed) for listed in lists), strike.spares_begun_before)


def _terms(strike: Hold) -> list[str]:
    """Return what is shown of the strike itself, without its reason."""
    scope = (sorted(part) if isinstance(part, frozenset) else part for part in _scope(strike))
    return [str(part) for part in (strike.guild, strike.starts_at, strike.ends_at, *scope)]


def _held(strike: Hold, *, at: datetime) -> Iterator[HeldAgreement]:
    agreements = (
        _covered(strike, at)
        .select_related("agency", "licensee", "twin")
        .prefetch_related(
            Prefetch("grants", Grant.objects.order_by("pk")),
            Prefetch("productions", Production.objects.order_by("title")),
        )
        .order_by("agency__name", "licensee__name", "reference", "pk")
    )
    places = codes_in(strike.territories)
    for agreement in agreements:
        grants = list(agreement.grants.all())
        held = [grant for grant in grants if _lies_on_grant(strike, places, grant)]
        productions = list(agreement.productions.all())
        spared = [row for row in productions if row.had_begun_before(strike.spares_begun_before)]
        if not held or (productions and spared == productions):
            continue
        names = tuple(cell_name(grant.right, grant.use) for grant in held)
        yield HeldAgreement(
            agreement,
            () if held == grants else names,
            tuple(production.title for production in spared),
        )


def _covered(strike: Hold, at: datetime) -> QuerySet[Agreement]:
    """Return the agreements that still run when a strike lies, of its guild and engagements."""
    begins = max(at, strike.starts_at)
    members = Q(guild=strike.guild)
    members |= Q(twin__performer__guild=strike.guild)
    members |= Q(twin__sources__performer__guild=strike.guild)
    rows = Agreement.objects.filter(
        members,
        Q(ends_at=None) | Q(ends_at__gt=begins),
        status__in=[AgreementStatus.SIGNED.value, AgreementStatus.ENDED.value],
    )
    if strike.ends_at is not None:
        rows = rows.filter(starts_at__lt=strike.ends_at)
    if strike.engagements is not None:
        rows = rows.filter(engagement__in=strike.engagements)
    return rows.distinct()


def _lies_on_grant(strike: Hold, places: frozenset[str] | None, grant: Grant) -> bool:
    if strike.uses is not None and grant.use not in strike.uses:
        return False
    if places is None or grant.territories is None:
        return True
    return any(touches(places, code) for code in grant.territories)


def _stopped(strike: Hold, rows: QuerySet[Any], at: datetime) -> list[Mapping[str, Any]]:
    """Return the permits or reservations for a use that the strike stops, as clearance would."""
    running = rows.filter(expires_at__gt=max(at, strike.starts_at))
    asked = {name: F(f"request__{name}") for name in ("right", "use", "territory", "production")}
    told = list(
        ClearanceDecision.objects.filter(
            agreement__in=_covered(strike, at).order_by().values("pk"),
            pk__in=running.values("decision_id"),
        )
        .annotate(**{f"asked_{name}": value for name, value in asked.items()})
        .order_by("pk")
        .values("pk", "at", *(f"asked_{name}" for name in asked))
    )
    productions = _productions(row["asked_production"] for row in told)
    return [row for row in told if _stops(strike, row, productions)]


def _productions(names: Iterable[str | None]) -> dict[str, Production]:
    numbers = {name: number_in(name, Prefix.PRODUCTION) for name in set(names) if name}
    rows = Production.objects.in_bulk([number for number in numbers.values() if number])
    return {name: rows[number] for name, number in numbers.items() if number in rows}


def _stops(strike: Hold, row: Mapping[str, Any], productions: Mapping[str, Production]) -> bool:
    facts: HoldFacts = hold_facts(strike, productions.get(row["asked_production"] or ""))
    ends_before_it = strike.ends_at is not None and row["at"] >= strike.ends_at
    return not ends_before_it and facts.concerns(_asked(row))


def _asked(row: Mapping[str, Any]) -> Request:
    number = number_in(row["asked_production"] or "", Prefix.PRODUCTION)
    return request_about(
        twin=None,
        production=number,
        right=row["asked_right"],
        use=row["asked_use"],
        licensee="",
        at=row["at"],
        territory=row["asked_territory"],
    )
