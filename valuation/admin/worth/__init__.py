"""Valuations, scenarios, and the figures that twins and their exposure stand on."""

from . import exposure, scenario_items, scenarios, valuations

__all__ = ["exposure", "scenario_items", "scenarios", "valuations"]
