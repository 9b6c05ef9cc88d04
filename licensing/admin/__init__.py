from . import (
    agreements,
    amendments,
    approvals,
    caps,
    clearance,
    parties,
    permits,
    price_indexes,
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
    "price_indexes",
    "rate_cards",
    "usage",
    "webhooks",
]
