"""Exposure: how much of a twin has been seen lately, and what that leaves of its price.

Exposure is counted in audience-weighted synthetic hours and halves every half-life of its channel.
Scarcity is 1 for an unseen twin and falls towards a floor; it recovers by decay alone. How well
uses fit the person moves the price, too (congruence), and so does whether all are for one licensee
or of one kind (concentration). Both weigh the more, the more exposure there is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from functools import lru_cache

from talent.errors import Refused

ZERO, HALF, ONE = Decimal(0), Decimal("0.5"), Decimal(1)
DIGITS = 28


class BadExposureParameters(Refused):
    """A weight, half-life or curve parameter is out of its range."""

    code = "bad_exposure_parameters"


@dataclass(frozen=True, slots=True)
class ChannelWeight:
    """How much an hour on a channel counts, and in how many days that amount halves."""

    weight: Decimal
    half_life_days: Decimal

    def __post_init__(self) -> None:
        if self.weight < 0 or self.half_life_days <= 0:
            raise BadExposureParameters(
                "A channel's weight is zero or more and its half-life above zero."
            )


@dataclass(frozen=True, slots=True)
class SeenHours:
    """Hours of a twin seen on one channel on one day, for one licensee, in one kind of use.

    `congruence` is how well the use fits the person, from −1 (not at all) to 1 (wholly).
    """

    on: date
    channel: str
    hours: Decimal
    congruence: Decimal = ZERO
    licensee: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """Scarcity m(E) = 1 / (1 + (E / half_at)^steepness), and never less than the floor."""

    half_at: Decimal
    steepness: Decimal
    floor: Decimal

    def __post_init__(self) -> None:
        if self.half_at <= 0 or self.steepness <= 0 or not ZERO <= self.floor <= ONE:
            raise BadExposureParameters(
                "Half value and steepness are above zero and the floor is between 0 and 1."
            )


@dataclass(frozen=True, slots=True)
class WearRules:
    """What exposure does: the channels, the curve, and how much fit and concentration move.

    `congruence` is the part of the price that wholly fitting uses add, and wholly unfitting ones
    take away, of a twin that was seen everywhere. `concentration` is the part that is lost where
    all was for one licensee or of one kind. Both are from 0 to below 1.
    """

    channels: Mapping[str, ChannelWeight]
    curve: Curve
    congruence: Decimal = ZERO
    concentration: Decimal = ZERO

    def __post_init__(self) -> None:
        if not (ZERO <= self.congruence < ONE and ZERO <= self.concentration < ONE):
            raise BadExposureParameters(
                "What fit and concentration move of a price is from 0 to below 1."
            )


@dataclass(frozen=True, slots=True)
class Wear:
    """How much a twin was seen, at the end of a day.

    `congruence` is the mean fit of what was seen, `concentration` the Herfindahl index (from 0 to
    1) of its licensees or of its kinds of use, whichever is more concentrated.
    """

    by_channel: Mapping[str, Decimal]
    congruence: Decimal = ZERO
    concentration: Decimal = ZERO

    @property
    def exposure(self) -> Decimal:
        """In audience-weighted hours."""
        return sum(self.by_channel.values(), ZERO)


@dataclass(frozen=True, slots=True)
class Depreciation:
    """What a plan's exposure takes off a twin's worth; `loss` is R_depreciation."""

    before: Decimal
    after: Decimal

    @property
    def loss(self) -> Decimal:
        return self.before - self.after


def remaining(exposure: Decimal, days: int | Decimal, half_life_days: Decimal) -> Decimal:
    """Return what is left of an exposure after some days."""
    return exposure * _left(Decimal(days), half_life_days)


@lru_cache(maxsize=50_000)
def _left(days: Decimal, half_life_days: Decimal) -> Decimal:
    with localcontext(prec=DIGITS):
        return HALF ** (days / half_life_days)


def _left_of(sighting: SeenHours, channels: Mapping[str, ChannelWeight], as_of: date) -> Decimal:
    if sighting.on > as_of:
        return ZERO
    channel = channels[sighting.channel]
    age = (as_of - sighting.on).days
    return remaining(channel.weight * sighting.hours, age, channel.half_life_days)


@dataclass
class _Tally:
    by_channel: dict[str, Decimal]
    fit: Decimal = ZERO
    licensees: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    categories: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def wear_of(seen: Iterable[SeenHours], rules: WearRules, as_of: date) -> Wear:
    """Return how much a twin was seen at the end of a day. Days after it do not count."""
    tally = _Tally(dict.fromkeys(rules.channels, ZERO))
    with localcontext(prec=DIGITS):
        for sighting in seen:
            left = _left_of(sighting, rules.channels, as_of)
            tally.by_channel[sighting.channel] += left
            tally.fit += left * sighting.congruence
            tally.licensees[sighting.licensee] += left
            tally.categories[sighting.category] += left
        exposure = sum(tally.by_channel.values(), ZERO)
        if not exposure:
            return Wear(tally.by_channel)
        concentration = max(herfindahl(tally.licensees), herfindahl(tally.categories))
        return Wear(tally.by_channel, tally.fit / exposure, concentration)


def herfindahl(parts: Mapping[str, Decimal]) -> Decimal:
    """Return the Herfindahl index of parts: 1 where one has all, 1/n where n have the same."""
    whole = sum(parts.values(), ZERO)
    return sum(((part / whole) ** 2 for part in parts.values()), ZERO) if whole else ZERO


def scarcity(exposure: Decimal, curve: Curve) -> Decimal:
    """Return the factor, from 1 down to the floor, that an exposure leaves of a twin's worth."""
    return max(curve.floor, ONE / (ONE + (exposure / curve.half_at) ** curve.steepness))


def price_left(
    exposure: Decimal, congruence: Decimal, concentration: Decimal, rules: WearRules
) -> Decimal:
    """Return the part of an unseen twin's price that is left: scarcity × fit × concentration.

    It may be above 1 where what was seen fits well.
    """
    with localcontext(prec=DIGITS):
        # From 0 for an unseen twin towards 1: the first minute moves nothing by a jump.
        known = exposure / (exposure + rules.curve.half_at)
        fit = ONE + rules.congruence * congruence * known
        spread = ONE - rules.concentration * concentration * known
        return scarcity(exposure, rules.curve) * fit * spread
