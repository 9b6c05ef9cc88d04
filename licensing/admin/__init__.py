from . import agreements, archives, clearance, parties, prompts, usage

__all__ = ["agreements", "archives", "clearance", "parties", "prompts", "usage"]
