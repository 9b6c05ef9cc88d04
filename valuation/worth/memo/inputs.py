"""Inputs in words: the figure that stands for one, and its distribution in a line."""

from decimal import Decimal

import numpy as np
from django.utils.translation import gettext as _

from talent import locales
from valuation.words import Spreading
from valuation.worth.scenario.input_figures import InputFigures, weighted_values

HALF = np.array([0.5])


def middle_of(figures: InputFigures) -> float:
    """Return what an input is shown as: its most likely value, or else its median."""
    if figures.middle is not None:
        return float(figures.middle)
    return float(figures.distribution().at(HALF)[0])


def to_four_figures(figures: InputFigures) -> float:
    """Return a median without the digits that nobody reads; what was filled in stays whole."""
    middle = middle_of(figures)
    return middle if figures.middle is not None else float(f"{middle:.4g}")


def figures_in_words(figures: InputFigures, locale: str) -> str:
    """Write a distribution in a line, as “PERT 1.1 – 2.3 – 6”."""

    def write(value: Decimal | None) -> str:
        return "–" if value is None else locales.quantity(value, locale)

    name = _(figures.spreading.label)
    match figures.spreading:
        case Spreading.FIXED:
            return f"{name} {write(figures.middle)}"
        case Spreading.NORMAL:
            bounds = f", {write(figures.low)} … {write(figures.high)}"
            text = f"{name} {write(figures.middle)} ± {write(figures.deviation)}"
            return text + (bounds if figures.low is not None or figures.high is not None else "")
        case Spreading.DISCRETE:
            pairs = weighted_values(figures.values)
            return f"{name}: " + ", ".join(f"{write(v)} ({write(w)})" for v, w in pairs)
        case _:
            parts = (figures.low, figures.middle, figures.high)
            return f"{name} " + " – ".join(write(one) for one in parts if one is not None)
