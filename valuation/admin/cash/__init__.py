"""Money that comes in, goes out, is held, and is owed beside use."""

from . import (
    bank_details,
    bank_lines,
    beside_use,
    directions,
    disputes,
    payee_checks,
    payouts,
    plan_payees,
    receipts,
    reconciliation,
    unclaimed,
)

__all__ = [
    "bank_details",
    "bank_lines",
    "beside_use",
    "directions",
    "disputes",
    "payee_checks",
    "payouts",
    "plan_payees",
    "receipts",
    "reconciliation",
    "unclaimed",
]
