from .bank_details import BankDetails, BankDetailsDecision
from .bank_lines import BankBalance, BankCsvMapping, BankFile, BankLine, BankLineStep
from .closing import PeriodClose, PeriodCloseStep
from .contributions import Contribution
from .delivery import DeliveryLink, DigestOptOut, MonthlyDigest, ScheduledReport
from .disputes import Dispute, DisputeMessage, DisputeMove, DisputeStep
from .exchange import ExchangeRate
from .exposure import (
    Congruence,
    ExposureRun,
    LegalAssessment,
    SeenTime,
    TwinValuation,
    WorthParameter,
)
from .invoices import BillingDetails, Invoice, InvoiceLine, InvoiceStep, PaymentTerms
from .issue_runs import IssueItem, IssueRun
from .ledger import (
    Account,
    JournalEntry,
    Posting,
    ReleasedPart,
    Remittance,
    RemittanceMatch,
    ReversalDecision,
    ReversalRequest,
)
from .opening import Opening, OpeningBalance, OpeningDecision
from .payouts import PayoutPayment, PayoutRun, PayoutStep
from .receipts import (
    CashAllocation,
    CashAllocationItem,
    CashDecision,
    CashRequest,
    SearchNote,
)
from .residuals import (
    NightFailure,
    NightRun,
    NightShard,
    RatedAgreement,
    Reading,
    Recoupment,
    ResidualLine,
    UsageMonth,
    UsageStretch,
    UsageTotal,
)
from .scenarios import (
    InputCorrelation,
    PlannedExposure,
    Scenario,
    ScenarioInput,
    ScenarioItem,
)
<<<<<<< HEAD
from .schedule import (
    Absence,
    CastMember,
    Character,
    Scene,
    ScenePart,
    Screenplay,
    ScreenplayRevision,
    ShootingLocation,
)
=======
from .self_billing import SelfBillingAgreement, SelfBillingStep
>>>>>>> 02f3fed (wip all)
from .statements import LastingCopy, Statement, StatementLine, StatementStep
from .worth import Valuation, ValuationRun, ValuationTerm

__all__ = [
    "Absence",
    "Account",
    "BankBalance",
    "BankCsvMapping",
    "BankDetails",
    "BankDetailsDecision",
    "BankFile",
    "BankLine",
    "BankLineStep",
    "BillingDetails",
    "CashAllocation",
    "CashAllocationItem",
    "CashDecision",
    "CashRequest",
    "CastMember",
    "Character",
    "Congruence",
    "Contribution",
    "DeliveryLink",
    "DigestOptOut",
    "Dispute",
    "DisputeMessage",
    "DisputeMove",
    "DisputeStep",
    "ExchangeRate",
    "ExposureRun",
    "InputCorrelation",
    "Invoice",
    "InvoiceLine",
    "InvoiceStep",
    "IssueItem",
    "IssueRun",
    "JournalEntry",
    "LastingCopy",
    "LegalAssessment",
    "MonthlyDigest",
    "NightFailure",
    "NightRun",
    "NightShard",
    "Opening",
    "OpeningBalance",
    "OpeningDecision",
    "PaymentTerms",
    "PayoutPayment",
    "PayoutRun",
    "PayoutStep",
    "PeriodClose",
    "PeriodCloseStep",
    "PlannedExposure",
    "Posting",
    "RatedAgreement",
    "Reading",
    "Recoupment",
    "ReleasedPart",
    "Remittance",
    "RemittanceMatch",
    "ResidualLine",
    "ReversalDecision",
    "ReversalRequest",
    "Scenario",
    "ScenarioInput",
    "ScenarioItem",
    "Scene",
    "ScenePart",
    "ScheduledReport",
    "Screenplay",
    "ScreenplayRevision",
    "SearchNote",
    "SeenTime",
<<<<<<< HEAD
    "ShootingLocation",
=======
    "SelfBillingAgreement",
    "SelfBillingStep",
>>>>>>> 02f3fed (wip all)
    "Statement",
    "StatementLine",
    "StatementStep",
    "TwinValuation",
    "UsageMonth",
    "UsageStretch",
    "UsageTotal",
    "Valuation",
    "ValuationRun",
    "ValuationTerm",
    "WorthParameter",
]
