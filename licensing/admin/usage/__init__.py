"""Usage in the admin: events, sheets, dead letters, prompts, archives and the sandbox."""

from . import archives, dead_letters, events, prompts, sandbox, sheets

__all__ = ["archives", "dead_letters", "events", "prompts", "sandbox", "sheets"]
