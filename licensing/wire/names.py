"""Names by number, as studios and the desk write them: T7 is a twin, A3 an agreement.

Studios may also use titles and references; a name by number goes before these.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar, overload


class Prefix(StrEnum):
    """The letter before the number of a row, by what the row is."""

    TWIN = "T"
    AGREEMENT = "A"
    BUILD = "B"
    PRODUCTION = "P"
    APPROVAL = "Q"
    TRANSFER = "X"
    OFFER = "O"
    CLEARANCE = "C"  # its reservation and permit, which share its number, go by it too


class Row(Protocol):
    """A row of a table, which has a number."""

    @property
    def pk(self) -> int: ...


AnyRow = TypeVar("AnyRow", bound=Row)

UNKNOWN = "?"  # in place of a name that was sent and that the desk does not know

# PostgreSQL's bigint holds every number of 18 digits.
_NUMBERED = re.compile(r"[A-Z]([0-9]{1,18})")


@overload
def name_of(prefix: Prefix, number: int) -> str: ...
@overload
def name_of(prefix: Prefix, number: int | None) -> str | None: ...
def name_of(prefix: Prefix, number: int | None) -> str | None:
    """Return the name of the row with a number, such as T7; None for no row."""
    return None if number is None else f"{prefix}{number}"


def number_in(name: str, prefix: Prefix) -> int | None:
    """Return the number in a name such as T7; None where it is another kind of name."""
    match = _NUMBERED.fullmatch(name) if name.startswith(prefix) else None
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class NamesSent:
    """The names that were sent for rows of one kind, and the numbers in those that have one."""

    names: frozenset[str]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, names: Iterable[str | None], prefix: Prefix) -> "NamesSent":
        """Collect the names that were sent; None and empty strings are left out."""
        sent = frozenset(name for name in names if name)
        numbers = ((name, number_in(name, prefix)) for name in sent)
        return cls(sent, {name: number for name, number in numbers if number is not None})

    def matched(self, rows: Iterable[AnyRow], fields: Iterable[str]) -> dict[str, AnyRow]:
        """Return the rows by every name they go by: their number, and the texts in `fields`.

        The number goes before the texts. Of two rows with the same text, the first counts.
        """
        by_number: dict[int, AnyRow] = {}
        by_text: dict[str, AnyRow] = {}
        for row in rows:
            by_number[row.pk] = row
            for field in fields:
                by_text.setdefault(getattr(row, field), row)
        return by_text | {
            name: by_number[number] for name, number in self.numbers.items() if number in by_number
        }
