from . import (
    agreements,
    archives,
    clearance,
    imports,
    letters,
    parties,
    prompts,
    usage,
)

__all__ = [
    "agreements",
    "archives",
    "clearance",
    "imports",
    "letters",
    "parties",
    "prompts",
    "usage",
]
