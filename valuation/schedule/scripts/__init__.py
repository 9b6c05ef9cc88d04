"""Screenplays kept: taken in and revised, scored by people, and loaded for whoever plans."""
