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
    """Somebody who gets a share of the money: their weight, and deductions in percent.

    Where a guild's agency rules apply, `commission_cap` is the highest commission they allow, and
    `scale_carries_commission` is False: guild scale is free of commission. Raises
    DeductionsTooHigh if a rate is below zero or all add up to more than 100 %.
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
    """An earning (`gross`), the part that pays back an advance (`credit`), and the rest (`net`)."""

    gross: Decimal
    credit: Decimal
    net: Decimal


def waterfall(received: Received, payees: Sequence[Payee], currency: str) -> tuple[StepAmount, ...]:
    """Divide the money received so far among the payees, step by step.

    The SHARE steps add up to the amount received, and so do all other steps together. Commission is
    a percentage of the share, or of the share less its scale; the minor's trust and the
    withholding are percentages of the whole share. A deduction takes no more than is left.
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
    """Return target less posted under each key, without zeros; below zero is to be taken back."""
    keys = dict.fromkeys([*targets, *posted])
    due = {key: targets.get(key, ZERO) - posted.get(key, ZERO) for key in keys}
    return {key: amount for key, amount in due.items() if amount}


def amounts_by_step(steps: Iterable[StepAmount]) -> dict[tuple[Hashable, ReleaseStep], Decimal]:
    """Return each step's amount by (payee, step)."""
    return {(step.payee, step.step): step.amount for step in steps}


def recoup(earned: Iterable[Decimal], open_advance: Decimal) -> tuple[Recoupment, ...]:
    """Pay an open advance back from earnings, in their order; negative ones pay nothing back."""
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
    """Limit a deduction to what is left; if that is negative, to no more than the deficit."""
    return min(left, amount) if left >= 0 else max(left, amount)
