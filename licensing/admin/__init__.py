from . import agreements, clearance, parties, usage

__all__ = ["agreements", "clearance", "parties", "usage"]
