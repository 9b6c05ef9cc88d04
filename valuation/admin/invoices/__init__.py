"""Invoices to licensees, their terms and delays, and self-billing."""

from . import invoices, late, self_billing

__all__ = ["invoices", "late", "self_billing"]
