"""Screenplays in the admin: taken in, scored as strips, cast, and taken along."""

from . import cast, scenes, screenplays

__all__ = ["cast", "scenes", "screenplays"]
