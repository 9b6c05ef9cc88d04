"""A redline: what differs between two contents of a document, in words and in numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

Content = Mapping[str, Any]
SAME, OUT, IN = "same", "out", "in"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a clause: that stayed, went out or came in."""

    what: str
    text: str


@dataclass(frozen=True, slots=True)
class ChangedClause:
    """A clause whose words changed, that is new, or that is gone."""

    title: str
    what: str  # changed, new or gone
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A figure of a schedule before and after; empty where there was, or is, none."""

    schedule: str
    row: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Redline:
    """What differs between two versions of an agreement's document."""

    clauses: tuple[ChangedClause, ...]
    rows: tuple[ChangedRow, ...]

    def __bool__(self) -> bool:
        return bool(self.clauses or self.rows)


def redline(before: Content, after: Content) -> Redline:
    """Return what differs between two contents, in the order of the later one."""
    return Redline(
        clauses=tuple(_clauses(before.get("clauses", ()), after.get("clauses", ()))),
        rows=tuple(_rows(before.get("schedules", ()), after.get("schedules", ()))),
    )


def text_of(clause: Content) -> str:
    """Return the words of a clause, terms filled in, its paragraphs by line."""
    return "\n".join(
        "".join(part["text"] for part in paragraph) for paragraph in clause["paragraphs"]
    )


def _clauses(before: Sequence[Content], after: Sequence[Content]) -> Iterator[ChangedClause]:
    earlier = {clause["code"]: clause for clause in before}
    for clause in after:
        was, text = earlier.pop(clause["code"], None), text_of(clause)
        if was is None:
            yield ChangedClause(clause["title"], "new", (Piece(IN, text),))
        elif text_of(was) != text:
            pieces = tuple(pieces_of(text_of(was), text))
            yield ChangedClause(clause["title"], "changed", pieces)
    for clause in earlier.values():
        yield ChangedClause(clause["title"], "gone", (Piece(OUT, text_of(clause)),))


def pieces_of(before: str, after: str) -> Iterator[Piece]:
    """Yield two texts as one: what stayed, and what went out before what came in there."""
    old, new = before.split(), after.split()
    for _tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if _tag == "equal":
            yield Piece(SAME, " ".join(old[i:j]))
            continue
        if i < j:
            yield Piece(OUT, " ".join(old[i:j]))
        if k < m:
            yield Piece(IN, " ".join(new[k:m]))


def _rows(before: Sequence[Content], after: Sequence[Content]) -> Iterator[ChangedRow]:
    earlier = {table["letter"]: table for table in before}
    for table in after:
        name = f"Schedule {table['letter']}, {table['title']}"
        was = earlier.get(table["letter"], {"rows": [], "notes": []})
        columns = table["columns"]
        yield from _cells(
            name, columns, _keyed(columns, was["rows"]), _keyed(columns, table["rows"])
        )
        yield from _notes(name, was["notes"], table["notes"])


def _keyed(
    columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> dict[tuple[str, int], Sequence[str]]:
    """Return rows by what they are about, and which of those so called each is."""
    found: dict[tuple[str, int], Sequence[str]] = {}
    # A grant is known by its right and its use; every other row by its first cell.
    known_by = 2 if list(columns[:2]) == GRANT else 1
    for row in rows:
        about = ", ".join(row[:known_by])
        found[about, sum(1 for name, _number in found if name == about)] = row
    return found


GRANT = ["Right", "Use"]


def _cells(
    name: str,
    columns: Sequence[str],
    before: Mapping[tuple[str, int], Sequence[str]],
    after: Mapping[tuple[str, int], Sequence[str]],
) -> Iterator[ChangedRow]:
    for key in dict.fromkeys([*after, *before]):
        old, new = before.get(key), after.get(key)
        for place, column in enumerate(columns[1:], start=1):
            was, is_now = old[place] if old else "", new[place] if new else ""
            if was != is_now:
                yield ChangedRow(name, key[0], column, was, is_now)


def _notes(name: str, before: Sequence[str], after: Sequence[str]) -> Iterator[ChangedRow]:
    for note in [one for one in before if one not in after]:
        yield ChangedRow(name, "Note", "", note, "")
    for note in [one for one in after if one not in before]:
        yield ChangedRow(name, "Note", "", "", note)
