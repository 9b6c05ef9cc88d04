"""The waterfall: who gets what of the money received, step by step, in a fixed order.

All figures are cumulative; the caller posts each step's target less what was posted for it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TypeVar

from licensing.money import EXACT, allocate, rounded
from talent.errors import Refused
from valuation.words import ReleaseStep

ZERO, HUNDRED = Decimal(0), Decimal(100)
Key = TypeVar("Key", bound=Hashable)


class DeductionsTooHigh(Refused):
    code = "deductions_too_high"


@dataclass(frozen=True, slots=True)
class Received:
    """Money received so far; `scale` is the part of it that is guild scale."""

    amount: Decimal
    scale: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Payee:
    """One who shares in the money: by what weight, and what is taken off, in percent.

    Where the guild's agency rules apply, `commission_cap` is their highest commission and
    `scale_carries_commission` is false. Raises DeductionsTooHigh.
    """

    key: Hashable
    weight: Decimal = Decimal(1)
    commission: Decimal = ZERO
    commission_cap: Decimal | None = None
    scale_carries_commission: bool = True
    minor_trust: Decimal = ZERO
    withholding: Decimal = ZERO

    def __post_init__(self) -> None:
        rates = (self.commission_rate, self.minor_trust, self.withholding)
        if min(rates) < 0 or sum(rates) > HUNDRED:
            raise DeductionsTooHigh(
                f"Deductions of {' + '.join(map(str, rates))} % would leave less than nothing."
            )

    @property
    def commission_rate(self) -> Decimal:
        """The commission in percent, never above its cap."""
        if self.commission_cap is None:
            return self.commission
        return min(self.commission, self.commission_cap)


@dataclass(frozen=True, slots=True)
class StepAmount:
    """What one step comes to for one payee: base × rate percent, rounded once.

    Shares, deductions and what is payable are all counted as amounts above zero.
    """

    payee: Hashable
    step: ReleaseStep
    base: Decimal
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Recoupment:
    """An earning, what of it pays back an advance, and what is left."""

    gross: Decimal
    credit: Decimal
    net: Decimal


def waterfall(received: Received, payees: Sequence[Payee], currency: str) -> tuple[StepAmount, ...]:
    """Divide the money received so far among the payees, step by step.

    The shares add up to the amount received, and so do all other steps. Commission is taken on
    the share without its scale where the rule says so, the minor's trust and the withholding
    on the whole share, before commission. A deduction takes no more than is left.
    """
    weights = [payee.weight for payee in payees]
    shares = allocate(received.amount, weights, currency)
    whole = sum(weights, ZERO)
    steps: list[StepAmount] = []
    for payee, share in zip(payees, shares, strict=True):
        part = HUNDRED * payee.weight / whole
        steps.append(StepAmount(payee.key, ReleaseStep.SHARE, received.amount, part, share))
        steps += _deduct(payee, share, _scale_of(share, received, currency), currency)
    return tuple(steps)


def differences(
    targets: Mapping[Key, Decimal], posted: Mapping[Key, Decimal]
) -> dict[Key, Decimal]:
    """Return what is still to be posted under each key; what is no longer due is taken back."""
    keys = dict.fromkeys([*targets, *posted])
    due = {key: targets.get(key, ZERO) - posted.get(key, ZERO) for key in keys}
    return {key: amount for key, amount in due.items() if amount}


def amounts_by_step(steps: Iterable[StepAmount]) -> dict[tuple[Hashable, ReleaseStep], Decimal]:
    """Return each step's amount by (payee, step)."""
    return {(step.payee, step.step): step.amount for step in steps}


def recoup(earned: Iterable[Decimal], open_advance: Decimal) -> tuple[Recoupment, ...]:
    """Return how earnings pay an open advance back, in their order; losses pay nothing back."""
    rows = []
    for gross in earned:
        credit = max(min(gross, open_advance), ZERO)
        open_advance -= credit
        rows.append(Recoupment(gross, credit, gross - credit))
    return tuple(rows)


def _deduct(payee: Payee, share: Decimal, scale: Decimal, currency: str) -> list[StepAmount]:
    """Return what each deduction takes off one payee's share, and what is left to pay."""
    steps: list[StepAmount] = []
    left = share
    for step, base, rate in _deductions(payee, share, scale):
        amount = _at_most(left, rounded(_percent(base, rate), currency))
        steps.append(StepAmount(payee.key, step, base, rate, amount))
        left -= amount
    return [*steps, StepAmount(payee.key, ReleaseStep.PAYABLE, left, HUNDRED, left)]


def _deductions(
    payee: Payee, share: Decimal, scale: Decimal
) -> list[tuple[ReleaseStep, Decimal, Decimal]]:
    commissionable = share if payee.scale_carries_commission else share - scale
    deductions = [
        (ReleaseStep.COMMISSION, commissionable, payee.commission_rate),
        (ReleaseStep.MINOR_TRUST, share, payee.minor_trust),
        (ReleaseStep.WITHHOLDING, share, payee.withholding),
    ]
    return [(step, base, rate) for step, base, rate in deductions if rate]


def _scale_of(share: Decimal, received: Received, currency: str) -> Decimal:
    """Return the part of a share that is scale, never more than the share."""
    if not received.amount or received.scale / received.amount <= 0:
        return ZERO
    with localcontext(EXACT):
        scale = share * received.scale / received.amount
    return _at_most(share, rounded(scale, currency))


def _percent(base: Decimal, rate: Decimal) -> Decimal:
    with localcontext(EXACT):
        return base * rate / HUNDRED


def _at_most(left: Decimal, amount: Decimal) -> Decimal:
    """A deduction from less than nothing gives back no more than is missing."""
    return min(left, amount) if left >= 0 else max(left, amount)
