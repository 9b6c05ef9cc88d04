"""Balances at go-live, and old statements compared."""

from . import opening

__all__ = ["opening"]
