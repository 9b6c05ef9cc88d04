"""The plainest amount of an item, for models that a test or a benchmark writes by hand."""

from collections.abc import Mapping
from dataclasses import dataclass

from valuation.worth.draw.distributions import Draws


@dataclass(frozen=True, slots=True)
class Product:
    """Quantity × rate, and whatever else multiplies them: the keys of inputs."""

    factors: tuple[str, ...]

    def of(self, values: Mapping[str, Draws]) -> Draws:
        amount = values[self.factors[0]]
        for key in self.factors[1:]:
            amount = amount * values[key]
        return amount
