"""Screenplays in the admin: taken in, scored as strips, cast, and taken along."""

from . import cast, plans, scenes, screenplays

__all__ = ["cast", "plans", "scenes", "screenplays"]
