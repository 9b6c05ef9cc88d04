"""Territories: countries, their parts, and groups of countries; and what lies within what.

Codes are those of ISO 3166: a country (`FR`), or a part of one (`US-CA`). Groups (`EU`) stand in
`territory_groups.toml` with their sources. `US` covers `US-CA`, not the other way round.
"""

import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import pycountry

from talent import locales

_GROUPS = tomllib.loads(Path(__file__).with_name("territory_groups.toml").read_text("utf-8"))
GROUPS: dict[str, frozenset[str]] = {
    code: frozenset(group["members"]) for code, group in _GROUPS.items()
}
Territories = frozenset[str]


@lru_cache(maxsize=1024)
def is_known_territory(code: str) -> bool:
    """Tell whether ISO 3166 has the code: a country, or a subdivision such as US-CA."""
    if "-" in code:
        return pycountry.subdivisions.get(code=code) is not None  # type: ignore[no-untyped-call]
    return pycountry.countries.get(alpha_2=code) is not None


def is_known_place(code: str) -> bool:
    """Tell whether a code is a territory or a group of them."""
    return code in GROUPS or is_known_territory(code)


@lru_cache(maxsize=2048)
def place_name(code: str, locale: str = "en") -> str:
    """Name a territory or a group for people: France, California, the European Union."""
    if code in GROUPS:
        return str(_GROUPS[code]["name"])
    if "-" in code and is_known_territory(code):
        return str(pycountry.subdivisions.get(code=code).name)  # type: ignore[no-untyped-call]
    return locales.territory(code, locale)


def part_called(name: str, country: str) -> str:
    """Return the code of the part of a country that goes by a name; empty where none does."""
    parts = pycountry.subdivisions.get(country_code=country) or ()  # type: ignore[no-untyped-call]
    codes = (part.code for part in parts if part.name.casefold() == name.casefold())
    return next(codes, "")


def place_names(codes: Iterable[str]) -> str:
    """List territories and groups by name."""
    return ", ".join(sorted(place_name(code) for code in codes))


def territories_in(places: Iterable[str]) -> Territories:
    """Return territories with every group replaced by its members."""
    return frozenset().union(*(GROUPS.get(code, (code,)) for code in places))


@lru_cache(maxsize=8192)
def covers_place(allowed: Territories | None, code: str | None) -> bool:
    """Tell whether some places cover all of a territory or group; None is everywhere."""
    if allowed is None:
        return True
    if code is None:
        return False
    wider = territories_in(allowed)
    return all(any(_lies_in(part, place) for place in wider) for part in territories_in([code]))


@lru_cache(maxsize=8192)
def touches(places: Territories, code: str) -> bool:
    """Tell whether a territory or group has a part in some places, or they in it."""
    parts = territories_in([code])
    return any(
        _lies_in(part, place) or _lies_in(place, part)
        for place in territories_in(places)
        for part in parts
    )


def common_places(first: Territories | None, second: Territories | None) -> Territories | None:
    """Return what lies in both; None is everywhere. A group stays one where all of it does."""
    if first is None or second is None:
        return second if first is None else first
    kept = {code for code in first if covers_place(second, code)}
    kept |= {code for code in second if covers_place(first, code)}
    split = territories_in(code for code in first | second if code in GROUPS and code not in kept)
    whole = frozenset(kept)
    return whole | {
        part
        for part in split
        if covers_place(first, part)
        and covers_place(second, part)
        and not covers_place(whole, part)
    }


def uncovered(
    wanted: Territories | None,
    excepted: Territories,
    *,
    allowed: Territories | None,
    excluded: Territories,
) -> Territories | None:
    """Return the places of “`wanted` except `excepted`” outside “`allowed` except `excluded`”.

    None is everywhere: as a result it says that everywhere is wanted and only a list allowed.
    """
    if wanted is None:
        if allowed is not None:
            return None
        return frozenset(code for code in excluded if not covers_place(excepted, code))
    left = [code for code in territories_in(wanted) if not covers_place(excepted, code)]
    return frozenset(
        code
        for code in left
        if not covers_place(allowed, code) or _is_hit(code, excluded, excepted)
    )


def _is_hit(code: str, excluded: Territories, excepted: Territories) -> bool:
    """Tell whether an exclusion lies in a territory, or it in one, and is not excepted already."""
    return any(
        touches(frozenset([place]), code) and not covers_place(excepted, place)
        for place in territories_in(excluded)
    )


def _lies_in(code: str, wider: str) -> bool:
    code, wider = code.upper(), wider.upper()
    return code == wider or code.startswith(wider + "-")
