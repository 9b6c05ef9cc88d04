"""Why a self-billing agreement is not decided on, or no invoice is written by it."""

from talent.errors import Refused


class NotItsTurn(Refused):
    """A step was tried that is not the agreement's next one."""

    code = "not_its_turn"


class NoReason(Refused):
    """Something was rejected or withdrawn without a reason."""

    code = "no_reason"


class NotThatDay(Refused):
    """A withdrawal counts from a day on which invoices were written already."""

    code = "not_that_day"


class SomethingIsMissing(Refused):
    """Self-billing is agreed, and what the invoice has to say is not known."""

    code = "something_is_missing"


class NoNumber(Refused):
    """What a studio issues itself was asked for before it told the number that it gave it."""

    code = "no_number"
