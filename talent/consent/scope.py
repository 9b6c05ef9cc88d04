"""Scopes: where, when, for whom and how much a stance holds, and what is outside of one.

An unset field narrows nothing. Two scopes together allow what both do, and never more.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from talent import locales
from talent.territories import (
    common_places,
    covers_place,
    place_name,
    place_names,
    touches,
)
from talent.words import BrandCategory, Channel, Exclusion, Meter

NOTHING: frozenset[str] = frozenset()
CATEGORY = "category:"  # before a category in a list of brands
NO_BRAND: frozenset[str] = frozenset()  # a use that is for no brand, and says so


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """The most of one meter, in its own unit: in all or per year, of all licensees or of each.

    A year is a calendar year in UTC of the instant of the use, the same for every agreement.
    """

    meter: str
    maximum: Decimal
    per_year: bool = False
    per_licensee: bool = False

    @property
    def counts(self) -> tuple[str, bool, bool]:
        """What it counts, without how much of it."""
        return self.meter, self.per_year, self.per_licensee


@dataclass(frozen=True, slots=True)
class LanguagesIn:
    """The only languages that are allowed in one territory or group of them."""

    territory: str
    languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where, when and for whom a stance holds.

    None is unset (nothing narrowed here); an empty set of territories, languages, channels,
    productions, licensees or brands that are allowed means none at all. Territories excluded are
    taken out of those allowed, or of the world. Dates are half-open. `notice_hours` lie between the
    request for a use and the use, `withdrawal_notice_hours` between a withdrawal and its effect.
    Lists of brands hold slugs; those excluded also categories, after `CATEGORY`.
    """

    territories: frozenset[str] | None = None
    territories_excluded: frozenset[str] = NOTHING
    languages: frozenset[str] | None = None
    languages_in: tuple[LanguagesIn, ...] = ()
    channels_allowed: frozenset[str] | None = None
    channels_excluded: frozenset[str] = NOTHING
    productions_allowed: frozenset[str] | None = None
    productions_excluded: frozenset[str] = NOTHING
    licensees_allowed: frozenset[str] | None = None
    licensees_excluded: frozenset[str] = NOTHING
    brands_allowed: frozenset[str] | None = None
    brands_excluded: frozenset[str] = NOTHING
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    notice_hours: int | None = None
    withdrawal_notice_hours: int | None = None
    exclusions: frozenset[str] = NOTHING
    real_time: bool | None = None
    limits: tuple[Limit, ...] = ()


EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Breach:
    """A field of a scope that a use violates, and what would be within it."""

    field: str
    reason: str
    change: str


@lru_cache(maxsize=1024)
def is_known_language(tag: str) -> bool:
    """Tell whether a tag is well formed and registered (BCP 47)."""
    # Imported here, since it reads its registry on import and would slow every start.
    from language_tags import tags

    return tag.isascii() and tag.replace("-", "").isalnum() and bool(tags.check(tag))


def covers(allowed: frozenset[str] | None, code: str | None) -> bool:
    """Tell whether a list of languages, or of territories without groups, covers a code.

    `fr` covers `fr-CA`.
    """
    if allowed is None:
        return True
    return code is not None and (code in allowed or any(_within(code, item) for item in allowed))


def common_scope(first: Scope, second: Scope) -> Scope:
    """Return what both scopes allow: lists and dates intersect, exclusions unite."""
    if first in (EVERYWHERE, second):
        return second
    return Scope(**{name: merge(first, second, name) for name, merge in MERGES.items()})


def allows_nothing(scope: Scope) -> str:
    """Name the list that allows nothing since it is empty, the first of several; empty: none is."""
    lists = {
        "territory": scope.territories,
        "language": scope.languages,
        "channel": scope.channels_allowed,
        "production": scope.productions_allowed,
        "licensee": scope.licensees_allowed,
        "brand": scope.brands_allowed,
    }
    return next((noun for noun, codes in lists.items() if codes is not None and not codes), "")


def brand_names(slug: str, categories: Iterable[str]) -> frozenset[str]:
    """Return the names by which lists of brands may mean a brand: its own, its categories'."""
    return frozenset([slug, *(CATEGORY + category for category in categories)])


def in_order(codes: Iterable[str]) -> str:
    """List codes in a stable order."""
    return ", ".join(sorted(codes))


# A use and a scope


def breaches(
    scope: Scope,
    *,
    at: datetime,
    licensee: str,
    territory: str | None,
    language: str | None,
    channel: str | None = None,
    production: str | None = None,
    brand: frozenset[str] | None = None,
    content: Sequence[str] | None = None,
    real_time: bool = False,
    noticed_at: datetime | None = None,
) -> tuple[Breach, ...]:
    """List how a use is outside of a scope; an empty tuple: it is inside.

    `brand` are the names of a known brand (`brand_names`) or `NO_BRAND`; None is a brand that is
    not stated or not known. `content` None is not stated, which is no statement that there is
    none. Real-time generation must be allowed explicitly. A required notice runs from
    `noticed_at`; None means that no notice was given.
    """
    if not real_time and scope == EVERYWHERE:
        return ()
    candidates = [
        _outside_territories(scope, territory),
        _outside_languages(scope.languages, language),
        _outside_languages_in(scope, territory, language),
        _outside_channels(scope, channel),
        _outside_productions(scope, production),
        _licensee_not_allowed(scope, licensee),
        _licensee_excluded(scope, licensee),
        _outside_brands(scope, brand),
        _too_early(scope, at),
        _too_late(scope, at),
        _excluded_content(scope, content),
        _not_real_time(scope, real_time=real_time),
        _short_notice(scope, at, noticed_at),
    ]
    return tuple(breach for breach in candidates if breach)


def _outside_territories(scope: Scope, code: str | None) -> Breach | None:
    allowed, excluded = scope.territories, scope.territories_excluded
    if allowed is not None and not allowed:
        return Breach("territories", "the consent names no territory, which means none", "")
    change = _use_one_of(place_names(allowed)) if allowed else "use it in another territory"
    if code is None:
        if allowed is None and not excluded:
            return None
        return Breach("territories", "no territory was stated and the consent is limited", change)
    name = place_name(code)
    if not covers_place(allowed, code):
        return Breach("territories", f"{name} is outside the consent", change)
    if excluded and touches(excluded, code):
        return Breach("territories_excluded", f"{name} is left out of the consent", change)
    return None


def _outside_languages(allowed: frozenset[str] | None, code: str | None) -> Breach | None:
    if covers(allowed, code):
        return None
    if not allowed:
        return Breach("languages", "the consent names no language, which means none", "")
    change = _use_one_of(language_names(allowed))
    if code is None:
        reason = "no language was stated and the consent is limited"
        return Breach("languages", reason, change)
    return Breach("languages", f"{language_name(code)} is outside the consent", change)


def _outside_languages_in(
    scope: Scope, territory: str | None, language: str | None
) -> Breach | None:
    if scope.languages_in and territory is None:
        reason = "no territory was stated, and the languages depend on it"
        return Breach("languages_in", reason, "name the territory")
    for there in scope.languages_in:
        if territory is None or not touches(frozenset([there.territory]), territory):
            continue
        if covers(there.languages, language):
            continue
        names, place = language_names(there.languages) or "no language", place_name(there.territory)
        change = f"use {names} in {place}" if there.languages else ""
        return Breach("languages_in", f"in {place} the consent is for {names}", change)
    return None


def _outside_channels(scope: Scope, channel: str | None) -> Breach | None:
    allowed, excluded = scope.channels_allowed, scope.channels_excluded
    change = _use_one_of(channel_names(allowed)) if allowed else "use another channel"
    name = f"the channel {_CHANNELS.get(channel or '', 'stated')}"
    if allowed is not None and not allowed:
        return Breach("channels_allowed", "the consent names no channel, which means none", "")
    if channel is None and (allowed is not None or excluded):
        reason = "no channel was stated and the consent is limited"
        return Breach("channels_allowed", reason, change)
    if allowed is not None and channel not in allowed:
        return Breach("channels_allowed", f"{name} is outside the consent", change)
    if channel in excluded:
        return Breach("channels_excluded", f"{name} is left out of the consent", change)
    return None


def _outside_productions(scope: Scope, production: str | None) -> Breach | None:
    allowed, excluded = scope.productions_allowed, scope.productions_excluded
    if production is None and (allowed or excluded):
        reason = "no production was stated and the consent is limited"
        return Breach("productions_allowed", reason, "name the production")
    if allowed is not None and production not in allowed:
        return Breach("productions_allowed", "this production is not among those allowed", "")
    if production in excluded:
        return Breach("productions_excluded", "this production is excluded", "")
    return None


def _licensee_excluded(scope: Scope, licensee: str) -> Breach | None:
    if licensee not in scope.licensees_excluded:
        return None
    return Breach("licensees_excluded", "this licensee is excluded", "")


def _licensee_not_allowed(scope: Scope, licensee: str) -> Breach | None:
    if scope.licensees_allowed is None or licensee in scope.licensees_allowed:
        return None
    return Breach("licensees_allowed", "this licensee is not among those allowed", "")


def _outside_brands(scope: Scope, brand: frozenset[str] | None) -> Breach | None:
    allowed, excluded = scope.brands_allowed, scope.brands_excluded
    if allowed is None and not excluded:
        return None
    if allowed is not None and not allowed:
        return Breach("brands_allowed", "the consent names no brand, which means none", "")
    if brand is None:
        reason = "the consent looks at the brand, and none is stated that the desk knows"
        return Breach("brands_allowed", reason, "state the brand, or that there is none")
    if allowed is not None and allowed.isdisjoint(brand):
        return Breach("brands_allowed", "this brand is not among those allowed", "")
    if not excluded.isdisjoint(brand):
        return Breach("brands_excluded", "this brand is excluded", "use it for another brand")
    return None


def _too_early(scope: Scope, at: datetime) -> Breach | None:
    if scope.valid_from is None or at >= scope.valid_from:
        return None
    starts = scope.valid_from.date()
    return Breach("valid_from", f"the consent starts on {starts}", f"wait until {starts}")


def _too_late(scope: Scope, at: datetime) -> Breach | None:
    if scope.valid_to is None or at < scope.valid_to:
        return None
    return Breach("valid_to", f"the consent ended on {scope.valid_to.date()}", "")


def _excluded_content(scope: Scope, content: Sequence[str] | None) -> Breach | None:
    if not scope.exclusions:
        return None
    if content is None:
        reason = "the consent excludes content, and none is stated"
        return Breach("exclusions", reason, "state the content, or that there is none")
    excluded = scope.exclusions.intersection(content)
    if not excluded:
        return None
    names = content_names(excluded)
    return Breach("exclusions", f"content is excluded: {names}", f"leave out: {names}")


def _not_real_time(scope: Scope, *, real_time: bool) -> Breach | None:
    if not real_time or scope.real_time:
        return None
    return Breach(
        "real_time", "real-time generation is not allowed", "generate ahead, not in real time"
    )


def _short_notice(scope: Scope, at: datetime, noticed_at: datetime | None) -> Breach | None:
    if not scope.notice_hours:
        return None
    hours_given = (at - noticed_at) // timedelta(hours=1) if noticed_at else 0
    if hours_given >= scope.notice_hours:
        return None
    hours = f"{scope.notice_hours} hours"
    return Breach("notice_hours", f"{hours}' notice is required", f"give {hours}' notice")


# Words


def language_name(tag: str) -> str:
    """Name a language in English; a tag without a known name is returned as it is."""
    return locales.language(tag, "en")


def language_names(tags: Iterable[str]) -> str:
    """List languages by name."""
    return ", ".join(sorted(map(language_name, tags)))


def content_names(codes: Iterable[str]) -> str:
    """List kinds of content by name."""
    return ", ".join(sorted(_CONTENTS.get(code, code).lower() for code in codes))


def channel_names(codes: Iterable[str]) -> str:
    """List channels by name."""
    return ", ".join(sorted(_CHANNELS.get(code, code) for code in codes))


def brand_in_words(name: str) -> str:
    """Say an item of a list of brands: a category by its label, a brand as it stands."""
    if name.startswith(CATEGORY):
        code = name.removeprefix(CATEGORY)
        return f"any brand of {_CATEGORIES.get(code, code).lower()}"
    return name


def codes_in_words(noun: str, codes: Iterable[str]) -> str:
    """List channels, productions, licensees or brands for people."""
    if noun == "channel":
        return channel_names(codes)
    return ", ".join(sorted(brand_in_words(code) for code in codes))


def limit_in_words(limit: Limit) -> str:
    """Say a limit: 2.5 hours a year for each licensee."""
    maximum, meter = limit.maximum, _METERS.get(limit.meter, limit.meter).lower()
    if limit.meter == Meter.SECONDS and maximum % 36 == 0:
        maximum, meter = maximum / 3600, "hours"
    year = " a year" if limit.per_year else ""
    each = " for each licensee" if limit.per_licensee else ""
    return f"{maximum.normalize():f} {meter}{year}{each}"


_CHANNELS = dict(Channel.choices())
_CONTENTS = dict(Exclusion.choices())
_CATEGORIES = dict(BrandCategory.choices())
_METERS = dict(Meter.choices())


def _use_one_of(names: str) -> str:
    return f"use one of these: {names}"


# How two scopes become one


def _within(code: str, wider: str) -> bool:
    code, wider = code.lower(), wider.lower()
    return code == wider or code.startswith(wider + "-")


def _overlap(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or second is None:
        return second if first is None else first
    return frozenset(
        [code for code in first if covers(second, code)]
        + [code for code in second if covers(first, code)]
    )


def _shared(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second


def _languages_by_place(
    first: Sequence[LanguagesIn], second: Sequence[LanguagesIn]
) -> tuple[LanguagesIn, ...]:
    """Unite the rules of two layers; of two about one territory both count."""
    by_place: dict[str, frozenset[str]] = {}
    for there in (*first, *second):
        known = by_place.get(there.territory)
        both = there.languages if known is None else _overlap(known, there.languages)
        by_place[there.territory] = both or NOTHING
    return tuple(LanguagesIn(place, by_place[place]) for place in sorted(by_place))


def _least(first: Sequence[Limit], second: Sequence[Limit]) -> tuple[Limit, ...]:
    """Unite limits; of two that count the same the lower one counts."""
    by_count: dict[tuple[str, bool, bool], Limit] = {}
    for limit in (*first, *second):
        known = by_count.get(limit.counts)
        by_count[limit.counts] = min(limit, known) if known else limit
    return tuple(by_count[counts] for counts in sorted(by_count))


def _set_only(choose: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def pick(first: Any, second: Any) -> Any:
        if first is None or second is None:
            return second if first is None else first
        return choose(first, second)

    return pick


def _by(choose: Callable[[Any, Any], Any]) -> Callable[[Scope, Scope, str], Any]:
    return lambda first, second, name: choose(getattr(first, name), getattr(second, name))


MERGES: dict[str, Callable[[Scope, Scope, str], Any]] = {
    "territories": _by(common_places),
    "territories_excluded": _by(frozenset.union),
    "languages": _by(_overlap),
    "languages_in": _by(_languages_by_place),
    "channels_allowed": _by(_shared),
    "channels_excluded": _by(frozenset.union),
    "productions_allowed": _by(_shared),
    "productions_excluded": _by(frozenset.union),
    "licensees_allowed": _by(_shared),
    "licensees_excluded": _by(frozenset.union),
    "brands_allowed": _by(_shared),
    "brands_excluded": _by(frozenset.union),
    "valid_from": _by(_set_only(max)),
    "valid_to": _by(_set_only(min)),
    "notice_hours": _by(_set_only(max)),
    "withdrawal_notice_hours": _by(_set_only(max)),
    "exclusions": _by(frozenset.union),
    "real_time": _by(_set_only(min)),
    "limits": _by(_least),
}
