from .contributions import Contribution
from .exchange import ExchangeRate
from .exposure import Congruence, ExposureRun, SeenTime, TwinValuation, WorthParameter
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
from .residuals import (
    NightFailure,
    NightRun,
    NightShard,
    RatedAgreement,
    Reading,
    Recoupment,
    ResidualLine,
    UsageTotal,
)
from .statements import Statement, StatementLine, StatementStep
from .worth import Assumption, Scenario, Valuation, ValuationTerm

__all__ = [
    "Account",
    "Assumption",
    "Congruence",
    "Contribution",
    "ExchangeRate",
    "ExposureRun",
    "JournalEntry",
    "NightFailure",
    "NightRun",
    "NightShard",
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
    "SeenTime",
    "Statement",
    "StatementLine",
    "StatementStep",
    "TwinValuation",
    "UsageTotal",
    "Valuation",
    "ValuationTerm",
    "WorthParameter",
]
