from . import (
    cash,
    closing,
    invoices,
    ledger,
    opening,
    reports,
    residuals,
    schedule,
    statements,
    worth,
)

__all__ = [
    "cash",
    "closing",
    "invoices",
    "ledger",
    "opening",
    "reports",
    "residuals",
    "schedule",
    "statements",
    "worth",
]
