from . import ledger, residuals, statements, worth

__all__ = ["ledger", "residuals", "statements", "worth"]
