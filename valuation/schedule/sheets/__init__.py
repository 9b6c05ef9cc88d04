"""Sheets for the set: what a solved plan says, as pages and as files other programs read."""
