from .agreements import (
    Agreement,
    AgreementStep,
    Bracket,
    Grant,
    Multiplier,
    RateCard,
    RateLine,
    RuleSet,
    SignedCommission,
)
from .amendments import Amendment, AmendmentStep
from .approvals import (
    ApprovalAnswer,
    ApprovalAsking,
    ApprovalNotice,
    ApprovalPart,
    ApprovalRequest,
    ApprovalSpending,
)
from .archives import ArchiveBlock, ArchivedUnits, EventArchive
from .audits import Audit, AuditStep
from .caps import Cap, CapAlert, CapReservation, CapYear, ReservedUnits
from .clearance import ClearanceBatch, ClearanceDecision, Hold, HoldStep
from .deal_terms import DealTerms
from .documents import AgreementClause, AgreementDocument, Clause
from .escalators import Escalator, IndexFigure, PriceIndex
from .findings import (
    AgreementFact,
    FindingSet,
    RuleFinding,
    RuleOverride,
    RuleOverrideStep,
)
from .leaves import Replacement, ReportedPeriod, Ruling, RulingReason, is_replaced
from .log import LogHead
from .money_terms import Advance, Guarantee
from .obligations import CalendarAddress, ObligationTick
from .offers import OfferGrant, OfferStep, OfferTaking, StandingOffer
from .parties import ApiKey, Brand, Licensee, LicenseeTerms, Production
from .permits import LeakedKey, Permit, PermitRevocation, SigningKey
from .prompts import PromptCommitment, PromptErasure, PromptReveal, PromptText
from .proposals import Proposal
from .renewals import Renewal
from .sandbox import SandboxEvent
from .sheets import LetterStep, SheetMapping, UsageSheet
from .signing import (
    Signatory,
    SignedScan,
    SignedScanStep,
    SigningEvent,
    SigningLink,
    SigningRound,
)
from .transfers import Transfer, TransferStep
from .usage import (
    DeadLetter,
    EventKey,
    UsageBatch,
    UsageEvent,
    UsageImport,
    UsageRecord,
)
from .usage_sums import UsageSum
from .webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookMessage

__all__ = [
    "Advance",
    "Agreement",
    "AgreementClause",
    "AgreementDocument",
    "AgreementFact",
    "AgreementStep",
    "Amendment",
    "AmendmentStep",
    "ApiKey",
    "ApprovalAnswer",
    "ApprovalAsking",
    "ApprovalNotice",
    "ApprovalPart",
    "ApprovalRequest",
    "ApprovalSpending",
    "ArchiveBlock",
    "ArchivedUnits",
    "Audit",
    "AuditStep",
    "Bracket",
    "Brand",
    "CalendarAddress",
    "Cap",
    "CapAlert",
    "CapReservation",
    "CapYear",
    "Clause",
    "ClearanceBatch",
    "ClearanceDecision",
    "DeadLetter",
    "DealTerms",
    "Escalator",
    "EventArchive",
    "EventKey",
    "FindingSet",
    "Grant",
    "Guarantee",
    "Hold",
    "HoldStep",
    "IndexFigure",
    "LeakedKey",
    "LetterStep",
    "Licensee",
    "LicenseeTerms",
    "LogHead",
    "Multiplier",
    "ObligationTick",
    "OfferGrant",
    "OfferStep",
    "OfferTaking",
    "Permit",
    "PermitRevocation",
    "PriceIndex",
    "Production",
    "PromptCommitment",
    "PromptErasure",
    "PromptReveal",
    "PromptText",
    "Proposal",
    "RateCard",
    "RateLine",
    "Renewal",
    "Replacement",
    "ReportedPeriod",
    "ReservedUnits",
    "RuleFinding",
    "RuleOverride",
    "RuleOverrideStep",
    "RuleSet",
    "Ruling",
    "RulingReason",
    "SandboxEvent",
    "SheetMapping",
    "Signatory",
    "SignedCommission",
    "SignedScan",
    "SignedScanStep",
    "SigningEvent",
    "SigningKey",
    "SigningLink",
    "SigningRound",
    "StandingOffer",
    "Transfer",
    "TransferStep",
    "UsageBatch",
    "UsageEvent",
    "UsageImport",
    "UsageRecord",
    "UsageSheet",
    "UsageSum",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookMessage",
    "is_replaced",
]
