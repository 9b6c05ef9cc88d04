from . import (
    agreements,
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
