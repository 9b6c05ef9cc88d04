from . import (
    beside_use,
    exchange,
    exposure,
    ledger,
    nights,
    residuals,
    scenario_items,
    scenarios,
    share_changes,
    statements,
    usage,
    worth,
)

__all__ = [
    "beside_use",
    "exchange",
    "exposure",
    "ledger",
    "nights",
    "residuals",
    "scenario_items",
    "scenarios",
    "share_changes",
    "statements",
    "usage",
    "worth",
]
