"""JSON bodies as I-JSON wants them (RFC 7493): no name twice, and no text that nobody can keep."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from talent.errors import Refused
from talent.plain_text import UNSEEN_CHARACTERS, has_unseen

from .faults import Fault, pointer_to

DEEPEST = 64
NAME_TWICE = "This object has a name twice."
_NAME = b'":'
_NAME_APART = re.compile(rb'"[ \t\r\n]+:')


class MalformedJson(Refused):
    """A body is JSON that can be read in two ways, or that holds what nobody can keep."""

    code = "malformed_json"

    def __init__(self, fault: Fault):
        super().__init__("The body is not JSON that the desk can keep; nothing of it was kept.")
        self.faults = [fault]


class _Members(list[tuple[str, Any]]):
    """An object's members in their order, names that stand twice too."""


def object_with_name_twice(body: bytes, value: object) -> str | None:
    """Return the pointer to the first object that has a name twice; None if no name does.

    `body` is valid JSON and `value` what it was decoded to, where the last of two names counts.
    """
    # Names end in `":`, and so may texts: as many of these as names leave none to stand twice.
    if body.count(_NAME) == _names_in(value) and not _NAME_APART.search(body):
        return None
    return next(_doubled(json.loads(body, object_pairs_hook=_Members), ""), None)


def check_readable(body: bytes, value: object) -> None:
    """Raise MalformedJson for a name twice, and for what no table of the desk can hold."""
    _check_writable(value)
    pointer = object_with_name_twice(body, value)
    if pointer is not None:
        raise MalformedJson(Fault(pointer, NAME_TWICE, "name_twice"))


def _check_writable(value: object) -> None:
    """Raise MalformedJson for characters that nobody sees, and for depth without end."""
    nested: Sequence[tuple[str, object]] = [("", value)]
    for _ in range(DEEPEST):
        for pointer, part in nested:
            if isinstance(part, str) and has_unseen(part):
                raise MalformedJson(Fault(pointer, UNSEEN_CHARACTERS, "unwritable_text"))
        nested = [inner for pointer, part in nested for inner in _parts(pointer, part)]
        if not nested:
            return
    raise MalformedJson(Fault("", f"JSON is nested at most {DEEPEST} levels deep.", "too_deep"))


def _names_in(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_names_in(p) for p in value.values() if type(p) in _NESTING)
    if isinstance(value, list):
        return sum(_names_in(part) for part in value if type(part) in _NESTING)
    return 0


_NESTING = (dict, list)


def _doubled(value: object, pointer: str) -> Iterator[str]:
    if isinstance(value, _Members):
        if len(dict(value)) < len(value):
            yield pointer
        for name, part in value:
            yield from _doubled(part, pointer + pointer_to(name))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _doubled(part, f"{pointer}/{i}")


def _parts(pointer: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield an object's names and values, or a list's items, with pointers."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield pointer, name
            if isinstance(part, dict | list | str):
                yield pointer + pointer_to(name), part
    elif isinstance(value, list):
        for i, part in enumerate(value):
            if isinstance(part, dict | list | str):
                yield f"{pointer}/{i}", part
