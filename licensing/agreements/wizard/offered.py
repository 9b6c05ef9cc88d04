"""Offered: which cells an agreement may grant, by the consent in force of all contributors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

from licensing.agreements.agreements import Consent, claimed_by, consents_about
from licensing.facts.facts import grant_facts
from licensing.models import Agreement, Grant
from licensing.wire.names import Prefix, name_of
from talent.consent import sentences
from talent.consent.bounds import GrantSought, excesses
from talent.consent.matrix import CellKey, CombinedCell, cell_name, strictness
from talent.consent.overview import USES
from talent.consent.scope import EVERYWHERE, Limit, Scope, allows_nothing, common_scope
from talent.words import Channel, Right, Stance

KEYS: tuple[CellKey, ...] = tuple((right.value, use.value) for right in Right for use in USES)
NOBODY = "Nobody whose consent counts is on record for this twin."


@dataclass(frozen=True, slots=True)
class Offered:
    """What all contributors together allow of a cell, and why it can't be granted; empty: it can.

    Where `because` is set, nothing of it can be granted to this licensee for these productions and
    this term, whatever the bounds.
    """

    cell: CombinedCell
    because: str
    consents: tuple[Consent, ...] = ()

    @property
    def key(self) -> CellKey:
        return self.cell.right, self.cell.use

    @property
    def name(self) -> str:
        return cell_name(*self.key)

    @property
    def may_be_granted(self) -> bool:
        return not self.because

    @property
    def asks(self) -> bool:
        """Whether each use of it also needs an approval."""
        return self.cell.stance is Stance.ASK

    def refusals(self, scope: Scope) -> list[str]:
        """Say how a grant within a scope would be more than is allowed; empty: it is not."""
        if self.because:
            return [self.because]
        sought = GrantSought(*self.key, scope)
        found = [text for _who, cell in self.consents for text in excesses(sought, cell)]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where, how and for what an agreement's grants hold; None: all that the consent allows."""

    territories: frozenset[str] | None = None
    territories_excluded: frozenset[str] = frozenset()
    languages: frozenset[str] | None = None
    channels: frozenset[str] | None = None
    brands: frozenset[str] | None = None
    exclusions: frozenset[str] = frozenset()
    real_time: bool = False

    def scope(self) -> Scope:
        return Scope(
            territories=self.territories,
            territories_excluded=self.territories_excluded,
            languages=self.languages,
            channels_allowed=self.channels,
            brands_allowed=self.brands,
            exclusions=self.exclusions,
        )


Offers = Mapping[CellKey, Offered]


def offers_to(agreement: Agreement, *, at: datetime) -> Offers:
    """Return for each right and use what an agreement may grant of it.

    Takes a fixed number of queries.
    """
    claimed = claimed_by(agreement)
    consents = consents_about(agreement, KEYS, at=at)
    return {key: _offered(key, told, claimed) for key, told in zip(KEYS, consents, strict=True)}


def _offered(key: CellKey, consents: tuple[Consent, ...], claimed: Mapping[str, Any]) -> Offered:
    if not consents:
        denied = CombinedCell(*key, Stance.DENY, EVERYWHERE, decided_by=None)
        return Offered(denied, NOBODY)
    cell = together(cell for _who, cell in consents)
    offered = Offered(cell, "", consents)
    if cell.stance is not Stance.DENY and (nowhere := allows_nothing(cell.scope)):
        return replace(offered, because=f"{offered.name}: the consent names no {nowhere}.")
    return replace(offered, because=" ".join(offered.refusals(_widest(cell, claimed))))


def together(cells: Iterable[CombinedCell]) -> CombinedCell:
    """Return what several contributors allow together: the strictest stance, the common scope."""
    return reduce(_both, cells)


def _both(one: CombinedCell, other: CombinedCell) -> CombinedCell:
    stricter = other if strictness(other.stance) > strictness(one.stance) else one
    return replace(stricter, scope=common_scope(one.scope, other.scope))


def _widest(cell: CombinedCell, claimed: Mapping[str, Any]) -> Scope:
    """Return the widest scope that a grant could have by the consent, for these parties."""
    return replace(bounded(Bounds(), cell.scope), **claimed)


def bounded(bounds: Bounds, consent: Scope) -> Scope:
    """Return what bounds leave of what a consent allows."""
    both = common_scope(bounds.scope(), consent)
    channels = both.channels_allowed
    if both.channels_excluded:
        channels = frozenset(channels or Channel.codes()) - both.channels_excluded
    return Scope(
        territories=both.territories,
        territories_excluded=both.territories_excluded,
        languages=both.languages,
        languages_in=both.languages_in,
        channels_allowed=channels,
        brands_allowed=both.brands_allowed,
        exclusions=both.exclusions,
        real_time=bounds.real_time and consent.real_time is True,
    )


def refusals_of(
    offered: Offered, bounds: Bounds, agreement: Agreement
) -> tuple[Scope, Sequence[str]]:
    """Return the scope of a grant of a cell within bounds, and what forbids it."""
    scope = bounded(bounds, offered.cell.scope)
    nowhere = allows_nothing(scope)
    if nowhere and offered.may_be_granted:
        text = f"{offered.name}: its consent allows no {nowhere} of those that you name."
        return scope, [text]
    return scope, offered.refusals(replace(scope, **claimed_by(agreement)))


def scope_granted(grant: Grant) -> Scope:
    """Return the scope of a grant that is there."""
    facts = grant_facts(grant)
    return Scope(
        territories=facts.territories,
        territories_excluded=facts.territories_excluded,
        languages=facts.languages,
        languages_in=facts.languages_in,
        channels_allowed=facts.channels,
        brands_allowed=facts.brands,
        exclusions=facts.exclusions,
        real_time=facts.real_time,
    )


def bounds_of(grants: Sequence[Grant]) -> Bounds:
    """Return the bounds that grants have in common; of those that differ, what all of them span."""
    scopes = [scope_granted(grant) for grant in grants]
    if not scopes:
        return Bounds()
    excluded = [scope.territories_excluded for scope in scopes]
    exclusions = [scope.exclusions for scope in scopes]
    return Bounds(
        territories=_span([scope.territories for scope in scopes]),
        territories_excluded=frozenset.intersection(*excluded),
        languages=_span([scope.languages for scope in scopes]),
        channels=_span([scope.channels_allowed for scope in scopes]),
        brands=_span([scope.brands_allowed for scope in scopes]),
        exclusions=frozenset.intersection(*exclusions),
        real_time=any(scope.real_time for scope in scopes),
    )


def _span(lists: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    named = [codes for codes in lists if codes is not None]
    return frozenset().union(*named) if len(named) == len(lists) else None


def limits_of(offers: Offers, keys: Iterable[CellKey]) -> list[tuple[str, Limit]]:
    """Return the limits that consent sets to the cells granted, each with the cell's name."""
    return [
        (offers[key].name, limit)
        for key in keys
        if key in offers
        for limit in offers[key].cell.scope.limits
    ]


def in_words(
    agreement: Agreement,
    offers: Offers,
    granted: Mapping[CellKey, Scope],
    names: sentences.Names,
) -> str:
    """Say what grants allow, as the performer reads it."""
    claimed = {**claimed_by(agreement), "valid_from": None}
    cells = [
        replace(offers[key].cell, scope=replace(granted[key], real_time=None, **claimed))
        for key in KEYS
        if key in granted and offers[key].may_be_granted
    ]
    if not cells:
        return ""
    said = [sentences.paragraph(cells, names=names_of(agreement, names))]
    live = [offers[key].name for key in KEYS if key in granted and granted[key].real_time]
    if live:
        said.append(f"It may answer in real time: {', '.join(live)}.")
    else:
        said.append("Nothing of it is generated in real time.")
    said.append("Nothing else may be done with it under this agreement.")
    return " ".join(said)


def names_of(agreement: Agreement, names: sentences.Names) -> sentences.Names:
    """Return the names of parties with those of an agreement's own."""
    productions = {
        ("production", name_of(Prefix.PRODUCTION, row.pk) or ""): row.title
        for row in agreement.productions.all()
    }
    own = {("licensee", agreement.licensee.slug): agreement.licensee.name}
    return {**names, **productions, **own}
