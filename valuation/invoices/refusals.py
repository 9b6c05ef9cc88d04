"""Why an invoice is not drawn up, approved, issued or handed out."""

from talent.errors import Refused


class NothingToInvoice(Refused):
    """Everything that was posted by that day stands on an invoice, or none may be drawn up."""

    code = "nothing_to_invoice"


class NotThatDay(Refused):
    """A day to come, or one before what was invoiced already."""

    code = "not_that_day"


class NotItsTurn(Refused):
    """A step was tried that is not the invoice's next one."""

    code = "not_its_turn"


class ChangedSince(Refused):
    """The invoice is not the one that the approver saw."""

    code = "changed_since"


class NoReason(Refused):
    """Something was to be discarded without a reason."""

    code = "no_reason"


class BreaksTheNorm(Refused):
    """What is known of the parties does not make an invoice by EN 16931."""

    code = "breaks_the_norm"


class NothingToClaim(Refused):
    """Nothing is late, or by no rate that may be relied on, or all of it was claimed."""

    code = "nothing_to_claim"


class NobodyToWriteTo(Refused):
    """The licensee has no address for mails."""

    code = "nobody_to_write_to"


class NoRate(Refused):
    """No rate of VAT is known that may be relied on."""

    code = "no_rate_of_vat"


class PaperNotDrawn(Refused):
    """The document is not drawn yet, or cannot be reached, or is not the one that was issued."""

    code = "paper_not_drawn"


class WhoseIsUnknown(Refused):
    """Nobody has said whose money the interest on an agreement's late payments is."""

    code = "whose_interest_is_unknown"
