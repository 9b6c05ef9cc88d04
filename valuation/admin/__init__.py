from . import ledger, residuals, statements, usage, worth

__all__ = ["ledger", "residuals", "statements", "usage", "worth"]
