"""Cap advice: how many hours a year pay a talent most, all in all.

More hours of an agreement pay more fees, and wear what all else earns. The best limit is that at
which the present value of the fees, less the value lost, is highest. Where more hours always pay
more, there is no such limit, and that is what is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from talent.errors import Refused
from valuation.worth.twin.exposure import DIGITS, ONE, ZERO, ChannelWeight
from valuation.worth.twin.royalty_relief import (
    DAYS_A_YEAR,
    MONTHS_A_YEAR,
    Income,
    Month,
    Outlook,
    Terms,
    TwinInputs,
    forecast,
    still_agreed,
)

STEPS, FEWER_STEPS = 24, 12
HALF, TWICE = Decimal("0.5"), Decimal(2)


class NoAdvice(Refused):
    """Without a fee, or hours to choose from, there is nothing to advise."""

    code = "no_cap_advice"


@dataclass(frozen=True, slots=True)
class CapPlan:
    """What an agreement would pay an hour, where, and the most hours a year anybody would use.

    `fee` is net of commission. `share_worn` is the part of the fee that wears as prices do: 0 where
    the rate card holds whatever happens, 1 where each year's fee follows the price left.
    """

    channel: str
    fee: Decimal
    most_hours: Decimal
    share_worn: Decimal = ONE
    congruence: Decimal = ZERO

    def __post_init__(self) -> None:
        if self.fee <= 0 or self.most_hours <= 0:
            raise NoAdvice("An hour has a fee, and some hours a year can be chosen.")
        if not ZERO <= self.share_worn <= ONE or not -ONE <= self.congruence <= ONE:
            raise NoAdvice("The part that wears is from 0 to 1, and fit from −1 to 1.")


@dataclass(frozen=True, slots=True)
class Point:
    """One limit: the present values of its fees and of what it takes from all else."""

    hours: Decimal
    fees: Decimal
    lost: Decimal

    @property
    def gain(self) -> Decimal:
        return self.fees - self.lost


@dataclass(frozen=True, slots=True)
class Advice:
    """The best limit of hours a year, and the curve that it is read off."""

    best: Point
    curve: tuple[Point, ...]

    @property
    def has_limit(self) -> bool:
        """Whether the best is below the most hours: else no cap pays."""
        return self.best.hours < self.curve[-1].hours


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the best limit would be, were one figure another."""

    half_life: Decimal
    half_at: Decimal
    advice: Advice


def advise(inputs: TwinInputs, plan: CapPlan, *, steps: int = STEPS) -> Advice:
    """Return the limit that pays a twin most, of so many evenly spaced. Raises NoAdvice."""
    if plan.channel not in inputs.rules.channels:
        raise NoAdvice(f"There is no rule for the channel “{plan.channel}”.")
    terms = inputs.terms
    agreed = [
        still_agreed(inputs.incomes, month, terms.renewal) for month in range(len(terms.survival))
    ]
    with localcontext(prec=DIGITS):
        alone = _present(_path(inputs, inputs.outlook, terms), agreed)
        curve = tuple(
            _point(inputs, plan, terms, agreed, plan.most_hours * step / steps, alone)
            for step in range(steps + 1)
        )
        # Of equal ones the first: who gains nothing by more hours needs no more.
        return Advice(max(curve, key=lambda point: point.gain), curve)


def sensitivity(inputs: TwinInputs, plan: CapPlan) -> list[Sensitivity]:
    """Return the advice where half-lives are half or twice, and where it wears more or less.

    Factors are those of half-lives and of the hours at which the price is half.
    """
    cases = [(HALF, ONE), (TWICE, ONE), (ONE, HALF), (ONE, TWICE)]
    return [
        Sensitivity(
            half_life,
            half_at,
            advise(_scaled(inputs, half_life, half_at), plan, steps=FEWER_STEPS),
        )
        for half_life, half_at in cases
    ]


def _path(inputs: TwinInputs, outlook: Outlook, terms: Terms) -> Sequence[Month]:
    """Return what 1 a month is worth in each month, as exposure goes."""
    one_a_month = (Income(Decimal(MONTHS_A_YEAR)),)
    return forecast(one_a_month, outlook, (), inputs.rules, terms).months


def _present(path: Sequence[Month], amounts: Sequence[Decimal]) -> Decimal:
    return sum((month.present * amount for month, amount in zip(path, amounts, strict=True)), ZERO)


def _point(
    inputs: TwinInputs,
    plan: CapPlan,
    terms: Terms,
    agreed: Sequence[Decimal],
    hours: Decimal,
    alone: Decimal,
) -> Point:
    path = _path(inputs, _with_pace(inputs, plan, hours), terms)
    fee = hours * plan.fee / MONTHS_A_YEAR
    held = ONE - plan.share_worn
    fees = fee * sum(
        (month.present * (plan.share_worn + held / month.price_left) for month in path), ZERO
    )
    return Point(hours, fees, alone - _present(path, agreed))


def _with_pace(inputs: TwinInputs, plan: CapPlan, hours: Decimal) -> Outlook:
    """Return the outlook with some hours a year more; fit is that of both, by their pace."""
    outlook, weight = inputs.outlook, inputs.rules.channels[plan.channel].weight
    added = hours * weight / DAYS_A_YEAR
    before = sum(outlook.pace.values(), ZERO)
    pace = {**outlook.pace, plan.channel: outlook.pace.get(plan.channel, ZERO) + added}
    whole = before + added
    fit = (
        (before * outlook.congruence + added * plan.congruence) / whole
        if whole
        else outlook.congruence
    )
    return replace(outlook, pace=pace, congruence=fit)


def _scaled(inputs: TwinInputs, half_life: Decimal, half_at: Decimal) -> TwinInputs:
    rules = inputs.rules
    channels = {
        name: ChannelWeight(channel.weight, channel.half_life_days * half_life)
        for name, channel in rules.channels.items()
    }
    curve = replace(rules.curve, half_at=rules.curve.half_at * half_at)
    return replace(inputs, rules=replace(rules, channels=channels, curve=curve))
