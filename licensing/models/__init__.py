from .agreements import (
    Agreement,
    AgreementStep,
    Bracket,
    Grant,
    Multiplier,
    RateCard,
    RateLine,
    RuleSet,
)
from .archives import ArchiveBlock, ArchivedSeconds, EventArchive
from .caps import Cap, CapAlert, CapReservation, CapYear, ReservedUnits
from .clearance import ClearanceBatch, ClearanceDecision, Hold, HoldStep
from .log import LogHead
from .parties import ApiKey, Licensee, LicenseeTerms, Production
from .permits import Permit, PermitRevocation, SigningKey
from .prompts import PromptCommitment, PromptErasure, PromptReveal, PromptText
from .sheets import LetterStep, SheetMapping, UsageSheet
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
    "CapAlert",
    "CapReservation",
    "CapYear",
    "ClearanceBatch",
    "ClearanceDecision",
    "DeadLetter",
    "EventArchive",
    "EventKey",
    "Grant",
    "Hold",
    "HoldStep",
    "LetterStep",
    "Licensee",
    "LicenseeTerms",
    "LogHead",
    "Multiplier",
    "Permit",
    "PermitRevocation",
    "Production",
    "PromptCommitment",
    "PromptErasure",
    "PromptReveal",
    "PromptText",
    "RateCard",
    "RateLine",
    "ReservedUnits",
    "RuleSet",
    "SheetMapping",
    "SigningKey",
    "UsageBatch",
    "UsageEvent",
    "UsageImport",
    "UsageRecord",
    "UsageSheet",
]
