from .contributions import Contribution
from .ledger import Account, JournalEntry, Posting, ReleasedPart, Remittance, RemittanceMatch
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
    "Scenario",
    "Statement",
    "StatementLine",
    "StatementStep",
    "UsageTotal",
    "Valuation",
    "ValuationTerm",
]
