from .agreements import (
    Agreement,
    AgreementStep,
    Bracket,
    Cap,
    CapYear,
    Grant,
    Multiplier,
    RateCard,
    RateLine,
    RuleSet,
)
from .archives import ArchiveBlock, ArchivedSeconds, EventArchive
from .clearance import ClearanceDecision, Hold, HoldStep
from .log import LogHead
from .parties import ApiKey, Licensee, LicenseeTerms, Production
from .prompts import PromptCommitment, PromptErasure, PromptReveal, PromptText
from .usage import (
    DeadLetter,
    EventKey,
    UsageBatch,
    UsageEvent,
    UsageImport,
    UsageRecord,
)

__all__ = [
    "Agreement",
    "AgreementStep",
    "ApiKey",
    "ArchiveBlock",
    "ArchivedSeconds",
    "Bracket",
    "Cap",
    "CapYear",
    "ClearanceDecision",
    "DeadLetter",
    "EventArchive",
    "EventKey",
    "Grant",
    "Hold",
    "HoldStep",
    "Licensee",
    "LicenseeTerms",
    "LogHead",
    "Multiplier",
    "Production",
    "PromptCommitment",
    "PromptErasure",
    "PromptReveal",
    "PromptText",
    "RateCard",
    "RateLine",
    "RuleSet",
    "UsageBatch",
    "UsageEvent",
    "UsageImport",
    "UsageRecord",
]
