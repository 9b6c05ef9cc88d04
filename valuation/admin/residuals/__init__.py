"""Nights, what they read and rated, and what waits for a decision."""

from . import lines, nights, usage

__all__ = ["lines", "nights", "usage"]
