"""Invoices as data by EN 16931: what one says, which rules it breaks, and how it is written.

Pure: no Django, no database, no clock. `semantic` is the norm's model, `rules` are its business
rules as far as what the desk writes can break them, `ubl` and `cii` write its two syntaxes.
"""

from . import cii, factur_x, rules, ubl
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
    "cii",
    "factur_x",
    "rules",
    "ubl",
]
