from . import agreements, archives, clearance, parties, usage

__all__ = ["agreements", "archives", "clearance", "parties", "usage"]
