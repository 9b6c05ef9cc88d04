"""The ledger: balances, entries, exchange rates."""

from . import exchange, journal

__all__ = ["exchange", "journal"]
