from . import ledger, residuals, share_changes, statements, usage, worth

__all__ = ["ledger", "residuals", "share_changes", "statements", "usage", "worth"]
