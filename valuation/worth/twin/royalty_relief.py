"""Relief from royalty: what a twin's licence income to come is worth, with and without a plan.

The income approach of IVS 210 and ISO 10668: whoever owned the twin would not have to pay the
royalties that licensees pay. What they paid lately is forecast month by month, times what exposure
leaves of the price, times the chance that the right still stands, discounted to today. With and
without a plan the difference is what the plan takes off the twin's worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from talent.errors import Refused
from valuation.worth.discounting.tax import amortisation_benefit
from valuation.worth.twin.exposure import (
    DIGITS,
    ONE,
    ZERO,
    Depreciation,
    WearRules,
    price_left,
    remaining,
)

MONTHS_A_YEAR = 12
DAYS_A_YEAR = Decimal("365.25")
DAYS_A_MONTH = DAYS_A_YEAR / MONTHS_A_YEAR
HALF_A_MONTH = Decimal("0.5")
LN_2 = Decimal(2).ln()


class BadForecast(Refused):
    """A discount, growth, renewal or number of months is out of its range."""

    code = "bad_forecast"


@dataclass(frozen=True, slots=True)
class Income:
    """What one agreement brings a year, had nobody seen the twin.

    `ends_in` is in how many months it ends; None: it does not.
    """

    a_year: Decimal
    ends_in: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Exposure now, and how much comes to it each day where use goes on, in weighted hours.

    Both by channel. Fit and concentration stay what they are.
    """

    levels: Mapping[str, Decimal]
    pace: Mapping[str, Decimal]
    congruence: Decimal = ZERO
    concentration: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PlannedHours:
    """Hours that a plan adds on a channel, evenly from one day on for some days.

    `begins_in` is in days from today, `lasts` in days; 0: all at once. `congruence` is how well
    they fit the person, from −1 to 1.
    """

    channel: str
    hours: Decimal
    congruence: Decimal = ZERO
    begins_in: int = 0
    lasts: int = 0

    def __post_init__(self) -> None:
        if self.hours < 0 or self.begins_in < 0 or self.lasts < 0:
            raise BadForecast("Planned hours are zero or more, and begin today or later.")
        if not -ONE <= self.congruence <= ONE:
            raise BadForecast("How well planned hours fit is from −1 to 1.")


@dataclass(frozen=True, slots=True)
class Terms:
    """How income to come is valued; rates are fractions a year.

    `renewal` is the chance that an agreement that ended goes on for another year. `survival` has
    the chance that the right still stands in each month of the economic life.
    """

    discount: Decimal
    growth: Decimal
    renewal: Decimal
    survival: Sequence[Decimal]

    def __post_init__(self) -> None:
        if self.discount <= -ONE or self.growth <= -ONE or not ZERO <= self.renewal <= ONE:
            raise BadForecast(
                "Discount and growth are above −100 %, and a renewal is a chance from 0 to 1."
            )


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a forecast; `income` is expected and nominal, `present` its worth today."""

    number: int
    exposure: Decimal
    price_left: Decimal
    income: Decimal
    present: Decimal


@dataclass(frozen=True, slots=True)
class Forecast:
    months: tuple[Month, ...]

    @property
    def value(self) -> Decimal:
        """The present value of all months, not rounded."""
        return sum((month.present for month in self.months), ZERO)


@dataclass(frozen=True, slots=True)
class WithAndWithout:
    """A twin's forecast without a plan and with it."""

    without: Forecast
    with_plan: Forecast

    @property
    def depreciation(self) -> Depreciation:
        return Depreciation(self.without.value, self.with_plan.value)


def compare(
    incomes: Sequence[Income],
    outlook: Outlook,
    planned: Sequence[PlannedHours],
    rules: WearRules,
    terms: Terms,
) -> WithAndWithout:
    """Forecast a twin's income without a plan's exposure and with it (the plan's fees are not in).

    Raises BadForecast for a channel without a rule.
    """
    return WithAndWithout(
        forecast(incomes, outlook, (), rules, terms),
        forecast(incomes, outlook, planned, rules, terms),
    )


def forecast(
    incomes: Sequence[Income],
    outlook: Outlook,
    planned: Sequence[PlannedHours],
    rules: WearRules,
    terms: Terms,
) -> Forecast:
    """Forecast a twin's income month by month, each seen from its middle."""
    unknown = {plan.channel for plan in planned} - rules.channels.keys()
    if unknown:
        raise BadForecast(f"There is no rule for the channel “{min(unknown)}”.")
    with localcontext(prec=DIGITS):
        growth = (ONE + terms.growth) ** (ONE / MONTHS_A_YEAR)
        discount = ONE / (ONE + terms.discount) ** (ONE / MONTHS_A_YEAR)
        scale = growth * discount
        half_on, half_scaled = growth**HALF_A_MONTH, scale**HALF_A_MONTH
        months, nominal, scaled = [], half_on, half_scaled
        for number, survives in enumerate(terms.survival):
            day = (number + HALF_A_MONTH) * DAYS_A_MONTH
            exposure, left = seen_then(day, outlook, planned, rules)
            expected = still_agreed(incomes, number, terms.renewal) * left * survives
            months.append(Month(number, exposure, left, expected * nominal, expected * scaled))
            nominal, scaled = nominal * growth, scaled * scale
        return Forecast(tuple(months))


def seen_then(
    day: Decimal, outlook: Outlook, planned: Sequence[PlannedHours], rules: WearRules
) -> tuple[Decimal, Decimal]:
    """Return exposure some days from now, in weighted hours, and what it leaves of the price."""
    going_on = ZERO
    for name, channel in rules.channels.items():
        level, pace = outlook.levels.get(name, ZERO), outlook.pace.get(name, ZERO)
        if level or pace:
            going_on += _going_on(level, pace, day, channel.half_life_days)
    exposure, fit = going_on, going_on * outlook.congruence
    for plan in planned:
        added = _left_of_plan(plan, day, rules)
        exposure, fit = exposure + added, fit + added * plan.congruence
    congruence = fit / exposure if exposure else ZERO
    return exposure, price_left(exposure, congruence, outlook.concentration, rules)


def _going_on(level: Decimal, pace: Decimal, days: Decimal, half_life: Decimal) -> Decimal:
    """Return what is left of a level, and of a pace a day that has gone on for some days."""
    left = remaining(ONE, days, half_life)
    return level * left + pace * half_life / LN_2 * (ONE - left)


def _left_of_plan(plan: PlannedHours, day: Decimal, rules: WearRules) -> Decimal:
    channel = rules.channels[plan.channel]
    hours, half_life = plan.hours * channel.weight, channel.half_life_days
    since = day - plan.begins_in
    if since <= 0:
        return ZERO
    if not plan.lasts:
        return remaining(hours, since, half_life)
    running = min(since, Decimal(plan.lasts))
    reached = _going_on(ZERO, hours / plan.lasts, running, half_life)
    return remaining(reached, since - running, half_life)


def still_agreed(incomes: Sequence[Income], month: int, renewal: Decimal) -> Decimal:
    """Return what a month is expected to bring before wear: agreements end, and some go on."""
    return sum(
        (
            income.a_year / MONTHS_A_YEAR * _goes_on(income.ends_in, month, renewal)
            for income in incomes
        ),
        ZERO,
    )


def _goes_on(ends_in: Decimal | None, month: int, renewal: Decimal) -> Decimal:
    """Return the chance that an agreement runs in a month: each year after its end is another."""
    if ends_in is None or month < ends_in:
        return ONE
    return renewal ** (int((month - ends_in) / MONTHS_A_YEAR) + 1)


def survival_of_life(
    age: Decimal | None, mode: Decimal, spread: Decimal, months: int
) -> list[Decimal]:
    """Return the chance to be alive in each month from now, by Gompertz's law.

    `mode` is the age at which most die, `spread` its width, in years. Without an age: 1.
    """
    if age is None:
        return [ONE] * months
    with localcontext(prec=DIGITS):
        now = ((age - mode) / spread).exp()
        return [
            (now * (ONE - (Decimal(month) / MONTHS_A_YEAR / spread).exp())).exp()
            for month in range(months)
        ]


@dataclass(frozen=True, slots=True)
class Rights:
    """How long the right in a likeness stands, as far as it is known.

    `age` is that of a living performer; `years_after_death` what the law of their home gives;
    `ends_in` in how many years the right of somebody deceased ends. None: not known, or no end.
    """

    age: Decimal | None = None
    years_after_death: int | None = None
    ends_in: Decimal | None = None
    source: str = ""

    def survival(self, mode: Decimal, spread: Decimal, months: int) -> list[Decimal]:
        """Return the chance that the right stands in each month; for the figures see above."""
        if self.ends_in is not None:
            stands = self.ends_in * MONTHS_A_YEAR
            return [ONE if month + HALF_A_MONTH < stands else ZERO for month in range(months)]
        alive = survival_of_life(self.age, mode, spread, months)
        # Who dies leaves a right for some years: it is gone only so long after the death.
        later = (self.years_after_death or 0) * MONTHS_A_YEAR
        return [alive[max(0, month - later)] for month in range(months)]


@dataclass(frozen=True, slots=True)
class TwinInputs:
    """All that a twin's worth is reckoned from, in one case; rates are fractions a year.

    `years` is the economic life; a buyer saves `tax` of the price over `tax_years`.
    """

    rules: WearRules
    incomes: tuple[Income, ...]
    outlook: Outlook
    discount: Decimal
    growth: Decimal
    renewal: Decimal
    rights: Rights
    age_of_death: Decimal
    age_spread: Decimal
    years: int
    tax: Decimal
    tax_years: int

    @property
    def terms(self) -> Terms:
        months = self.years * MONTHS_A_YEAR
        survival = self.rights.survival(self.age_of_death, self.age_spread, months)
        return Terms(self.discount, self.growth, self.renewal, survival)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a twin is worth in one case, not rounded; the tax benefit is in `value`."""

    value: Decimal
    tax_benefit: Decimal


def worth_of(inputs: TwinInputs) -> Worth:
    """Return a twin's relief from royalty with the tax amortisation benefit of its buyer.

    Raises BadForecast, NoBenefit.
    """
    before = forecast(inputs.incomes, inputs.outlook, (), inputs.rules, inputs.terms).value
    factor = amortisation_benefit(tax=inputs.tax, discount=inputs.discount, years=inputs.tax_years)
    with localcontext(prec=DIGITS):
        return Worth(before * factor, before * (factor - ONE))


def compare_for(inputs: TwinInputs, planned: Sequence[PlannedHours]) -> WithAndWithout:
    """As `compare`, of a twin in one case."""
    return compare(inputs.incomes, inputs.outlook, planned, inputs.rules, inputs.terms)
