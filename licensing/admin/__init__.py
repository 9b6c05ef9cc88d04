from . import (
    agreements,
    amendments,
    approvals,
    caps,
    clearance,
    parties,
    permits,
    rate_cards,
    usage,
    webhooks,
)

__all__ = [
    "agreements",
    "amendments",
    "approvals",
    "caps",
    "clearance",
    "parties",
    "permits",
    "rate_cards",
    "usage",
    "webhooks",
]
