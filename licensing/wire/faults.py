"""Faults: what is wrong with something that was sent, and where in it."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where (a JSON pointer). Never the offending value."""

    pointer: str
    detail: str
    code: str = "malformed_envelope"


class FieldFault(NamedTuple):
    """What is wrong with the value of one field, without saying which field that is."""

    detail: str
    code: str

    def at(self, pointer: str) -> Fault:
        """Return this as the fault of the field that a JSON pointer leads to."""
        return Fault(pointer, self.detail, self.code)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """All the faults because of which something that was sent cannot be read."""

    faults: tuple[Fault, ...]


def pointer_to(*names: str) -> str:
    """Return the JSON pointer (RFC 6901) that leads through these names: "/a/b" for a and b."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
