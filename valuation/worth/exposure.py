"""Exposure: how much of a twin has been seen lately, and what that does to its worth.

Exposure is counted in audience-weighted synthetic hours and halves every half-life.
Scarcity is 1 for an unseen twin and falls towards a floor; it recovers by decay alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from talent.errors import Refused

ZERO, HALF, ONE = Decimal(0), Decimal("0.5"), Decimal(1)


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
    """Hours of a twin seen on one channel on one day."""

    on: date
    channel: str
    hours: Decimal


@dataclass(frozen=True, slots=True)
class Curve:
    """Scarcity m(E) = 1 / (1 + (E / half_at)^steepness), and never less than the floor.

    The defaults are mild: no published model of a replica's over-exposure exists, and studies
    of endorsers find decreasing returns rather than collapse.
    """

    half_at: Decimal
    steepness: Decimal = Decimal("1.5")
    floor: Decimal = Decimal("0.4")

    def __post_init__(self) -> None:
        if self.half_at <= 0 or self.steepness <= 0 or not ZERO <= self.floor <= ONE:
            raise BadExposureParameters(
                "Half value and steepness are above zero and the floor is between 0 and 1."
            )


@dataclass(frozen=True, slots=True)
class Depreciation:
    """What a plan's exposure takes off a twin's worth; `loss` is R_depreciation."""

    before: Decimal
    after: Decimal

    @property
    def loss(self) -> Decimal:
        return self.before - self.after


def remaining(exposure: Decimal, days: int, half_life_days: Decimal) -> Decimal:
    """Return what is left of an exposure after some days."""
    return exposure * HALF ** (Decimal(days) / half_life_days)


def exposure_of(
    seen: Iterable[SeenHours], channels: Mapping[str, ChannelWeight], as_of: date
) -> dict[str, Decimal]:
    """Return each channel's exposure, in weighted hours, at the end of a day.

    Days after it do not count. `channels` has every channel of `seen`.
    """
    exposure = dict.fromkeys(channels, ZERO)
    for sighting in seen:
        if sighting.on <= as_of:
            channel = channels[sighting.channel]
            hours = channel.weight * sighting.hours
            age = (as_of - sighting.on).days
            exposure[sighting.channel] += remaining(hours, age, channel.half_life_days)
    return exposure


def scarcity(exposure: Decimal, curve: Curve) -> Decimal:
    """Return the factor, from 1 down to the floor, that an exposure leaves of a twin's worth."""
    return max(curve.floor, ONE / (ONE + (exposure / curve.half_at) ** curve.steepness))


def depreciation(
    unseen_value: Decimal, exposure: Decimal, planned: Decimal, curve: Curve
) -> Depreciation:
    """Compare a twin's worth before and after a plan adds its exposure.

    `unseen_value` is what the twin would be worth had nobody seen it, in any currency.
    """
    before = unseen_value * scarcity(exposure, curve)
    after = unseen_value * scarcity(exposure + planned, curve)
    return Depreciation(before, after)
