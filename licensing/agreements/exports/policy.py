"""An agreement's grants and caps as an ODRL 2.2 policy, in the terms of the consent's own.

What no permission covers is not licensed. Terms that bound no single use stand in the JSON.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from licensing.decision.request import AgreementFacts, GrantFacts
from talent.consent.exports import (
    CONTEXT,
    PROFILE,
    TERMS,
    constraint,
    constraints_of,
    left_out_of,
    literal,
    named,
)
from talent.consent.scope import Scope, allows_nothing

Json = dict[str, Any]

URN = "urn:likenessdesk:"


@dataclass(frozen=True, slots=True)
class CapTerm:
    """A limit on one meter per fiscal year. A soft one is passed at overage rates.

    It counts uses of the days from `starts_on` to before `ends_on`, which begin at the instants
    given beside them. `channels` None is every channel.
    """

    meter: str
    limit: Decimal
    hard: bool
    starts_on: date
    starts_at: str
    ends_at: str | None = None
    channels: frozenset[str] | None = None


def policy(
    agreement: AgreementFacts, caps: Sequence[CapTerm], *, twin: str, assigner: str, title: str
) -> Json:
    """Return what an agreement licenses as an ODRL Agreement in JSON-LD, as it holds once signed.

    `twin` and `assigner` are IRIs. Each grant is a permission; what it leaves out of itself is a
    prohibition, which outranks it. The same terms give the same policy.
    """
    grants = sorted(agreement.grants, key=lambda grant: (grant.right, grant.use))
    rules = [_rules(agreement, grant, caps, twin) for grant in grants]
    parties = {term: {"@id": f"odrl:{term}", "@type": "@id"} for term in ("assigner", "assignee")}
    return {
        "@context": CONTEXT | parties,
        "uid": f"{URN}agreement:{agreement.id}:policy",
        "type": "Agreement",
        "profile": PROFILE,
        "title": title,
        "assigner": assigner,
        "assignee": f"{URN}licensee:{agreement.licensee}",
        "conflict": "prohibit",
        "permission": [permission for permission, _ in rules if permission],
        "prohibition": [one for _, prohibitions in rules for one in prohibitions],
    }


def _rules(
    agreement: AgreementFacts, grant: GrantFacts, caps: Sequence[CapTerm], twin: str
) -> tuple[Json | None, list[Json]]:
    purpose = constraint("purpose", "eq", {"uid": f"{TERMS}use:{grant.use}"})
    rule: Json = {"target": f"{twin}:{grant.right}", "action": "use"}
    scope = _scope_of(grant, agreement)
    if allows_nothing(scope):
        return None, [rule | {"constraint": [purpose]}]
    limits = [one for cap in caps for one in _capped(cap)]
    permission = rule | {"constraint": [purpose, *constraints_of(scope), *limits]}
    return permission, [rule | {"constraint": [purpose, *out]} for out in left_out_of(scope)]


def _scope_of(grant: GrantFacts, agreement: AgreementFacts) -> Scope:
    return Scope(
        territories=grant.territories,
        territories_excluded=grant.territories_excluded,
        languages=grant.languages,
        languages_in=grant.languages_in,
        channels_allowed=grant.channels,
        productions_allowed=frozenset(agreement.productions) or None,
        brands_allowed=grant.brands,
        exclusions=grant.exclusions,
        real_time=grant.real_time,
        valid_from=agreement.starts_at,
        valid_to=agreement.ends_at,
    )


def _capped(cap: CapTerm) -> Iterator[Json]:
    """Yield a cap as a constraint: before, after and beside what it counts, or within it.

    A use that does not state its quantity cannot be counted, so a soft cap asks for one as well.
    One that names no channel at all counts nothing, and constrains nothing.
    """
    if cap.channels is not None and not cap.channels:
        return
    most = ("lteq", f"{cap.limit.normalize():f}") if cap.hard else ("gteq", "0")
    beside = [constraint("dateTime", "lt", literal(cap.starts_at, "dateTime"))]
    if cap.ends_at:
        beside.append(constraint("dateTime", "gteq", literal(cap.ends_at, "dateTime")))
    if cap.channels is not None:
        beside.append(constraint("deliveryChannel", "isNoneOf", named("channel", cap.channels)))
    within = constraint(counted_by(cap), most[0], literal(most[1], "decimal"))
    yield {"or": [*beside, within]}


def counted_by(cap: CapTerm) -> str:
    """Return the profile's term for what a cap counts of a fiscal year, this use included."""
    channels = "" if cap.channels is None else f":in:{'+'.join(sorted(cap.channels))}"
    return f"desk:metered:{cap.meter}:perFiscalYear:since:{cap.starts_on}{channels}"
