"""What is refused of payout runs, and why."""

from talent.errors import Refused


class NotThatDay(Refused):
    """A day on which no bank would pay: past, or far off."""

    code = "not_that_day"


class NoAccountOfItsOwn(Refused):
    """The agency has no approved client account in the currency."""

    code = "no_account_of_its_own"


class NobodyToPay(Refused):
    """Nothing is payable to anybody, or all of it is held."""

    code = "nobody_to_pay"


class NotItsTurn(Refused):
    """A step that is not the run's next one."""

    code = "not_its_turn"


class ChangedSince(Refused):
    """What was drawn up holds no more: an account changed, money fell, somebody is held."""

    code = "changed_since"


class NotPayableAmount(Refused):
    """An amount that is not above zero, too fine, or more than is payable."""

    code = "not_payable_amount"


class NoReason(Refused):
    """Whoever holds or lessens a payment says why."""

    code = "no_reason"


class NotOfAPayout(Refused):
    """A line of the bank that no payment in transit, or booked, explains."""

    code = "not_of_a_payout"


class FileChanged(Refused):
    """The stored file is not the one that was approved."""

    code = "file_changed"
