"""Bounds: in which fields a scope claims more than the one above it, in a cell or in a grant."""

from dataclasses import dataclass

from talent.territories import covers_place, place_name, place_names, touches, uncovered
from talent.words import Stance

from .matrix import CombinedCell, cell_name, source_name
from .scope import NOTHING, Scope, codes_in_words, covers, language_names, limit_in_words


@dataclass(frozen=True, slots=True)
class GrantSought:
    """What an agreement would grant: a right for a use, within a scope; unset stands for any."""

    right: str
    use: str
    scope: Scope


def excesses(grant: GrantSought, cell: CombinedCell) -> tuple[str, ...]:
    """Say how a grant exceeds the consent; an empty tuple: it is within it.

    A cell with the stance “ask” may be granted: each use of it then needs an approval.
    """
    name = cell_name(grant.right, grant.use)
    if cell.stance is Stance.DENY:
        by = (
            f" by {source_name(cell.decided_by)}"
            if cell.decided_by
            else ", because nobody allows it"
        )
        return (f"{name} is denied{by}.",)
    return tuple(
        f"{name}: {reason}."
        for _field, reason in beyond(grant.scope, cell.scope, unset_inherits=False)
    )


def beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> list[tuple[str, str]]:
    """List the fields in which a scope claims more than its limit, each with the reason.

    In a cell an unset field inherits the limit; in a grant (`unset_inherits` False) it claims
    everything. Content and brands that the limit excludes hold beside a claim that is silent.
    """
    reasons = [
        ("territories", _territories_beyond(claimed, limit, unset_inherits=unset_inherits)),
        ("languages", _languages_beyond(claimed, limit, unset_inherits=unset_inherits)),
        ("languages_in", _languages_in_beyond(claimed, limit, unset_inherits=unset_inherits)),
        (
            "channels_allowed",
            _codes_beyond("channel", claimed, limit, unset_inherits=unset_inherits),
        ),
        (
            "productions_allowed",
            _codes_beyond("production", claimed, limit, unset_inherits=unset_inherits),
        ),
        (
            "licensees_allowed",
            _codes_beyond("licensee", claimed, limit, unset_inherits=unset_inherits),
        ),
        ("brands_allowed", _brands_beyond(claimed, limit, unset_inherits=unset_inherits)),
        ("valid_from", _start_beyond(claimed, limit, unset_inherits=unset_inherits)),
        ("valid_to", _end_beyond(claimed, limit, unset_inherits=unset_inherits)),
        ("real_time", _real_time_beyond(claimed, limit, unset_inherits=unset_inherits)),
    ]
    if unset_inherits:
        reasons += [
            ("notice_hours", _notice_beyond("notice_hours", claimed, limit)),
            ("withdrawal_notice_hours", _notice_beyond("withdrawal_notice_hours", claimed, limit)),
            ("limits", _limits_beyond(claimed, limit)),
        ]
    return [(field, reason) for field, reason in reasons if reason]


def _territories_beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    if claimed.territories is None and unset_inherits:
        return ""
    outside = uncovered(
        claimed.territories,
        claimed.territories_excluded,
        allowed=limit.territories,
        excluded=limit.territories_excluded,
    )
    if outside is None:
        return f"no territory is named, so all of them, and {_only(_places(limit))}"
    return f"{place_names(outside)}: {_only(_places(limit))}" if outside else ""


def _only(names: str) -> str:
    return f"only {names} is allowed" if names else "none is allowed"


def _places(scope: Scope) -> str:
    if scope.territories is not None and not scope.territories:
        return ""
    places = place_names(scope.territories) if scope.territories else "the world"
    left_out = scope.territories_excluded
    return f"{places} except {place_names(left_out)}" if left_out else places


def _languages_beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    allowed, wanted = limit.languages, _languages_claimed(claimed)
    if allowed is None or (wanted is None and unset_inherits):
        return ""
    names = language_names(allowed)
    if wanted is None:
        return f"no language is named, so all of them, and {_only(names)}"
    outside = [tag for tag in wanted if not covers(allowed, tag)]
    return f"{language_names(outside)}: {_only(names)}" if outside else ""


def _languages_claimed(scope: Scope) -> frozenset[str] | None:
    """Return the languages that a scope claims, also where its territories name their own."""
    named = frozenset(there.territory for there in scope.languages_in)
    each_named = scope.territories and all(covers_place(named, code) for code in scope.territories)
    if scope.languages is None and not each_named:
        return None
    return frozenset().union(
        *(there.languages for there in scope.languages_in), scope.languages or NOTHING
    )


def _languages_in_beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    for there in limit.languages_in:
        if claimed.territories is not None and not any(
            touches(frozenset([there.territory]), code) for code in claimed.territories
        ):
            continue
        own = _languages_at(claimed, there.territory)
        names, place = language_names(there.languages), place_name(there.territory)
        if own is None and not unset_inherits:
            return f"in {place} no language is named, so all of them, and {_only(names)}"
        outside = [tag for tag in own or () if not covers(there.languages, tag)]
        if outside:
            return f"{language_names(outside)} in {place}: {_only(names)}"
    return ""


def _languages_at(scope: Scope, territory: str) -> frozenset[str] | None:
    for there in scope.languages_in:
        if covers_place(frozenset([there.territory]), territory):
            return there.languages
    return scope.languages


_PLURALS = {
    "channel": ("channels_allowed", "channels_excluded"),
    "production": ("productions_allowed", "productions_excluded"),
    "licensee": ("licensees_allowed", "licensees_excluded"),
    "brand": ("brands_allowed", "brands_excluded"),
}


def _codes_beyond(noun: str, claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    allowed_field, excluded_field = _PLURALS[noun]
    wanted, excepted = getattr(claimed, allowed_field), getattr(claimed, excluded_field)
    allowed, excluded = getattr(limit, allowed_field), getattr(limit, excluded_field)
    if wanted is None:
        if unset_inherits:
            return ""
        if allowed is not None:
            return f"no {noun} is named, so all of them, and only some are allowed"
        forgotten = excluded - excepted
        return f"the {noun}s excluded are not left out" if forgotten else ""
    outside = [
        code
        for code in wanted - excepted
        if (allowed is not None and code not in allowed) or code in excluded
    ]
    if noun == "licensee" and not unset_inherits:
        return "this licensee is not allowed" if outside else ""
    return f"{noun} {codes_in_words(noun, outside)} is not allowed" if outside else ""


def _brands_beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    silent = claimed.brands_allowed is None and limit.brands_allowed is None
    return "" if silent else _codes_beyond("brand", claimed, limit, unset_inherits=unset_inherits)


def _start_beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    starts, first = claimed.valid_from, limit.valid_from
    if first is None or (starts is None and unset_inherits):
        return ""
    return f"it would start before {first.date()}" if starts is None or starts < first else ""


def _end_beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    ends, last = claimed.valid_to, limit.valid_to
    if last is None or (ends is None and unset_inherits):
        return ""
    return f"it would go on after {last.date()}" if ends is None or ends > last else ""


def _real_time_beyond(claimed: Scope, limit: Scope, *, unset_inherits: bool) -> str:
    refused = limit.real_time is False if unset_inherits else not limit.real_time
    return "real-time generation is not allowed" if claimed.real_time and refused else ""


def _notice_beyond(field: str, claimed: Scope, limit: Scope) -> str:
    own, least = getattr(claimed, field), getattr(limit, field)
    if own is None or least is None or own >= least:
        return ""
    return f"the notice is shorter than {least} hours"


def _limits_beyond(claimed: Scope, limit: Scope) -> str:
    least = {above.counts: above for above in limit.limits}
    for own in claimed.limits:
        above = least.get(own.counts)
        if above and own.maximum > above.maximum:
            return f"it is more than {limit_in_words(above)}"
    return ""
