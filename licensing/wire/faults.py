"""Faults: what is wrong with something that was sent, and where in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where (a JSON pointer). Never the offending value."""

    pointer: str
    detail: str
    code: str = "malformed_envelope"


def pointer_to(*names: str) -> str:
    """Return the JSON pointer (RFC 6901) that leads through these names."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
