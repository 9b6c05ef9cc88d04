"""The vault: what is held of performers, who may read it, and what is destroyed."""

from . import captures, destructions, grants, items

__all__ = ["captures", "destructions", "grants", "items"]
