"""The words of valuation: accounts, entries, statements, runs, terms of V."""

from talent.words import Word


class AccountKind(Word):
    """What a ledger account holds. Debits are positive."""

    RECEIVABLE = "receivable", "Receivable from a licensee"
    ACCRUED = "accrued", "Earned, not yet received"
    DISPUTED = "disputed", "Earned and in dispute, not yet received"
    PAYABLE = "payable", "Payable to a beneficiary"
    HELD = "held", "Received, held by a dispute"
    IN_TRANSIT = "in_transit", "With the bank, not paid yet"
    TRUST_CASH = "trust_cash", "Trust cash"
    UNMATCHED = "unmatched", "Licensee's credit"
    COMMISSION = "commission", "Commission"
    MINOR_TRUST = "minor_trust", "Minor's blocked trust"
    WITHHOLDING = "withholding", "Tax withheld"
    ADVANCES = "advances", "Advances to be paid back by use"
    RESERVE = "reserve", "Held in reserve"
    CONTRIBUTIONS = "contributions", "Contributions owed to a plan"
    AGENCY_MONEY = "agency_money", "Agency's own money in trust"
    TAX = "tax", "Tax owed on invoices"
    SELF_BILLED_TAX = "self_billed_tax", "Tax on self-billed invoices"
    PASSED_TAX = "passed_tax", "Tax of payees, still to come from studios"
    EXCHANGE = "exchange", "Money in exchange"
    EXCHANGE_DIFFERENCE = "exchange_difference", "Exchange gains and losses"
    OPENING = "opening", "Counterpart of opening balances"
    SOURCE_TAX = "source_tax", "Tax withheld abroad"
    WRITTEN_OFF = "written_off", "Written off"

    def named(self, party: str, currency: str) -> str:
        """Return an account's full name, as “Payable to Ada Sample (EUR)”; nobody may hold it."""
        name = _HELD_BY[self].format(party) if party and self in _HELD_BY else self.label
        return f"{name} ({currency})"


# What an account is called that somebody holds.
_HELD_BY = {
    AccountKind.RECEIVABLE: "Receivable from {}",
    AccountKind.ACCRUED: "Earned by {}, not yet received",
    AccountKind.DISPUTED: "Earned by {} and in dispute, not yet received",
    AccountKind.PAYABLE: "Payable to {}",
    AccountKind.HELD: "Held for {} by a dispute",
    AccountKind.IN_TRANSIT: "With the bank for {}",
    AccountKind.UNMATCHED: "Credit of {}",
    AccountKind.COMMISSION: "Commission on {}",
    AccountKind.MINOR_TRUST: "Blocked trust of {}",
    AccountKind.WITHHOLDING: "Tax withheld from {}",
    AccountKind.ADVANCES: "Advances to {}",
    AccountKind.RESERVE: "Held in reserve for {}",
    AccountKind.CONTRIBUTIONS: "Contributions for {}",
    AccountKind.TAX: "Tax owed on invoices to {}",
    AccountKind.SELF_BILLED_TAX: "Tax on self-billed invoices of {}",
    AccountKind.PASSED_TAX: "Tax of {}, still to come from studios",
    AccountKind.SOURCE_TAX: "Tax withheld abroad, {}",
    AccountKind.WRITTEN_OFF: "Written off, {}",
}


class EntryKind(Word):
    """Why a journal entry was made."""

    ACCRUAL = "accrual", "Accrual"
    RECEIPT = "receipt", "Receipt"
    RELEASE = "release", "Release of received money"
    GIVE_BACK = "give_back", "Receipt given back to the licensee"
    ADVANCE = "advance", "Advance"
    RECOUPMENT = "recoupment", "Advance paid back by use"
    RESERVE = "reserve", "Reserve held or released"
    CONTRIBUTION = "contribution", "Contribution to a plan"
    PLAN_PAYABLE = "plan_payable", "Contribution received, payable to a plan"
    DISPUTE = "dispute", "Held or freed by a dispute"
    PAYOUT = "payout", "Payout"
    PAYOUT_BOOKED = "payout_booked", "Payout booked by the bank"
    PAYOUT_RETURNED = "payout_returned", "Payout sent back by the bank"
    COMMISSION_DRAWN = "commission_drawn", "Commission drawn"
    INVOICED_TAX = "invoiced_tax", "Tax on an invoice"
    SELF_BILLED_TAX = "self_billed_tax", "Tax on a self-billed invoice"
    CLAIMED_TAX = "claimed_tax", "Tax on an invoice that a studio wrote"
    PASSED_TAX = "passed_tax", "Tax passed on to a payee"
    LATE_INTEREST = "late_interest", "Interest on what is paid late"
    REVALUATION = "revaluation", "Revaluation of foreign money"
    OPENING = "opening", "Opening balance"
    SOURCE_TAX = "source_tax", "Tax withheld abroad"
    WRITE_OFF = "write_off", "Written off"
    REFUND = "refund", "Refund to a licensee"
    REFUND_BOOKED = "refund_booked", "Refund booked by the bank"
    DIRECTION = "direction", "Paid to somebody else by a letter of direction"
    REVERSAL = "reversal", "Reversal"


class OpeningKind(Word):
    """What a desk takes over of an agency's old system, of somebody or in the account."""

    PAYABLE = "payable", "Payable to a payee"
    ACCRUED = "accrued", "Earned by a payee, not yet received"
    ADVANCES = "advances", "Advances to a payee, still to be paid back"
    RESERVE = "reserve", "Held in reserve for a payee"
    RECEIVABLE = "receivable", "Receivable from a licensee"
    TRUST_CASH = "trust_cash", "Trust cash"


class IncomeKind(Word):
    """What a payee was paid for, as a tax return asks."""

    ROYALTIES = "royalties", "Royalties"
    OTHER = "other", "Other income"
    WAGES = "wages", "Wages"


class TaxReport(Word):
    """By which return a year's payments to somebody are reported."""

    FORM_1099_MISC = "1099_misc", "1099-MISC"
    FORM_1042_S = "1042_s", "1042-S"
    PAYMASTER = "paymaster", "Wages, by a paymaster (W-2)"
    NONE = "none", "No return in the United States"
    HELD_OUT = "held_out", "Held out"


class HeldOut(Word):
    """Why payments stand on no return until somebody has looked."""

    NO_FORM = "no_form", "no tax form was in force on the day: ask for a W-9 or W-8"
    OTHER_CURRENCY = "other_currency", "paid in another currency than US dollars: convert it"
    NO_AGREEMENT = "no_agreement", "of no agreement the desk knows: the old system says what for"
    OWN = "own", "paid to an agency itself"
    DIRECTED = "directed", "somebody else’s money, by a letter of direction: look whose income"


class Compared(Word):
    """How a figure of an old system stands to the desk's."""

    EQUAL = "equal", "Equal"
    DIFFERS = "differs", "Differs"
    MISSING_HERE = "missing_here", "Missing here"
    MISSING_THERE = "missing_there", "Missing there"


class OpeningOutcome(Word):
    """What a second person said of opening balances."""

    POSTED = "posted", "Approved and posted"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class BankLineStepKind(Word):
    """What somebody did about a line of a bank."""

    RECORDED = "recorded", "Recorded as received"
    SET_ASIDE = "set_aside", "Set aside"
    TAKEN_UP = "taken_up", "Taken up again"
    PAID_OUT = "paid_out", "Confirmed a payout"
    SENT_BACK = "sent_back", "Sent a payout back"
    COMMISSION = "commission", "Recorded as commission drawn"
    REFUNDED = "refunded", "Confirmed a refund"


class BankDetailsOutcome(Word):
    """What a second person said of bank details that were entered."""

    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class PaymentScheme(Word):
    """The file by which a bank is told whom to pay."""

    ISO20022 = "iso20022", "ISO 20022 (pain.001), as for SEPA"
    NACHA = "nacha", "NACHA, within the United States"


class PayoutHold(Word):
    """Why a payee gets nothing by a run."""

    NO_TAX_FORM = "no_tax_form", "no tax form in force"
    DISPUTED = "disputed", "in dispute"
    BELOW_MINIMUM = "below_minimum", "below the minimum"
    NO_BANK_DETAILS = "no_bank_details", "no approved bank details"
    DETAILS_WAIT = "details_wait", "other bank details wait for approval"
    COOLING_OFF = "cooling_off", "bank details changed a few days ago"
    CAME_BACK = "came_back", "the bank sent a payment to this account back"
    OTHER_FILE = "other_file", "cannot be paid by this kind of file"
    NEGATIVE = "negative", "owes money back; carried"
    BY_HAND = "by_hand", "held by hand"
    NOT_CHECKED = "not_checked", "no check of identity or sanctions that holds"
    CHECK_FAILED = "check_failed", "found on a list, or not identified"


class PayeeCheckKind(Word):
    """What is looked at before somebody is paid."""

    IDENTITY = "identity", "Identity"
    SANCTIONS = "sanctions", "Sanctions lists"


class PayeeCheckOutcome(Word):
    """What a check of a payee found."""

    CLEAR = "clear", "Nothing found"
    FOUND = "found", "Found"
    UNCLEAR = "unclear", "Not clear"


class PayoutRunState(Word):
    """How far a payout run is."""

    DRAWN_UP = "drawn_up", "Waits for approval"
    APPROVED = "approved", "Approved, file not fetched"
    SENT = "sent", "With the bank"
    SETTLED = "settled", "Booked by the bank"
    CANCELLED = "cancelled", "Cancelled"


class PayoutPaymentState(Word):
    """How far the payment of one payee is."""

    HELD = "held", "Held"
    PLANNED = "planned", "Planned"
    IN_TRANSIT = "in_transit", "With the bank"
    PAID = "paid", "Paid"
    RETURNED = "returned", "Sent back"
    TAKEN_BACK = "taken_back", "Payable again"
    CANCELLED = "cancelled", "Cancelled"


class PayoutStepKind(Word):
    """What was done with a payout run or a payment of it."""

    CHANGED = "changed", "Amount changed"
    APPROVED = "approved", "Approved"
    DOWNLOADED = "downloaded", "File fetched"
    CANCELLED = "cancelled", "Cancelled"
    CONFIRMED = "confirmed", "Booked by the bank"
    RETURNED = "returned", "Sent back by the bank"


class CashShare(Word):
    """Whose money in a client account is."""

    PAYABLE = "payable", "Payable to payees"
    HELD = "held", "Held by disputes of a line"
    OWED_BACK = "owed_back", "Owed back by payees, carried"
    IN_TRANSIT = "in_transit", "With the bank, not booked yet"
    COMMISSION = "commission", "Commission not drawn"
    WITHHOLDING = "withholding", "Tax withheld"
    MINOR_TRUST = "minor_trust", "Minors’ blocked trusts"
    RESERVE = "reserve", "Reserves"
    CONTRIBUTIONS = "contributions", "Contributions owed to plans"
    TAX = "tax", "Tax owed on invoices"
    SELF_BILLED_TAX = "self_billed_tax", "Tax on self-billed invoices, for the agency to put in"
    CREDITS = "credits", "Licensees’ credits and on account"
    NOT_RECEIVED = "not_received", "Owed by licensees for contributions and tax, not received"
    AGENCY_MONEY = "agency_money", "Agency’s own money, less what it advanced"
    EXCHANGE = "exchange", "In exchange for other currencies"
    OPENING = "opening", "Opening balances without a counterpart"
    SETTLED = "settled", "Tax withheld abroad and write-offs, not matched"


class ReceiptMeans(Word):
    """By what a licensee's debt is settled: money, or something that stands in its place."""

    MONEY = "money", "Money"
    EXCHANGED = "exchanged", "Money in another currency"
    SOURCE_TAX = "source_tax", "Tax withheld abroad"
    BANK_FEE = "bank_fee", "Bank fee, borne by the agency"
    FORGONE = "forgone", "Written off, borne by the agency"
    WRITTEN_OFF = "written_off", "Written off, borne by the payees"


class Discrepancy(Word):
    """Why a licensee paid another amount than was owed. The first two settle the difference."""

    SOURCE_TAX = "source_tax", "Tax withheld at source abroad"
    BANK_FEE = "bank_fee", "Bank fee, borne by the agency"
    SHORT = "short", "Short payment: the rest stays owed"
    DISPUTED = "disputed", "Disputed by the licensee: the rest stays owed"
    DISCOUNT = "discount", "Discount taken: stays owed until it is written off"
    EXCHANGE = "exchange", "Exchange difference: the rest stays owed"
    OVERPAID = "overpaid", "Overpayment"
    OTHER = "other", "Something else"


class AllocationTarget(Word):
    """What a part of a receipt pays."""

    INVOICE = "invoice", "Invoice"
    AGREEMENT = "agreement", "Agreement"
    LINE = "line", "Single line"
    ON_ACCOUNT = "on_account", "On account"


class CashRequestKind(Word):
    """What moves money or gives it up, and two people decide on."""

    REFUND = "refund", "Refund to a licensee"
    WRITE_OFF = "write_off", "Write-off"
    PAYOUT = "payout", "Payout in another currency"


class Bearer(Word):
    """Who goes without what is written off."""

    PAYEES = "payees", "The payees: what they earned of it falls"
    AGENCY = "agency", "The agency: the payees are paid from its own money"


class CashRequestOutcome(Word):
    """What became of a request to refund, write off or pay out."""

    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class DisputeSide(Word):
    """Who disputes a line."""

    PAYEE = "payee", "Payee"
    LICENSEE = "licensee", "Licensee"


class DisputeReason(Word):
    """What somebody finds wrong with a line."""

    AMOUNT = "amount", "The amount is wrong"
    QUANTITY = "quantity", "The quantity is wrong"
    RATE = "rate", "The rate is wrong"
    SHARE = "share", "The share is wrong"
    NO_SUCH_USE = "no_such_use", "It was not used like that"
    NOT_AGREED = "not_agreed", "It was not agreed"
    MISSING = "missing", "Something is missing"
    DEDUCTION = "deduction", "Too much was taken off"
    OTHER = "other", "Something else"


class DisputeStepKind(Word):
    """What was done about a dispute."""

    PROPOSED = "proposed", "Decision proposed"
    SENT_BACK = "sent_back", "Proposal sent back"
    DECIDED = "decided", "Decided"


class DisputeOutcome(Word):
    """What became of a dispute."""

    UPHELD = "upheld", "Upheld"
    REJECTED = "rejected", "Rejected"
    SETTLED = "settled", "Settled"
    WITHDRAWN = "withdrawn", "Withdrawn"


class DisputeRemedy(Word):
    """What puts right what a dispute found wrong."""

    USE = "use", "Correct the use, or rule on it"
    RATE = "rate", "Correct the rate, and rate anew"
    SHARES = "shares", "Correct the shares"
    RECEIPT = "receipt", "Reverse the receipt"
    OTHER = "other", "Put it right otherwise"


class DisputeState(Word):
    """How far a dispute is."""

    OPEN = "open", "Open"
    PROPOSED = "proposed", "Decision waits for a second person"
    UPHELD = "upheld", "Upheld, correction awaited"
    REJECTED = "rejected", "Rejected"
    SETTLED = "settled", "Settled"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Collector(Word):
    """Who collects what is used once a performer has changed agency."""

    OLD = "old", "This agency goes on collecting under what it signed"
    NEW = "new", "The new agency"


class HandOverStepKind(Word):
    """What was done with a hand-over file."""

    APPROVED = "approved", "Approved"
    FETCHED = "fetched", "Fetched"


class InterestOwner(Word):
    """Whose money is what a licensee pays for having paid late."""

    PAYEES = "payees", "The payees’, like what was paid late"
    AGENCY = "agency", "The agency’s own"


class DirectionKind(Word):
    """By what somebody's money is paid to somebody else."""

    LETTER = "letter", "Letter of direction"
    LEVY = "levy", "Levy or garnishment"


class DirectionBase(Word):
    """What a letter of direction is a percentage of."""

    RECEIVED = "received", "What was received, before deductions"
    PAYABLE = "payable", "What is payable, after deductions"


class DirectionStepKind(Word):
    """What was decided about a letter of direction. The last step is its state."""

    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    END_ASKED = "end_asked", "End asked for"
    STAYS = "stays", "Stays"
    ENDED = "ended", "Ended"


class CashDifference(Word):
    """Why a bank holds another amount than the books say."""

    WAITS = "waits", "Bank lines that nobody has decided about"
    SET_ASIDE = "set_aside", "Bank lines set aside"
    BEFORE = "before", "In the account before the first statement"
    MISSING = "missing", "Moved by statements that are missing between"
    BOOKS_ONLY = "books_only", "In the books, and on no line of the bank until then"


class ProposalReason(Word):
    """Why a line of a bank may be from a licensee."""

    REFERENCE = "reference", "It names what is owed"
    ACCOUNT = "account", "It comes from an account that they paid from before"
    NAME = "name", "The name is theirs"
    AMOUNT = "amount", "The amount is what they owe"
    LIKE_NAME = "like_name", "The name is like theirs"


class ReversalOutcome(Word):
    """What became of a request to reverse an entry."""

    REVERSED = "reversed", "Reversed"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"


class LedgerSyntax(Word):
    """The languages of plain-text accounting, and the programs, that the ledger is exported for."""

    BEANCOUNT = "beancount", "Beancount"
    HLEDGER = "hledger", "hledger"
    XERO = "xero", "Xero (manual journals, CSV)"
    QUICKBOOKS = "quickbooks", "QuickBooks (journals, CSV)"


class RunStatus(Word):
    RUNNING = "running", "Running"
    FINISHED = "finished", "Finished"
    INCOMPLETE = "incomplete", "Finished with failures"
    CANCELLED = "cancelled", "Cancelled"


class Trouble(Word):
    """How a night ended that did not end well, or the drawing of its statements."""

    FAILED = "failed", "Failed"
    INCOMPLETE = "night_incomplete", "Incomplete"
    CANCELLED = "night_cancelled", "Cancelled"
    NOT_DRAWN = "statements_not_drawn", "Statements not drawn"

    @classmethod
    def of(cls, code: str) -> "Trouble":
        """Return the trouble of a failure's code; one that has none failed or was refused."""
        return cls(code) if code in cls.codes() else cls.FAILED


class ReadingKind(Word):
    """What an agreement owes a reading's amount for."""

    USE = "use", "Use, by a rate line"
    TRUE_UP = "true_up", "True-up to the guarantee"
    ADVANCE = "advance", "Advance"
    CONTRIBUTION = "contribution", "Contribution to a plan"
    TAX = "tax", "Tax on an invoice"
    INTEREST = "interest", "Interest on what is paid late"
    PASSED_TAX = "passed_tax", "Tax on a payee's self-billed invoice"
    OPENING = "opening", "Taken over from an old system"


class Undecided(Word):
    """Why something waits for a decision before it can be charged."""

    OUTSIDE = "outside", "Outside the consent"
    OVER_CAP = "over_cap", "Past a cap"
    DISPUTED = "disputed", "Disputed or on hold"
    NO_AGREEMENT = "no_agreement", "Without an agreement"
    NO_RATE = "no_rate", "Without a rate"
    NO_CARD = "no_card", "Before the first rate card"
    SET_ASIDE = "set_aside", "Set aside by the night"
    FAILED = "failed", "Could not be rated"


class ShardStatus(Word):
    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    PARTLY = "partly", "Done, with use set aside"
    FAILED = "failed", "Failed"


class InvoiceKind(Word):
    """What an invoice is. Less than nothing is a credit note."""

    INVOICE = "invoice", "Invoice"
    CREDIT_NOTE = "credit_note", "Credit note"
    COMMISSION = "commission", "Commission invoice"
    COMMISSION_CREDIT = "commission_credit", "Credit note on commission"
    SELF_BILLED = "self_billed", "Self-billed invoice"
    SELF_BILLED_CREDIT = "self_billed_credit", "Self-billed credit note"


class SelfBillingStepKind(Word):
    """What was done about a self-billing agreement, each once."""

    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"
    WITHDRAWN = "withdrawn", "Withdrawn"


class SelfBillingState(Word):
    """How far a self-billing agreement is; whether it has begun or ended, its days say."""

    WAITING = "waiting", "Waits for approval"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TAKEN_BACK = "taken_back", "Taken back"
    WITHDRAWN = "withdrawn", "Withdrawn"


class TaxPoint(Word):
    """When tax on a self-billed invoice becomes due, as a country's rule has it."""

    ISSUE = "issue", "the day on which the invoice is issued"
    PERIOD_END = "period_end", "the last day of the period that it is for"
    PAYMENT = "payment", "the day on which it is paid"


class InvoiceState(Word):
    """How far an invoice is. Whether it is paid is told by the money that was matched to it."""

    DRAFT = "draft", "Waits for approval"
    APPROVED = "approved", "Approved, not issued"
    ISSUED = "issued", "Issued"
    DISCARDED = "discarded", "Discarded"


class InvoicePaid(Word):
    """How far an issued invoice is paid, by the money that was matched."""

    OPEN = "open", "Open"
    PARTLY = "partly", "Partly paid"
    PAID = "paid", "Paid"
    OVERDUE = "overdue", "Overdue"
    CREDIT = "credit", "Credit to use up"
    STATEMENT = "statement", "Settled with the statement"


class Age(Word):
    """For how many days what an invoice asks is late."""

    CREDIT = "credit", "Credits"
    NOT_DUE = "not_due", "Not due"
    TO_30 = "to_30", "1–30 days"
    TO_60 = "to_60", "31–60 days"
    TO_90 = "to_90", "61–90 days"
    OVER_90 = "over_90", "Over 90 days"


class InvoiceStepKind(Word):
    """What was done with an invoice, each once."""

    APPROVED = "approved", "Approved"
    ISSUED = "issued", "Issued"
    DISCARDED = "discarded", "Discarded"


class InvoiceLineKind(Word):
    """What a line of an invoice is for."""

    USE = "use", "Use"
    TRUE_UP = "true_up", "True-up to the guarantee"
    ADVANCE = "advance", "Advance"
    RECOUPMENT = "recoupment", "Advance paid back by use"
    CONTRIBUTION = "contribution", "Contribution to a plan"
    COMMISSION = "commission", "Commission"
    RECEIPT = "receipt", "Received for it"
    TAX = "tax", "Tax"
    PASSED_TAX = "passed_tax", "Tax on a payee's self-billed invoice"


class TaxCategory(Word):
    """How what is invoiced is taxed; the codes of UNCL 5305, which EN 16931 uses."""

    STANDARD = "S", "Usual or reduced rate"
    ZERO = "Z", "Rate of zero"
    EXEMPT = "E", "Exempt"
    REVERSE_CHARGE = "AE", "The customer accounts for it (reverse charge)"
    WITHIN_EU = "K", "Within the EU, to a business"
    EXPORT = "G", "Export"
    OUTSIDE = "O", "Not subject to tax"


class EInvoiceFormat(Word):
    """The machine-readable invoice that a licensee takes beside the PDF."""

    NONE = "none", "None"
    UBL = "ubl", "UBL 2.1 (EN 16931)"
    CII = "cii", "CII (EN 16931)"


class StatementKind(Word):
    BENEFICIARY = "beneficiary", "Beneficiary"
    ROLL_UP = "roll_up", "Agency roll-up"


class StatementStepKind(Word):
    """A step of a statement. The last step taken is the statement's status."""

    DRAFT = "draft", "Draft"
    REVIEWED = "reviewed", "Reviewed"
    APPROVED = "approved", "Approved"
    ISSUED = "issued", "Issued"
    PAID = "paid", "Paid"
    CAME_BACK = "came_back", "Payment came back"


class ReportKind(Word):
    """A list that somebody may have sent to them again and again."""

    STATEMENTS = "statements", "Statements of the last period"
    BANK_LINES = "bank_lines", "Bank lines that nobody has decided about"
    RECEIPTS = "receipts", "Receipts without a match"
    PAYMENTS = "payments", "Payments that the bank has not booked"
    JOURNAL = "journal", "Journal of the last period"


class Cadence(Word):
    """How often a report is sent."""

    DAILY = "daily", "Daily"
    WEEKLY = "weekly", "Weekly"
    MONTHLY = "monthly", "Monthly"


class LinkState(Word):
    """Whether a link that was mailed opens anything."""

    GOOD = "good", "Works"
    EXPIRED = "expired", "Expired"
    REVOKED = "revoked", "Revoked"


class StatementWarning(Word):
    """What somebody looks at twice before a statement goes out."""

    NEGATIVE = "negative", "owes money back"
    FIRST_TIME = "first_time", "was never paid before"
    CHANGED = "changed", "more than half away from the last one"
    NEW_ACCOUNT = "new_account", "bank details changed"
    DETAILS_WAIT = "details_wait", "bank details wait for approval"
    NO_ACCOUNT = "no_account", "no approved bank details"


class CloseStepKind(Word):
    """What somebody did about the close of a period. The last step is its state."""

    ASKED = "asked", "Asked to close"
    CLOSED = "closed", "Closed"
    NOT_CLOSED = "not_closed", "Not closed"
    REOPEN_ASKED = "reopen_asked", "Closed, asked to reopen"
    REOPENED = "reopened", "Reopened"
    KEPT_CLOSED = "kept_closed", "Stays closed"


class CloseItem(Word):
    """What an accountant looks at before a period is closed."""

    NIGHTS = "nights", "Nights to the end of the period, with their statements"
    FAILURES = "failures", "Agreements that the night could not rate"
    HELD = "held", "Uses that wait for a ruling"
    UNPRICED = "unpriced", "Agreements with uses that have no price"
    BANK_FILES = "bank_files", "Bank accounts without a statement to the end of the period"
    BANK_LINES = "bank_lines", "Bank lines that nobody has decided about"
    RECONCILIATION = "reconciliation", "Differences between bank and books"
    RECEIPTS = "receipts", "Receipts without a match"
    INVOICES = "invoices", "Invoices to issue"
    DISPUTED_LINES = "disputed_lines", "Lines in dispute"
    DISPUTES = "disputes", "Payees with money in dispute"
    TO_REVIEW = "to_review", "Statements to review"
    TO_APPROVE = "to_approve", "Statements to approve"
    TO_ISSUE = "to_issue", "Statements to issue"
    UNPLANNED = "unplanned", "Payees with money in no payout run"
    RUNS = "runs", "Payments of runs that wait for approval"
    TRANSIT = "transit", "Payments that the bank has not booked"
    CONTRIBUTIONS = "contributions", "Contributions not remitted to plans"


class IssueState(Word):
    """How far one statement of an issue run is."""

    WAITING = "waiting", "Waits"
    AT_WORK = "at_work", "Is drawn and signed"
    ISSUED = "issued", "Issued"
    FAILED = "failed", "Failed"


class Section(Word):
    """The part of a statement a line stands in."""

    USAGE = "usage", "Usage"
    ADJUSTMENT = "adjustment", "Prior-period adjustment"
    HELD = "held", "Held"
    TRUE_UP = "true_up", "True-up to the guarantee"
    ADVANCE = "advance", "Advance"
    INTEREST = "interest", "Interest on what was paid late"
    RECOUPMENT = "recoupment", "Advance paid back by use"
    CONTRIBUTION = "contribution", "Contribution to a plan"
    RECEIPT = "receipt", "Received"
    DEDUCTION = "deduction", "Deduction"
    PAYOUT = "payout", "Paid out"
    OPENING = "opening", "Opening balance"


class Term(Word):
    """The five terms of V."""

    SAVINGS = "c_savings", "Savings"
    EXPANSION = "m_expansion", "Expansion"
    LICENSING = "l_licensing", "Licensing"
    COMPUTE = "t_compute", "Compute"
    DEPRECIATION = "r_depreciation", "Depreciation"


class WorthParameter(Word):
    """A dated figure that exposure, or the worth of a twin by itself, stands on."""

    HALF_LIFE = "half_life", "Half-life of exposure, in days"
    WEIGHT = "weight", "What an hour on the channel counts for"
    HALF_AT = "half_at", "Weighted hours at which the price is half"
    STEEPNESS = "steepness", "How steeply the price falls there"
    FLOOR = "floor", "The part of the price that no exposure takes"
    CONGRUENCE = "congruence", "What the fit of uses moves"
    CONCENTRATION = "concentration", "What is lost where all is for one licensee or use"
    DISCOUNT_LIVING = "discount_living", "Discount rate a year, while the performer lives"
    DISCOUNT_ESTATE = "discount_estate", "Discount rate a year, of an estate or persona"
    GROWTH = "growth", "Growth of royalties a year"
    RENEWAL = "renewal", "Chance that an agreement goes on for another year"
    ECONOMIC_LIFE = "economic_life", "Years in which a twin earns"
    TAX = "tax", "Tax rate of a buyer"
    TAX_YEARS = "tax_years", "Years in which a buyer writes the price off"
    AGE_OF_DEATH = "age_of_death", "Age at which most people die"
    AGE_SPREAD = "age_spread", "Spread of that age, in years"


class View(Word):
    """Whose view a scenario takes: who saves, earns and pays."""

    STUDIO = "studio", "Studio"
    INDEPENDENT = "independent", "Independent producer"


class InputRole(Word):
    """What an input is to its item: an item's amount is the product of its inputs."""

    QUANTITY = "quantity", "Quantity"
    TIMES = "times", "Times, for each of these"
    RATE = "rate", "Rate"
    SHARE = "share", "Share or probability"


class Spreading(Word):
    """The distribution of an input: what it may come to, and how likely."""

    FIXED = "fixed", "Fixed"
    UNIFORM = "uniform", "Uniform"
    TRIANGULAR = "triangular", "Triangular"
    PERT = "pert", "PERT"
    NORMAL = "normal", "Normal, within bounds"
    LOGNORMAL = "lognormal", "Lognormal"
    DISCRETE = "discrete", "One of some values"


class SourceStanding(Word):
    """How far a source holds. What names no source is an assumption."""

    MEASURED = "measured", "Measured"
    PUBLISHED = "published", "Published"
    AGREED = "agreed", "Agreed"
    ASSUMPTION = "assumption", "Assumption"


class ReleaseStep(Word):
    """How a payee's received money is divided, in this order."""

    SHARE = "share", "Share of what was received"
    COMMISSION = "commission", "Agency commission"
    MINOR_TRUST = "minor_trust", "Minor's blocked trust"
    WITHHOLDING = "withholding", "Tax withheld"
    RECOUPED = "recouped", "Kept for an advance"
    RESERVE = "reserve", "Held in reserve"
    PAYABLE = "payable", "Payable"
    CONTRIBUTION = "contribution", "Contribution to a plan, on top"


class PlanCost(Word):
    """What a cost of a schedule's plan is for."""

    WORK = "work", "Performers at work"
    HOLD = "hold", "Performers on hold"
    TRAVEL = "travel", "Travel"
    UNIT = "unit", "Shooting unit"
    MOVE = "move", "Moves between places"
    SECOND_UNIT = "second_unit", "Second unit for stunts"
    CROWD = "crowd", "Crowd"
    SET_UP = "set_up", "Set-up of a twin"
    COMPUTE = "compute", "Compute"
    POST = "post", "Post-production"
    QUALITY = "quality", "Checking and mending"
    FEE = "fee", "Fee for a twin's use"
    RISK = "risk", "Price of quality risk"


class Bar(Word):
    """Why a scene's part cannot be played as an option says."""

    CONSENT = "consent", "Consent does not allow it"
    STATIC = "static", "A static replica plays scripted lines only"
    RESONANCE = "resonance", "High resonance stays in person"


class PlanLimit(Word):
    """What bounds a plan of a schedule."""

    BUDGET = "budget", "Budget"
    QUALITY = "quality", "Quality checks"
    CAP = "cap", "Cap"
    SHARE = "share", "Share in person"
    LOCK = "lock", "Lock"
    CONSENT = "consent", "Consent"
    STATIC = "static", "Scripted lines only"
    RESONANCE = "resonance", "High resonance"


class ScriptFormat(Word):
    """What a script's file is written in."""

    FOUNTAIN = "fountain", "Fountain"
    FINAL_DRAFT = "fdx", "Final Draft"


class Setting(Word):
    """Whether a scene plays indoors."""

    INTERIOR = "int", "INT"
    EXTERIOR = "ext", "EXT"
    BOTH = "int_ext", "INT/EXT"
    OTHER = "other", "Neither said"


class PlanStage(Word):
    """What solving a plan is at."""

    WAITS = "waits", "Waits for a worker"
    ASSIGNS = "assigns", "Chooses who plays what"
    EXPLAINS = "explains", "Tries what would help"
    ORDERS_ALL = "orders_all", "Orders everything in person"
    ORDERS = "orders", "Orders what stays in person"
    DONE = "done", "Solved"
