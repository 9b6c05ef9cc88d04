"""The assignment: which part is played in person and which by a twin, at the least cost."""
