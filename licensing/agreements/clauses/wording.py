"""The wording of a clause: paragraphs of text with placeholders, and nothing else.

A placeholder is written as Django's templates write a variable, `{{ payment_days }}`. Only that is
understood: no tag, filter, loop or look-up, so that whoever writes a clause reaches nothing but the
terms it names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from talent.errors import Refused

_PLACEHOLDER = re.compile(r"\{\{ *([a-z][a-z0-9_]*) *\}\}")
_BRACES = re.compile(r"\{[{%#]|[}%#]\}")
_PARAGRAPHS = re.compile(r"\n\s*\n")


class ClauseIsBroken(Refused):
    """A clause whose wording cannot be read. Its text names the place."""

    code = "clause_is_broken"


@dataclass(frozen=True, slots=True)
class Words:
    """Words that stand in a clause as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that a term fills."""

    name: str


Part = Words | Slot
Paragraph = tuple[Part, ...]


def paragraphs(body: str, *, where: str = "The clause") -> tuple[Paragraph, ...]:
    """Return the paragraphs of a clause, each of its words and slots in their order.

    Raises ClauseIsBroken, with the place, for anything but words and plain placeholders.
    """
    texts = [" ".join(text.split()) for text in _PARAGRAPHS.split(body.strip())]
    if not any(texts):
        raise ClauseIsBroken(f"{where} says nothing. Write its words.")
    return tuple(
        tuple(_parts(text, f"{where}, paragraph {number}"))
        for number, text in enumerate(texts, start=1)
    )


def _parts(text: str, where: str) -> Iterator[Part]:
    pieces = _PLACEHOLDER.split(text)
    for index, piece in enumerate(pieces):
        if index % 2:
            yield Slot(piece)
            continue
        if found := _BRACES.search(piece):
            raise ClauseIsBroken(
                f"{where}: “{_near(piece, found.start())}” is no placeholder. Write a term's name "
                "in double braces, as {{ payment_days }}: no loops, filters or look-ups."
            )
        if piece:
            yield Words(piece)


def _near(text: str, at: int) -> str:
    return text[max(0, at - 12) : at + 24].strip()


def slots(body: str, *, where: str = "The clause") -> tuple[str, ...]:
    """Return the names of a clause's placeholders, each once, in their order."""
    named = (
        part.name
        for paragraph in paragraphs(body, where=where)
        for part in paragraph
        if isinstance(part, Slot)
    )
    return tuple(dict.fromkeys(named))
