"""Disputes of one line: raised, answered, decided by two people, and what they hold meanwhile."""
