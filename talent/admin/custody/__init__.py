"""The vault: what is held of performers, who may read it, and what is destroyed."""

from . import destructions, grants, items

__all__ = ["destructions", "grants", "items"]
