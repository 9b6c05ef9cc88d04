"""The document of an agreement: what it still misses, drawn, and whether it is what holds."""

from .before_signing import Answer, before_signing
from .drawing import CannotBeDrawn, draw, draw_amended, is_current, latest
from .missing import Missing, missing

__all__ = [
    "Answer",
    "CannotBeDrawn",
    "Missing",
    "before_signing",
    "draw",
    "draw_amended",
    "is_current",
    "latest",
    "missing",
]
