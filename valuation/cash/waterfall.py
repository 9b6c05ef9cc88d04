"""The waterfall: who gets what, step by step, in a fixed order.

What is owed: the true-up to a guarantee, then advances, which use pays back. What was received:
shares, commission, a minor's trust, withholding, what is kept for an advance, what is held in
reserve, and the rest is payable. Contributions come on top. All figures are cumulative; the caller
posts each step's target less what was posted for it.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
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


def true_up(guaranteed: Decimal, earned: Decimal) -> Decimal:
    """Return what is missing of a period's guarantee; nothing if more was earned."""
    return max(guaranteed - earned, ZERO)


@dataclass(frozen=True, slots=True)
class Earned:
    """What was earned in a period; `until` is the first day after it."""

    key: Hashable
    until: date
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Advanced:
    """An amount that was due on a day, ahead of the use that pays it back."""

    due_on: date
    amount: Decimal


def recoup_over_time(
    earned: Iterable[Earned], advances: Iterable[Advanced]
) -> dict[Hashable, Decimal]:
    """Return how much of each earning pays advances back, in the order of the earnings.

    An advance is paid back by what is earned in the periods that end after its day, and what one
    does not pay back is left to the next.
    """
    waiting = sorted(advances, key=lambda advance: advance.due_on)
    still_open, paid_back = ZERO, {}
    for earning in earned:
        while waiting and waiting[0].due_on < earning.until:
            still_open += waiting.pop(0).amount
        (row,) = recoup([earning.gross], still_open)
        still_open -= row.credit
        paid_back[earning.key] = row.credit
    return paid_back


@dataclass(frozen=True, slots=True)
class Net:
    """What deductions leave of a payee's money that was received before a day, `until`.

    `reserve` is the percentage that is held back of it for now; zero where it is released.
    """

    key: Hashable
    until: date
    amount: Decimal
    reserve: Decimal = ZERO
    cap_group: Hashable = None
    most_held: Decimal | None = None


def keep_back(
    nets: Sequence[Net],
    advances: Iterable[Advanced],
    currency: str,
) -> tuple[StepAmount, ...]:
    """Take off a payee's nets what they were advanced, then what is held in reserve.

    Nets pay the advances back in their order. The reserve is a percentage of what is left of each,
    rounded once; nets of one `cap_group` hold no more than their `most_held` in all. The rest is
    payable.
    """
    earned = (Earned(net.key, net.until, net.amount) for net in nets)
    paid_back = recoup_over_time(earned, advances)
    held_so_far: dict[Hashable, Decimal] = defaultdict(Decimal)
    steps: list[StepAmount] = []
    for net in nets:
        left = net.amount - paid_back[net.key]
        held = max(rounded(_percent(left, net.reserve), currency), ZERO)
        if net.most_held is not None:
            held = max(min(held, net.most_held - held_so_far[net.cap_group]), ZERO)
        held_so_far[net.cap_group] += held
        steps += [
            StepAmount(net.key, ReleaseStep.RECOUPED, net.amount, HUNDRED, paid_back[net.key]),
            StepAmount(net.key, ReleaseStep.RESERVE, left, net.reserve, held),
            StepAmount(net.key, ReleaseStep.PAYABLE, left, HUNDRED, left - held),
        ]
    return tuple(steps)


def commission_on_scale(agreed: Decimal, scale_portion: Decimal, multiple: Decimal) -> Decimal:
    """Return the commission in percent of a pay of which a part (0 to 1) is guild scale.

    It is taken of what is above scale only: the ten on scale where the pay is scale plus ten, or
    the agreed percentage of all that is above scale, whichever is more. Pay below scale ×
    `multiple` carries none. Source: SAG-AFTRA Agency Regulations XI(A) and XI(B).
    """
    if scale_portion * multiple > 1:
        return ZERO
    above = 1 - scale_portion
    return max(agreed * above, min(HUNDRED * above, agreed * scale_portion))


def contribution(
    pay: Decimal, paid_before: Decimal, percent: Decimal, ceiling: Decimal | None, currency: str
) -> StepAmount:
    """Return what a plan is owed for a pay: percent × the part of it below the ceiling.

    `paid_before` is the pay on the same unit (picture, episode) that has used the ceiling up.
    """
    base = pay if ceiling is None else max(min(pay, ceiling - paid_before), ZERO)
    amount = rounded(_percent(base, percent), currency)
    return StepAmount(None, ReleaseStep.CONTRIBUTION, base, percent, amount)


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
