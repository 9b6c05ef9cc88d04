"""Invoices as data by EN 16931: what one says, which rules it breaks, and how it is written.

Pure: no Django, no database, no clock. `semantic` is the norm's model, `rules` are its business
rules as far as what the desk writes can break them, `ubl` writes UBL 2.1.
"""

from . import rules, ubl
from .semantic import (
    CREDIT_NOTES,
    Document,
    Line,
    Party,
    PayTo,
    Preceding,
    Tax,
    TaxSubtotal,
    TypeCode,
)

__all__ = [
    "CREDIT_NOTES",
    "Document",
    "Line",
    "Party",
    "PayTo",
    "Preceding",
    "Tax",
    "TaxSubtotal",
    "TypeCode",
    "rules",
    "ubl",
]
