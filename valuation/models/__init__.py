from .contributions import Contribution
from .exchange import ExchangeRate
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
    "Contribution",
    "ExchangeRate",
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
    "Statement",
    "StatementLine",
    "StatementStep",
    "UsageTotal",
    "Valuation",
    "ValuationTerm",
]
