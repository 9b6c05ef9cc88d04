from . import agreements, approvals, caps, clearance, parties, permits, usage, webhooks

__all__ = [
    "agreements",
    "approvals",
    "caps",
    "clearance",
    "parties",
    "permits",
    "usage",
    "webhooks",
]
