"""The same question put to Cedar: facts as policies, requests as its requests.

Written from docs/clearance.md, not from the code it judges. An agreement's grants are the permits;
whatever stands against a use is a forbid. Cedar knows yes and no only, so a request is put twice:
may the use be made (`use`), and may it at least be asked about (`ask`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import zip_longest

import cedarpy

from licensing.decision.request import ApprovalFacts, CapFacts, Contributor, Facts, Request
from licensing.words import Outcome
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope

KNOWN_TERRITORIES = ["FR", "US", "US-CA", "US-NY"]
KNOWN_LANGUAGES = ["fr", "fr-CA", "en"]
KNOWN_CONTENTS = ["nudity", "political", "tobacco"]
KNOWN_CHANNELS = ["streaming", "cinema"]
LICENSEES = ["lantern", "saltmarsh"]
YEARS = [2025, 2026]
LAYERS = ["guild", "agency", "performer", "twin"]
HOUR = 3600


def outcomes(asked: Iterable[Request], facts: Facts, known_at: datetime) -> list[Outcome]:
    """Answer requests on the same facts, in one batch."""
    asked = list(asked)
    both = [put(request, action) for request in asked for action in ("use", "ask")]
    results = cedarpy.is_authorized_batch(both, policies(facts, known_at), [])
    for result in results:
        assert result.diagnostics.errors == [], result.diagnostics.errors
    allowed = [result.allowed for result in results]
    return [
        Outcome.CLEARED if use else Outcome.NEEDS_APPROVAL if ask else Outcome.REFUSED
        for use, ask in zip(allowed[::2], allowed[1::2], strict=True)
    ]


def put(request: Request, action: str) -> dict:
    stated = {
        "territory": request.territory,
        "language": request.language,
        "channel": request.channel,
        "production": request.production,
        "build": request.build,
        "noticedAt": request.noticed_at and seconds(request.noticed_at),
        "content": None if request.content is None else list(request.content),
        "brand": request.brand,
    }
    units = {f"units_{meter}": int(quantity * 100) for meter, quantity in request.units}
    return {
        "principal": f'Licensee::"{request.licensee}"',
        "action": f'Action::"{action}"',
        "resource": f'Twin::"{request.twin}"',
        "context": {
            "right": request.right,
            "use": request.use,
            "at": seconds(request.at),
            "day": request.at.date().toordinal(),
            "year": request.at.year,
            "realTime": request.real_time,
            "scripted": request.prompt_class in {"scripted", "revision", "none", ""},
            **{name: value for name, value in stated.items() if value is not None},
            **units,
        },
    }


def policies(facts: Facts, known_at: datetime) -> str:
    """Return everything that a decision on these facts has to respect, as Cedar policies."""
    return "\n".join(
        [
            *_grants(facts, known_at),
            *_twin(facts),
            *_words(),
            *_people(facts, known_at),
            *(_cap(cap) for cap in facts.caps),
            *_build(facts),
            *_holds(facts),
            *_absolute(facts),
        ]
    )


def forbid(when: str, *, action: str = "") -> str:
    scope = f'action == Action::"{action}"' if action else "action"
    return f"forbid (principal, {scope}, resource) when {{ {when} }};"


# Agreement


def _grants(facts: Facts, known_at: datetime) -> Iterator[str]:
    deal = facts.agreement
    if deal is None or deal.signed_at is None or deal.signed_at > known_at:
        return
    if deal.status not in {"signed", "ended"} or facts.twin is None or deal.twin != facts.twin.id:
        return
    if deal.status == "ended" and deal.ends_at is None:
        return  # Nobody knows since when.
    for grant in deal.grants:
        yield (
            f'permit (principal == Licensee::"{deal.licensee}", action, resource) when {{ '
            + " && ".join(
                [
                    _is(grant),
                    _during(deal.starts_at, deal.ends_at),
                    _one_of("production", deal.productions or None),
                    _covered("territory", grant.territories),
                    _covered("language", grant.languages),
                    _one_of("channel", grant.channels),
                    "true" if grant.real_time else "!context.realTime",
                ]
            )
            + " };"
        )


# What the desk has no word for


def _words() -> Iterator[str]:
    for name, known in (
        ("territory", KNOWN_TERRITORIES),
        ("language", KNOWN_LANGUAGES),
        ("channel", KNOWN_CHANNELS),
    ):
        yield forbid(f"context has {name} && !{_set(known)}.contains(context.{name})")
    yield forbid(f"context has content && !{_set(KNOWN_CONTENTS)}.containsAll(context.content)")


# Consent


def _people(facts: Facts, known_at: datetime) -> Iterator[str]:
    if not facts.contributors:
        yield forbid("true")
    for person in facts.contributors:
        yield from _person(person, facts, known_at)


def _person(person: Contributor, facts: Facts, known_at: datetime) -> Iterator[str]:
    """Forbid what no layer speaks of, what one denies, and what lies outside one's scope."""
    said = [(owner_kind, cell, when) for owner_kind, cell, when in _said(person, known_at)]
    overruled = _any(
        when for kind, cell, when in said if cell.overrules_agency and kind in {"performer", "twin"}
    )
    counted = [
        (cell, _all([when, f"!({overruled})"]) if kind == "agency" else when)
        for kind, cell, when in said
    ]
    spoken = (when for owner_kind, _cell, when in said if owner_kind in person.voices)
    yield forbid(f"!({_any(spoken)})")
    for cell, when in counted:
        if cell.stance == "deny":
            yield forbid(when)
        if cell.stance == "ask":
            yield forbid(_all([when, f"!({_approved(person, facts, known_at)})"]), action="use")
            yield forbid(_all([when, _vetoed(person, facts, known_at)]))
        for outside in _outside(cell.scope, facts):
            yield forbid(_all([when, outside]))
        for limit in cell.scope.limits:
            yield from _limit(limit, person, when)
    expressly = _any(
        when for kind, cell, when in said if kind in person.voices and cell.scope.real_time
    )
    yield forbid(f"context.realTime && !({expressly})")


def _limit(limit: Limit, person: Contributor, when: str) -> Iterator[str]:
    """Forbid what is past a limit: one policy for each licensee and year that it may count."""
    for licensee in LICENSEES:
        for year in YEARS:
            rows = [
                row
                for row in person.used or ()
                if row.meter == limit.meter
                and (row.year == year or not limit.per_year)
                and (row.licensee == licensee or not limit.per_licensee)
            ]
            used = sum(row.used + row.reserved for row in rows)
            left = 0 if person.used is None else max(limit.maximum - used, 0)
            now = f'principal == Licensee::"{licensee}" && context.year == {year}'
            yield forbid(_all([when, now, _past(limit.meter, int(left * 100))]))


def _said(person: Contributor, known_at: datetime) -> Iterator[tuple[str, Cell, str]]:
    """Yield each cell with when it counts: from its version's start until the next one's."""
    owners = dict.fromkeys((v.owner_kind, v.owner) for v in person.versions)
    for owner in owners:
        timeline = sorted(
            (
                version
                for version in person.versions
                if (version.owner_kind, version.owner) == owner and version.recorded_at <= known_at
            ),
            key=lambda version: (version.in_force_from, version.number),
        )
        ends = [version.in_force_from for version in timeline[1:]]
        for version, end in zip_longest(timeline, ends):
            for cell in version.cells:
                yield owner[0], cell, _all([_is(cell), _during(version.in_force_from, end)])


def _outside(scope: Scope, facts: Facts) -> Iterator[str]:
    """Yield a condition for each way in which a use is outside a scope."""
    yield from _outside_places(scope)
    yield from _outside_parties(scope)
    yield from _outside_brands(scope, facts)
    yield from _outside_times(scope)
    if scope.exclusions:
        yield f"!(context has content) || {_set(scope.exclusions)}.containsAny(context.content)"
    if scope.real_time is False:
        yield "context.realTime"


def _outside_places(scope: Scope) -> Iterator[str]:
    yield f"!({_covered('territory', scope.territories)})"
    yield f"!({_covered('language', scope.languages)})"
    if scope.territories_excluded:
        yield _touches(scope.territories_excluded)
    for there in scope.languages_in:
        yield "!(context has territory)"
        covered = _covered("language", there.languages)
        yield _all([_touches([there.territory]), f"!({covered})"])


def _outside_parties(scope: Scope) -> Iterator[str]:
    if scope.licensees_allowed is not None:
        yield f"!{_licensees(scope.licensees_allowed)}.contains(principal)"
    yield f"{_licensees(scope.licensees_excluded)}.contains(principal)"
    for name, allowed, excluded in (
        ("channel", scope.channels_allowed, scope.channels_excluded),
        ("production", scope.productions_allowed, scope.productions_excluded),
    ):
        if allowed is not None:
            yield f"!({_one_of(name, allowed)})"
        if excluded:
            yield f"!(context has {name}) || {_set(excluded)}.contains(context.{name})"


def _outside_times(scope: Scope) -> Iterator[str]:
    if scope.valid_from:
        yield f"context.at < {seconds(scope.valid_from)}"
    if scope.valid_to:
        yield f"context.at >= {seconds(scope.valid_to)}"
    if scope.notice_hours:
        enough = scope.notice_hours * HOUR
        given = f"context has noticedAt && context.at - context.noticedAt >= {enough}"
        yield f"!({given})"


def _outside_brands(scope: Scope, facts: Facts) -> Iterator[str]:
    """A brand goes by its name and, where the desk knows it, by its categories."""
    if scope.brands_allowed is None and not scope.brands_excluded:
        return
    known = {"none": set()}
    if facts.brand:
        categories = {f"category:{category}" for category in facts.brand.categories}
        known[facts.brand.slug] = {facts.brand.slug} | categories
    fine = [
        name
        for name, names in known.items()
        if (scope.brands_allowed is None or names & scope.brands_allowed)
        and not names & scope.brands_excluded
    ]
    yield f"!(context has brand && {_set(fine)}.contains(context.brand))"


# Approvals: the last answer that is about the use counts; of two at once, the veto.


def _approved(person: Contributor, facts: Facts, known_at: datetime) -> str:
    return _any(
        _last(one, person, facts, known_at) for one in facts.approvals if one.answer == "approved"
    )


def _vetoed(person: Contributor, facts: Facts, known_at: datetime) -> str:
    return _any(
        _last(one, person, facts, known_at) for one in facts.approvals if one.answer != "approved"
    )


def _last(one: ApprovalFacts, person: Contributor, facts: Facts, known_at: datetime) -> str:
    """Tell when an answer is about the use, and no later one is."""
    place = (one.decided_at, one.answer != "approved")
    later = [
        _about(other, person, facts)
        for other in facts.approvals
        if (other.decided_at, other.answer != "approved") > place and other.decided_at <= known_at
    ]
    if one.decided_at > known_at:
        return "false"
    return _all([_about(one, person, facts), f"!({_any(later)})"])


def _about(one: ApprovalFacts, person: Contributor, facts: Facts) -> str:
    if one.contributor != person.id:
        return "false"
    conditions = [_is(one), f'principal == Licensee::"{one.licensee}"']
    if one.production is not None:
        conditions.append(f'context has production && context.production == "{one.production}"')
    # What states no content was described without any.
    described = replace(one.scope, exclusions=frozenset())
    conditions += [f"!({outside})" for outside in _outside(described, facts)]
    excluded = f"{_set(one.scope.exclusions)}.containsAny(context.content)"
    conditions.append(f"!(context has content && {excluded})")
    if not one.scope.real_time:
        conditions.append("!context.realTime")
    return _all(conditions)


# Twin, caps, builds, holds, absolute rules


def _twin(facts: Facts) -> Iterator[str]:
    twin = facts.twin
    if (
        twin is None
        or twin.status != "active"
        or twin.tier
        not in {
            "passive_static_replica",
            "dynamic_behavioral_emulator",
            "autonomous_generative_persona",
        }
    ):
        yield forbid("true")
    elif twin.tier == "passive_static_replica":
        yield forbid("context.realTime || !context.scripted")


def _cap(cap: CapFacts) -> str:
    """A hard cap forbids what has no room, any cap what it can't measure."""
    left = max(cap.limit - cap.used - cap.reserved, 0)
    past = _past(cap.meter, int(left * 100)) if cap.hard else f"!(context has units_{cap.meter})"
    return forbid(_all([past, _may_be("channel", cap.channels)]))


def _may_be(name: str, allowed: Iterable[str] | None) -> str:
    """A channel that isn't stated, or that nobody knows, may be one of them."""
    if allowed is None:
        return "true"
    others = set(KNOWN_CHANNELS) - set(allowed)
    return f"!(context has {name} && {_set(others)}.contains(context.{name}))"


def _past(meter: str, left: int) -> str:
    return f"!(context has units_{meter} && context.units_{meter} <= {left})"


def _build(facts: Facts) -> Iterator[str]:
    build = facts.build
    if build is None or facts.twin is None or build.twin != facts.twin.id or build.contaminated:
        yield forbid("context has build")
        return
    yield forbid(f"context has build && context.day < {build.built_on.toordinal()}")
    for end in (build.retired_on, build.destroy_by):
        if end is not None:
            yield forbid(f"context has build && context.day >= {end.toordinal()}")


def _holds(facts: Facts) -> Iterator[str]:
    for hold in facts.holds:
        yield forbid(_during(hold.starts_at, hold.ends_at))


def _absolute(facts: Facts) -> Iterator[str]:
    # Silence is no statement.
    sexual = '(!(context has content) || ["nudity", "sexual"].containsAny(context.content))'
    yield forbid(f'{sexual} && context.use == "age_change"')
    for person in facts.contributors:
        if person.life == "minor":
            yield forbid(sexual)
        elif person.life == "deceased":
            grown = _of_age(person.born_on) if person.born_on else None
            if grown is None or person.died_on is None or person.died_on < grown:
                yield forbid(sexual)
            else:
                yield forbid(f"{sexual} && context.day < {grown.toordinal()}")
        elif person.born_on:
            yield forbid(f"{sexual} && context.day < {_of_age(person.born_on).toordinal()}")


def _of_age(born: date) -> date:
    """The eighteenth birthday; of somebody born on a leap day, the first of March."""
    leap_day = (born.month, born.day) == (2, 29)
    return date(born.year + 18, 3, 1) if leap_day else born.replace(year=born.year + 18)


# Cedar's words


def _is(cell) -> str:
    return f'context.right == "{cell.right}" && context.use == "{cell.use}"'


def _during(starts: datetime, ends: datetime | None) -> str:
    until = f" && context.at < {seconds(ends)}" if ends else ""
    return f"context.at >= {seconds(starts)}{until}"


def _covered(name: str, allowed: Iterable[str] | None) -> str:
    if allowed is None:
        return "true"
    parts = [
        f'context.{name} == "{code}" || context.{name} like "{code}-*"' for code in sorted(allowed)
    ]
    return f"context has {name} && ({_any(parts)})"


def _touches(places: Iterable[str]) -> str:
    """A territory has a part in a place, or the place in it."""
    parts = [
        f'context.territory == "{code}" || context.territory like "{code}-*"'
        f' || context.territory == "{code[:2]}"'
        for code in sorted(places)
    ]
    return f"!(context has territory) || ({_any(parts)})"


def _one_of(name: str, allowed: Iterable[str] | None) -> str:
    if allowed is None:
        return "true"
    return f"context has {name} && {_set(allowed)}.contains(context.{name})"


def _licensees(slugs: Iterable[str]) -> str:
    return "[" + ", ".join(f'Licensee::"{slug}"' for slug in sorted(slugs)) + "]"


def _set(items: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{item}"' for item in sorted(items)) + "]"


def _any(conditions: Iterable[str]) -> str:
    return " || ".join(f"({one})" for one in conditions) or "false"


def _all(conditions: Iterable[str]) -> str:
    return " && ".join(f"({one})" for one in conditions) or "true"


def seconds(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
