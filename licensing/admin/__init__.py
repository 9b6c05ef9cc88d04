from . import agreements, amendments, approvals, caps, clearance, parties, permits, usage, webhooks

__all__ = [
    "agreements",
    "amendments",
    "approvals",
    "caps",
    "clearance",
    "parties",
    "permits",
    "usage",
    "webhooks",
]
