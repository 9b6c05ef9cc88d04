"""How people call the licensees, productions and brands that scopes hold by their codes.

Whose names they are is known to licensing, which lends its lookup when it starts.
"""

from collections.abc import Callable, Collection, Iterable

from .scope import CATEGORY, Scope
from .sentences import Names

Lookup = Callable[[Collection[tuple[str, str]]], Names]

_FIELDS = {
    "licensee": ("licensees_allowed", "licensees_excluded"),
    "production": ("productions_allowed", "productions_excluded"),
    "brand": ("brands_allowed", "brands_excluded"),
}
_lookups: list[Lookup] = []


def learn_names(lookup: Lookup) -> None:
    """Ask a lookup from now on; it takes pairs of a noun and a code, in a query a noun."""
    _lookups.append(lookup)


def names_in(scopes: Iterable[Scope]) -> Names:
    """Return the names of all parties that some scopes hold; no query where they hold none."""
    wanted = {
        (noun, code)
        for scope in scopes
        for noun, fields in _FIELDS.items()
        for field in fields
        for code in getattr(scope, field) or ()
        if not code.startswith(CATEGORY)
    }
    names: dict[tuple[str, str], str] = {}
    for lookup in _lookups if wanted else ():
        names |= lookup(wanted)
    return names
