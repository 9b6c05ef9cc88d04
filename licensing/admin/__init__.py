from . import (
    agreements,
    approvals,
    archives,
    clearance,
    imports,
    letters,
    parties,
    prompts,
    sandbox,
    usage,
    webhooks,
)

__all__ = [
    "agreements",
    "approvals",
    "archives",
    "clearance",
    "imports",
    "letters",
    "parties",
    "prompts",
    "sandbox",
    "usage",
    "webhooks",
]
