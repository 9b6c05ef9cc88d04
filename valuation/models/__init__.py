from .ledger import Account, JournalEntry, Posting, Remittance, RemittanceMatch
from .residuals import NightFailure, NightRun, NightShard, Reading, ResidualLine, UsageTotal
from .statements import Statement, StatementLine, StatementStep
from .worth import Assumption, Scenario, Valuation, ValuationTerm

__all__ = [
    "Account",
    "Assumption",
    "JournalEntry",
    "NightFailure",
    "NightRun",
    "NightShard",
    "Posting",
    "Reading",
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
