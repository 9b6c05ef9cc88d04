from . import beside_use, ledger, residuals, share_changes, statements, usage, worth

__all__ = [
    "beside_use",
    "ledger",
    "residuals",
    "share_changes",
    "statements",
    "usage",
    "worth",
]
